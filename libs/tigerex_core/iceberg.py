"""Icebergs: when the part that is shown is gone, the next one queues up behind everybody else."""

from tigerex_core.book import part_of, show_less, to_the_end
from tigerex_core.ending import order_event
from tigerex_core.jit import kernel, routine
from tigerex_core.layout import ICEBERG_PARTS_MAX, Order, State
from tigerex_core.output import Out
from tigerex_core.records import Event, EventKind


@kernel
def is_display(display: int, quantity: int) -> bool:
    """Whether an iceberg of this quantity may show so many lots at a time."""
    if display < 1 or display >= quantity:
        return False
    return (quantity - 1) // display < ICEBERG_PARTS_MAX


@routine
def next_part(state: State, out: Out, order: int) -> None:
    """Show the next part of an order on the book that shows nothing any more."""
    orders = state.books.orders
    show_less(state.books, order, -part_of(orders, order))
    to_the_end(state.books, order)
    at = order_event(out, EventKind.ORDER_RESTED, orders, order)
    out.events[at, Event.VISIBLE] = orders[order, Order.VISIBLE]
