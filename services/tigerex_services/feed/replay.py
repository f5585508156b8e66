"""A capture becomes orders: quotes those of the house maker, trades those of the house taker.

Pure: messages in, intents out. Every id derives from the capture's digest, the market and the
number of the line, so sending a line again repeats commands that the exchange has answered.

A trade tells that its price was quoted when it happened, which the quote before it often does not:
best quotes and trades of one match reach a listener in either order. So the maker's quote is first
moved to the trade's price where it is elsewhere or too small, and what would cross it is taken
off; the next recorded quote puts both sides right again. Recorded trades thus print at their
recorded prices, unless a user's order is better and gets the fill: then the maker's order keeps
what the user sold or bought instead, and is cancelled by the next quote like any other.
"""

from collections import Counter
from dataclasses import dataclass, replace

from tigerex_core.records import Side
from tigerex_platform.ids import derive_request_id
from tigerex_services.feed.capture import Quote, Trade
from tigerex_services.feed.intents import Cancel, Intent, Party, Place
from tigerex_services.feed.steps import Steps

SIDE_LETTER = {Side.BUY: "b", Side.SELL: "a"}
TAG_HEX = 6  # of the capture in the names of its orders


@dataclass(frozen=True, slots=True)
class Standing:
    """The maker's order on one side as the capture alone tells it: users may have taken some, or
    filled takers in its place.
    """

    name: str
    price: int
    quantity: int
    """0 where recorded trades took it all; it may stand nevertheless, so it is cancelled."""


class Replay:
    """The fold of a capture's messages into intents."""

    def __init__(self, digest: bytes, steps: Steps) -> None:
        self._base = derive_request_id("replay", digest, steps.symbol)
        self._prefix = f"r{self._base.hex()[:TAG_HEX]}."
        self._steps = steps
        self._symbol = ""
        self._standing: dict[Side, Standing] = {}
        self.skipped: Counter[str] = Counter()
        """How many messages led to no order, by reason."""

    def apply(self, line: int, message: Quote | Trade) -> list[Intent]:
        """What that line's message asks for: cancels first, so the maker never meets itself."""
        self._symbol = self._symbol or message.symbol
        if message.symbol != self._symbol:
            self.skipped["other_symbol"] += 1
            return []
        tag = str(line)
        if isinstance(message, Quote):
            return self._quote(tag, message)
        return self._trade(tag, message)

    def restore(self, tag: str) -> list[Intent]:
        """The standing quotes once more under new names: after their orders were cancelled.

        `tag` must be new; it is part of the ids.
        """
        wanted = {side: (s.price, s.quantity) for side, s in self._standing.items() if s.quantity}
        self._standing.clear()
        return self._requote(tag, wanted)

    def line_of(self, name: str) -> int:
        """The line that an order of this replay came from; 0 for other orders."""
        number = name.removeprefix(self._prefix).rstrip("ab").partition(".")[0]
        return int(number) if name.startswith(self._prefix) and number.isdecimal() else 0

    def clear(self) -> list[Intent]:
        """Cancels of what may stand."""
        return self._requote("", dict.fromkeys(self._standing, (0, 0)))

    def _quote(self, tag: str, quote: Quote) -> list[Intent]:
        steps = self._steps
        return self._requote(
            tag,
            {
                Side.BUY: (steps.floor_ticks(quote.bid_e8), steps.lots(quote.bid_quantity_e8)),
                Side.SELL: (steps.ceil_ticks(quote.ask_e8), steps.lots(quote.ask_quantity_e8)),
            },
        )

    def _trade(self, tag: str, trade: Trade) -> list[Intent]:
        steps, taker = self._steps, trade.taker_side
        maker = Side.SELL if taker is Side.BUY else Side.BUY
        rounded = steps.ceil_ticks if taker is Side.BUY else steps.floor_ticks
        price, lots = rounded(trade.price_e8), steps.lots(trade.quantity_e8)
        if not steps.placeable(price, lots):
            self.skipped["trade_outside_limits"] += 1
            return []
        intents = self._requote(tag, self._quoted_at(maker, price, lots))
        key = derive_request_id(self._base, tag, "taker")
        intents.append(Place(key, Party.TAKER, taker, price, lots))
        hit = self._standing[maker]
        self._standing[maker] = replace(hit, quantity=hit.quantity - lots)
        return intents

    def _quoted_at(self, maker: Side, price: int, lots: int) -> dict[Side, tuple[int, int]]:
        """The quotes that a trade at that price against that side implies."""
        wanted: dict[Side, tuple[int, int]] = {}
        hit = self._standing.get(maker)
        if hit is None or hit.price != price or hit.quantity < lots:
            wanted[maker] = (price, lots)
        taker = Side.BUY if maker is Side.SELL else Side.SELL
        opposite = self._standing.get(taker)
        if opposite is not None and _crosses(taker, opposite.price, price):
            wanted[taker] = (0, 0)
        return wanted

    def _requote(self, tag: str, wanted: dict[Side, tuple[int, int]]) -> list[Intent]:
        """Replace what stands where something else is wanted; (0, 0): nothing is."""
        cancels: list[Intent] = []
        places: list[Intent] = []
        for side, (price, lots) in wanted.items():
            old = self._standing.get(side)
            if lots and old is not None and (old.price, old.quantity) == (price, lots):
                continue
            if old is not None:
                cancels.append(Cancel(derive_request_id(self._base, "cancel", old.name), old.name))
                del self._standing[side]
            if self._steps.placeable(price, lots):
                name = f"{self._prefix}{tag}{SIDE_LETTER[side]}"
                key = derive_request_id(self._base, name)
                places.append(Place(key, Party.MAKER, side, price, lots, name))
                self._standing[side] = Standing(name, price, lots)
            elif price:
                self.skipped["quote_outside_limits"] += 1
        return cancels + places


def _crosses(side: Side, own: int, price: int) -> bool:
    """Whether an own order of that side would meet an order of the other side at `price`."""
    return own >= price if side is Side.BUY else own <= price
