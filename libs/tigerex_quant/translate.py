"""The exchange's event rows as kernel events, and kernel refs as client order ids."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from tigerex_core.records import NAME_BYTES, Event, EventKind, MarketState, Rows, Side
from tigerex_quant import kernel as k
from tigerex_quant.kernel import Ints

# A signal's number on the wire → the event's kind.
SIGNALS: Final = {1: k.TAKEOVER, 2: k.START, 3: k.PAUSE, 4: k.RESUME, 5: k.STOP}
SHORT_ID_CHARS: Final = 12
_ORDER_KINDS: Final[dict[int, int]] = {
    EventKind.ORDER_ACCEPTED: k.ACCEPTED,
    EventKind.ORDER_RESTED: k.RESTED,
    EventKind.ORDER_EXPIRED: k.EXPIRED,
    EventKind.ORDER_CANCELED: k.CANCELED,
    EventKind.ORDER_AMENDED: k.RESIZED,
    EventKind.REJECTED: k.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Own:
    """What is a bot's own in the exchange's events: its account, its orders' names, the ids of the
    assets that its market trades.
    """

    account: int
    short_id: str
    base: int
    quote: int


def client_order_id(short_id: str, ref: int) -> str:
    """`<bot>-<seq>-<n>`: what a bot's order is called on the exchange."""
    return f"{short_id}-{ref >> k.REF_BITS}-{ref & ((1 << k.REF_BITS) - 1)}"


def ref_of_name(words: Rows, short_id: str) -> int:
    """The ref in the client order id of an event; 0 when the order is not the bot's own."""
    name = words.astype("<i8").tobytes()[:NAME_BYTES].rstrip(b"\0").decode("ascii", "replace")
    parts = name.split("-")
    if len(parts) != 3 or parts[0] != short_id or not (parts[1] + parts[2]).isdecimal():
        return 0
    return (int(parts[1]) << k.REF_BITS) | int(parts[2])


def market_event(row: Rows, seq: int) -> Ints | None:
    """The event for everyone who follows the row's market; None when it says nothing to them."""
    kind = int(row[Event.KIND])
    if kind == EventKind.TRADED:
        event = _event(k.TRADE, row, seq)
        event[k.E_PRICE] = row[Event.PRICE]
        event[k.E_QUANTITY] = row[Event.QUANTITY]
        return event
    if kind == EventKind.MARKET_STATE_SET:
        open_now = row[Event.VALUE] == MarketState.OPEN
        return _event(k.MARKET_OPEN if open_now else k.MARKET_HALTED, row, seq)
    return None


def tick_event(row: Rows, seq: int) -> Ints:
    """The event of a TICKED row."""
    return _event(k.TICK, row, seq)


def account_events(row: Rows, seq: int, own: Own) -> list[Ints]:
    """The events for the bot with this account, in order: none, one, or two for a self-trade."""
    kind = int(row[Event.KIND])
    if kind in (EventKind.TRADED, EventKind.SELF_TRADE_PREVENTED):
        return [
            _meeting(row, seq, own, maker=column is Event.OTHER_ACCOUNT)
            for column in (Event.OTHER_ACCOUNT, Event.ACCOUNT)
            if row[column] == own.account
        ]
    if row[Event.ACCOUNT] != own.account:
        return []
    if kind == EventKind.EPOCH_ADVANCED:
        signal = SIGNALS.get(int(row[Event.AUX]))
        if signal is None:
            return []
        event = _event(signal, row, seq)
        event[k.E_EPOCH] = row[Event.VALUE]
        return [event]
    order_kind = _ORDER_KINDS.get(kind)
    if order_kind is None:
        return []
    event = _event(order_kind, row, seq)
    event[k.E_ORDER_ID] = row[Event.ORDER_ID]
    event[k.E_SIDE] = row[Event.SIDE]
    event[k.E_PRICE] = row[Event.PRICE]
    event[k.E_QUANTITY] = row[Event.QUANTITY]
    event[k.E_REMAINING] = row[Event.REMAINING]
    event[k.E_REASON] = row[Event.REASON]
    if order_kind in (k.ACCEPTED, k.REJECTED):
        event[k.E_REF] = ref_of_name(row[Event.NAME :], own.short_id)
    return [event]


def fee_asset(row: Rows, base: int, quote: int, *, maker: bool) -> int:
    """The asset of one side's fee in a TRADED row of the market of these two.

    Rows of the first kernel name none: its fees were in what the side received.
    """
    bought = bool(row[Event.SIDE] == Side.BUY) is not maker
    received = base if bought else quote
    return int(row[Event.OTHER_ASSET if maker else Event.ASSET]) or received


def _meeting(row: Rows, seq: int, own: Own, *, maker: bool) -> Ints:
    """A fill; or what was prevented: the order may have lost lots, its end has its own event."""
    traded = row[Event.KIND] == EventKind.TRADED
    event = _event(k.FILLED if traded else k.RESIZED, row, seq)
    side = int(row[Event.SIDE])
    event[k.E_ORDER_ID] = row[Event.OTHER_ORDER if maker else Event.ORDER_ID]
    event[k.E_SIDE] = Side.BUY + Side.SELL - side if maker else side
    event[k.E_PRICE] = row[Event.PRICE]
    event[k.E_QUANTITY] = row[Event.QUANTITY]
    event[k.E_REMAINING] = row[Event.REMAINING if maker else Event.AUX]
    if traded:
        event[k.E_NOTIONAL] = row[Event.AMOUNT]
        event[k.E_FEE] = row[Event.VALUE if maker else Event.FEE]
        asset = fee_asset(row, own.base, own.quote, maker=maker)
        places = {own.base: k.FEE_IN_BASE, own.quote: k.FEE_IN_QUOTE}
        event[k.E_FEE_IN] = places.get(asset, k.FEE_ELSEWHERE)
    return event


def _event(kind: int, row: Rows, seq: int) -> Ints:
    event = np.zeros(k.EVENT_WIDTH, dtype=np.int64)
    event[k.E_KIND] = kind
    event[k.E_SEQ] = seq
    event[k.E_TIME_NS] = row[Event.TIME_NS]
    return event
