"""Two clients that were written for Binance, unmodified, against an exchange of real processes."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

import ccxt
import httpx
import pytest
from binance.client import Client as PythonBinance
from binance.exceptions import BinanceAPIException
from tests.support.binance_clients import binance_of
from tests.support.exchange_stack import ExchangeStack
from tests.support.gateway_client import Client

pytestmark = [pytest.mark.integration, pytest.mark.timeout(280)]

SYMBOL, PAIR = "BTCUSDT", "BTC/USDT"
PRICE = Decimal(60_000)
PUBLISHED_S_MAX = 10.0  # from a commit to market data


Found = TypeVar("Found")


def until(read: Callable[[], Found], done: Callable[[Found], object]) -> Found:
    """What is read once it is as expected; market data follows a commit a moment later."""
    deadline_s = time.monotonic() + PUBLISHED_S_MAX
    found = read()
    while not done(found) and time.monotonic() < deadline_s:
        time.sleep(0.02)
        found = read()
    return found


ORDERS: list[dict[str, str]] = [
    {"type": "LIMIT", "timeInForce": "GTC", "price": "59000"},
    {"type": "LIMIT", "timeInForce": "GTC", "price": "59000", "icebergQty": "0.00010"},
    {"type": "LIMIT_MAKER", "price": "59000"},
    {"type": "STOP_LOSS", "stopPrice": "61000"},
    {"type": "STOP_LOSS", "trailingDelta": "200"},
    {
        "type": "STOP_LOSS_LIMIT",
        "timeInForce": "GTC",
        "price": "61100",
        "stopPrice": "61000",
    },
    {"type": "TAKE_PROFIT", "stopPrice": "59000"},
    {
        "type": "TAKE_PROFIT_LIMIT",
        "timeInForce": "GTC",
        "price": "59000",
        "stopPrice": "59000",
    },
]


def trade_once(buyer: PythonBinance, seller: PythonBinance) -> dict[str, Any]:
    """A trade at PRICE, so that stops have a last price; the buyer's answer."""
    seller.order_limit_sell(symbol=SYMBOL, quantity="0.00100", price=str(PRICE))
    bought: dict[str, Any] = buyer.order_market_buy(symbol=SYMBOL, quantity="0.00100")
    return bought


def test_python_binance_reads_the_market(
    ann_binance: PythonBinance, bob_binance: PythonBinance
) -> None:
    assert ann_binance.ping() == {}
    assert ann_binance.get_server_time()["serverTime"] > 1_700_000_000_000
    info = ann_binance.get_symbol_info(SYMBOL)
    assert info is not None
    filters = {each["filterType"]: each for each in info["filters"]}
    assert Decimal(filters["PRICE_FILTER"]["tickSize"]) == Decimal("0.01")
    assert Decimal(filters["LOT_SIZE"]["stepSize"]) == Decimal("0.00001")
    assert Decimal(filters["NOTIONAL"]["minNotional"]) == Decimal(5)
    bob_binance.order_limit_sell(symbol=SYMBOL, quantity="0.00300", price="60500")
    bob_binance.order_limit_buy(symbol=SYMBOL, quantity="0.00200", price="59500")
    book = until(
        lambda: ann_binance.get_order_book(symbol=SYMBOL),
        lambda book: book["asks"] and book["bids"],
    )
    assert (book["bids"], book["asks"]) == (
        [["59500.00000000", "0.00200000"]],
        [["60500.00000000", "0.00300000"]],
    )
    best = ann_binance.get_orderbook_ticker(symbol=SYMBOL)
    assert best["bidPrice"] == "59500.00000000"
    assert best["askQty"] == "0.00300000"


