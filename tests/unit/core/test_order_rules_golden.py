"""The rules of `docs/orders.md`, each worked out by hand, and the same in core and reference.

A lot is 10 base units; a lot at a tick is one quote unit.
"""

from collections.abc import Sequence

import pytest
from tests.support.core_pair import CorePair
from tests.support.core_rows import (
    ADA,
    BASE,
    BOB,
    HOUSE,
    MARKET,
    MONEY,
    QUOTE,
    Row,
    cancel,
    command,
    exchange,
    limit,
    market,
    transfer,
)

from tigerex_core import Capacity
from tigerex_core.records import (
    FEES_ACCOUNT,
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
    SelfTrade,
    Side,
    TimeInForce,
)

pytestmark = pytest.mark.unit

BUY, SELL = Side.BUY, Side.SELL
GTC, IOC, FOK, GTD = TimeInForce
ACCEPTED, TERMS, TRADED = EventKind.ORDER_ACCEPTED, EventKind.ORDER_TERMS, EventKind.TRADED
RESTED, EXPIRED = EventKind.ORDER_RESTED, EventKind.ORDER_EXPIRED
CANCELED, TRIGGERED = EventKind.ORDER_CANCELED, EventKind.ORDER_TRIGGERED
AMENDED, PREVENTED = EventKind.ORDER_AMENDED, EventKind.SELF_TRADE_PREVENTED
ADA_TOO = 7
NO_MOST = 2**63 - 1


@pytest.fixture
def site() -> CorePair:
    too = command(CommandKind.CREATE_ACCOUNT, "too", value=1, aux=AccountKind.BOT)
    rows = [*exchange().tolist(), too]
    rows += [transfer(WORLD_ACCOUNT, ADA_TOO, asset, MONEY) for asset in (BASE, QUOTE)]
    return CorePair(rows, Capacity.small())


def stop(
    account: int, side: Side, stop_price: int, lots: int, price: int = 0, **columns: int
) -> Row:
    """A stop loss, at its limit price or at market."""
    kind = OrderType.STOP_LOSS_LIMIT if price else OrderType.STOP_LOSS
    row = limit(account, side, price, lots, stop_price=stop_price, **columns)
    row[Command.ORDER_TYPE] = kind
    return row


def oco(account: int, side: Side, price: int, stop_price: int, lots: int, **columns: int) -> Row:
    return command(
        CommandKind.PLACE_OCO,
        account=account,
        side=side,
        market=MARKET,
        price=price,
        stop_price=stop_price,
        quantity=lots,
        **columns,
    )


def amend(account: int, order_id: int, lots: int) -> Row:
    kind = CommandKind.AMEND_ORDER
    return command(kind, account=account, order_id=order_id, quantity=lots)


def rule(which: MarketLimit, value: int) -> Row:
    return command(CommandKind.SET_MARKET_LIMIT, market=MARKET, value=which, amount=value)


def state(value: MarketState) -> Row:
    return command(CommandKind.SET_MARKET_STATE, market=MARKET, value=value)


def trade(price: int, lots: int = 1) -> list[Row]:
    """HOUSE sells to BOB."""
    return [limit(HOUSE, SELL, price, lots), limit(BOB, BUY, price, lots, time_in_force=IOC)]


def told(events: Sequence[Sequence[int]], *columns: Event) -> list[tuple[int, ...]]:
    return [(event[Event.KIND], *(event[column] for column in columns)) for event in events]


def why(events: Sequence[Sequence[int]]) -> Reason:
    (event,) = events
    assert event[Event.KIND] == EventKind.REJECTED
    return Reason(event[Event.REASON])


ID, LEFT, SHOWN, AUX = Event.ORDER_ID, Event.REMAINING, Event.VISIBLE, Event.AUX


def test_an_amount_buys_whole_lots_and_leaves_less_than_one(site: CorePair) -> None:
    site.send(limit(BOB, SELL, 100, 2), limit(BOB, SELL, 110, 5))
    events = site.send(market(ADA, BUY, 0, amount=450))
    # 2 * 100, then 2 * 110 of the 250 left; 30 buy no lot
    assert told(events, Event.QUANTITY, AUX) == [
        (ACCEPTED, 0, 0),
        (TERMS, 0, 0),
        (TRADED, 2, 250),
        (TRADED, 2, 30),
        (EventKind.ORDER_FILLED, 0, 30),
    ]
    assert site.has(ADA, QUOTE) == (MONEY - 420, 0)
    assert told(site.send(market(ADA, BUY, 0, amount=109)), Event.REASON)[2:] == [(EXPIRED, 0)]


