"""A small exchange around one strategy: the real matching core, a house, late answers."""

import hashlib
from collections import deque
from collections.abc import Iterable
from typing import Literal

import numpy as np

from tigerex_core import Capacity, Core
from tigerex_core.records import (
    COMMAND_WIDTH,
    WORLD_ACCOUNT,
    AccountKind,
    Command,
    CommandKind,
    Event,
    EventKind,
    MarketLimit,
    MarketState,
    OrderType,
    Reason,
    Rows,
    SelfTrade,
    Side,
    TimeInForce,
    pack_name,
)
from tigerex_quant import Fold, MarketRules, Strategy
from tigerex_quant import kernel as k
from tigerex_quant.kernel import Ints
from tigerex_quant.translate import (
    Own,
    account_events,
    client_order_id,
    market_event,
    tick_event,
)

RULES = MarketRules(
    tick=100, lot=1_000, base_scale=5, quote_scale=3, max_price=100_000, max_quantity=1_000_000,
    min_notional=0,
)  # fmt: skip
SHORT = "0123456789ab"
SECOND_NS = 1_000_000_000
HOUSE_LOTS = 400
DISCOUNT_PPM = 250_000

FeeAsset = Literal["received", "base", "quote", "other"]


def command(kind: CommandKind, name: str = "", **columns: int) -> Rows:
    """One command row."""
    row = np.zeros(COMMAND_WIDTH, dtype=np.int64)
    row[Command.KIND] = kind
    for column, value in columns.items():
        row[Command[column.upper()]] = value
    row[Command.NAME : Command.OTHER_NAME] = pack_name(name)
    return row


