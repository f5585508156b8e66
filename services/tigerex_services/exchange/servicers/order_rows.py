"""From order requests to command rows. What cannot be right is refused here, naming the field; what
depends on the state is the core's to refuse.
"""

from tigerex.exchange.v1 import trading_pb2 as pb
from tigerex.exchange.v1 import types_pb2

from tigerex_core.order_life import STOP_TYPES
from tigerex_core.records import OrderType, SelfTrade, Side, TimeInForce
from tigerex_platform.errors import InvalidField, NotFound
from tigerex_services.directory import Directory
from tigerex_services.exchange import commands
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.orders import OrderRecord
from tigerex_services.exchange.service import checks
from tigerex_services.instruments import MarketInfo

INT_MAX = 2**62
TRAILING_BPS_MAX = 9_999
ICEBERG_PARTS_MAX = 100

_LIMIT_TYPES: frozenset[int] = frozenset(
    {OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT}
)
_RESTING = (TimeInForce.GTC, TimeInForce.GTD)
_TIMES_IN_FORCE: dict[int, tuple[TimeInForce, ...]] = {
    OrderType.LIMIT: tuple(TimeInForce),
    OrderType.MARKET: (TimeInForce.IOC,),
    OrderType.STOP_LOSS: _RESTING,
    OrderType.STOP_LOSS_LIMIT: tuple(TimeInForce),
    OrderType.TAKE_PROFIT: _RESTING,
    OrderType.TAKE_PROFIT_LIMIT: tuple(TimeInForce),
}


def place_row(request_id: bytes, request: pb.PlaceOrderRequest, directory: Directory) -> bytes:
    """The command row of a place request; raises InvalidField or NotFound."""
    market = directory.market(request.market)
    if request.type not in _TIMES_IN_FORCE:
        names = ", ".join(f"ORDER_TYPE_{choice.name}" for choice in OrderType)
        raise InvalidField("type", request.type, names)
    side = _side(request.side)
    price = _price(request, market)
    quantity, amount = _size(request, market)
    stop_price, trailing = _stop(request, market)
    time_in_force = _time_in_force(request)
    return commands.place_order(
        request_id,
        account=request.account_id,
        epoch=checks.within("epoch", request.epoch, 0, INT_MAX),
        market=market.market_id,
        side=side,
        order_type=request.type,
        time_in_force=time_in_force,
        post_only=_post_only(request),
        price=price,
        quantity=quantity,
        client_order_id=checks.client_order_id(request.client_order_id),
        decided_seq=checks.within("decided_seq", request.decided_seq, 0, INT_MAX),
        amount=amount,
        stop_price=stop_price,
        trailing=trailing,
        display=_display(request, market, quantity, time_in_force),
        expire_ns=_expire_ns(request, time_in_force),
        self_trade=_self_trade(request.self_trade_mode),
    )


def oco_row(request_id: bytes, request: pb.PlaceOcoRequest, directory: Directory) -> bytes:
    """The command row of a list of two orders; raises InvalidField or NotFound."""
    market = directory.market(request.market)
    side = _side(request.side)
    limit, stop = request.limit, request.stop
    quantity = _quantity("quantity", request.quantity, market)
    price = _ticks("limit.price", limit.price, market)
    trailing = checks.within("stop.trailing_bps", stop.trailing_bps, 0, TRAILING_BPS_MAX)
    stop_price = 0
    if stop.stop_price or not trailing:
        stop_price = _ticks("stop.stop_price", stop.stop_price, market)
        if (price <= stop_price) if side == Side.SELL else (price >= stop_price):
            where = "below" if side == Side.SELL else "above"
            raise InvalidField(
                "stop.stop_price", stop.stop_price, f"{where} the limit order's {limit.price}"
            )
    if stop.client_order_id and stop.client_order_id == limit.client_order_id:
        raise InvalidField(
            "stop.client_order_id", stop.client_order_id, "another than the limit order's"
        )
    return commands.place_oco(
        request_id,
        account=request.account_id,
        epoch=checks.within("epoch", request.epoch, 0, INT_MAX),
        market=market.market_id,
        side=side,
        quantity=quantity,
        price=price,
        display=_shown("limit.display_quantity", limit.display_quantity, market, quantity),
        client_order_id=checks.client_order_id(limit.client_order_id, "limit.client_order_id"),
        stop_price=stop_price,
        stop_limit_price=(
            _ticks("stop.limit_price", stop.limit_price, market) if stop.limit_price else 0
        ),
        trailing=trailing,
        stop_client_order_id=checks.client_order_id(stop.client_order_id, "stop.client_order_id"),
        client_list_id=checks.client_order_id(request.client_list_id, "client_list_id"),
        self_trade=_self_trade(request.self_trade_mode),
        decided_seq=checks.within("decided_seq", request.decided_seq, 0, INT_MAX),
    )


