"""What the reference keeps of each thing, and the named limits."""

from collections import defaultdict
from dataclasses import dataclass, field

from tigerex_core.records import (
    AccountKind,
    Command,
    MarketLimit,
    MarketState,
    OrderType,
    Reason,
    SelfTrade,
    Side,
    TimeInForce,
    pack_name,
)

LIMIT = 2**62 - 1  # the largest amount, and the most that all accounts may owe of one asset
FILLS_MAX = 256  # of a command and the steps around it
STEPS_MAX = 64  # expiries and fired stops around a command
CANCELS_MAX = 256  # of one CANCEL_ALL
TRAILING_MAX = 256  # waiting in one market
ICEBERG_PARTS_MAX = 100
PPM = 1_000_000
BASIS_POINTS = 10_000
MINUTE_NS = 60 * 10**9

Name = tuple[int, ...]
NO_NAME: Name = (0,) * 5
MAIN: Name = tuple(int(word) for word in pack_name("main"))

AT_MARKET = (OrderType.MARKET, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT)
STOPS = (
    OrderType.STOP_LOSS,
    OrderType.STOP_LOSS_LIMIT,
    OrderType.TAKE_PROFIT,
    OrderType.TAKE_PROFIT_LIMIT,
)
STOP_LOSSES = (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)
RESTING = (TimeInForce.GTC, TimeInForce.GTD)


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    def __init__(self, reason: Reason, column: Command) -> None:
        super().__init__(reason.name)
        self.reason = reason
        self.column = column


def need(condition: bool, reason: Reason, column: Command) -> None:
    if not condition:
        raise Refused(reason, column)


def good_name(name: Name) -> bool:
    raw = b"".join((word % 2**64).to_bytes(8, "little") for word in name)
    text = raw.rstrip(b"\0")
    return bool(text) and all(0x20 <= character < 0x7F for character in text)


@dataclass
class Account:
    user: int
    kind: int
    name: Name
    tier: int = 0
    frozen: int = 0
    epoch: int = 0
    pays_discounted: int = 0

    @property
    def may_owe(self) -> bool:
        return self.kind in (AccountKind.HOUSE, AccountKind.SYSTEM)


def first_limits() -> dict[int, int]:
    limits: dict[int, int] = defaultdict(int)
    limits[MarketLimit.PRICE_MIN] = 1
    limits[MarketLimit.QUANTITY_MIN] = 1
    limits[MarketLimit.BREAKER_WINDOW_NS] = MINUTE_NS
    limits[MarketLimit.SELF_TRADE] = SelfTrade.NONE
    return limits


@dataclass
class Market:
    base: int
    quote: int
    tick: int
    lot: int
    unit: int  # quote units of one lot at one tick
    price_max: int
    quantity_max: int
    name: Name
    limits: dict[int, int] = field(default_factory=first_limits)
    state: int = MarketState.OPEN
    trades: int = 0
    last: int = 0  # price of the last trade, 0: none yet
    reference: int = 0  # of the circuit breaker, 0: none
    reference_ns: int = 0  # when its window began


@dataclass
class Order:
    order_id: int
    account: int
    market: int
    side: int
    order_type: int
    time_in_force: int
    price: int  # ticks, 0: at market
    quantity: int
    remaining: int
    name: Name
    post_only: int = 0
    stop_price: int = 0
    trailing: int = 0
    display: int = 0
    expire_ns: int = 0
    self_trade: int = 0
    list_id: int = 0
    decided: int = 0
    by_amount: bool = False
    budget: int = 0  # quote units left of an order for an amount
    held: int = 0
    traded: int = 0  # lots
    waiting: bool = False  # for its stop price
    fired: bool = False  # waits no longer for the price, but for its turn
    trigger: int = 0  # the price that fired it
    extreme: int = 0  # lowest or highest price that a trailing stop has seen, 0: not active
    place: int = 0  # in the queue of its level: the lower the sooner; 0: not on the book
    visible: int = 0
    other: int = 0  # the other leg of the list while both are open

    @property
    def buys(self) -> bool:
        return self.side == Side.BUY

    @property
    def is_stop(self) -> bool:
        return self.order_type in STOPS

    @property
    def at_market(self) -> bool:
        return self.order_type in AT_MARKET

    @property
    def fires_on_rise(self) -> bool:
        return self.buys == (self.order_type in STOP_LOSSES)

    @property
    def may_rest(self) -> bool:
        """Whether what is left of it as a taker goes onto the book."""
        return not self.at_market and self.time_in_force in RESTING


@dataclass
class Transfer:
    source: int
    target: int
    asset: int
    amount: int