def test_an_amount_sells_until_it_has_received_enough(site: CorePair) -> None:
    site.send(limit(BOB, BUY, 100, 2), limit(BOB, BUY, 90, 5))
    events = site.send(market(ADA, SELL, 0, amount=300))
    assert told(events, Event.QUANTITY, AUX)[2:] == [
        (TRADED, 2, 100),
        (TRADED, 1, 10),
        (EventKind.ORDER_FILLED, 0, 10),
    ]
    assert site.has(ADA, BASE) == (MONEY - 30, 0)
    assert why(site.send(market(ADA, BUY, 0, amount=2 * MONEY))) == Reason.INSUFFICIENT_BALANCE
    events = site.send(market(ADA, SELL, 0, amount=10_000))
    assert told(events, Event.QUANTITY, AUX, LEFT)[2:] == [
        (TRADED, 4, 9_640, 0),
        (EXPIRED, 0, 0, 0),
    ]


def test_a_stop_waits_holds_and_fires(site: CorePair) -> None:
    site.send(*trade(100))
    assert why(site.send(stop(ADA, SELL, 100, 5))) == Reason.WOULD_TRIGGER
    site.send(stop(ADA, SELL, 95, 5), stop(ADA, BUY, 105, 4), stop(ADA, BUY, 104, 3, price=106))
    assert site.has(ADA, BASE) == (MONEY - 50, 50)
    assert site.has(ADA, QUOTE) == (MONEY - 318, 318)  # the buy at market holds nothing
    site.send(limit(BOB, SELL, 106, 9), limit(HOUSE, BUY, 95, 9))
    # the sale at 95 fires the first; it sells to what is left there
    events = site.send(market(BOB, SELL, 2))
    assert told(events, ID, LEFT) == [
        (ACCEPTED, 8, 2),
        (TRADED, 8, 7),
        (TRIGGERED, 3, 5),
        (TRADED, 3, 2),
    ]
    assert events[2][AUX] == 95
    # one purchase at 106 fires both buys: the lower stop price first
    events = site.send(market(HOUSE, BUY, 1))
    assert told(events, ID, LEFT) == [
        (ACCEPTED, 9, 1),
        (TRADED, 9, 8),
        (TRIGGERED, 5, 3),
        (TRADED, 5, 5),
        (TRIGGERED, 4, 4),
        (TRADED, 4, 1),
    ]


def test_a_trailing_stop_follows_the_highest_price(site: CorePair) -> None:
    site.send(*trade(100), stop(ADA, SELL, 0, 2, trailing=1_000), limit(HOUSE, BUY, 50, 9))
    for price in (91, 120, 110, 109):  # 100 * 0.9 = 90; 120 * 0.9 = 108
        assert TRIGGERED not in [event[0] for event in site.send(*trade(price))]
    events = site.send(*trade(108))
    assert told(events, ID, AUX)[-2:] == [(TRIGGERED, 3, 108), (TRADED, 3, 0)]


def test_a_trailing_stop_begins_at_its_stop_price(site: CorePair) -> None:
    # rises 10 % from the lowest price seen since 90 was reached
    site.send(*trade(100), stop(ADA, BUY, 90, 2, trailing=1_000), limit(HOUSE, SELL, 200, 9))
    for price in (95, 120, 90, 98):
        assert TRIGGERED not in [event[0] for event in site.send(*trade(price))]
    assert told(site.send(*trade(99)), ID)[-2:] == [(TRIGGERED, 3), (TRADED, 3)]


def test_fill_or_kill_is_whole_or_nothing(site: CorePair) -> None:
    site.send(limit(BOB, SELL, 100, 3), limit(BOB, SELL, 101, 3), limit(ADA_TOO, SELL, 101, 5))
    events = site.send(limit(ADA, BUY, 100, 4, time_in_force=FOK))
    assert told(events, Event.REASON) == [(ACCEPTED, 0), (EXPIRED, Reason.NOT_FILLABLE)]
    site.send(rule(MarketLimit.SELF_TRADE, SelfTrade.EXPIRE_TAKER))
    events = site.send(limit(ADA, BUY, 101, 7, time_in_force=FOK))
    assert told(events, Event.REASON) == [(ACCEPTED, 0), (EXPIRED, Reason.NOT_FILLABLE)]
    events = site.send(limit(ADA, BUY, 101, 6, time_in_force=FOK))
    assert told(events, LEFT) == [(ACCEPTED, 6), (TRADED, 0), (TRADED, 0)]


