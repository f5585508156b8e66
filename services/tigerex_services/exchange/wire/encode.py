"""Answers to places of ordinary limit orders as a response's bytes.

Written from the end to the front, so that the length of what is nested is known when its prefix is
written. What another kind of command is answered, and an order with more to say than its fills, is
left to the ordinary way.
"""

import numpy as np

from tigerex_core.order_life import OrderState
from tigerex_core.records import NAME_BYTES, Event, EventKind, OrderType, Reason, Rows
from tigerex_services.exchange.wire.compiled import compiled, entry
from tigerex_services.exchange.wire.decode import Bytes
from tigerex_services.exchange.wire.tables import TEXT_BYTES, Market, Texts

RESULT_BYTES_MAX = 512  # of an answer without its fills: 30 fields, of which 10 are decimals
FILL_BYTES_MAX = 128

_VARINT, _BYTES = 0, 2
_ZERO, _MINUS, _POINT = 48, 45, 46

_E = Event
_KIND, _TIME, _COMMAND = int(_E.KIND), int(_E.TIME_NS), int(_E.COMMAND)
_HI, _LO, _ACCOUNT, _MARKET = (
    int(_E.REQUEST_HI),
    int(_E.REQUEST_LO),
    int(_E.ACCOUNT),
    int(_E.MARKET),
)
_ORDER, _SIDE, _PRICE, _QUANTITY = int(_E.ORDER_ID), int(_E.SIDE), int(_E.PRICE), int(_E.QUANTITY)
_ASSET, _AMOUNT, _FEE = int(_E.ASSET), int(_E.AMOUNT), int(_E.FEE)
_OTHER_ACCOUNT, _TRADE_ID, _REASON = int(_E.OTHER_ACCOUNT), int(_E.TRADE_ID), int(_E.REASON)
_VALUE, _VISIBLE, _NAME = int(_E.VALUE), int(_E.VISIBLE), int(_E.NAME)
_ACCEPTED, _TRADED = int(EventKind.ORDER_ACCEPTED), int(EventKind.TRADED)
_RESTED, _EXPIRED = int(EventKind.ORDER_RESTED), int(EventKind.ORDER_EXPIRED)
_LIMIT, _NO_REASON = int(OrderType.LIMIT), int(Reason.NONE)
_NEW, _PARTIAL = int(OrderState.NEW), int(OrderState.PARTIALLY_FILLED)
_FILLED, _ENDED = int(OrderState.FILLED), int(OrderState.EXPIRED)
_M_TICK, _M_LOT = int(Market.TICK), int(Market.LOT)
_M_PRICE_SCALE, _M_QUANTITY_SCALE = int(Market.PRICE_SCALE), int(Market.QUANTITY_SCALE)


@compiled
def _put_varint(out: Bytes, at: int, value: int) -> int:
    """`value` from 0 on, ending before `at`; where it begins."""
    length = 1
    rest = value >> 7
    while rest:
        length += 1
        rest >>= 7
    for i in range(length):
        out[at - length + i] = (value & 127) | (128 if i < length - 1 else 0)
        value >>= 7
    return at - length


@compiled
def _put_number(out: Bytes, at: int, field: int, value: int) -> int:
    """A number field; none for 0, as protobuf has it."""
    if value == 0:
        return at
    return _put_varint(out, _put_varint(out, at, value), field << 3 | _VARINT)


@compiled
def _close(out: Bytes, at: int, end: int, field: int) -> int:
    """Make what is written from `at` to `end` a field of bytes."""
    return _put_varint(out, _put_varint(out, at, end - at), field << 3 | _BYTES)


@compiled
def _put_decimal(out: Bytes, at: int, field: int, units: int, scale: int) -> int:
    """Units of 10^-scale as the shortest plain decimal string."""
    end = at
    negative = units < 0
    if negative:
        units = -units
    decimals = scale
    while decimals > 0 and units % 10 == 0:
        units //= 10
        decimals -= 1
    if decimals > 0:
        for _ in range(decimals):
            at -= 1
            out[at] = _ZERO + units % 10
            units //= 10
        at -= 1
        out[at] = _POINT
    while True:
        at -= 1
        out[at] = _ZERO + units % 10
        units //= 10
        if units == 0:
            break
    if negative:
        at -= 1
        out[at] = _MINUS
    return _close(out, at, end, field)


@compiled
def _put_text(out: Bytes, at: int, field: int, texts: Texts, row: int) -> int:
    length: int = np.int64(texts[row, TEXT_BYTES])  # type: ignore[assignment]
    for i in range(length):
        out[at - length + i] = texts[row, i]
    return _close(out, at - length, at, field)


