"""Signed endpoints: orders, lists of orders, balances."""

from collections.abc import Sequence

from tigerex.exchange.v1 import accounts_pb2, markets_pb2, types_pb2
from tigerex.exchange.v1 import trading_pb2 as pb

from tigerex_platform.errors import NotFound
from tigerex_services.gateway.binance import orders
from tigerex_services.gateway.binance.calls import ACCOUNT, UserCall
from tigerex_services.gateway.binance.commission import basis_points, fees_of, rates
from tigerex_services.gateway.binance.errors import BinanceError, refuse
from tigerex_services.gateway.binance.orders import Json, decimal, millis
from tigerex_services.gateway.upstream import call

BATCH_MAX = 256
# What an order that is to be canceled may be asked to be.
RESTRICTIONS = {
    "ONLY_NEW": frozenset({"NEW"}),
    "ONLY_PARTIALLY_FILLED": frozenset({"PARTIALLY_FILLED"}),
}
RESTRICTED = "Order was not canceled due to cancel restrictions."
# What an order of a type answers unless it is asked for something else.
DETAIL = {"LIMIT": "FULL", "MARKET": "FULL"}


async def place(of: UserCall) -> Json:
    """A new order, once it is committed."""
    orders.check_terms(of.values)
    market = await of.parts.symbols.market(of.values["symbol"])
    return await place_order(of, market, of.request_id())


async def place_order(
    of: UserCall, market: types_pb2.Market, request_id: bytes, *, begun: bool = False
) -> Json:
    """The new order that the values say, whose terms were checked."""
    answer = await of.change(
        of.upstream.trading.PlaceOrder,
        orders.new_order(of.values, market.symbol, await of.account_id(), request_id),
        begun=begun,
    )
    detail = of.values.get("newOrderRespType") or DETAIL.get(of.values["type"], "ACK")
    return orders.placed(answer, market, of.values["symbol"], detail)


async def test_order(of: UserCall) -> Json:
    """Checks the form of an order; whether the exchange would take it, only it can say."""
    orders.check_terms(of.values)
    await of.parts.symbols.market(of.values["symbol"])
    return {}


async def get_order(of: UserCall) -> Json:
    market = await of.parts.symbols.market(of.values["symbol"])
    found = await find_order(of, market)
    return orders.known_order(found, market, of.values["symbol"])


async def cancel(of: UserCall) -> Json:
    market = await of.parts.symbols.market(of.values["symbol"])
    found = await find_order(of, market)
    return await cancel_order(of, market, found, of.values.get("newClientOrderId", ""))


async def cancel_order(
    of: UserCall, market: types_pb2.Market, found: types_pb2.Order, new_id: str
) -> Json:
    """Cancels an order that was found, unless it is not as `cancelRestrictions` ask for."""
    allowed = RESTRICTIONS.get(of.values.get("cancelRestrictions", ""))
    if allowed is not None and orders.STATUSES[found.status] not in allowed:
        raise BinanceError(-2011, RESTRICTED)
    answer = await of.change(
        of.upstream.trading.CancelOrder,
        pb.CancelOrderRequest(
            request_id=of.request_id(),
            account_id=await of.account_id(),
            order_id=found.order_id,
            market=market.symbol,
        ),
    )
    new_id = new_id or orders.generated_id(of.request_id())
    return orders.canceled(answer.order, answer.time_ns, new_id, market, of.values["symbol"])


async def open_orders(of: UserCall) -> list[Json]:
    """Open orders of one market, or of all."""
    found = await list_open(of, of.values.get("symbol", ""))
    known = await of.parts.symbols.known()
    listed = []
    for order in found:
        market, symbol = known.find(order.market)
        if market is not None:
            listed.append(orders.known_order(order, market, symbol))
    return listed


