"""Open orders that are good till a date: a binary heap of their rows, the next to expire first,
among equal dates the lowest id."""

from tigerex_core.jit import kernel
from tigerex_core.layout import Books, Head, Order
from tigerex_core.records import Rows


@kernel
def _sooner(orders: Rows, left: int, right: int) -> bool:
    if orders[left, Order.EXPIRE_NS] != orders[right, Order.EXPIRE_NS]:
        return orders[left, Order.EXPIRE_NS] < orders[right, Order.EXPIRE_NS]
    return orders[left, Order.ID] < orders[right, Order.ID]


@kernel
def _put(books: Books, order: int, at: int) -> None:
    books.expiring[at] = order
    books.orders[order, Order.HEAP] = at


@kernel
def _rise(books: Books, order: int, at: int) -> int:
    """The place for an order at `at` or above it, made free."""
    while at > 1 and _sooner(books.orders, order, books.expiring[at >> 1]):
        _put(books, books.expiring[at >> 1], at)
        at >>= 1
    return at


@kernel
def _sink(books: Books, size: int, order: int, at: int) -> int:
    """The place for an order at `at` or below it, made free."""
    while 2 * at <= size:
        child = 2 * at
        if child < size and _sooner(books.orders, books.expiring[child + 1], books.expiring[child]):
            child += 1
        if _sooner(books.orders, order, books.expiring[child]):
            break
        _put(books, books.expiring[child], at)
        at = child
    return at


@kernel
def add_expiring(head: Rows, books: Books, order: int) -> None:
    head[Head.EXPIRING] += 1
    _put(books, order, _rise(books, order, head[Head.EXPIRING]))


@kernel
def remove_expiring(head: Rows, books: Books, order: int) -> None:
    """The heap's last order takes the place, and moves on to where it belongs."""
    at = books.orders[order, Order.HEAP]
    size = head[Head.EXPIRING] - 1
    head[Head.EXPIRING] = size
    last = books.expiring[size + 1]
    books.expiring[size + 1] = 0
    books.orders[order, Order.HEAP] = 0
    if at <= size:
        at = _rise(books, last, at)
        _put(books, last, _sink(books, size, last, at))


@kernel
def next_due(head: Rows, books: Books) -> int:
    """The next order whose date has come; 0 when there is none."""
    if head[Head.EXPIRING] == 0:
        return 0
    order = books.expiring[1]
    if books.orders[order, Order.EXPIRE_NS] > head[Head.TIME_NS]:
        return 0
    return order


@kernel
def has_expired(head: Rows, orders: Rows, order: int) -> bool:
    expire_ns = orders[order, Order.EXPIRE_NS]
    return expire_ns != 0 and expire_ns <= head[Head.TIME_NS]
