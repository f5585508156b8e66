"""One bot in this process: its strategy's fold, what it wants done, how much of that is done."""

import logging
from collections import deque
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
from opentelemetry.trace import SpanContext
from tigerex.bots.v1 import bots_pb2, runner_pb2

from tigerex_core.records import Rows
from tigerex_quant import KERNEL_VERSION, Fold, Strategy
from tigerex_quant import kernel as k
from tigerex_quant.kernel import Ints
from tigerex_quant.translate import SHORT_ID_CHARS, Own, account_events
from tigerex_services.bot_config import kernel_config
from tigerex_services.bot_trades import AssetOf, bot_trades
from tigerex_services.instruments import MarketInfo

logger = logging.getLogger(__name__)

STATUS: Final = {
    k.IDLE: bots_pb2.BOT_STATUS_STARTING,
    k.STARTING: bots_pb2.BOT_STATUS_STARTING,
    k.RUNNING: bots_pb2.BOT_STATUS_RUNNING,
    k.PAUSED: bots_pb2.BOT_STATUS_PAUSED,
    k.STOPPED: bots_pb2.BOT_STATUS_UNSPECIFIED,  # the bots service knows better
    k.COMPLETED: bots_pb2.BOT_STATUS_COMPLETED,
    k.FAILED: bots_pb2.BOT_STATUS_FAILED,
}
REASONS: Final = {
    k.INVESTMENT_TOO_SMALL: "the investment is too small for the market's price; raise it",
    k.AMOUNT_TOO_SMALL: "the amount no longer buys one lot at the market's price; raise it",
    k.TOO_MANY_INTENTS: "one journal entry caused more orders than a bot may place",
}
DECISIONS_KEPT: Final = 1_024
NO_INTENTS: Final = np.zeros((0, k.INTENT_WIDTH), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Decision:
    """When an order was decided: the time of the event it answers, and the trace it belongs to."""

    time_ns: int
    trace: SpanContext


class RunningBot:
    """A bot that this process holds. Everything it does follows from the events it is given."""

    def __init__(
        self, assignment: runner_pb2.Assignment, market: MarketInfo, asset_of: AssetOf
    ) -> None:
        spec = assignment.bot.spec
        self.bot_id = assignment.bot.bot_id
        self.short_id = UUID(self.bot_id).hex[:SHORT_ID_CHARS]
        self.account_id = assignment.bot.account_id
        self.market = market
        self._asset_of = asset_of
        self._own = Own(self.account_id, self.short_id, market.base.asset_id, market.quote.asset_id)
        self.start_seq = assignment.start_seq
        self.epoch = assignment.epoch
        self.dropped = False
        strategy, config = kernel_config(spec.config, market)
        self.fold, self.skip_until = _resumed(assignment, strategy, config)
        # Wanted and not acknowledged, in order; the first `in_flight` of them are being sent.
        self.outbox: deque[Ints] = deque()
        self.in_flight = 0
        self.emitted = 0
        self.trades: deque[bots_pb2.BotTrade] = deque()
        self.traded = 0
        self.decisions: dict[int, Decision] = {}
        self.traces: dict[int, SpanContext] = {}  # of open orders, by order id
        self.told_status: tuple[int, str] = (0, "")

    @property
    def key(self) -> str:
        """The bot and the run: what an assignment is known by."""
        return f"{self.bot_id}:{self.start_seq}"

    @property
    def acknowledged(self) -> int:
        """How many intents are answered."""
        return self.emitted - len(self.outbox)

    @property
    def reported(self) -> int:
        """How many fills are reported."""
        return self.traded - len(self.trades)

    def give(self, event: Ints) -> Ints:
        """Deliver an event; the intents it causes are appended to the outbox and returned.

        A take-over for somebody else, or the start of another run, ends this one: its orders are
        refused from here on, and what follows is somebody else's to decide.
        """
        kind = event[k.E_KIND]
        if kind in (k.TAKEOVER, k.START) and event[k.E_EPOCH] > self.epoch:
            self.dropped = True
        if self.dropped:
            return NO_INTENTS
        intents = self.fold.give(event)
        self.outbox.extend(intents)
        self.emitted += len(intents)
        return intents

    def own_events(self, row: Rows, seq: int) -> list[Ints]:
        """What a row of the exchange says about the bot's account."""
        return account_events(row, seq, self._own)

    def note_fills(self, row: Rows) -> None:
        """Remember the fills in a TRADED row, to be reported."""
        for trade in bot_trades(row, self.account_id, self.market, self._asset_of):
            self.trades.append(trade)
            self.traded += 1

    def decided(self, ref: int, decision: Decision) -> None:
        """Remember when an order was decided, until the exchange has answered."""
        while len(self.decisions) >= DECISIONS_KEPT:
            self.decisions.pop(next(iter(self.decisions)))
        self.decisions[ref] = decision

    def over(self, order_id: int) -> None:
        """The order has ended: its trace is complete."""
        self.traces.pop(order_id, None)

    def status(self) -> tuple["bots_pb2.BotStatus.ValueType", str]:
        """What to tell the owner: status and reason."""
        status = STATUS[self.fold.status]
        reason = REASONS.get(self.fold.reason, "")
        if self.fold.status == k.STARTING:
            reason = "waiting for the market's first trade"
        return status, reason

    def checkpoint(self, seq: int) -> runner_pb2.Checkpoint:
        """The state after every event up to seq."""
        return runner_pb2.Checkpoint(
            bot_id=self.bot_id,
            seq=max(seq, self.skip_until),
            state=self.fold.checkpoint(),
            kernel_version=KERNEL_VERSION,
        )


def _resumed(
    assignment: runner_pb2.Assignment, strategy: Strategy, config: Ints
) -> tuple[Fold, int]:
    """The fold of an assignment and the seq up to which it has seen everything."""
    saved = assignment.checkpoint
    if saved.state and saved.seq >= assignment.start_seq:
        try:
            return Fold.resume(strategy, config, saved.state, saved.kernel_version), saved.seq
        except ValueError as error:
            logger.warning("bot %s is folded from its start: %s", assignment.bot.bot_id, error)
    return Fold(strategy, config), assignment.start_seq - 1