def test_good_till_date_expires_by_journaled_time(site: CorePair) -> None:
    site.send(
        limit(ADA, BUY, 90, 1, time_in_force=GTD, expire_ns=30),
        limit(ADA, BUY, 91, 1, time_in_force=GTD, expire_ns=20),
        stop(ADA, SELL, 80, 1, time_in_force=GTD, expire_ns=20),
    )
    late = limit(ADA, BUY, 90, 1, time_in_force=GTD, expire_ns=5, time_ns=5)
    assert why(site.send(late)) == Reason.INVALID_EXPIRY
    events = site.send(command(CommandKind.TICK, time_ns=30, request_lo=7))
    assert told(events, ID, Event.REASON, SHOWN, Event.REQUEST_LO) == [
        (EXPIRED, 2, Reason.TIME, -1, 0),
        (EXPIRED, 3, Reason.TIME, 0, 0),
        (EXPIRED, 1, Reason.TIME, -1, 0),
        (EventKind.TICKED, 0, 0, 0, 7),
    ]


def test_an_iceberg_shows_part_after_part(site: CorePair) -> None:
    site.send(limit(ADA, SELL, 100, 10, display=4), limit(BOB, SELL, 100, 3))
    assert site.core.depth(MARKET, 5) == ([], [(100, 7)])
    events = site.send(limit(HOUSE, BUY, 100, 12))
    assert told(events, Event.OTHER_ORDER, Event.QUANTITY, LEFT, SHOWN) == [
        (ACCEPTED, 0, 12, 12, 0),
        (TRADED, 1, 4, 6, 0),
        (RESTED, 0, 10, 6, 4),
        (TRADED, 2, 3, 0, 0),
        (TRADED, 1, 4, 2, 0),
        (RESTED, 0, 10, 2, 2),
        (TRADED, 1, 1, 1, 0),
    ]
    assert why(site.send(limit(ADA, SELL, 100, 5, display=5))) == Reason.INVALID_DISPLAY
    assert why(site.send(limit(ADA, SELL, 100, 101, display=1))) == Reason.INVALID_DISPLAY


def test_a_smaller_amendment_keeps_the_place(site: CorePair) -> None:
    site.send(limit(ADA, SELL, 100, 5), limit(BOB, SELL, 100, 5))
    (event,) = site.send(amend(ADA, 1, 3))
    assert told([event], ID, Event.QUANTITY, LEFT, Event.AMOUNT, Event.VALUE, SHOWN) == [
        (AMENDED, 1, 3, 3, -20, 1, -2)
    ]
    assert told(site.send(market(HOUSE, BUY, 1)), Event.OTHER_ORDER)[1:] == [(TRADED, 1)]
    (event,) = site.send(amend(ADA, 1, 6))
    assert told([event], ID, Event.QUANTITY, LEFT, Event.AMOUNT, Event.VALUE, SHOWN) == [
        (AMENDED, 1, 6, 5, 30, 0, 3)
    ]
    assert told(site.send(market(HOUSE, BUY, 1)), Event.OTHER_ORDER)[1:] == [(TRADED, 2)]
    for lots in (6, 1, 0, -1, 1_001):
        assert why(site.send(amend(ADA, 1, lots))) == Reason.INVALID_QUANTITY
    site.send(state(MarketState.HALTED))
    assert why(site.send(amend(ADA, 1, 7))) == Reason.MARKET_HALTED
    site.send(amend(ADA, 1, 5))


def test_the_first_leg_that_trades_cancels_the_other(site: CorePair) -> None:
    site.send(*trade(100))
    events = site.send(oco(ADA, SELL, 110, 90, 5))
    assert told(events, ID, Event.OTHER_ORDER, Event.AMOUNT) == [
        (EventKind.LIST_PLACED, 3, 4, 0),
        (ACCEPTED, 3, 0, 50),
        (TERMS, 3, 3, 0),
        (RESTED, 3, 0, 0),
        (ACCEPTED, 4, 0, 0),
        (TERMS, 4, 3, 0),
    ]
    assert site.has(ADA, BASE) == (MONEY - 50, 50)
    events = site.send(market(BOB, BUY, 2))
    assert told(events, ID, Event.REASON)[1:] == [(TRADED, 5, 0), (CANCELED, 4, Reason.OTHER_LEG)]
    assert why(site.send(amend(ADA, 3, 4))) == Reason.NOT_AMENDABLE


