"""The fold of orders against the exchange itself: every step legal, every fact the same."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.core_random import SMALL, commands, start
from tests.support.core_rows import Row, rows_of
from tests.support.reference import Order, Reference

from tigerex_core.order_life import CLOSED, IllegalTransitionError, OrderState, Step
from tigerex_core.records import (
    EVENT_WIDTH,
    Event,
    EventKind,
    MarketState,
    OrderType,
    Reason,
    Rows,
    Side,
)
from tigerex_services.directory import Directory
from tigerex_services.exchange.orders import OrderBook, OrderRecord, held_by
from tigerex_services.instruments import AssetInfo, MarketInfo
from tigerex_services.order_records import FOLLOW, Terms, accepted

pytestmark = pytest.mark.unit

EXAMPLES = 60
COMMANDS_MAX = 120
SEEDS = 25  # that are always run, for what they cover


class Exchange:
    """The reference, with the fold of its events beside it."""

    def __init__(self) -> None:
        self.reference = Reference(SMALL)
        self.book = OrderBook()
        self.directory = Directory()
        self.statuses: set[tuple[OrderState, int]] = set()
        self.apply(rows_of(start()))

    def apply(self, rows: Rows) -> None:
        events = self.reference.apply(rows, 1)
        self.directory.apply(np.array(events, np.int64).reshape(-1, EVENT_WIDTH))
        self.book.apply(events)
        for row in events:
            record = self.book.find(row[Event.ORDER_ID])
            if row[Event.KIND] in FOLLOW and record is not None:
                self.statuses.add((record.status, record.end_reason))

    def check(self) -> None:
        """What the fold knows is what the exchange knows, order by order."""
        open_orders = self.reference.site.orders
        for account in self.reference.accounts:
            theirs = self.reference.open_orders(account)
            ours = self.book.open_of(account)
            assert [o.order_id for o in ours] == [o.order_id for o in theirs]
            for record, order in zip(ours, theirs, strict=True):
                self._check_one(record, order)
        assert sum(len(self.book.open_of(a)) for a in self.reference.accounts) == len(open_orders)

    def _check_one(self, record: OrderRecord, order: Order) -> None:
        assert record.remaining == order.remaining
        assert record.filled == order.traded
        assert record.quantity == order.quantity
        assert record.visible == order.visible
        assert (record.status is OrderState.WAITING) == order.waiting
        expected = Terms(
            order.stop_price, order.trailing, order.display, 0,
            order.expire_ns, order.self_trade, order.list_id,
        )  # fmt: skip
        assert record.terms == expected
        market = self.directory.market_by_id(order.market)
        asset = market.quote if order.side == Side.BUY else market.base
        assert held_by(record, market, self.book.sibling(record)) == (asset.asset_id, order.held)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.builds(commands, st.integers(0, 2**32), st.integers(1, COMMANDS_MAX)), st.integers(1, 9))
def test_random_commands_take_legal_steps_only(sequence: list[Row], size: int) -> None:
    exchange, rows = Exchange(), rows_of(sequence)
    for first in range(0, len(rows), size):
        exchange.apply(rows[first : first + size])
        exchange.check()


def test_random_commands_lead_to_every_end() -> None:
    """What the property above is worth."""
    statuses: set[tuple[OrderState, int]] = set()
    for seed in range(SEEDS):
        exchange = Exchange()
        exchange.apply(rows_of(commands(seed, 2 * COMMANDS_MAX)))
        exchange.check()
        statuses |= exchange.statuses
    assert {status for status, _ in statuses} >= set(OrderState) - {OrderState.ABSENT}
    expired = {reason for status, reason in statuses if status is OrderState.EXPIRED}
    assert expired >= {
        *(Reason.NONE, Reason.TIME, Reason.NOT_FILLABLE),
        *(Reason.INSUFFICIENT_BALANCE, Reason.CIRCUIT_BREAKER),
    }
    assert (OrderState.CANCELED, Reason.OTHER_LEG) in statuses


def test_a_restored_book_goes_on_alike() -> None:
    exchange = Exchange()
    exchange.apply(rows_of(commands(3, COMMANDS_MAX)))
    state = exchange.book.state()
    exchange.book = OrderBook.restore(state)
    exchange.check()
    assert exchange.book.state() == state
    exchange.apply(rows_of(commands(3, 2 * COMMANDS_MAX)[COMMANDS_MAX:]))
    exchange.check()


# Each step, told as an event of order 1.
EVENTS: dict[Step, tuple[EventKind, dict[str, int]]] = {
    Step.DESCRIBED: (EventKind.ORDER_TERMS, {}),
    Step.TRIGGERED: (EventKind.ORDER_TRIGGERED, {}),
    Step.RESTED: (EventKind.ORDER_RESTED, {"VISIBLE": 5}),
    Step.TRADED_PARTLY: (EventKind.TRADED, {"QUANTITY": 1, "OTHER_ORDER": 2}),
    Step.TRADED_WHOLE: (EventKind.TRADED, {"QUANTITY": 5, "OTHER_ORDER": 2}),
    Step.AMOUNT_TRADED: (EventKind.ORDER_FILLED, {}),
    Step.PREVENTED: (EventKind.SELF_TRADE_PREVENTED, {"OTHER_ORDER": 2}),
    Step.AMENDED: (EventKind.ORDER_AMENDED, {"QUANTITY": 5}),
    Step.CANCELED: (EventKind.ORDER_CANCELED, {}),
    Step.EXPIRED: (EventKind.ORDER_EXPIRED, {"REASON": Reason.TIME}),
    Step.EXPIRED_IN_MATCH: (EventKind.ORDER_EXPIRED, {"REASON": Reason.SELF_TRADE}),
}
BEGINNINGS = {Step.ACCEPTED, Step.ACCEPTED_TO_WAIT}


def event(kind: EventKind, **columns: int) -> list[int]:
    row = [0] * EVENT_WIDTH
    row[Event.KIND], row[Event.ORDER_ID], row[Event.TIME_NS] = kind, 1, 5
    for column, value in columns.items():
        row[Event[column]] = value
    return row


def test_every_step_but_a_beginning_has_an_event() -> None:
    assert set(EVENTS) == set(Step) - BEGINNINGS


def accept(order_type: int, order_id: int = 1) -> list[int]:
    return event(EventKind.ORDER_ACCEPTED, ORDER_ID=order_id, QUANTITY=5, VALUE=order_type + 16)


WAYS: dict[OrderState, Sequence[list[int]]] = {
    OrderState.NEW: [accept(OrderType.LIMIT)],
    OrderState.WAITING: [accept(OrderType.STOP_LOSS)],
    OrderState.PARTIALLY_FILLED: [
        accept(OrderType.LIMIT),
        event(EventKind.TRADED, QUANTITY=1, OTHER_ORDER=3),
    ],
}
CLOSINGS = [
    event(EventKind.TRADED, QUANTITY=5, OTHER_ORDER=3),
    event(EventKind.ORDER_CANCELED),
    event(EventKind.ORDER_EXPIRED),
    event(EventKind.ORDER_EXPIRED, REASON=Reason.SELF_TRADE),
]


def book_with(rows: Sequence[list[int]]) -> OrderBook:
    """Order 1 as the rows leave it; 2 and 3 are somebody's to trade with."""
    book = OrderBook()
    counterparties = [accept(OrderType.LIMIT, order_id) for order_id in (2, 3)]
    for row in counterparties:
        row[Event.QUANTITY] = 100
    book.apply([*counterparties, *rows])
    return book


