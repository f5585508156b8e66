"""Between messages and the host's types: rows in, messages out. Shared by the servicers."""

from collections.abc import Sequence
from typing import cast

from tigerex.exchange.v1 import trading_pb2, types_pb2

from tigerex_core.records import Event, EventKind, Side, TimeInForce
from tigerex_platform.errors import InvalidField
from tigerex_services.directory import AccountInfo, AssetInfo, Directory, MarketInfo
from tigerex_services.exchange import commands
from tigerex_services.exchange.host.sequencer import Answer
from tigerex_services.exchange.orders import EventRow, OrderRecord, OrderStatus, accepted
from tigerex_services.exchange.service import checks


def place_row(
    request_id: bytes, request: trading_pb2.PlaceOrderRequest, directory: Directory
) -> bytes:
    """The command row of a place request; raises InvalidField or NotFound."""
    market = directory.market(request.market)
    if request.side not in (types_pb2.SIDE_BUY, types_pb2.SIDE_SELL):
        raise InvalidField("side", request.side, "SIDE_BUY or SIDE_SELL")
    price = _price(request, market)
    quantity = market.quantity_to_lots(request.quantity)
    if not 0 < quantity <= market.max_quantity:
        lot, most = market.lots_to_quantity(1), market.lots_to_quantity(market.max_quantity)
        raise InvalidField("quantity", request.quantity, f"from {lot} to {most}")
    return commands.place_order(
        request_id,
        account=request.account_id,
        epoch=checks.within("epoch", request.epoch, 0, 2**62),
        market=market.market_id,
        side=request.side,
        order_type=request.type,
        time_in_force=_time_in_force(request),
        post_only=request.post_only,
        price=price,
        quantity=quantity,
        client_order_id=checks.client_order_id(request.client_order_id),
        decided_seq=checks.within("decided_seq", request.decided_seq, 0, 2**62),
    )


def cancel_row(
    request_id: bytes, request: trading_pb2.CancelOrderRequest, directory: Directory
) -> bytes:
    """The command row of a cancel request; raises InvalidField or NotFound."""
    if request.order_id < 0 or not (request.order_id or request.client_order_id):
        raise InvalidField("order_id", request.order_id, "an order id, or a client_order_id")
    market_id = 0
    if not request.order_id:
        market_id = directory.market(request.market).market_id
    return commands.cancel_order(
        request_id,
        account=request.account_id,
        epoch=checks.within("epoch", request.epoch, 0, 2**62),
        market=market_id,
        order_id=request.order_id,
        client_order_id=checks.client_order_id(request.client_order_id),
    )


def placed(answer: Answer, directory: Directory) -> trading_pb2.PlaceOrderResponse:
    """The answer to a place command that was accepted: the order as that command left it."""
    order: OrderRecord | None = None
    fills: list[types_pb2.Fill] = []
    for row in answer.events:
        kind = row[Event.KIND]
        if kind == EventKind.ORDER_ACCEPTED:
            order = accepted(row)
            market = directory.market_by_id(order.market)
        elif kind == EventKind.TRADED and order is not None:
            order.fill(row[Event.QUANTITY], row[Event.AMOUNT])
            fills.append(taker_fill(row, market))
        elif kind == EventKind.ORDER_EXPIRED and order is not None:
            order.status = OrderStatus.EXPIRED
    if order is None:
        raise InvalidField("request_id", "", "an id that placed an order, not another command")
    return trading_pb2.PlaceOrderResponse(
        order=order_message(order, market), fills=fills, seq=answer.seq, time_ns=answer.time_ns
    )


def canceled(
    answer: Answer, directory: Directory, known: OrderRecord | None
) -> trading_pb2.CancelOrderResponse:
    """The answer to a cancel command; `known` is the closed order where it is still remembered."""
    row = answer.event(EventKind.ORDER_CANCELED)
    market = directory.market_by_id(row[Event.MARKET])
    order = known or _from_cancel(row)
    return trading_pb2.CancelOrderResponse(
        order=order_message(order, market), seq=answer.seq, time_ns=answer.time_ns
    )


def order_message(order: OrderRecord, market: MarketInfo) -> types_pb2.Order:
    return types_pb2.Order(
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        account_id=order.account,
        market=market.symbol,
        side=cast("types_pb2.Side.ValueType", order.side),
        type=cast("types_pb2.OrderType.ValueType", order.order_type),
        time_in_force=cast("types_pb2.TimeInForce.ValueType", order.time_in_force),
        post_only=order.post_only,
        price=market.ticks_to_price(order.price) if order.price else "",
        quantity=market.lots_to_quantity(order.quantity),
        filled_quantity=market.lots_to_quantity(order.filled),
        filled_notional=market.quote.from_units(order.filled_notional),
        status=cast("types_pb2.OrderStatus.ValueType", order.status),
        created_ns=order.created_ns,
    )


