"""From what is kept, and what changed, to messages."""

from typing import cast

from tigerex.exchange.v1 import types_pb2
from tigerex.history.v1 import history_pb2 as pb

from tigerex_core.records import Event, EventKind, Side
from tigerex_services.directory import Directory
from tigerex_services.history.changes import BalanceChanged, Change, ListChanged, OrderChanged
from tigerex_services.history.fold import KeptFill, KeptOrder
from tigerex_services.instruments import MarketInfo
from tigerex_services.order_messages import fill_message, list_message, order_message


def kept_order_message(kept: KeptOrder, directory: Directory) -> types_pb2.Order:
    market = directory.market_by_id(kept.record.market)
    return order_message(kept.record, market, kept.client_list_id)


def account_fill_message(kept: KeptFill, directory: Directory) -> pb.AccountFill:
    fill, list_id = kept
    market = directory.market_by_id(fill.market)
    return pb.AccountFill(
        fill=fill_message(fill, market, directory),
        account_id=fill.account,
        market=market.symbol,
        order_id=fill.order_id,
        list_id=list_id,
        side=cast("types_pb2.Side.ValueType", fill.side),
        notional=market.quote.from_units(fill.notional),
        time_ns=fill.time_ns,
    )


def update_message(change: Change, seq: int, directory: Directory) -> pb.AccountUpdate:
    """What a follower of the account is told."""
    message = pb.AccountUpdate(account_id=change.account, seq=seq, time_ns=change.time_ns)
    if isinstance(change, OrderChanged):
        market = directory.market_by_id(change.order.market)
        message.order.CopyFrom(_order_change(change, market, directory))
        message.changed_assets.extend(_moved(change, message.order, market))
    elif isinstance(change, ListChanged):
        market = directory.market_by_id(change.record.market)
        message.list.list.CopyFrom(list_message(change.record, change.orders, market))
    else:
        message.balance.CopyFrom(_balance_change(change, directory))
        message.changed_assets.append(message.balance.asset)
    return message


def _order_change(change: OrderChanged, market: MarketInfo, directory: Directory) -> pb.OrderChange:
    message = pb.OrderChange(
        execution=change.execution,
        order=order_message(change.order, market, change.client_list_id),
    )
    if change.fill is not None:
        kept = KeptFill(change.fill, change.order.terms.list_id)
        message.fill.CopyFrom(account_fill_message(kept, directory))
    row = change.row
    if row[Event.KIND] == EventKind.SELF_TRADE_PREVENTED:
        maker = row[Event.OTHER_ORDER] == change.order.order_id
        message.prevention.other_order_id = row[Event.ORDER_ID if maker else Event.OTHER_ORDER]
        message.prevention.price = market.ticks_to_price(row[Event.PRICE])
        message.prevention.quantity = market.lots_to_quantity(row[Event.QUANTITY])
        message.prevention.maker = maker
    return message


def _moved(change: OrderChanged, message: pb.OrderChange, market: MarketInfo) -> list[str]:
    """What an order holds, and with a trade what it gave, got and paid as a fee."""
    if change.fill is None:
        return [(market.quote if change.order.side == Side.BUY else market.base).code]
    return sorted({market.base.code, market.quote.code, message.fill.fill.fee_asset})


def _balance_change(change: BalanceChanged, directory: Directory) -> pb.BalanceChange:
    asset = directory.asset_by_id(change.asset)
    return pb.BalanceChange(asset=asset.code, amount=asset.from_units(change.units))
