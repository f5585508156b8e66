"""Order commands out of a request's bytes.

Reads places of limit orders, and cancels by order id, whose every field is as it should be. A
command of which that cannot be said is only found, not read: the ordinary way takes it from there.
"""

import numpy as np
import numpy.typing as npt

from tigerex_core.records import (
    NAME_BYTES,
    Command,
    CommandKind,
    OrderType,
    Rows,
    Side,
    TimeInForce,
)
from tigerex_services.exchange.wire.compiled import compiled, entry
from tigerex_services.exchange.wire.tables import TEXT_BYTES, Market, Texts

Bytes = npt.NDArray[np.uint8]

# Of one command: where its bytes begin and end in the request, and whether its row is filled.
BEGIN, END, READ = 0, 1, 2
MALFORMED = -1

# Wire types, and fields of PlaceOrderRequest and CancelOrderRequest.
_VARINT, _BYTES = 0, 2
_REQUEST_ID, _ACCOUNT, _PLACE_MARKET, _SIDE, _TYPE, _TIME_IN_FORCE = 1, 2, 3, 4, 5, 6
_POST_ONLY, _PRICE, _QUANTITY, _CLIENT_ORDER_ID, _EPOCH, _DECIDED_SEQ = 7, 8, 9, 10, 11, 12
_TEXTS = (
    1 << _REQUEST_ID | 1 << _PLACE_MARKET | 1 << _PRICE | 1 << _QUANTITY | 1 << _CLIENT_ORDER_ID
)
_CANCEL_ORDER_ID, _CANCEL_EPOCH = 3, 5
_PLACE, _CANCEL = 1, 2  # of BatchCommand

_DIGITS_MAX = 18  # a number of so many digits fits
_REQUEST_BYTES = 16
_INT_MAX = 1 << 62
_ZERO, _NINE, _POINT = 48, 57, 46
_FIRST_PRINTABLE, _LAST_PRINTABLE = 33, 126

_LIMIT, _BUY, _SELL = int(OrderType.LIMIT), int(Side.BUY), int(Side.SELL)
_GTC, _FOK = int(TimeInForce.GTC), int(TimeInForce.FOK)
_PLACE_KIND, _CANCEL_KIND = int(CommandKind.PLACE_ORDER), int(CommandKind.CANCEL_ORDER)
_C_NAME = int(Command.NAME)
_C_KIND, _C_REQUEST_HI, _C_REQUEST_LO = (
    int(Command.KIND),
    int(Command.REQUEST_HI),
    int(Command.REQUEST_LO),
)
_C_ACCOUNT, _C_EPOCH, _C_MARKET = int(Command.ACCOUNT), int(Command.EPOCH), int(Command.MARKET)
_C_ORDER_ID, _C_SIDE, _C_TYPE = int(Command.ORDER_ID), int(Command.SIDE), int(Command.ORDER_TYPE)
_C_TIME_IN_FORCE, _C_POST_ONLY = int(Command.TIME_IN_FORCE), int(Command.POST_ONLY)
_C_PRICE, _C_QUANTITY, _C_AUX = int(Command.PRICE), int(Command.QUANTITY), int(Command.AUX)
_M_TICK, _M_LOT = int(Market.TICK), int(Market.LOT)
_M_MAX_PRICE, _M_MAX_QUANTITY = int(Market.MAX_PRICE), int(Market.MAX_QUANTITY)
_M_PRICE_SCALE, _M_QUANTITY_SCALE = int(Market.PRICE_SCALE), int(Market.QUANTITY_SCALE)


@compiled
def _byte(body: Bytes, at: int) -> int:
    """Signed: numba makes a float of what unsigned and signed integers give together."""
    return np.int64(body[at])  # type: ignore[return-value]


@compiled
def _varint(body: Bytes, at: int, end: int) -> tuple[int, int]:
    """A number below 2^63 and where it ends; -1 where there is none."""
    value = 0
    shift = 0
    while at < end and shift < 63:
        byte = _byte(body, at)
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    return -1, at


@compiled
def _word(body: Bytes, at: int) -> int:
    """Eight big-endian bytes as an int64."""
    word = 0
    for i in range(8):
        word = word << 8 | _byte(body, at + i)
    return word