@compiled
def _put_name(out: Bytes, at: int, field: int, event: Rows) -> int:
    """The client order id of an event; none where there is none."""
    end = at
    for i in range(NAME_BYTES - 1, -1, -1):
        byte = (event[_NAME + i // 8] >> 8 * (i % 8)) & 255
        if byte != 0 or at != end:
            at -= 1
            out[at] = byte
    return at if at == end else _close(out, at, end, field)


@compiled
def _is_ordinary(events: Rows, begin: int, end: int, markets: Rows, scales: Rows) -> bool:
    """Whether these events of a command are all about one limit order of its own."""
    if begin >= end or events[begin, _KIND] != _ACCEPTED:
        return False
    if events[begin, _HI] == 0 and events[begin, _LO] == 0:
        return False
    if events[begin, _VALUE] & 15 != _LIMIT or events[begin, _MARKET] >= markets.shape[0]:
        return False
    for e in range(begin + 1, end):
        kind = events[e, _KIND]
        if events[e, _ORDER] != events[begin, _ORDER]:
            return False
        if kind == _TRADED:
            asset = events[e, _ASSET]
            if events[e, _OTHER_ACCOUNT] == events[begin, _ACCOUNT]:
                return False
            if asset <= 0 or asset >= scales.shape[0]:
                return False
        elif kind == _EXPIRED:
            if events[e, _REASON] != _NO_REASON:
                return False
        elif kind != _RESTED:
            return False
    return True


@compiled
def _put_fill(out: Bytes, at: int, event: Rows, markets: Rows, scales: Rows, codes: Texts) -> int:
    end = at
    market, asset = event[_MARKET], event[_ASSET]
    price_scale = markets[market, _M_PRICE_SCALE]
    quantity_scale = markets[market, _M_QUANTITY_SCALE]
    at = _put_text(out, at, 5, codes, asset)
    at = _put_decimal(out, at, 4, event[_FEE], scales[asset])
    at = _put_decimal(out, at, 3, event[_QUANTITY] * markets[market, _M_LOT], quantity_scale)
    at = _put_decimal(out, at, 2, event[_PRICE] * markets[market, _M_TICK], price_scale)
    at = _put_number(out, at, 1, event[_TRADE_ID])
    return _close(out, at, end, 2)


@compiled
def _put_order(
    out: Bytes, at: int, events: Rows, begin: int, stop: int, markets: Rows, symbols: Texts
) -> int:
    """The order as the command left it."""
    end = at
    first = events[begin]
    filled = notional = visible = 0
    expired = False
    for e in range(begin + 1, stop):
        kind = events[e, _KIND]
        if kind == _TRADED:
            filled += events[e, _QUANTITY]
            notional += events[e, _AMOUNT]
        elif kind == _RESTED:
            visible = events[e, _VISIBLE]
        else:
            expired = True
    quantity = first[_QUANTITY]
    status = _NEW
    if filled:
        status = _FILLED if filled >= quantity else _PARTIAL
    if expired:
        status = _ENDED
        visible = 0
    left = 0 if expired or filled >= quantity else quantity - filled
    market = first[_MARKET]
    lot, scale = markets[market, _M_LOT], markets[market, _M_QUANTITY_SCALE]
    price_scale = markets[market, _M_PRICE_SCALE]
    how = first[_VALUE]
    at = _put_decimal(out, at, 30, visible * lot, scale)
    at = _put_decimal(out, at, 29, left * lot, scale)
    at = _put_number(out, at, 28, events[stop - 1, _TIME])
    at = _put_decimal(out, at, 23, 0, scale)
    at = _put_number(out, at, 14, first[_TIME])
    at = _put_number(out, at, 13, status)
    at = _put_decimal(out, at, 12, notional, price_scale)
    at = _put_decimal(out, at, 11, filled * lot, scale)
    at = _put_decimal(out, at, 10, quantity * lot, scale)
    at = _put_decimal(out, at, 9, first[_PRICE] * markets[market, _M_TICK], price_scale)
    at = _put_number(out, at, 8, how >> 8)
    at = _put_number(out, at, 7, (how >> 4) & 15)
    at = _put_number(out, at, 6, how & 15)
    at = _put_number(out, at, 5, first[_SIDE])
    at = _put_text(out, at, 4, symbols, market)
    at = _put_number(out, at, 3, first[_ACCOUNT])
    at = _put_name(out, at, 2, first)
    at = _put_number(out, at, 1, first[_ORDER])
    return _close(out, at, end, 1)


@entry
def encode(
    events: Rows,
    first: int,
    seq: int,
    time_ns: int,
    results_field: int,
    markets: Rows,
    symbols: Texts,
    scales: Rows,
    codes: Texts,
    out: Bytes,
    spans: Rows,
) -> int:
    """Write the results of commands `first`, `first` + 1, ... to the end of `out`, in order, and
    where each begins and ends to `spans` (-1: left to the ordinary way). Where all of it begins.
    """
    at = out.shape[0]
    stop = events.shape[0]
    for i in range(spans.shape[0] - 1, -1, -1):
        begin = stop
        while begin > 0 and events[begin - 1, _COMMAND] == first + i:
            begin -= 1
        if not _is_ordinary(events, begin, stop, markets, scales):
            spans[i, 0] = -1
            spans[i, 1] = -1
            stop = begin
            continue
        end = at
        at = _put_number(out, at, 4, time_ns)
        at = _put_number(out, at, 3, seq)
        for e in range(stop - 1, begin, -1):
            if events[e, _KIND] == _TRADED:
                at = _put_fill(out, at, events[e], markets, scales, codes)
        at = _put_order(out, at, events, begin, stop, markets, symbols)
        at = _close(out, at, end, 1)
        at = _close(out, at, end, results_field)
        spans[i, 0] = at
        spans[i, 1] = end
        stop = begin
    return int(at)
