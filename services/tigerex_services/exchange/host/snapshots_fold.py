"""The committed fold as text for a snapshot, and back.

JSON of the fold's own records, by the names of their fields: a field that a later build adds gets
its default. Orders, of which there are many, are kept as columns: a fifth of the time to read.
"""

from dataclasses import MISSING, dataclass, fields
from operator import attrgetter
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from tigerex_core.snapshot import SnapshotError
from tigerex_services.directory import NO_DISCOUNT, AccountInfo, Directory, FeeDiscount
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.orders import OrderBook, OrderBookState, OrderStatus
from tigerex_services.instruments import AssetInfo, MarketInfo
from tigerex_services.order_records import NO_TERMS, ListRecord, OrderRecord, Terms

_Columns = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class _Names:
    """All that a Directory knows."""

    assets: list[AssetInfo]
    markets: list[MarketInfo]
    accounts: list[AccountInfo]
    fee_discount: FeeDiscount = NO_DISCOUNT


@dataclass(frozen=True, slots=True)
class _Orders:
    """An OrderBookState."""

    open: _Columns
    closed: _Columns
    last_price: dict[int, int]
    lists: list[ListRecord]


@dataclass(frozen=True, slots=True)
class _Fold:
    names: _Names
    orders: _Orders


_FOLD = TypeAdapter(_Fold)
_DEFAULTS = {field.name: field.default for field in fields(OrderRecord)}


def dump_fold(committed: Committed) -> bytes:
    """The fold as it is now."""
    directory = committed.directory
    names = _Names(
        directory.assets(), directory.markets(), directory.all_accounts(), directory.fee_discount
    )
    state = committed.orders.state()
    orders = _Orders(_columns(state.open), _columns(state.closed), state.last_price, state.lists)
    return orjson.dumps(_Fold(names, orders), option=orjson.OPT_NON_STR_KEYS)


def load_fold(text: bytes) -> Committed:
    """The fold that was dumped; raises SnapshotError."""
    try:
        fold = _FOLD.validate_json(text)
        orders = OrderBookState(
            _records(fold.orders.open),
            _records(fold.orders.closed),
            fold.orders.last_price,
            fold.orders.lists,
        )
    except (ValidationError, LookupError, TypeError, ValueError) as error:
        raise SnapshotError(f"the fold of the events cannot be read: {error}") from error
    directory = Directory()
    for asset in fold.names.assets:
        directory.put_asset(asset)
    for market in fold.names.markets:
        directory.put_market(market)
    for account in fold.names.accounts:
        if account.user_id:
            directory.put_user(account.user_id, account.user)
        directory.put_account(account)
    directory.fee_discount = fold.names.fee_discount
    return Committed(directory, OrderBook.restore(orders))


def _columns(orders: list[OrderRecord]) -> _Columns:
    """The fields of the orders; terms that say nothing are left out."""
    columns: _Columns = {name: list(map(attrgetter(name), orders)) for name in _DEFAULTS}
    columns["terms"] = [None if terms == NO_TERMS else terms for terms in columns["terms"]]
    return columns


def _records(columns: _Columns) -> list[OrderRecord]:
    """The orders again; raises LookupError, TypeError or ValueError for what is none."""
    count = len(columns["order_id"])
    terms = columns.get("terms", [None] * count)
    read = columns | {
        "terms": [NO_TERMS if each is None else Terms(**each) for each in terms],
        "status": list(map(OrderStatus, columns["status"])),
    }
    in_order = [
        [default] * count if name not in read and default is not MISSING else read[name]
        for name, default in _DEFAULTS.items()
    ]
    return [OrderRecord(*row) for row in zip(*in_order, strict=True)]
