"""Which bots an event concerns, found by account and by market, never by looking at every bot."""

import heapq
from collections.abc import Iterable
from itertools import count
from typing import Protocol

from tigerex_core.records import Event, EventKind, Rows
from tigerex_quant import kernel as k
from tigerex_quant.kernel import Ints
from tigerex_quant.translate import market_event, tick_event
from tigerex_services.runner.bot import RunningBot
from tigerex_services.stream import Batch

_COLUMNS = [Event.KIND, Event.ACCOUNT, Event.OTHER_ACCOUNT, Event.MARKET]


class Listener(Protocol):
    """Hears what the bots of a roster do."""

    def on_intents(self, bot: RunningBot, intents: Ints, event: Ints) -> None:
        """The bot wants these done, because of the event."""

    def on_order_event(self, bot: RunningBot, event: Ints) -> None:
        """Something happened to an order of the bot."""


class Roster:
    """The bots that are folded together, and the seq up to which they are."""

    def __init__(self, listener: Listener, seq: int) -> None:
        self.seq = seq
        self._listener = listener
        self._by_account: dict[int, RunningBot] = {}
        self._by_market: dict[int, set[RunningBot]] = {}
        self._watchers: dict[int, set[RunningBot]] = {}
        self._wakes: list[tuple[int, int, RunningBot]] = []
        self._order = count()

    def bots(self) -> list[RunningBot]:
        return list(self._by_account.values())

    def add(self, bots: Iterable[RunningBot]) -> None:
        for bot in bots:
            self._by_account[bot.account_id] = bot
            self._by_market.setdefault(bot.market.market_id, set()).add(bot)
            self._watch(bot, before=-1)

    def remove(self, bot: RunningBot) -> None:
        """Forget a bot; what waits in the heap of wake times is skipped when its time comes."""
        bot.dropped = True
        if self._by_account.get(bot.account_id) is bot:
            del self._by_account[bot.account_id]
        for index in (self._by_market, self._watchers):
            index.get(bot.market.market_id, set()).discard(bot)

    def apply(self, batch: Batch) -> None:
        """Fold a batch; the caller gives them in order, without a gap."""
        heads = batch.events[:, _COLUMNS].tolist()
        for row, (kind, account, other, market) in zip(batch.events, heads, strict=True):
            if kind == EventKind.TRADED:
                self._to_market(self._watchers, market, row, batch.seq)
                for mine in {account, other}:
                    self._to_account(mine, row, batch.seq, fills=True)
            elif kind == EventKind.SELF_TRADE_PREVENTED:
                for mine in {account, other}:
                    self._to_account(mine, row, batch.seq, fills=False)
            elif kind == EventKind.TICKED:
                self._tick(tick_event(row, batch.seq))
            elif kind == EventKind.MARKET_STATE_SET:
                self._to_market(self._by_market, market, row, batch.seq)
            elif account in self._by_account:
                self._to_account(account, row, batch.seq, fills=False)
        self.seq = batch.seq

    def _to_market(
        self, index: dict[int, set[RunningBot]], market: int, row: Rows, seq: int
    ) -> None:
        bots = index.get(market)
        if not bots:
            return
        event = market_event(row, seq)
        if event is not None:
            for bot in list(bots):
                self._give(bot, event)

    def _to_account(self, account: int, row: Rows, seq: int, *, fills: bool) -> None:
        bot = self._by_account.get(account)
        if bot is None or seq <= bot.skip_until:
            return
        if fills:
            bot.note_fills(row)
        for event in bot.own_events(row, seq):
            self._listener.on_order_event(bot, event)
            self._give(bot, event)

    def _tick(self, event: Ints) -> None:
        """Wake those whose time has come; a wake time that has changed since is not theirs."""
        due = []
        while self._wakes and self._wakes[0][0] <= event[k.E_TIME_NS]:
            wake_ns, _, bot = heapq.heappop(self._wakes)
            if not bot.dropped and bot.fold.wake_ns == wake_ns:
                due.append(bot)
        for bot in dict.fromkeys(due):
            self._give(bot, event)
            if bot.fold.waits_for(int(event[k.E_TIME_NS])):
                self._push(bot)  # still waiting: not delivered, or nothing came of it

    def _give(self, bot: RunningBot, event: Ints) -> None:
        if event[k.E_SEQ] <= bot.skip_until:
            return
        before = bot.fold.wake_ns
        intents = bot.give(event)
        if len(intents):
            self._listener.on_intents(bot, intents, event)
        self._watch(bot, before)

    def _watch(self, bot: RunningBot, before: int) -> None:
        """Note what the bot waits for now."""
        watchers = self._watchers.setdefault(bot.market.market_id, set())
        if bot.fold.watches_trades and not bot.dropped:
            watchers.add(bot)
        else:
            watchers.discard(bot)
        if bot.fold.wake_ns not in (0, before):
            self._push(bot)

    def _push(self, bot: RunningBot) -> None:
        heapq.heappush(self._wakes, (bot.fold.wake_ns, next(self._order), bot))
