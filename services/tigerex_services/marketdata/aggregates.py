"""Aggregate trades: what one taker's order took at one price, as one row. Pure.

A taker's order trades within one command, so within one batch: no aggregate goes on in the next.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from tigerex_core.records import Event


class AggregateTrade(NamedTuple):
    """Trades that follow each other: price in ticks, quantity in lots; ids count up from 1 in each
    market."""

    market_id: int
    aggregate_id: int
    price: int
    quantity: int
    first_trade_id: int
    last_trade_id: int
    taker_side: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class Counted:
    """How far one market's aggregates are counted: the last one's id, and its last trade's."""

    aggregate_id: int = 0
    trade_id: int = 0


def aggregated(traded: Iterable[list[int]], counted: Counted) -> list[AggregateTrade]:
    """The aggregates of one market's TRADED events of one batch.

    Trades that are counted already change nothing, so a fold may begin again earlier.
    """
    fresh = [row for row in traded if row[Event.TRADE_ID] > counted.trade_id]
    found: list[AggregateTrade] = []
    for _, group in groupby(fresh, lambda row: (row[Event.ORDER_ID], row[Event.PRICE])):
        rows = list(group)
        first, last = rows[0], rows[-1]
        found.append(
            AggregateTrade(
                market_id=first[Event.MARKET],
                aggregate_id=counted.aggregate_id + len(found) + 1,
                price=first[Event.PRICE],
                quantity=sum(row[Event.QUANTITY] for row in rows),
                first_trade_id=first[Event.TRADE_ID],
                last_trade_id=last[Event.TRADE_ID],
                taker_side=first[Event.SIDE],
                time_ns=first[Event.TIME_NS],
            )
        )
    return found