def test_python_binance_trades(ann_binance: PythonBinance, bob_binance: PythonBinance) -> None:
    """Both sides of a trade, what it cost, and where the tape has it."""
    before = {each["asset"]: each for each in ann_binance.get_account()["balances"]}
    bought = trade_once(ann_binance, bob_binance)
    assert bought["status"] == "FILLED"
    assert bought["executedQty"] == "0.00100000"
    assert bought["cummulativeQuoteQty"] == "60.00000000"
    [fill] = bought["fills"]
    assert (fill["price"], fill["qty"]) == ("60000.00000000", "0.00100000")
    assert (fill["commission"], fill["commissionAsset"]) == ("0.00000100", "BTC")
    after = {each["asset"]: each for each in ann_binance.get_account()["balances"]}
    gained = Decimal(after["BTC"]["free"]) - Decimal(before["BTC"]["free"])
    assert gained == Decimal("0.001") - Decimal(fill["commission"])
    paid = Decimal(before["USDT"]["free"]) - Decimal(after["USDT"]["free"])
    assert paid == Decimal(bought["cummulativeQuoteQty"])
    assert ann_binance.get_symbol_ticker(symbol=SYMBOL) == {
        "symbol": SYMBOL,
        "price": "60000.00000000",
    }
    trades = until(
        lambda: ann_binance.get_recent_trades(symbol=SYMBOL, limit=10),
        lambda trades: trades and trades[-1]["id"] == fill["tradeId"],
    )
    assert trades[-1]["price"] == "60000.00000000"
    assert trades[-1]["quoteQty"] == "60.00000000"
    assert trades[-1]["isBuyerMaker"] is False


@pytest.mark.parametrize("terms", ORDERS, ids=lambda terms: "-".join(terms.values()))
def test_python_binance_places_queries_and_cancels(
    ann_binance: PythonBinance, bob_binance: PythonBinance, terms: dict[str, str]
) -> None:
    trade_once(ann_binance, bob_binance)
    name = f"my-{terms['type']}"
    placed = ann_binance.create_order(
        symbol=SYMBOL, side="BUY", quantity="0.00100", newClientOrderId=name, **terms
    )
    assert placed["clientOrderId"] == name
    asked = ann_binance.get_order(symbol=SYMBOL, orderId=placed["orderId"])
    assert asked["status"] == "NEW"
    assert asked["type"] == terms["type"]
    assert asked["origQty"] == "0.00100000"
    for field in ("price", "stopPrice", "icebergQty"):
        assert Decimal(asked[field]) == Decimal(terms.get(field, "0"))
    assert asked["isWorking"] is ("LIMIT" in terms["type"][:5])
    assert ann_binance.get_open_orders(symbol=SYMBOL) == [asked]
    assert ann_binance.get_order(symbol=SYMBOL, origClientOrderId=name) == asked
    canceled = ann_binance.cancel_order(symbol=SYMBOL, origClientOrderId=name)
    assert (canceled["status"], canceled["origClientOrderId"]) == ("CANCELED", name)
    assert canceled["clientOrderId"] != name
    assert ann_binance.get_open_orders() == []
    with pytest.raises(BinanceAPIException, match="Unknown order sent") as again:
        ann_binance.cancel_order(symbol=SYMBOL, origClientOrderId=name)
    assert again.value.code == -2011


def test_python_binance_buys_for_an_amount(
    ann_binance: PythonBinance, bob_binance: PythonBinance
) -> None:
    bob_binance.order_limit_sell(symbol=SYMBOL, quantity="0.01000", price=str(PRICE))
    bought = ann_binance.create_order(
        symbol=SYMBOL, side="BUY", type="MARKET", quoteOrderQty="90.00"
    )
    assert bought["status"] == "FILLED"
    assert bought["origQuoteOrderQty"] == "90.00000000"
    assert bought["executedQty"] == "0.00150000"