def taker_fill(row: EventRow, market: MarketInfo) -> types_pb2.Fill:
    """The taker's side of a TRADED event."""
    received = market.base if row[Event.SIDE] == Side.BUY else market.quote
    return types_pb2.Fill(
        trade_id=row[Event.TRADE_ID],
        price=market.ticks_to_price(row[Event.PRICE]),
        quantity=market.lots_to_quantity(row[Event.QUANTITY]),
        fee=received.from_units(row[Event.FEE]),
        fee_asset=received.code,
        maker=False,
    )


def asset_message(asset: AssetInfo) -> types_pb2.Asset:
    return types_pb2.Asset(code=asset.code, scale=asset.scale, asset_id=asset.asset_id)


def market_message(market: MarketInfo, last_ticks: int = 0) -> types_pb2.Market:
    return types_pb2.Market(
        symbol=market.symbol,
        base_asset=market.base.code,
        quote_asset=market.quote.code,
        tick_size=market.quote.from_units(market.tick),
        lot_size=market.base.from_units(market.lot),
        max_price=market.ticks_to_price(market.max_price),
        max_quantity=market.lots_to_quantity(market.max_quantity),
        min_notional=market.quote.from_units(market.min_notional),
        state=cast("types_pb2.MarketState.ValueType", market.state),
        market_id=market.market_id,
        last_price=market.ticks_to_price(last_ticks) if last_ticks else "",
    )


def account_message(account: AccountInfo) -> types_pb2.Account:
    return types_pb2.Account(
        account_id=account.account_id,
        user_id=account.user_id,
        user=account.user,
        name=account.name,
        kind=cast("types_pb2.AccountKind.ValueType", account.kind),
        fee_tier=account.fee_tier,
        epoch=account.epoch,
        frozen=account.frozen,
    )


def level_messages(
    levels: Sequence[tuple[int, int]], market: MarketInfo
) -> list[types_pb2.BookLevel]:
    return [
        types_pb2.BookLevel(
            price=market.ticks_to_price(ticks), quantity=market.lots_to_quantity(lots)
        )
        for ticks, lots in levels
    ]


def _price(request: trading_pb2.PlaceOrderRequest, market: MarketInfo) -> int:
    """Ticks of a limit order's price, 0 for a market order."""
    if request.type == types_pb2.ORDER_TYPE_MARKET:
        if request.price:
            raise InvalidField("price", request.price, "empty for a market order")
        if request.post_only:
            raise InvalidField("post_only", True, "false for a market order")
        return 0
    if request.type != types_pb2.ORDER_TYPE_LIMIT:
        raise InvalidField("type", request.type, "ORDER_TYPE_LIMIT or ORDER_TYPE_MARKET")
    ticks = market.price_to_ticks(request.price)
    if not 0 < ticks <= market.max_price:
        tick, most = market.ticks_to_price(1), market.ticks_to_price(market.max_price)
        raise InvalidField("price", request.price, f"from {tick} to {most}")
    return ticks


def _time_in_force(request: trading_pb2.PlaceOrderRequest) -> TimeInForce:
    """As asked, or the type's natural one."""
    if request.type == types_pb2.ORDER_TYPE_MARKET:
        allowed: tuple[TimeInForce, ...] = (TimeInForce.IOC,)
    elif request.post_only:
        allowed = (TimeInForce.GTC,)
    else:
        allowed = (TimeInForce.GTC, TimeInForce.IOC)
    asked = int(request.time_in_force)
    if not asked:
        return allowed[0]
    if asked not in allowed:
        names = " or ".join(f"TIME_IN_FORCE_{choice.name}" for choice in allowed)
        raise InvalidField("time_in_force", asked, names)
    return TimeInForce(asked)


def _from_cancel(row: EventRow) -> OrderRecord:
    """What the cancel event alone tells of an order that closed too long ago."""
    order = accepted(row)
    order.order_type, order.time_in_force, order.post_only, order.created_ns = 0, 0, False, 0
    order.filled = row[Event.QUANTITY] - row[Event.REMAINING]
    order.status = OrderStatus.CANCELED
    return order