def test_the_stop_of_a_list_cancels_its_limit_order(site: CorePair) -> None:
    site.send(*trade(100), oco(ADA, BUY, 90, 110, 5, amount=112))
    assert site.has(ADA, QUOTE) == (MONEY - 560, 560)
    events = site.send(*trade(110, 2))
    assert told(events, ID, Event.REASON)[-4:] == [
        (TRADED, 6, 0),
        (TRIGGERED, 4, 0),
        (CANCELED, 3, Reason.OTHER_LEG),
        (RESTED, 4, 0),
    ]
    assert site.has(ADA, QUOTE) == (MONEY - 560, 560)
    assert why(site.send(oco(ADA, SELL, 90, 95, 1))) == Reason.INVALID_STOP_PRICE


def test_cancel_of_one_leg_cancels_both(site: CorePair) -> None:
    site.send(*trade(100), oco(ADA, SELL, 110, 90, 5), oco(ADA, SELL, 111, 91, 5))
    events = site.send(cancel(ADA, 4))
    assert told(events, ID, Event.REASON, SHOWN) == [
        (CANCELED, 4, 0, 0),
        (CANCELED, 3, Reason.OTHER_LEG, -5),
    ]
    events = site.send(command(CommandKind.CANCEL_ALL, account=ADA, market=MARKET))
    assert told(events, ID, Event.QUANTITY)[-1] == (EventKind.ORDERS_CANCELED, 0, 2)
    assert site.has(ADA, BASE) == (MONEY, 0)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (SelfTrade.NONE, [(TRADED, 5, 3), (RESTED, 4, 0)]),
        (SelfTrade.EXPIRE_TAKER, [(PREVENTED, 5, 7), (EXPIRED, 7, 0)]),
        (SelfTrade.EXPIRE_MAKER, [(PREVENTED, 5, 7), (EXPIRED, 5, 0), (RESTED, 7, 0)]),
        (SelfTrade.EXPIRE_BOTH, [(PREVENTED, 5, 7), (EXPIRED, 5, 0), (EXPIRED, 7, 0)]),
        (SelfTrade.DECREMENT, [(PREVENTED, 0, 2), (EXPIRED, 0, 0), (RESTED, 2, 0)]),
    ],
)
def test_self_trade(site: CorePair, mode: SelfTrade, expected: list[tuple[int, ...]]) -> None:
    site.send(limit(ADA_TOO, SELL, 100, 5))
    events = site.send(limit(ADA, BUY, 100, 7, self_trade=mode))
    columns = [(event[0], event[LEFT], event[AUX]) for event in events[2:]]
    if mode == SelfTrade.NONE:
        expected = [(TRADED, 0, 2), (RESTED, 2, 0)]
    assert columns == expected


def test_the_breaker_halts_before_the_trade(site: CorePair) -> None:
    site.send(rule(MarketLimit.BREAKER_PPM, 50_000), *trade(100))
    site.send(limit(BOB, SELL, 105, 1), limit(BOB, SELL, 106, 1), stop(ADA, BUY, 105, 1))
    events = site.send(market(HOUSE, BUY, 2))
    assert told(events, Event.REASON, Event.VALUE)[1:] == [
        (TRADED, 0, 0),
        (EventKind.MARKET_STATE_SET, Reason.CIRCUIT_BREAKER, MarketState.HALTED),
        (EXPIRED, Reason.CIRCUIT_BREAKER, 0),
    ]
    assert not site.core.pending  # a fired stop waits until the market opens
    events = site.send(state(MarketState.OPEN))
    assert told(events, ID) == [
        (EventKind.MARKET_STATE_SET, 0),
        (TRIGGERED, 5),
        (TRADED, 5),
    ]


def test_fees_in_the_discount_asset(site: CorePair) -> None:
    site.send(
        command(CommandKind.SET_FEE_TIER, amount=1_000, aux=10_000),
        command(CommandKind.CREATE_ASSET, "BONUS", value=3),
        # a lot is 100 units; at price 7 a whole one is worth 70 quote units
        command(
            CommandKind.CREATE_MARKET,
            "bonus",
            asset=3,
            aux=QUOTE,
            value=10,
            order_id=100,
            price=100,
            quantity=100,
        ),
        command(CommandKind.SET_FEE_DISCOUNT, asset=3, amount=250_000),
        command(CommandKind.SET_FEE_PAYMENT, account=ADA, value=1),
        transfer(WORLD_ACCOUNT, ADA, 3, 200),
    )
    # no trade of BONUS yet: the ordinary fee, 1 % of 10 lots = 100 base units
    site.send(limit(BOB, SELL, 100, 30))
    (_, traded) = site.send(limit(ADA, BUY, 100, 10))
    assert (traded[Event.FEE], traded[Event.ASSET]) == (1, BASE)
    site.send(transfer(WORLD_ACCOUNT, BOB, 3, 1_000))
    site.send(
        limit(BOB, SELL, 7, 1, market=2), limit(HOUSE, BUY, 7, 1, market=2, time_in_force=IOC)
    )
    # 1 % of 1,000 quote units is 10, less a quarter 7.5: 8; 8 * 1,000 / 70 = 114.3: 115
    (_, traded) = site.send(limit(ADA, BUY, 100, 10))
    assert (traded[Event.FEE], traded[Event.ASSET]) == (115, 3)
    assert (traded[Event.VALUE], traded[Event.OTHER_ASSET]) == (1, QUOTE)
    # 85 are left: not enough
    (_, traded) = site.send(limit(ADA, BUY, 100, 10))
    assert (traded[Event.FEE], traded[Event.ASSET]) == (1, BASE)
    assert site.has(ADA, 3) == (85, 0)
    assert site.has(FEES_ACCOUNT, 3) == (116, 0)