def test_ccxt_sees_the_market_and_the_money(
    ann_ccxt: Any, bob_binance: PythonBinance, stack: ExchangeStack
) -> None:
    market = ann_ccxt.market(PAIR)
    assert (market["id"], market["spot"], market["active"]) == (SYMBOL, True, True)
    assert market["precision"] == {"base": 1e-8, "quote": 1e-8, "amount": 1e-5, "price": 0.01}
    assert market["limits"]["cost"]["min"] == 5.0
    bob_binance.order_limit_sell(symbol=SYMBOL, quantity="0.00300", price="60500")
    book = until(lambda: ann_ccxt.fetch_order_book(PAIR), lambda book: book["asks"])
    assert book["asks"][0][:2] == [60500.0, 0.003]
    balance = ann_ccxt.fetch_balance()
    raw = {each["asset"]: each for each in binance_of(stack, "ann").get_account()["balances"]}
    for asset in ("BTC", "USDT"):
        assert balance[asset]["free"] == float(raw[asset]["free"])
        assert balance[asset]["used"] == float(raw[asset]["locked"])


async def test_ccxt_orders_are_the_exchanges(
    ann_ccxt: Any, bob_binance: PythonBinance, ann: Client
) -> None:
    """Every field that ccxt makes of an order, against the native API's."""
    placed = ann_ccxt.create_order(PAIR, "limit", "buy", 0.002, 59_000)
    order = ann_ccxt.fetch_order(placed["id"], PAIR)
    answer: httpx.Response = await ann.request("GET", "/api/v1/orders")
    [native] = answer.json()["orders"]
    assert order["id"] == str(native["order_id"])
    assert order["clientOrderId"] == native["client_order_id"]
    assert order["price"] == float(native["price"])
    assert order["amount"] == float(native["quantity"])
    assert order["filled"] == float(native["filled_quantity"])
    assert order["remaining"] == 0.002
    assert (order["status"], order["side"], order["type"]) == ("open", "buy", "limit")
    assert order["timeInForce"] == "GTC"
    assert [each["id"] for each in ann_ccxt.fetch_open_orders(PAIR)] == [order["id"]]
    bob_binance.order_limit_sell(symbol=SYMBOL, quantity="0.00050", price="59000")
    partly = ann_ccxt.fetch_order(order["id"], PAIR)
    assert (partly["filled"], partly["remaining"], partly["cost"]) == (0.0005, 0.0015, 29.5)
    assert partly["average"] == 59_000.0
    canceled = ann_ccxt.cancel_order(order["id"], PAIR)
    assert canceled["status"] == "canceled"
    assert ann_ccxt.fetch_open_orders(PAIR) == []
    with pytest.raises(ccxt.OrderNotFound):
        ann_ccxt.cancel_order(order["id"], PAIR)


def test_ccxt_hears_why_not(ann_ccxt: Any) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        ann_ccxt.create_order(PAIR, "limit", "buy", 900, 60_000)
    with pytest.raises(ccxt.BadRequest, match="NOTIONAL"):
        ann_ccxt.create_order(PAIR, "limit", "buy", 0.00001, 60_000)


def test_cancel_all(ann_binance: PythonBinance) -> None:
    for number in range(3):
        ann_binance.order_limit_buy(
            symbol=SYMBOL, quantity="0.00100", price="50000", newClientOrderId=f"all-{number}"
        )
    canceled = ann_binance._delete("openOrders", signed=True, data={"symbol": SYMBOL})
    assert [each["origClientOrderId"] for each in canceled] == ["all-0", "all-1", "all-2"]
    assert {each["status"] for each in canceled} == {"CANCELED"}
    assert ann_binance.get_open_orders() == []