async def cancel_open_orders(of: UserCall) -> list[Json]:
    """Cancels every open order of a market; those that end meanwhile are left out."""
    symbol = of.values["symbol"]
    market = await of.parts.symbols.market(symbol)
    account_id = await of.account_id()
    listed: list[Json] = []
    new_id = orders.generated_id(of.request_id())
    found = await list_open(of, symbol)
    for start in range(0, len(found), BATCH_MAX):
        commands = [
            pb.BatchCommand(
                cancel=pb.CancelOrderRequest(
                    request_id=of.request_id(start + at),
                    account_id=account_id,
                    order_id=order.order_id,
                )
            )
            for at, order in enumerate(found[start : start + BATCH_MAX])
        ]
        answer = await of.change(
            of.upstream.trading.SubmitBatch,
            pb.SubmitBatchRequest(commands=commands),
            begun=start > 0,
        )
        for result in answer.results:
            if result.HasField("canceled"):
                one = result.canceled
                listed.append(orders.canceled(one.order, one.time_ns, new_id, market, symbol))
    if not listed:
        raise refuse(-2011)
    return listed


async def account(of: UserCall) -> Json:
    """The balances that spot orders trade with."""
    account_id = await of.account_id()
    answer = await of.ask(
        of.upstream.accounts.ListAccounts,
        accounts_pb2.ListAccountsRequest(),
    )
    about = next(each for each in answer.accounts if each.name == ACCOUNT)
    held = await of.ask(
        of.upstream.accounts.GetBalances,
        accounts_pb2.GetBalancesRequest(account_id=account_id),
    )
    fees = await fees_of(of)
    rows = [
        row
        for row in held.balances
        if not of.values.get("omitZeroBalances") or {row.available, row.held} != {"0"}
    ]
    return {
        "makerCommission": basis_points(fees.maker_fee),
        "takerCommission": basis_points(fees.taker_fee),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": rates(fees),
        "canTrade": not about.frozen,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": millis(of.parts.clock.now_ns()),
        "accountType": "SPOT",
        "balances": [_balance(row) for row in rows],
        "permissions": ["SPOT"],
        "uid": about.user_id,
    }


def _balance(row: types_pb2.Balance) -> Json:
    return {"asset": row.asset, "free": decimal(row.available), "locked": decimal(row.held)}


async def order_counts(of: UserCall) -> list[Json]:
    """How many new orders the caller had in the current windows."""
    counts = of.parts.order_counts
    used = counts.used(of.caller.user)
    return [limit.told(count) for limit, count in zip(counts.limits, used, strict=True)]


async def coins(of: UserCall) -> list[Json]:
    """Every asset, with what the caller has of it; read by clients when they start."""
    listed = await call(of.upstream.markets.ListAssets, markets_pb2.ListAssetsRequest())
    held = await of.ask(
        of.upstream.accounts.GetBalances,
        accounts_pb2.GetBalancesRequest(account_id=await of.account_id()),
    )
    rows = {row.asset: row for row in held.balances}
    none = types_pb2.Balance()
    return [
        {
            "coin": asset.code,
            "name": asset.code,
            "depositAllEnable": False,
            "withdrawAllEnable": False,
            "trading": True,
            "isLegalMoney": False,
            "free": decimal(rows.get(asset.code, none).available),
            "locked": decimal(rows.get(asset.code, none).held),
            "freeze": decimal(""),
            "withdrawing": decimal(""),
            "networkList": [],
        }
        for asset in listed.assets
    ]


async def margin_pairs(_: UserCall) -> list[Json]:
    """There is no margin trading; clients ask when they start."""
    return []


async def list_open(of: UserCall, symbol: str) -> Sequence[types_pb2.Order]:
    market = (await of.parts.symbols.market(symbol)).symbol if symbol else ""
    answer = await of.ask(
        of.upstream.trading.ListOpenOrders,
        pb.ListOpenOrdersRequest(account_id=await of.account_id(), market=market),
    )
    return answer.orders


async def find_order(
    of: UserCall,
    market: types_pb2.Market,
    id_field: str = "orderId",
    name_field: str = "origClientOrderId",
) -> types_pb2.Order:
    """The order of the market that these fields name; raises NotFound."""
    order_id, name = of.values.get(id_field, 0), of.values.get(name_field, "")
    if not order_id and not name:
        raise refuse(-1102, id_field)
    answer = await of.ask(
        of.upstream.trading.GetOrder,
        pb.GetOrderRequest(
            account_id=await of.account_id(),
            order_id=order_id,
            client_order_id="" if order_id else name,
        ),
    )
    found = answer.order
    if found.market != market.symbol:
        raise NotFound("order", order_id or name)
    if name and found.client_order_id != name:
        raise refuse(-2039)
    return found