@pytest.mark.parametrize(
    ("which", "value", "row", "reason"),
    [
        (MarketLimit.PRICE_MIN, 51, limit(ADA, BUY, 50, 1), Reason.INVALID_PRICE),
        (MarketLimit.QUANTITY_MIN, 3, limit(ADA, BUY, 50, 2), Reason.INVALID_QUANTITY),
        (MarketLimit.MARKET_QUANTITY_MAX, 3, market(ADA, BUY, 4), Reason.INVALID_QUANTITY),
        (MarketLimit.MARKET_QUANTITY_MAX, 3, stop(ADA, SELL, 9, 4), Reason.INVALID_QUANTITY),
        (MarketLimit.NOTIONAL_MIN, 101, limit(ADA, BUY, 50, 2), Reason.MIN_NOTIONAL),
        (MarketLimit.NOTIONAL_MAX, 99, limit(ADA, BUY, 50, 2), Reason.MAX_NOTIONAL),
        (MarketLimit.BID_UP_PPM, 1_009_999, limit(ADA, BUY, 101, 1), Reason.PERCENT_PRICE),
        (MarketLimit.BID_DOWN_PPM, 980_001, limit(ADA, BUY, 98, 1), Reason.PERCENT_PRICE),
        (MarketLimit.ASK_UP_PPM, 1_009_999, limit(ADA, SELL, 101, 1), Reason.PERCENT_PRICE),
        (MarketLimit.ASK_DOWN_PPM, 980_001, limit(ADA, SELL, 98, 1), Reason.PERCENT_PRICE),
        (MarketLimit.ORDERS_MAX, 2, limit(ADA, BUY, 50, 1), Reason.MAX_ORDERS),
        (MarketLimit.ORDERS_MAX, 3, oco(ADA, SELL, 120, 80, 1), Reason.MAX_ORDERS),
        (MarketLimit.STOPS_MAX, 1, stop(ADA, SELL, 9, 1), Reason.MAX_STOPS),
        (MarketLimit.ICEBERGS_MAX, 1, limit(ADA, BUY, 50, 2, display=1), Reason.MAX_ICEBERGS),
        # 1,000,000 units are 100,000 lots, 6 are being bought
        (MarketLimit.POSITION_MAX, 100_007, limit(ADA, BUY, 50, 2), Reason.MAX_POSITION),
    ],
)
def test_a_filter(site: CorePair, which: MarketLimit, value: int, row: Row, reason: Reason) -> None:
    site.send(*trade(100), limit(ADA, BUY, 40, 6, display=3), stop(ADA, SELL, 10, 1))
    site.send(rule(which, value))
    assert why(site.send(row)) == reason
    if which != MarketLimit.ORDERS_MAX:
        easier = value - 1 if which in LEAST else value + 1
        site.send(rule(which, easier))
    else:
        site.send(rule(which, 0))
    assert site.send(row)[0][Event.KIND] in (ACCEPTED, EventKind.LIST_PLACED)


LEAST = (
    MarketLimit.PRICE_MIN,
    MarketLimit.QUANTITY_MIN,
    MarketLimit.NOTIONAL_MIN,
    MarketLimit.BID_DOWN_PPM,
    MarketLimit.ASK_DOWN_PPM,
)


