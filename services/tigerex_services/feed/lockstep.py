"""A replay without time: each message is applied and answered before the next one is looked at.

Everything is one function of the capture and the state of the core, so two runs give the same
events. For tests, and for asking what a strategy would have met.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from tigerex_core import Core
from tigerex_core.records import (
    COMMAND_WIDTH,
    Command,
    CommandKind,
    OrderType,
    Rows,
    SelfTrade,
    TimeInForce,
    pack_name,
)
from tigerex_services.feed.capture import Message, Other
from tigerex_services.feed.exchange_client import House
from tigerex_services.feed.intents import Intent, Party, Place
from tigerex_services.feed.replay import Replay

ANSWERS_MAX = 1_000  # batches of strategies' commands that one message may cause

Respond = Callable[[Rows], Rows | None]
"""What strategies do about events: command rows, without times, or None."""


class Lockstep:
    """Drives a core with a replay and the strategies that answer to it."""

    def __init__(
        self, core: Core, replay: Replay, house: House, market_id: int, *, seq: int, time_ns: int
    ) -> None:
        self._core = core
        self._replay = replay
        self._house = house
        self._market_id = market_id
        self._seq = seq
        self._time_ns = time_ns

    def run(
        self, messages: Iterable[tuple[int, Message]], respond: Respond | None = None
    ) -> Iterator[Rows]:
        """The events of each batch, in order. Raises RuntimeError where answers never end."""
        for line, message in messages:
            if isinstance(message, Other):
                continue
            intents = self._replay.apply(line, message)
            commands: Rows | None = self._rows(intents) if intents else None
            for _ in range(ANSWERS_MAX):
                if commands is None or not len(commands):
                    break
                events = self._apply(commands, message.time_ns)
                yield events
                commands = respond(events) if respond else None
            else:
                raise RuntimeError(f"line {line} caused more than {ANSWERS_MAX} answers")

    def _apply(self, commands: Rows, time_ns: int) -> Rows:
        """Strictly increasing times, as the exchange stamps them."""
        first = max(self._time_ns + 1, time_ns)
        commands[:, Command.TIME_NS] = np.arange(first, first + len(commands))
        self._time_ns = first + len(commands) - 1
        self._seq += 1
        return self._core.apply(commands, self._seq)

    def _rows(self, intents: list[Intent]) -> Rows:
        rows = np.zeros((len(intents), COMMAND_WIDTH), dtype=np.int64)
        for row, intent in zip(rows, intents, strict=True):
            row[Command.REQUEST_HI] = int.from_bytes(intent.key[:8], "big", signed=True)
            row[Command.REQUEST_LO] = int.from_bytes(intent.key[8:], "big", signed=True)
            row[Command.MARKET] = self._market_id
            row[Command.NAME : Command.OTHER_NAME] = pack_name(intent.name)
            if isinstance(intent, Place):
                self._fill_place(row, intent)
            else:
                row[Command.KIND] = CommandKind.CANCEL_ORDER
                row[Command.ACCOUNT] = self._house.maker
        return rows

    def _fill_place(self, row: Rows, intent: Place) -> None:
        is_maker = intent.party is Party.MAKER
        row[Command.KIND] = CommandKind.PLACE_ORDER
        row[Command.ACCOUNT] = self._house.of(intent.party)
        row[Command.SIDE] = intent.side
        row[Command.ORDER_TYPE] = OrderType.LIMIT
        row[Command.TIME_IN_FORCE] = TimeInForce.GTC if is_maker else TimeInForce.IOC
        row[Command.PRICE] = intent.price
        row[Command.QUANTITY] = intent.quantity
        row[Command.SELF_TRADE] = SelfTrade.NONE