@pytest.mark.parametrize("step", EVENTS, ids=lambda step: step.name)
@pytest.mark.parametrize("closing", CLOSINGS, ids=range(len(CLOSINGS)))
def test_nothing_happens_to_a_closed_order(closing: list[int], step: Step) -> None:
    book = book_with([accept(OrderType.LIMIT), closing])
    kind, columns = EVENTS[step]
    closed = book.find(1)
    assert closed is not None
    assert closed.status in CLOSED
    with pytest.raises(IllegalTransitionError):
        book.apply([event(kind, **columns)])


@pytest.mark.parametrize("step", EVENTS, ids=lambda step: step.name)
def test_nothing_happens_to_an_order_that_nobody_placed(step: Step) -> None:
    kind, columns = EVENTS[step]
    with pytest.raises(IllegalTransitionError):
        book_with([]).apply([event(kind, **columns)])


@pytest.mark.parametrize(
    ("state", "step"),
    [
        *((OrderState.WAITING, step) for step in (Step.RESTED, Step.TRADED_PARTLY)),
        *((OrderState.WAITING, step) for step in (Step.PREVENTED, Step.EXPIRED_IN_MATCH)),
        (OrderState.WAITING, Step.AMOUNT_TRADED),
        (OrderState.NEW, Step.TRIGGERED),
        (OrderState.NEW, Step.AMOUNT_TRADED),
        (OrderState.PARTIALLY_FILLED, Step.TRIGGERED),
        (OrderState.PARTIALLY_FILLED, Step.DESCRIBED),
    ],
)
def test_open_orders_refuse_what_cannot_be(state: OrderState, step: Step) -> None:
    book = book_with(WAYS[state])
    kind, columns = EVENTS[step]
    with pytest.raises(IllegalTransitionError) as caught:
        book.apply([event(kind, **columns)])
    assert (caught.value.state, caught.value.step) == (state, step)