@pytest.mark.parametrize(
    ("which", "least", "most"),
    [
        (MarketLimit.PRICE_MIN, 1, 1_000),
        (MarketLimit.QUANTITY_MIN, 1, 1_000),
        (MarketLimit.NOTIONAL_MIN, 0, 2**62 - 1),
        (MarketLimit.NOTIONAL_MAX, 0, 2**62 - 1),
        (MarketLimit.NOTIONAL_OF_MARKET_ORDERS, 0, 1),
        (MarketLimit.MARKET_QUANTITY_MAX, 0, NO_MOST),
        (MarketLimit.ORDERS_MAX, 0, NO_MOST),
        (MarketLimit.STOPS_MAX, 0, NO_MOST),
        (MarketLimit.ICEBERGS_MAX, 0, NO_MOST),
        (MarketLimit.POSITION_MAX, 0, NO_MOST),
        (MarketLimit.BID_UP_PPM, 0, 10**9),
        (MarketLimit.BID_DOWN_PPM, 0, 10**9),
        (MarketLimit.ASK_UP_PPM, 0, 10**9),
        (MarketLimit.ASK_DOWN_PPM, 0, 10**9),
        (MarketLimit.BREAKER_PPM, 0, 999_999),
        (MarketLimit.BREAKER_WINDOW_NS, 1, NO_MOST),
        (MarketLimit.SELF_TRADE, 1, 5),
    ],
)
def test_a_limit_has_a_range(site: CorePair, which: MarketLimit, least: int, most: int) -> None:
    for value in (least, most):
        (event,) = site.send(rule(which, value))
        assert event[Event.KIND] == EventKind.MARKET_LIMIT_SET
    assert why(site.send(rule(which, least - 1))) == Reason.INVALID_LIMIT
    if most != NO_MOST:
        assert why(site.send(rule(which, most + 1))) == Reason.INVALID_LIMIT
    site.send(*trade(100), limit(ADA, BUY, 99, 1), market(ADA, BUY, 0, amount=99))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"quantity": 0, "amount": 0}, Reason.INVALID_QUANTITY),
        ({"quantity": 0, "amount": -1}, Reason.INVALID_AMOUNT),
        ({"quantity": 1, "amount": 1}, Reason.INVALID_AMOUNT),
        ({"price": 1}, Reason.INVALID_PRICE),
        ({"stop_price": 1}, Reason.INVALID_STOP_PRICE),
        ({"trailing": 1}, Reason.INVALID_TRAILING),
        ({"display": 1}, Reason.INVALID_DISPLAY),
        ({"expire_ns": 9}, Reason.INVALID_EXPIRY),
        ({"self_trade": 6}, Reason.INVALID_SELF_TRADE),
        ({"self_trade": -1}, Reason.INVALID_SELF_TRADE),
        ({"time_in_force": GTC}, Reason.INVALID_TIME_IN_FORCE),
        ({"time_in_force": FOK}, Reason.INVALID_TIME_IN_FORCE),
        ({"post_only": 1}, Reason.INVALID_TIME_IN_FORCE),
    ],
)
def test_what_a_market_order_cannot_say(
    site: CorePair, change: dict[str, int], expected: Reason
) -> None:
    row = market(ADA, BUY, 1)
    for column, value in change.items():
        row[Command[column.upper()]] = value
    assert why(site.send(row)) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"stop_price": 0}, Reason.INVALID_STOP_PRICE),
        ({"stop_price": 1_001}, Reason.INVALID_STOP_PRICE),
        ({"stop_price": 1_000}, None),
        ({"stop_price": 0, "trailing": 1}, None),
        ({"trailing": 9_999}, None),
        ({"trailing": 10_000}, Reason.INVALID_TRAILING),
        ({"trailing": -1}, Reason.INVALID_TRAILING),
        ({"time_in_force": IOC}, Reason.INVALID_TIME_IN_FORCE),
        ({"time_in_force": FOK}, Reason.INVALID_TIME_IN_FORCE),
        ({"time_in_force": GTD}, Reason.INVALID_EXPIRY),
        ({"time_in_force": GTD, "expire_ns": 1}, None),
        ({"post_only": 1}, Reason.INVALID_TIME_IN_FORCE),
    ],
)
def test_what_a_stop_says(site: CorePair, change: dict[str, int], expected: Reason | None) -> None:
    row = stop(ADA, SELL, 50, 1)
    for column, value in change.items():
        row[Command[column.upper()]] = value
    events = site.send(row)
    if expected is None:
        assert [event[0] for event in events] == [ACCEPTED, TERMS]
    else:
        assert why(events) == expected