@compiled
def _units(body: Bytes, at: int, end: int, scale: int) -> int:
    """The number of units of 10^-scale in a plain decimal string; -1: not read."""
    units = 0
    digits = 0
    decimals = -1  # before the point
    if at >= end or body[at] == _POINT or body[end - 1] == _POINT:
        return -1
    for i in range(at, end):
        byte = _byte(body, i)
        if byte == _POINT and decimals < 0:
            decimals = 0
            continue
        if byte < _ZERO or byte > _NINE:
            return -1
        digits += 1
        if digits > _DIGITS_MAX:
            return -1
        units = units * 10 + (byte - _ZERO)
        if decimals >= 0:
            decimals += 1
    decimals = max(decimals, 0)
    if decimals > scale or digits + scale - decimals > _DIGITS_MAX:
        return -1
    for _ in range(scale - decimals):
        units *= 10
    return units


@compiled
def _steps(body: Bytes, at: int, end: int, scale: int, step: int, most: int) -> int:
    """A decimal string as a number of steps, from 1 to `most`; -1: not read."""
    units = _units(body, at, end, scale)
    if units <= 0 or units % step != 0 or units // step > most:
        return -1
    return units // step


@compiled
def _find_market(body: Bytes, at: int, end: int, symbols: Texts) -> int:
    """The id of the market of a symbol; -1: there is none."""
    length = end - at
    if length <= 0 or length > TEXT_BYTES:
        return -1
    for market in range(symbols.shape[0]):
        if symbols[market, TEXT_BYTES] != length:
            continue
        same = True
        for i in range(length):
            if symbols[market, i] != body[at + i]:
                same = False
                break
        if same:
            return market
    return -1


@compiled
def _read_request_id(body: Bytes, at: int, end: int, row: Rows) -> bool:
    if end - at != _REQUEST_BYTES:
        return False
    row[_C_REQUEST_HI] = _word(body, at)
    row[_C_REQUEST_LO] = _word(body, at + 8)
    return bool(row[_C_REQUEST_HI] != 0 or row[_C_REQUEST_LO] != 0)


