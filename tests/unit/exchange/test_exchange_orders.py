"""Orders as their owners see them, folded from events, with a bound on what is remembered."""

import pytest

from tigerex_core.records import EVENT_WIDTH, Event, EventKind, pack_name
from tigerex_services.exchange.orders import EventRow, OrderBook, OrderStatus

pytestmark = pytest.mark.unit

LIMIT_GTC = 1 + 16 * 1


def event(kind: EventKind, name: str = "", **columns: int) -> EventRow:
    row = [0] * EVENT_WIDTH
    row[Event.KIND] = kind
    row[Event.NAME :] = pack_name(name).tolist()
    for column, value in columns.items():
        row[Event[column]] = value
    return row


def accept(order_id: int, *, account: int = 10, quantity: int = 5, name: str = "") -> EventRow:
    return event(
        EventKind.ORDER_ACCEPTED, name, ORDER_ID=order_id, ACCOUNT=account, MARKET=1, SIDE=1,
        PRICE=100, QUANTITY=quantity, REMAINING=quantity, VALUE=LIMIT_GTC, TIME_NS=77,
    )  # fmt: skip


def trade(taker: int, maker: int, lots: int) -> EventRow:
    return event(
        EventKind.TRADED, ORDER_ID=taker, OTHER_ORDER=maker, MARKET=1, PRICE=100, QUANTITY=lots,
        AMOUNT=lots * 100,
    )  # fmt: skip


def test_fills_of_both_sides_add_up() -> None:
    book = OrderBook()
    book.apply([accept(1, name="mine"), accept(2, account=11, quantity=3), trade(2, 1, 3)])
    maker, taker = book.find(1), book.find(2)
    assert maker is not None
    assert taker is not None
    assert (maker.filled, maker.filled_notional) == (3, 300)
    assert maker.status is OrderStatus.PARTIALLY_FILLED
    assert taker.status is OrderStatus.FILLED
    assert book.open_of(10) == [maker]
    assert book.open_of(11) == []
    assert book.last_price == {1: 100}
    assert book.find_by_name(10, "mine") is maker
    assert book.find_by_name(11, "mine") is None


def test_a_canceled_and_an_expired_order() -> None:
    book = OrderBook()
    book.apply([accept(1), accept(2)])
    book.apply([event(EventKind.ORDER_CANCELED, ORDER_ID=1, ACCOUNT=10)])
    book.apply([event(EventKind.ORDER_EXPIRED, ORDER_ID=2, ACCOUNT=10)])
    statuses = [order.status for order in (book.find(1), book.find(2)) if order]
    assert statuses == [OrderStatus.CANCELED, OrderStatus.EXPIRED]


def test_closed_orders_are_forgotten_oldest_first() -> None:
    book = OrderBook(closed_max=2)
    for order_id in (1, 2, 3):
        book.apply([accept(order_id, name=f"order-{order_id}")])
        book.apply([event(EventKind.ORDER_CANCELED, ORDER_ID=order_id, ACCOUNT=10)])
    assert book.find(1) is None
    assert book.find_by_name(10, "order-1") is None
    assert book.find(3) is not None


def test_a_reused_name_means_the_newest_order() -> None:
    book = OrderBook(closed_max=1)
    book.apply([accept(1, name="again"), event(EventKind.ORDER_CANCELED, ORDER_ID=1, ACCOUNT=10)])
    book.apply([accept(2, name="again")])
    book.apply([accept(3), event(EventKind.ORDER_CANCELED, ORDER_ID=3, ACCOUNT=10)])
    found = book.find_by_name(10, "again")
    assert found is not None
    assert found.order_id == 2