def cancel_row(request_id: bytes, request: pb.CancelOrderRequest, directory: Directory) -> bytes:
    """The command row of a cancel request; raises InvalidField or NotFound."""
    _check_which(request)
    market_id = 0
    if not request.order_id:
        market_id = directory.market(request.market).market_id
    return commands.cancel_order(
        request_id,
        account=request.account_id,
        epoch=checks.within("epoch", request.epoch, 0, INT_MAX),
        market=market_id,
        order_id=request.order_id,
        client_order_id=checks.client_order_id(request.client_order_id),
    )


def amend_row(request_id: bytes, request: pb.AmendOrderRequest, committed: Committed) -> bytes:
    """The command row of an amendment; raises InvalidField or NotFound.

    Lots mean nothing without a market: an order that is known goes by its id, so that its market
    is certain.
    """
    _check_which(request)
    checks.client_order_id(request.client_order_id)
    known = _known_order(request, committed)
    directory = committed.directory
    if known is not None:
        market = directory.market_by_id(known.market)
        if request.market not in ("", market.symbol):
            raise InvalidField("market", request.market, f"{market.symbol}, where the order is")
    elif request.market:
        market = directory.market(request.market)
    else:
        raise NotFound("open order", request.order_id or request.client_order_id)
    return commands.amend_order(
        request_id,
        account=request.account_id,
        epoch=checks.within("epoch", request.epoch, 0, INT_MAX),
        market=market.market_id,
        order_id=known.order_id if known else request.order_id,
        client_order_id=request.client_order_id,
        quantity=_quantity("quantity", request.quantity, market),
    )


def cancel_all_row(request_id: bytes, request: pb.CancelAllRequest, directory: Directory) -> bytes:
    """The command row of one part of a cancel-all; raises InvalidField or NotFound."""
    return commands.cancel_all(
        request_id,
        account=request.account_id,
        epoch=checks.within("epoch", request.epoch, 0, INT_MAX),
        market=directory.market(request.market).market_id,
    )


def _check_which(request: pb.CancelOrderRequest | pb.AmendOrderRequest) -> None:
    """An order is named in exactly one way."""
    if request.order_id < 0 or not (request.order_id or request.client_order_id):
        raise InvalidField("order_id", request.order_id, "an order id, or a client_order_id")
    if request.order_id and request.client_order_id:
        raise InvalidField("client_order_id", request.client_order_id, "empty with an order_id")


def _known_order(request: pb.AmendOrderRequest, committed: Committed) -> OrderRecord | None:
    orders = committed.orders
    if request.order_id:
        order = orders.find(request.order_id)
    else:
        order = orders.find_by_name(request.account_id, request.client_order_id)
    return order if order is not None and order.account == request.account_id else None


def _side(side: int) -> int:
    if side not in (Side.BUY, Side.SELL):
        raise InvalidField("side", side, "SIDE_BUY or SIDE_SELL")
    return side


def _ticks(field: str, text: str, market: MarketInfo) -> int:
    ticks = market.price_to_ticks(text, field)
    if not 0 < ticks <= market.max_price:
        tick, most = market.ticks_to_price(1), market.ticks_to_price(market.max_price)
        raise InvalidField(field, text, f"from {tick} to {most}")
    return ticks


def _quantity(field: str, text: str, market: MarketInfo) -> int:
    lots = market.quantity_to_lots(text, field)
    if not 0 < lots <= market.max_quantity:
        lot, most = market.lots_to_quantity(1), market.lots_to_quantity(market.max_quantity)
        raise InvalidField(field, text, f"from {lot} to {most}")
    return lots