def test_fees_can_be_paid_in_an_asset_without_a_market(site: CorePair) -> None:
    """The fees account then has a place for them; nobody knows what they are worth."""
    discount = command(CommandKind.SET_FEE_DISCOUNT, asset=3, amount=1_000_000)
    assert why(site.send(discount)) == Reason.UNKNOWN_ASSET
    site.send(command(CommandKind.CREATE_ASSET, "BONUS", value=3), discount)
    assert site.core.balances(FEES_ACCOUNT)[3] == (0, 0)
    for ppm in (-1, 1_000_001):
        row = command(CommandKind.SET_FEE_DISCOUNT, asset=3, amount=ppm)
        assert why(site.send(row)) == Reason.INVALID_FEE
    site.send(command(CommandKind.SET_FEE_DISCOUNT))


def test_fees_in_the_quote_asset(site: CorePair) -> None:
    """Also before the trade's proceeds: a seller without quote units pays the ordinary fee."""
    site.send(
        command(CommandKind.SET_FEE_TIER, amount=10_000, aux=10_000),
        command(CommandKind.SET_FEE_DISCOUNT, asset=QUOTE, amount=500_000),
        command(CommandKind.SET_FEE_PAYMENT, account=ADA, value=1),
        command(CommandKind.SET_FEE_PAYMENT, account=BOB, value=1),
        transfer(BOB, WORLD_ACCOUNT, QUOTE, MONEY),
    )
    (_, _, _, traded) = site.send(limit(BOB, SELL, 100, 5), limit(ADA, BUY, 100, 5))
    # 1 % of 500 is 5, half of it 2.5: 3
    assert (traded[Event.FEE], traded[Event.ASSET]) == (3, QUOTE)
    assert (traded[Event.VALUE], traded[Event.OTHER_ASSET]) == (5, QUOTE)


def test_a_stale_epoch_cancels_and_amends_nothing(site: CorePair) -> None:
    advance = command(CommandKind.ADVANCE_EPOCH, account=ADA, epoch=5)
    site.send(limit(ADA, BUY, 50, 3), advance)
    stale = [
        cancel(ADA, 1, epoch=4),
        command(CommandKind.CANCEL_ALL, account=ADA, market=MARKET, epoch=4),
        command(CommandKind.AMEND_ORDER, account=ADA, order_id=1, quantity=2, epoch=4),
    ]
    for row in stale:
        assert why(site.send(row)) == Reason.STALE_EPOCH
    assert why(site.send(oco(ADA, SELL, 110, 90, 1, epoch=4))) == Reason.STALE_EPOCH


def test_a_delisted_market_stays_so(site: CorePair) -> None:
    site.send(limit(ADA, BUY, 40, 6), limit(BOB, SELL, 140, 6))
    everybody = command(CommandKind.CANCEL_ALL, market=MARKET)
    assert why(site.send(everybody)) == Reason.INVALID_STATE
    site.send(state(MarketState.DELISTING))
    assert why(site.send(state(MarketState.OPEN))) == Reason.INVALID_STATE
    assert why(site.send(limit(ADA, BUY, 40, 6))) == Reason.MARKET_HALTED
    assert why(site.send(amend(ADA, 1, 5))) == Reason.MARKET_HALTED
    events = site.send(everybody)
    assert told(events, ID, Event.QUANTITY, LEFT) == [
        (CANCELED, 1, 6, 6),
        (CANCELED, 2, 6, 6),
        (EventKind.ORDERS_CANCELED, 0, 2, 0),
    ]


def test_steps_around_a_command_are_bounded(site: CorePair) -> None:
    for _ in range(2):
        site.send(*[limit(ADA, BUY, 50, 1, time_in_force=GTD, expire_ns=9) for _ in range(40)])
    events = site.send(command(CommandKind.TICK, time_ns=9))
    assert told(events, ID)[0] == (EXPIRED, 1)
    assert len(events) == 65
    assert site.core.pending
    # no step is left for the sixteen that are still there
    assert told(site.send(command(CommandKind.TICK)), ID)[-1] == (EventKind.TICKED, 0)
    assert not site.core.pending


def test_fired_stops_share_the_fills_of_a_command(site: CorePair) -> None:
    site.send(*trade(100), *[stop(ADA, SELL, 99, 5) for _ in range(70)])
    for _ in range(4):
        site.send(*[limit(BOB, BUY, 99, 1) for _ in range(100)])
    events = site.send(market(HOUSE, SELL, 1))
    assert [event[0] for event in events].count(TRADED) == 256
    assert site.core.pending
    events = site.send(command(CommandKind.TICK, request_lo=5))
    assert events[0][Event.KIND] == TRIGGERED
    assert not events[0][Event.REQUEST_LO]


