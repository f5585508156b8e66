"""The committed fold as text for a snapshot, and back.

JSON of the fold's own records, by the names of their fields: a field that a later build adds gets
its default.
"""

from dataclasses import dataclass

import orjson
from pydantic import TypeAdapter, ValidationError

from tigerex_core.snapshot import SnapshotError
from tigerex_services.directory import (
    NO_DISCOUNT,
    AccountInfo,
    AssetInfo,
    Directory,
    FeeDiscount,
    MarketInfo,
)
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.orders import OrderBook, OrderBookState


@dataclass(frozen=True, slots=True)
class _Names:
    """All that a Directory knows."""

    assets: list[AssetInfo]
    markets: list[MarketInfo]
    accounts: list[AccountInfo]
    fee_discount: FeeDiscount = NO_DISCOUNT


@dataclass(frozen=True, slots=True)
class _Fold:
    names: _Names
    orders: OrderBookState


_FOLD = TypeAdapter(_Fold)


def dump_fold(committed: Committed) -> bytes:
    """The fold as it is now."""
    directory = committed.directory
    names = _Names(
        directory.assets(), directory.markets(), directory.all_accounts(), directory.fee_discount
    )
    return orjson.dumps(_Fold(names, committed.orders.state()), option=orjson.OPT_NON_STR_KEYS)


def load_fold(text: bytes) -> Committed:
    """The fold that was dumped; raises SnapshotError."""
    try:
        fold = _FOLD.validate_json(text)
    except ValidationError as error:
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
    return Committed(directory, OrderBook.restore(fold.orders))