@compiled
def _read_name(body: Bytes, at: int, end: int, row: Rows) -> bool:
    if end - at > NAME_BYTES:
        return False
    for i in range(at, end):
        byte = _byte(body, i)
        if byte < _FIRST_PRINTABLE or byte > _LAST_PRINTABLE:
            return False
        row[_C_NAME + (i - at) // 8] |= byte << 8 * ((i - at) % 8)
    return True


@compiled
def _field(body: Bytes, at: int, end: int) -> tuple[int, int, int, int]:
    """Field number, its number or where its bytes begin, where it ends; -1: not read."""
    tag, at = _varint(body, at, end)
    wire_type = tag & 7
    if tag < 8 or (wire_type != _VARINT and wire_type != _BYTES):  # noqa: PLR1714 - for numba
        return -1, 0, 0, 0
    value, at = _varint(body, at, end)
    if value < 0:
        return -1, 0, 0, 0
    if wire_type == _VARINT:
        return tag >> 3, value, at, _VARINT
    if value > end - at:
        return -1, 0, 0, 0
    return tag >> 3, at, at + value, _BYTES


@compiled
def _read_place(  # noqa: C901, PLR0912 - a table of fields
    body: Bytes, at: int, end: int, markets: Rows, symbols: Texts, row: Rows
) -> bool:
    seen = 0
    price_at = price_end = quantity_at = quantity_end = 0
    market = -1
    while at < end:
        field, value, after, wire_type = _field(body, at, end)
        if field < 1 or field > _DECIDED_SEQ or seen & (1 << field):
            return False
        seen |= 1 << field
        if (_TEXTS >> field & 1) != (wire_type == _BYTES):
            return False
        if field == _REQUEST_ID:
            if not _read_request_id(body, value, after, row):
                return False
        elif field == _ACCOUNT:
            row[_C_ACCOUNT] = value
        elif field == _PLACE_MARKET:
            market = _find_market(body, value, after, symbols)
        elif field == _SIDE:
            row[_C_SIDE] = value
        elif field == _TYPE:
            row[_C_TYPE] = value
        elif field == _TIME_IN_FORCE:
            row[_C_TIME_IN_FORCE] = value
        elif field == _POST_ONLY:
            row[_C_POST_ONLY] = value
        elif field == _PRICE:
            price_at, price_end = value, after
        elif field == _QUANTITY:
            quantity_at, quantity_end = value, after
        elif field == _CLIENT_ORDER_ID:
            if not _read_name(body, value, after, row):
                return False
        elif field == _EPOCH:
            row[_C_EPOCH] = value
        else:
            row[_C_AUX] = value
        at = after
    if market < 0 or not seen & (1 << _REQUEST_ID) or row[_C_TYPE] != _LIMIT:
        return False
    if row[_C_SIDE] != _BUY and row[_C_SIDE] != _SELL:
        return False
    if row[_C_EPOCH] > _INT_MAX or row[_C_AUX] > _INT_MAX:
        return False
    if row[_C_TIME_IN_FORCE] == 0:
        row[_C_TIME_IN_FORCE] = _GTC
    # Good till date, and what is not there, are for the ordinary way.
    most = _GTC if row[_C_POST_ONLY] else _FOK
    if row[_C_TIME_IN_FORCE] > most or row[_C_POST_ONLY] > 1:
        return False
    row[_C_KIND] = _PLACE_KIND
    row[_C_MARKET] = market
    row[_C_PRICE] = _steps(
        body, price_at, price_end,
        markets[market, _M_PRICE_SCALE], markets[market, _M_TICK], markets[market, _M_MAX_PRICE],
    )  # fmt: skip
    row[_C_QUANTITY] = _steps(
        body, quantity_at, quantity_end,
        markets[market, _M_QUANTITY_SCALE], markets[market, _M_LOT],
        markets[market, _M_MAX_QUANTITY],
    )  # fmt: skip
    return bool(row[_C_PRICE] > 0 and row[_C_QUANTITY] > 0)


@compiled
def _read_cancel(body: Bytes, at: int, end: int, row: Rows) -> bool:
    seen = 0
    while at < end:
        field, value, after, wire_type = _field(body, at, end)
        if field < 1 or field > _CANCEL_EPOCH or seen & (1 << field):
            return False
        seen |= 1 << field
        if (field == _REQUEST_ID) != (wire_type == _BYTES):
            return False
        if field == _REQUEST_ID:
            if not _read_request_id(body, value, after, row):
                return False
        elif field == _ACCOUNT:
            row[_C_ACCOUNT] = value
        elif field == _CANCEL_ORDER_ID:
            row[_C_ORDER_ID] = value
        elif field == _CANCEL_EPOCH:
            row[_C_EPOCH] = value
        else:
            return False
        at = after
    row[_C_KIND] = _CANCEL_KIND
    return bool(seen & (1 << _REQUEST_ID) and row[_C_ORDER_ID] > 0 and row[_C_EPOCH] <= _INT_MAX)


@entry
def decode(
    body: Bytes,
    id_field: int,
    commands_field: int,
    markets: Rows,
    symbols: Texts,
    rows: Rows,
    marks: Rows,
) -> tuple[int, int]:
    """The request's id, and how many commands it has; MALFORMED where it is not what it should be,
    or has more commands than `rows` (which begin as zeros).

    `id_field` is 0 for a request without an id.
    """
    request_id = 0
    count = 0
    at = 0
    while at < body.shape[0]:
        field, value, after, wire_type = _field(body, at, body.shape[0])
        if field == id_field and wire_type == _VARINT and field > 0 and count == 0:
            request_id = value
        elif field == commands_field and wire_type == _BYTES and count < rows.shape[0]:
            marks[count, BEGIN] = value
            marks[count, END] = after
            which, begin, end, inner = _field(body, value, after)
            read = False
            if inner == _BYTES and end == after:
                if which == _PLACE:
                    read = _read_place(body, begin, end, markets, symbols, rows[count])
                elif which == _CANCEL:
                    read = _read_cancel(body, begin, end, rows[count])
            marks[count, READ] = 1 if read else 0
            count += 1
        else:
            return 0, MALFORMED
        at = after
    return request_id, count
