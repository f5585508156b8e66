"""Orders come to rest on the book."""

from tigerex_core.book import enqueue, part_of, row_of
from tigerex_core.ending import order_event
from tigerex_core.jit import kernel
from tigerex_core.layout import Order, Place, State
from tigerex_core.output import STANDING, Out
from tigerex_core.records import Event, EventKind
from tigerex_core.standing import count_lots, open_order


@kernel
def rest(state: State, out: Out, order: int) -> None:
    """Put an order on the book, at the end of its price's queue."""
    books, orders = state.books, state.books.orders
    if orders[order, Order.STANDING] == 0:
        open_order(state.head, books, order, out.cause[STANDING])
    orders[order, Order.PLACE] = Place.BOOK
    orders[order, Order.VISIBLE] = part_of(orders, order)
    book = row_of(orders[order, Order.MARKET], orders[order, Order.SIDE])
    enqueue(state.head, books, order, book, orders[order, Order.PRICE])
    count_lots(books, order, orders[order, Order.REMAINING])
    at = order_event(out, EventKind.ORDER_RESTED, orders, order)
    out.events[at, Event.VISIBLE] = orders[order, Order.VISIBLE]
