"""Levels of a book as Binance writes them."""

from collections.abc import Sequence

from tigerex_services.gateway.binance.orders import Json, decimal
from tigerex_services.gateway.books import Book, Level


def levels(of: Sequence[Level]) -> list[tuple[str, str]]:
    return [(decimal(price), decimal(quantity)) for price, quantity in of]


def best_levels(book: Book, count: int) -> Json:
    """The best levels of both sides: the answer of `GET depth`, and what `@depth<count>` tells."""
    return {
        "lastUpdateId": book.seq,
        "bids": levels(book.bids.best(count)),
        "asks": levels(book.asks.best(count)),
    }