def test_a_list_of_two_orders(ann_binance: PythonBinance, bob_binance: PythonBinance) -> None:
    trade_once(ann_binance, bob_binance)
    placed = ann_binance.create_oco_order(
        symbol=SYMBOL,
        side="SELL",
        quantity="0.00100",
        listClientOrderId="my-list",
        aboveType="LIMIT_MAKER",
        abovePrice="61000",
        belowType="STOP_LOSS_LIMIT",
        belowStopPrice="59000",
        belowPrice="58900",
        belowTimeInForce="GTC",
    )
    assert (placed["contingencyType"], placed["listOrderStatus"]) == ("OCO", "EXECUTING")
    assert [each["type"] for each in placed["orderReports"]] == ["LIMIT_MAKER", "STOP_LOSS_LIMIT"]
    asked = ann_binance.v3_get_order_list(origClientOrderId="my-list")
    assert asked["orders"] == placed["orders"]
    assert [each["orderListId"] for each in ann_binance.get_open_oco_orders()] == [
        placed["orderListId"]
    ]
    ended = ann_binance.v3_delete_order_list(symbol=SYMBOL, orderListId=placed["orderListId"])
    assert ended["listOrderStatus"] == "ALL_DONE"
    assert {each["status"] for each in ended["orderReports"]} == {"CANCELED"}
    assert ann_binance.get_open_orders() == []


def test_less_of_an_order(ann_binance: PythonBinance) -> None:
    placed = ann_binance.order_limit_buy(symbol=SYMBOL, quantity="0.00200", price="50000")
    asked = {"symbol": SYMBOL, "orderId": placed["orderId"]}
    answer = ann_binance._put(
        "order/amend/keepPriority", True, version="v3", data={**asked, "newQty": "0.00150"}
    )
    assert answer["amendedOrder"]["qty"] == "0.00150000"
    with pytest.raises(BinanceAPIException) as more:
        ann_binance._put(
            "order/amend/keepPriority", True, version="v3", data={**asked, "newQty": "0.00200"}
        )
    assert more.value.code == -2038
    assert ann_binance.get_order(**asked)["origQty"] == "0.00150000"


def test_aggregate_trades(
    ann_binance: PythonBinance, bob_binance: PythonBinance, ann_ccxt: Any
) -> None:
    """One order that meets three makers at two prices is two aggregates, however they are read."""
    for price in (PRICE, PRICE, PRICE + 1):
        bob_binance.order_limit_sell(symbol=SYMBOL, quantity="0.00100", price=str(price))
    bought = ann_binance.order_market_buy(symbol=SYMBOL, quantity="0.00250")
    ids = [fill["tradeId"] for fill in bought["fills"]]
    newest = until(
        lambda: ann_binance.get_aggregate_trades(symbol=SYMBOL, limit=2),
        lambda found: found and found[-1]["l"] == ids[-1],
    )
    first, second = newest
    assert (first["p"], first["q"]) == ("60000.00000000", "0.00200000")
    assert (second["p"], second["q"]) == ("60001.00000000", "0.00050000")
    assert (first["f"], first["l"], second["f"], second["l"]) == (ids[0], ids[1], ids[2], ids[2])
    assert second["a"] == first["a"] + 1
    assert first["T"] == second["T"] == bought["transactTime"]
    assert (first["m"], first["M"]) == (False, True)
    every = list(ann_binance.aggregate_trade_iter(symbol=SYMBOL))
    assert [each["a"] for each in every] == list(range(1, second["a"] + 1))
    assert every[-2:] == newest
    assert list(ann_binance.aggregate_trade_iter(SYMBOL, last_id=first["a"])) == [second]
    assert list(ann_binance.aggregate_trade_iter(SYMBOL, start_str=first["T"])) == newest
    asked = {"symbol": SYMBOL, "startTime": every[0]["T"], "endTime": first["T"]}
    assert ann_binance.get_aggregate_trades(**asked) == every
    assert ann_binance.get_aggregate_trades(**asked, limit=1) == every[:1]
    until_now = ann_binance.get_aggregate_trades(symbol=SYMBOL, endTime=first["T"], limit=1)
    assert until_now == [second]
    told = ann_ccxt.fetch_trades(PAIR, since=first["T"])
    assert [(each["id"], each["price"], each["amount"], each["side"]) for each in told] == [
        (str(first["a"]), 60_000.0, 0.002, "buy"),
        (str(second["a"]), 60_001.0, 0.0005, "buy"),
    ]
    assert [each["id"] for each in ann_ccxt.fetch_trades(PAIR)] == [str(e["a"]) for e in every]
    with pytest.raises(BinanceAPIException) as both:
        ann_binance.get_aggregate_trades(**asked, fromId=1)
    assert both.value.code == -1128
    forward = ann_binance.get_historical_trades(symbol=SYMBOL, fromId=ids[0], limit=2)
    assert [each["id"] for each in forward] == ids[:2]
    whole = ann_binance.get_historical_trades(symbol=SYMBOL, fromId=0)
    assert [each["id"] for each in whole] == list(range(1, ids[-1] + 1))