def test_a_stop_is_triggered_rests_and_trades() -> None:
    book = book_with(
        [
            accept(OrderType.STOP_LOSS_LIMIT),
            event(EventKind.ORDER_TERMS, PRICE=90, REMAINING=50, QUANTITY=2, AUX=7, VALUE=3),
            event(EventKind.ORDER_TRIGGERED, AUX=89),
            event(EventKind.ORDER_RESTED, VISIBLE=2),
            event(EventKind.ORDER_AMENDED, QUANTITY=9),
            event(EventKind.TRADED, ORDER_ID=2, OTHER_ORDER=1, QUANTITY=2, AMOUNT=180, PRICE=90),
            event(EventKind.ORDER_RESTED, VISIBLE=2),
        ]
    )
    order = book.find(1)
    assert order is not None
    assert order.terms == Terms(90, 50, 2, 0, 7, 3, 0)
    assert (order.triggered_ns, order.triggered_price, order.amendments) == (5, 89, 1)
    assert (order.filled, order.remaining, order.visible) == (2, 7, 2)
    assert order.status is OrderState.PARTIALLY_FILLED


def test_an_order_for_an_amount_ends_when_told() -> None:
    book = book_with(
        [
            accept(OrderType.MARKET),
            event(EventKind.ORDER_TERMS, AMOUNT=500),
            event(EventKind.TRADED, OTHER_ORDER=2, QUANTITY=5, AMOUNT=500),
            event(EventKind.ORDER_FILLED),
        ]
    )
    order = book.find(1)
    assert order is not None
    assert order.status is OrderState.FILLED
    assert order.remaining == 0


MARKET = MarketInfo(
    1, "m", AssetInfo(1, "BASE", 2), AssetInfo(2, "QUOTE", 4), 100, 10, 1_000, 1_000, 0,
    MarketState.OPEN,
)  # fmt: skip


def record(side: Side, order_type: OrderType, price: int, quantity: int) -> OrderRecord:
    row = accept(order_type)
    row[Event.SIDE], row[Event.PRICE], row[Event.QUANTITY] = side, price, quantity
    return accepted(row)


def test_what_orders_hold() -> None:
    sell = record(Side.SELL, OrderType.LIMIT, 7, 3)
    assert held_by(sell, MARKET) == (1, 30)  # lots of 10 units
    buy = record(Side.BUY, OrderType.LIMIT, 7, 3)
    assert held_by(buy, MARKET) == (2, 7 * 100 * 30 // 100)
    assert held_by(record(Side.BUY, OrderType.STOP_LOSS, 0, 3), MARKET) == (2, 0)
    assert held_by(record(Side.SELL, OrderType.STOP_LOSS, 0, 3), MARKET) == (1, 30)


def test_a_waiting_stop_holds_what_its_limit_order_does_not() -> None:
    limit = record(Side.BUY, OrderType.LIMIT, 7, 3)
    stop = record(Side.BUY, OrderType.STOP_LOSS_LIMIT, 9, 3)
    assert held_by(stop, MARKET, limit) == (2, 2 * 100 * 30 // 100)
    cheaper = record(Side.BUY, OrderType.STOP_LOSS_LIMIT, 5, 3)
    assert held_by(cheaper, MARKET, limit) == (2, 0)
    stop.status = OrderState.NEW  # triggered: on its own
    assert held_by(stop, MARKET, limit) == (2, 9 * 100 * 30 // 100)