class World:
    """One market, a house with endless means, and a bot's account that holds its investment."""

    def __init__(
        self,
        strategy: Strategy,
        config: Ints,
        *,
        rules: MarketRules = RULES,
        fee_ppm: int = 1_000,
        fee_asset: FeeAsset = "received",
        name: str = SHORT,
    ) -> None:
        self.core = Core(Capacity.small())
        self.rules = rules
        self.fold = Fold(strategy, config)
        self.short_id = name
        self.seq = 0
        self.time_ns = 1_700_000_000 * SECOND_NS
        self.pending: deque[Ints] = deque()
        self.given: list[Ints] = []  # every event the strategy was offered
        self.emitted: list[list[int]] = []
        self.refusals: list[int] = []
        self.fills: list[Rows] = []
        self.bot = 0
        self.epoch = 0
        self._serial = 0
        # Fees and amendments take money that the strategy may have bound for orders on their way.
        self.bound_by_strategy = fee_asset in ("received", "other")
        self._set_up(int(config[k.C_INVESTMENT]), fee_ppm)
        if fee_asset != "received":
            self._discount(fee_asset)

    def _set_up(self, investment: int, fee_ppm: int) -> None:
        rules = self.rules
        self.commit(
            command(CommandKind.CREATE_ASSET, "BASE", value=rules.base_scale),
            command(CommandKind.CREATE_ASSET, "QUOTE", value=rules.quote_scale),
            command(CommandKind.SET_FEE_TIER, value=0, amount=fee_ppm, aux=fee_ppm),
            command(CommandKind.CREATE_USER, "user"),
            command(CommandKind.CREATE_USER, "house"),
        )
        self.base, self.quote = self._ids(EventKind.ASSET_CREATED, Event.ASSET)
        user, house = self._ids(EventKind.USER_CREATED, Event.VALUE)
        self.commit(
            command(
                CommandKind.CREATE_MARKET, "base-quote", asset=self.base, aux=self.quote,
                value=rules.tick, order_id=rules.lot, price=rules.max_price,
                quantity=rules.max_quantity, amount=rules.min_notional,
            ),
            command(CommandKind.CREATE_ACCOUNT, "bot", value=user, aux=AccountKind.BOT),
            command(CommandKind.CREATE_ACCOUNT, "owner", value=user, aux=AccountKind.HOUSE),
            command(CommandKind.CREATE_ACCOUNT, "house", value=house, aux=AccountKind.HOUSE),
            command(CommandKind.CREATE_ACCOUNT, "taker", value=house, aux=AccountKind.HOUSE),
        )  # fmt: skip
        self.market = self._ids(EventKind.MARKET_CREATED, Event.MARKET)[0]
        self.bot, self.owner, self.house, self.taker = self._ids(
            EventKind.ACCOUNT_CREATED, Event.ACCOUNT
        )
        self.commit(
            command(
                CommandKind.TRANSFER, account=WORLD_ACCOUNT, to_account=self.bot,
                asset=self.quote, amount=investment,
            )
        )  # fmt: skip

    def _discount(self, fee_asset: FeeAsset) -> None:
        """The bot's account pays its fees in one asset; where it is a third one, it has some."""
        asset = {"base": self.base, "quote": self.quote}.get(fee_asset, 0)
        if not asset:
            self.commit(command(CommandKind.CREATE_ASSET, "TGX", value=2))
            (asset,) = self._ids(EventKind.ASSET_CREATED, Event.ASSET)
            self.commit(
                command(
                    CommandKind.CREATE_MARKET, "tgx-quote", asset=asset, aux=self.quote, value=10,
                    order_id=10, price=10_000, quantity=10_000,
                )
            )  # fmt: skip
            (market,) = self._ids(EventKind.MARKET_CREATED, Event.MARKET)
            self.commit(
                *(
                    command(
                        CommandKind.PLACE_ORDER, account=account, market=market, side=side,
                        order_type=OrderType.LIMIT, time_in_force=TimeInForce.GTC, price=7,
                        quantity=1,
                    )
                    for account, side in ((self.house, Side.SELL), (self.taker, Side.BUY))
                ),
                command(
                    CommandKind.TRANSFER, account=WORLD_ACCOUNT, to_account=self.bot, asset=asset,
                    amount=500,
                ),
            )  # fmt: skip
        self.commit(
            command(CommandKind.SET_FEE_DISCOUNT, asset=asset, amount=DISCOUNT_PPM),
            command(CommandKind.SET_FEE_PAYMENT, account=self.bot, value=1),
        )

    def _ids(self, kind: EventKind, column: Event) -> list[int]:
        return [int(row[column]) for row in self.last if row[Event.KIND] == kind]

    # The exchange

    def commit(self, *commands: Rows) -> Rows:
        """Apply one batch; the strategy is given its events."""
        self.seq += 1
        self.time_ns += 1_000_000
        batch = np.array(commands, dtype=np.int64).reshape(-1, COMMAND_WIDTH)
        batch[:, Command.TIME_NS] = self.time_ns
        self.last = self.core.apply(batch, self.seq)
        if self.bot:
            self._deliver(self.last)
        return self.last

    def _deliver(self, events: Rows) -> None:
        own = Own(self.bot, self.short_id, self.base, self.quote)
        for row in events:
            if row[Event.KIND] == EventKind.TRADED and row[Event.ACCOUNT] == self.bot:
                assert row[Event.OTHER_ACCOUNT] != self.bot, "the bot traded with itself"
            if row[Event.KIND] == EventKind.TICKED:
                self.give(tick_event(row, self.seq))
            shared = market_event(row, self.seq)
            if shared is not None:
                self.give(shared)
            for event in account_events(row, self.seq, own):
                if event[k.E_KIND] == k.REJECTED:
                    self.refusals.append(int(event[k.E_REASON]))
                if event[k.E_KIND] == k.FILLED:
                    self.fills.append(event)
                self.give(event)

    def give(self, event: Ints) -> None:
        self.given.append(event.copy())
        intents = self.fold.give(event)
        self.emitted.extend(intents.tolist())
        self.pending.extend(intents)

    # The runner

    def submit(self, most: int = 1_000) -> None:
        """Send what the strategy wants, at most so many commands, in order."""
        rows = [self.row_of(self.pending.popleft()) for _ in range(min(most, len(self.pending)))]
        if rows:
            self.commit(*rows)

    def settle(self) -> None:
        """Send until the strategy wants nothing more."""
        for _ in range(100):
            if not self.pending:
                return
            self.submit()
        raise AssertionError("the strategy does not come to rest")

    def row_of(self, intent: Ints) -> Rows:
        ref = int(intent[k.I_REF])
        digest = hashlib.sha256(f"{self.short_id}{ref}".encode()).digest()
        high, low = np.frombuffer(digest[:16], dtype=">i8").astype(np.int64).tolist()
        common = {"account": self.bot, "epoch": int(intent[k.I_EPOCH]), "request_hi": high,
                  "request_lo": low, "market": self.market}  # fmt: skip
        if intent[k.I_KIND] == k.CANCEL:
            target = client_order_id(self.short_id, int(intent[k.I_TARGET]))
            return command(CommandKind.CANCEL_ORDER, target, **common)
        return command(
            CommandKind.PLACE_ORDER,
            client_order_id(self.short_id, ref),
            side=int(intent[k.I_SIDE]),
            order_type=int(intent[k.I_TYPE]),
            time_in_force=int(intent[k.I_TIME_IN_FORCE]),
            price=int(intent[k.I_PRICE]),
            quantity=int(intent[k.I_QUANTITY]),
            self_trade=int(intent[k.I_SELF_TRADE]),
            aux=ref >> k.REF_BITS,
            **common,
        )

    # What others do

    def signal(self, signal: int) -> None:
        self.epoch += 1
        self.commit(
            command(CommandKind.ADVANCE_EPOCH, account=self.bot, epoch=self.epoch, value=signal)
        )

    def tick(self, seconds: int = 1) -> None:
        self.time_ns += seconds * SECOND_NS
        self.commit(command(CommandKind.TICK))

    def halt(self, halted: bool) -> None:
        state = MarketState.HALTED if halted else MarketState.OPEN
        self.commit(command(CommandKind.SET_MARKET_STATE, market=self.market, value=state))

    def cancel_one(self, number: int) -> None:
        """Somebody cancels one of the bot's orders by hand."""
        orders = self.core.open_orders(self.bot)
        if orders:
            order = orders[number % len(orders)]
            self.commit(
                command(
                    CommandKind.CANCEL_ORDER, account=self.bot, order_id=order.order_id,
                    market=self.market,
                )
            )  # fmt: skip

    def amend_one(self, number: int, lots: int) -> None:
        """Somebody changes the quantity of one of the bot's orders by hand."""
        self.bound_by_strategy = False
        orders = self.core.open_orders(self.bot)
        if orders:
            order = orders[number % len(orders)]
            self.commit(
                command(
                    CommandKind.AMEND_ORDER, account=self.bot, order_id=order.order_id,
                    quantity=lots,
                )
            )  # fmt: skip

    def own_order(self, side: Side, price: int, lots: int, mode: SelfTrade) -> None:
        """The bot's owner sends an order from another account, which may rest."""
        row = self.order(self.owner, side, price, lots)
        row[Command.SELF_TRADE] = mode
        self.commit(row)

    def cancel_own(self) -> None:
        """The bot's owner takes off the orders of the other account."""
        self.commit(
            command(CommandKind.CANCEL_ALL, account=self.owner, market=self.market),
        )

    def break_at(self, ppm: int) -> None:
        """Set the circuit breaker."""
        limit = MarketLimit.BREAKER_PPM
        self.commit(
            command(CommandKind.SET_MARKET_LIMIT, market=self.market, value=limit, amount=ppm)
        )

    def quote_at(self, price: int, lots: int = HOUSE_LOTS) -> None:
        """The house moves its quotes to both sides of a price, and trades one lot there."""
        cancels = [
            command(
                CommandKind.CANCEL_ORDER, account=self.house, order_id=order.order_id,
                market=self.market,
            )
            for order in self.core.open_orders(self.house)
        ]  # fmt: skip
        self.commit(
            *cancels,
            self.order(self.house, Side.BUY, max(price - 1, 1), lots),
            self.order(self.house, Side.SELL, price + 1, lots),
            self.order(self.taker, Side.SELL, price, 1),
            self.order(self.taker, Side.BUY, price, 1),
        )

    def order(
        self, account: int, side: Side, price: int, lots: int, kind: TimeInForce = TimeInForce.GTC
    ) -> Rows:
        return command(
            CommandKind.PLACE_ORDER,
            account=account,
            market=self.market,
            side=side,
            order_type=OrderType.LIMIT,
            time_in_force=kind,
            price=price,
            quantity=lots,
        )

    # What must hold

    def money(self) -> tuple[int, int, int, int]:
        """The bot's (quote available, quote held, base available, base held)."""
        balances = self.core.balances(self.bot)
        return (*balances.get(self.quote, (0, 0)), *balances.get(self.base, (0, 0)))

    def check(self) -> None:
        """Money adds up to zero, no level has two orders, nothing was asked that cannot be paid."""
        assert self.core.check() == []
        prices = [order.price for order in self.core.open_orders(self.bot)]
        assert len(prices) == len(set(prices)), f"two orders on one level: {sorted(prices)}"
        if self.bound_by_strategy:
            assert Reason.INSUFFICIENT_BALANCE not in self.refusals
        assert min(self.money()) >= 0

    def check_accounting(self) -> None:
        """With nothing on its way, the strategy knows its balances to the unit."""
        quote, _, base, _ = self.money()
        state = self.fold.state
        assert (int(state[k.H_QUOTE]), int(state[k.H_BASE])) == (quote, base)


def replayed(fold: Fold, events: Iterable[Ints]) -> list[list[int]]:
    """The intents of a fresh fold that is given the same events."""
    return [intent for event in events for intent in fold.give(event).tolist()]