def test_tickers_of_all_markets(ann_binance: PythonBinance, bob_binance: PythonBinance) -> None:
    bob_binance.order_limit_sell(symbol=SYMBOL, quantity="0.00300", price="60500")
    [best] = until(
        ann_binance.get_orderbook_tickers,
        lambda found: found[0]["askPrice"] == "60500.00000000",
    )
    assert best == ann_binance.get_orderbook_ticker(symbol=SYMBOL)
    [day] = ann_binance.get_ticker()
    assert {name: day[name] for name in best} == best


def test_candles_and_statistics(ann_binance: PythonBinance, bob_binance: PythonBinance) -> None:
    """Candles of every interval and the statistics of a day tell the same trades."""
    bought = trade_once(ann_binance, bob_binance)
    trade_id = bought["fills"][0]["tradeId"]
    day = until(
        lambda: ann_binance.get_ticker(symbol=SYMBOL), lambda day: day["lastId"] == trade_id
    )
    assert (day["count"], day["firstId"], day["lastPrice"]) == (trade_id, 1, "60000.00000000")
    assert (day["lastQty"], day["prevClosePrice"]) == (bought["fills"][0]["qty"], "0.00000000")
    asked = {"symbol": SYMBOL, "windowSize": "2h", "type": "MINI"}
    window = ann_binance._get("ticker", version="v3", data=asked)
    assert window["volume"] == day["volume"]
    assert "priceChange" not in window
    assert {each["symbol"] for each in ann_binance.get_ticker()} == {SYMBOL}
    for interval in ("1s", "1m", "15m", "1h", "12h", "1d", "1w", "1M"):
        candles = ann_binance.get_klines(symbol=SYMBOL, interval=interval, limit=1_000)
        assert sum(each[8] for each in candles) == day["count"]
        assert sum(Decimal(each[5]) for each in candles) == Decimal(day["volume"])
        assert sum(Decimal(each[7]) for each in candles) == Decimal(day["quoteVolume"])
        assert candles[-1][4] == "60000.00000000"
        starts = [each[0] for each in candles]
        ends = [each[6] for each in candles]
        assert starts[1:] == [end + 1 for end in ends[:-1]]  # also those without a trade
    seconds = until(
        lambda: ann_binance.get_klines(symbol=SYMBOL, interval="1s", limit=1_000),
        lambda found: len(found) > 3,
    )
    for since in (starts[0], seconds[0][0]):
        early = ann_binance.get_klines(symbol=SYMBOL, interval="1s", startTime=since, limit=3)
        assert early == seconds[:3]
    average = ann_binance.get_avg_price(symbol=SYMBOL)
    assert Decimal(average["price"]) > 0
    with pytest.raises(BinanceAPIException) as bad:
        ann_binance.get_klines(symbol=SYMBOL, interval="7m")
    assert bad.value.code == -1120


def test_ccxt_reads_candles_and_tickers(ann_ccxt: Any, bob_binance: PythonBinance) -> None:
    ticker = ann_ccxt.fetch_ticker(PAIR)
    assert ticker["symbol"] == PAIR
    candles = ann_ccxt.fetch_ohlcv(PAIR, "1m", limit=5)
    assert all(len(each) == 6 for each in candles)
    assert ann_ccxt.fetch_time() > 1_700_000_000_000
