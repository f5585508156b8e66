"""Where a process of history begins: what is stored, and the names of assets and markets."""

from typing import Any, Protocol

from tigerex.exchange.v1 import markets_pb2

from tigerex_core.order_life import CLOSED
from tigerex_services.history.fold import Fold
from tigerex_services.history.storage import Storage
from tigerex_services.order_records import ListRecord
from tigerex_services.projection import Journal, kept_progress


class Markets(Protocol):
    """The part of MarketServiceStub that is needed."""

    def ListAssets(self, request: markets_pb2.ListAssetsRequest, /) -> Any: ...  # noqa: N802, ANN401
    def ListMarkets(self, request: markets_pb2.ListMarketsRequest, /) -> Any: ...  # noqa: N802, ANN401


async def load_fold(storage: Storage, markets: Markets, journal: Journal) -> Fold:
    """The fold as of the last stored seq; its names may be ahead of it."""
    await kept_progress(storage, journal)
    fold = await stored_fold(storage)
    assets = await markets.ListAssets(markets_pb2.ListAssetsRequest())
    listed = await markets.ListMarkets(markets_pb2.ListMarketsRequest())
    fold.directory.load(assets.assets, listed.markets)
    return fold


async def stored_fold(storage: Storage) -> Fold:
    """The fold of the stored rows, without assets and markets."""
    fold = Fold(*await storage.progress())
    for account in await storage.accounts():
        if account.user_id:
            fold.directory.put_user(account.user_id, account.user)
        fold.directory.put_account(account)
    fold.orders = {kept.record.order_id: kept.record for kept in await storage.open_orders()}
    lists = await storage.open_lists()
    ended = [
        (kept.account, kept.market, order_id)
        for kept in lists
        for order_id in (kept.limit_id, kept.stop_id)
        if order_id not in fold.orders
    ]
    # The ended order of a list whose other order is open goes on being told with it.
    fold.orders |= {kept.record.order_id: kept.record for kept in await storage.ended_orders(ended)}
    for kept in lists:
        legs = [fold.orders.get(order_id) for order_id in (kept.limit_id, kept.stop_id)]
        fold.lists[kept.list_id] = ListRecord(
            kept.list_id,
            kept.account,
            kept.market,
            kept.client_list_id,
            kept.limit_id,
            kept.stop_id,
            kept.created_ns,
            open_orders=sum(leg is not None and leg.status not in CLOSED for leg in legs),
        )
    return fold