def test_a_whole_order_has_so_many_fills_at_most(site: CorePair) -> None:
    for _ in range(3):
        site.send(*[limit(BOB, SELL, 100, 1) for _ in range(86)])
    site.send(limit(BOB, SELL, 101, 100, display=1))
    events = site.send(limit(ADA, BUY, 101, 257, time_in_force=FOK))
    assert told(events, Event.REASON)[1:] == [(EXPIRED, Reason.NOT_FILLABLE)]
    events = site.send(limit(ADA, BUY, 101, 256, time_in_force=FOK))
    assert [event[0] for event in events].count(TRADED) == 256
    # two at 100 are left, then the iceberg's parts of one lot
    events = site.send(limit(ADA, BUY, 101, 103, time_in_force=FOK))
    assert told(events, Event.REASON)[1:] == [(EXPIRED, Reason.NOT_FILLABLE)]
    events = site.send(limit(ADA, BUY, 101, 102, time_in_force=FOK))
    assert [event[0] for event in events].count(TRADED) == 102


def test_cancel_all_takes_the_oldest_first(site: CorePair) -> None:
    for _ in range(2):
        site.send(*[limit(ADA, BUY, 50, 1) for _ in range(130)])
    everything = command(CommandKind.CANCEL_ALL, account=ADA, market=MARKET)
    events = site.send(everything)
    assert [event[ID] for event in events[:-1]] == list(range(1, 257))
    assert told(events, Event.QUANTITY, LEFT)[-1] == (EventKind.ORDERS_CANCELED, 256, 4)
    assert told(site.send(everything), Event.QUANTITY)[-1][1] == 4
    assert told(site.send(everything), Event.QUANTITY) == [(EventKind.ORDERS_CANCELED, 0)]


def test_so_many_trailing_stops_wait_in_a_market(site: CorePair) -> None:
    trailing = stop(ADA, SELL, 0, 1, trailing=100)
    for _ in range(2):
        site.send(*[trailing] * 128)
    assert why(site.send(trailing)) == Reason.CAPACITY
    site.send(cancel(ADA, 7), trailing)


def test_a_list_holds_the_larger_of_its_orders(site: CorePair) -> None:
    site.send(*trade(100), oco(ADA, BUY, 90, 110, 10, amount=112))
    assert site.has(ADA, QUOTE) == (MONEY - 1_120, 1_120)
    # the limit order loses 4 lots to another account of the user, the stop still wants 10
    events = site.send(limit(ADA_TOO, SELL, 90, 4, self_trade=SelfTrade.DECREMENT))
    assert told(events, ID, LEFT)[2:] == [(PREVENTED, 5, 6), (EXPIRED, 5, 0)]
    assert site.has(ADA, QUOTE) == (MONEY - 1_120, 1_120)
    # the other six as well: the stop is canceled with it
    events = site.send(limit(ADA_TOO, SELL, 90, 7, self_trade=SelfTrade.DECREMENT))
    assert told(events, Event.OTHER_ORDER, ID, LEFT)[2:] == [
        (PREVENTED, 3, 6, 0),
        (EXPIRED, 0, 3, 0),
        (CANCELED, 0, 4, 10),
        (RESTED, 0, 6, 1),
    ]
    assert site.has(ADA, QUOTE) == (MONEY, 0)


def test_decrement_takes_an_iceberg_part_by_part(site: CorePair) -> None:
    site.send(limit(ADA_TOO, SELL, 100, 6, display=2), limit(BOB, SELL, 100, 1))
    events = site.send(limit(ADA, BUY, 100, 4, self_trade=SelfTrade.DECREMENT))
    assert told(events, Event.QUANTITY, LEFT, AUX)[2:] == [
        (PREVENTED, 2, 4, 2),
        (RESTED, 6, 4, 0),
        (TRADED, 1, 0, 1),
        (PREVENTED, 1, 3, 0),
        (EXPIRED, 4, 0, 0),
    ]


def test_a_plain_stop_fires_though_the_price_came_back(site: CorePair) -> None:
    site.send(*trade(100), stop(ADA, SELL, 95, 1), stop(ADA, SELL, 90, 1, price=200))
    site.send(limit(BOB, BUY, 95, 1), limit(BOB, BUY, 90, 1), limit(BOB, BUY, 80, 1))
    # one sale through 95 and 90 fires both; the first sells at 80 before the second's turn
    events = site.send(market(HOUSE, SELL, 2))
    assert told(events, ID, Event.PRICE)[1:] == [
        (TRADED, 8, 95),
        (TRADED, 8, 90),
        (TRIGGERED, 3, 0),
        (TRADED, 3, 80),
        (TRIGGERED, 4, 200),
        (RESTED, 4, 200),
    ]
