"""What a feed wants done on its market, before it has ids of accounts: plain integers, no I/O.

Both feeds produce these; the exchange client turns them into messages, the lockstep test mode
into rows of the core.
"""

from dataclasses import dataclass
from enum import Enum

from tigerex_core.records import Side


class Party(Enum):
    """Which of the two house accounts of the market acts."""

    MAKER = "maker"
    TAKER = "taker"


@dataclass(frozen=True, slots=True)
class Place:
    """A limit order: the maker's rests (GTC), the taker's is immediate-or-cancel.

    `price` in ticks, `quantity` in lots; `key` becomes the request id, so the same key is the same
    command however often it is sent. Only the maker's orders have a name to cancel them by.
    """

    key: bytes
    party: Party
    side: Side
    price: int
    quantity: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Takes the maker's order of that name off the book; harmless when it has been filled."""

    key: bytes
    name: str


Intent = Place | Cancel