def _price(request: pb.PlaceOrderRequest, market: MarketInfo) -> int:
    """Ticks of a limit price, 0 for an order at market."""
    if request.type in _LIMIT_TYPES:
        return _ticks("price", request.price, market)
    if request.price:
        raise InvalidField("price", request.price, "empty for an order at market")
    return 0


def _size(request: pb.PlaceOrderRequest, market: MarketInfo) -> tuple[int, int]:
    """Lots, or quote units: one of them is 0."""
    if not request.quote_amount:
        return _quantity("quantity", request.quantity, market), 0
    if request.type != types_pb2.ORDER_TYPE_MARKET:
        raise InvalidField("quote_amount", request.quote_amount, "empty but for a market order")
    if request.quantity:
        raise InvalidField("quote_amount", request.quote_amount, "empty where there is a quantity")
    return 0, checks.positive_amount(market.quote, request.quote_amount, "quote_amount")


def _stop(request: pb.PlaceOrderRequest, market: MarketInfo) -> tuple[int, int]:
    """Stop price in ticks and trailing in basis points, 0 where there is none."""
    if request.type not in STOP_TYPES:
        if request.stop_price:
            raise InvalidField("stop_price", request.stop_price, "empty but for a stop order")
        if request.trailing_bps:
            raise InvalidField("trailing_bps", request.trailing_bps, "0 but for a stop order")
        return 0, 0
    trailing = checks.within("trailing_bps", request.trailing_bps, 0, TRAILING_BPS_MAX)
    if trailing and not request.stop_price:
        return 0, trailing
    return _ticks("stop_price", request.stop_price, market), trailing


def _post_only(request: pb.PlaceOrderRequest) -> bool:
    if request.post_only and request.type != types_pb2.ORDER_TYPE_LIMIT:
        raise InvalidField("post_only", True, "false but for a limit order")
    return request.post_only


def _time_in_force(request: pb.PlaceOrderRequest) -> TimeInForce:
    """As asked, or the natural one of the type."""
    allowed = _RESTING if request.post_only else _TIMES_IN_FORCE[request.type]
    asked = int(request.time_in_force)
    if not asked:
        gtd = request.expire_ns and TimeInForce.GTD in allowed
        return TimeInForce.GTD if gtd else allowed[0]
    if asked not in allowed:
        names = " or ".join(f"TIME_IN_FORCE_{choice.name}" for choice in allowed)
        raise InvalidField("time_in_force", asked, names)
    return TimeInForce(asked)


def _expire_ns(request: pb.PlaceOrderRequest, time_in_force: TimeInForce) -> int:
    expire_ns = request.expire_ns
    if time_in_force == TimeInForce.GTD:
        return checks.within("expire_ns", expire_ns, 1, 2**63 - 1)
    if expire_ns:
        raise InvalidField("expire_ns", expire_ns, "0 but with TIME_IN_FORCE_GTD")
    return 0


def _display(
    request: pb.PlaceOrderRequest, market: MarketInfo, quantity: int, time_in_force: TimeInForce
) -> int:
    """Lots that the book shows of an iceberg; 0 where it shows all."""
    text = request.display_quantity
    if text and (request.type not in _LIMIT_TYPES or time_in_force not in _RESTING):
        allowed = "empty but for an order with a limit price that is GTC or GTD"
        raise InvalidField("display_quantity", text, allowed)
    return _shown("display_quantity", text, market, quantity)


def _shown(field: str, text: str, market: MarketInfo, quantity: int) -> int:
    if not text:
        return 0
    lots = market.quantity_to_lots(text, field)
    least = -(-quantity // ICEBERG_PARTS_MAX)
    if not least <= lots < quantity:
        allowed = f"from {market.lots_to_quantity(least)}, less than the quantity"
        raise InvalidField(field, text, allowed)
    return lots


def _self_trade(mode: int) -> int:
    if not 0 <= mode <= max(SelfTrade):
        names = ", ".join(f"SELF_TRADE_MODE_{choice.name}" for choice in SelfTrade)
        raise InvalidField("self_trade_mode", mode, names)
    return mode
