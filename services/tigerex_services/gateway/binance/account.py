"""Signed endpoints: orders, lists of orders, balances."""

from collections.abc import Sequence

from tigerex.exchange.v1 import accounts_pb2, markets_pb2, types_pb2
from tigerex.exchange.v1 import trading_pb2 as pb

from tigerex_platform.errors import NotFound
from tigerex_services.gateway.binance import orders
from tigerex_services.gateway.binance.calls import ACCOUNT, UserCall
from tigerex_services.gateway.binance.commission import basis_points, fees_of, rates
from tigerex_services.gateway.binance.errors import refuse
from tigerex_services.gateway.binance.orders import Json, decimal, millis
from tigerex_services.gateway.upstream import call

BATCH_MAX = 256
UNKNOWN_TO_CANCEL = -2011
# What an order of a type answers unless it is asked for something else.
DETAIL = {"LIMIT": "FULL", "MARKET": "FULL"}


async def place(of: UserCall) -> Json:
    """A new order, once it is committed."""
    orders.check_terms(of.values)
    symbol = of.values["symbol"]
    market = await of.parts.symbols.market(symbol)
    answer = await call(
        of.upstream.trading.PlaceOrder,
        orders.new_order(of.values, market.symbol, await of.account_id(), of.request_id()),
        user=of.caller.user,
    )
    detail = of.values.get("newOrderRespType") or DETAIL.get(of.values["type"], "ACK")
    return orders.placed(answer, market, symbol, detail)


async def test_order(of: UserCall) -> Json:
    """Checks the form of an order; whether the exchange would take it, only it can say."""
    orders.check_terms(of.values)
    await of.parts.symbols.market(of.values["symbol"])
    return {}


async def get_order(of: UserCall) -> Json:
    market = await of.parts.symbols.market(of.values["symbol"])
    return orders.known_order(await find_order(of, market), market, of.values["symbol"])


async def cancel(of: UserCall) -> Json:
    symbol = of.values["symbol"]
    market = await of.parts.symbols.market(symbol)
    try:
        found = await find_order(of, market)
        answer = await call(
            of.upstream.trading.CancelOrder,
            pb.CancelOrderRequest(
                request_id=of.request_id(),
                account_id=await of.account_id(),
                order_id=found.order_id,
                market=market.symbol,
            ),
            user=of.caller.user,
        )
    except NotFound as error:
        raise refuse(UNKNOWN_TO_CANCEL) from error
    new_id = of.values.get("newClientOrderId") or orders.generated_id(of.request_id())
    return orders.canceled(answer.order, answer.time_ns, new_id, market, symbol)


async def open_orders(of: UserCall) -> list[Json]:
    """Open orders of one market, or of all."""
    found = await list_open(of, of.values.get("symbol", ""))
    known = await of.parts.symbols.known()
    listed = []
    for order in found:
        symbol = known.symbol_of.get(order.market, "")
        if symbol:
            listed.append(orders.known_order(order, known.by_symbol[symbol], symbol))
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
        answer = await call(
            of.upstream.trading.SubmitBatch,
            pb.SubmitBatchRequest(commands=commands),
            user=of.caller.user,
        )
        for result in answer.results:
            if result.HasField("canceled"):
                one = result.canceled
                listed.append(orders.canceled(one.order, one.time_ns, new_id, market, symbol))
    if not listed:
        raise refuse(UNKNOWN_TO_CANCEL)
    return listed


async def account(of: UserCall) -> Json:
    """The balances that spot orders trade with."""
    account_id = await of.account_id()
    answer = await call(
        of.upstream.accounts.ListAccounts,
        accounts_pb2.ListAccountsRequest(),
        user=of.caller.user,
    )
    about = next(each for each in answer.accounts if each.name == ACCOUNT)
    held = await call(
        of.upstream.accounts.GetBalances,
        accounts_pb2.GetBalancesRequest(account_id=account_id),
        user=of.caller.user,
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


async def coins(of: UserCall) -> list[Json]:
    """Every asset, with what the caller has of it; read by clients when they start."""
    listed = await call(of.upstream.markets.ListAssets, markets_pb2.ListAssetsRequest())
    held = await call(
        of.upstream.accounts.GetBalances,
        accounts_pb2.GetBalancesRequest(account_id=await of.account_id()),
        user=of.caller.user,
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
    answer = await call(
        of.upstream.trading.ListOpenOrders,
        pb.ListOpenOrdersRequest(account_id=await of.account_id(), market=market),
        user=of.caller.user,
    )
    return answer.orders


async def find_order(of: UserCall, market: types_pb2.Market) -> types_pb2.Order:
    """The order that is named by its id or its client's; raises NotFound also where it is of
    another market."""
    order_id, name = of.values.get("orderId", 0), of.values.get("origClientOrderId", "")
    if not order_id and not name:
        raise refuse(-1102, "orderId")
    answer = await call(
        of.upstream.trading.GetOrder,
        pb.GetOrderRequest(
            account_id=await of.account_id(),
            order_id=order_id,
            client_order_id="" if order_id else name,
        ),
        user=of.caller.user,
    )
    found = answer.order
    if found.market != market.symbol or (name and found.client_order_id != name):
        raise NotFound("order", order_id or name)
    return found
