"""What an account did, as clients that were written for Binance read it, against the exchange's
own word."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from binance.client import Client as PythonBinance
from binance.exceptions import BinanceAPIException
from tests.support.binance_clients import binance_of
from tests.support.exchange_stack import ExchangeStack
from tests.support.gateway_client import Client

pytestmark = [pytest.mark.integration, pytest.mark.timeout(280)]

SYMBOL, PAIR = "BTCUSDT", "BTC/USDT"
FOLLOWED_S_MAX = 10.0  # from a commit to history
DAY_MS = 86_400_000
STATUSES = {
    "new": "open",
    "waiting": "open",
    "partially-filled": "open",
    "filled": "closed",
    "canceled": "canceled",
    "expired": "expired",
}

Found = TypeVar("Found")


def until(read: Callable[[], Found], done: Callable[[Found], object]) -> Found:
    """What is read once it is as expected; history follows a commit a moment later."""
    deadline_s = time.monotonic() + FOLLOWED_S_MAX
    found = read()
    while not done(found) and time.monotonic() < deadline_s:
        time.sleep(0.02)
        found = read()
    assert done(found), found
    return found


def live(ann: PythonBinance, bob: PythonBinance) -> tuple[list[int], list[dict[str, Any]]]:
    """Ann's orders of every fate, by id; and her trades as the answers to orders told them."""
    trades: list[dict[str, Any]] = []

    def keep(answer: dict[str, Any], order_id: int, *, buyer: bool, maker: bool) -> None:
        trades.extend(
            {**fill, "orderId": order_id, "isBuyer": buyer, "isMaker": maker}
            for fill in answer["fills"]
        )

    bob.order_limit_sell(symbol=SYMBOL, quantity="0.00200", price="60000")
    bought = ann.order_market_buy(symbol=SYMBOL, quantity="0.00100")
    keep(bought, bought["orderId"], buyer=True, maker=False)
    again = ann.order_limit_buy(symbol=SYMBOL, quantity="0.00300", price="60000")
    keep(again, again["orderId"], buyer=True, maker=False)  # a third of it, the rest rests
    sold = bob.order_market_sell(symbol=SYMBOL, quantity="0.00050")
    keep(sold, again["orderId"], buyer=True, maker=True)
    ann.cancel_order(symbol=SYMBOL, orderId=again["orderId"])
    waiting = ann.create_order(
        symbol=SYMBOL, side="SELL", type="STOP_LOSS", quantity="0.00100", stopPrice="50000"
    )
    missed = ann.create_order(
        symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="IOC", quantity="0.001", price="50000"
    )
    resting = ann.order_limit_buy(symbol=SYMBOL, quantity="0.00200", price="51000")
    placed = [answer["orderId"] for answer in (bought, again, waiting, missed, resting)]
    return placed, trades


def test_python_binance_reads_all_orders(
    ann_binance: PythonBinance, bob_binance: PythonBinance
) -> None:
    placed, _ = live(ann_binance, bob_binance)

    def truth() -> list[dict[str, Any]]:
        return [ann_binance.get_order(symbol=SYMBOL, orderId=order_id) for order_id in placed]

    def listed(**asked: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = ann_binance.get_all_orders(symbol=SYMBOL, **asked)
        return found

    until(lambda: listed(orderId=placed[0]), lambda found: found == truth())
    assert {order["status"] for order in truth()} == {"FILLED", "CANCELED", "EXPIRED", "NEW"}
    everything = listed()
    assert everything[-5:] == truth()
    ids = [order["orderId"] for order in everything]
    assert ids == sorted(ids)
    assert [o["orderId"] for o in listed(orderId=0)] == ids, "from the first one on"
    assert [o["orderId"] for o in listed(orderId=0, limit=2)] == ids[:2]
    assert [o["orderId"] for o in listed(limit=2)] == placed[-2:], "the newest"
    assert [o["orderId"] for o in listed(orderId=placed[1], limit=2)] == placed[1:3]
    first_ms = truth()[0]["time"]
    spans = listed(startTime=first_ms, endTime=first_ms + DAY_MS)
    assert spans == truth()
    assert listed(startTime=first_ms - DAY_MS, endTime=first_ms - 1) == everything[:-5]
    assert listed(startTime=0, limit=1) == everything[:1]


def test_python_binance_reads_its_trades(
    ann_binance: PythonBinance, bob_binance: PythonBinance
) -> None:
    placed, trades = live(ann_binance, bob_binance)

    def listed(**asked: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = ann_binance.get_my_trades(symbol=SYMBOL, **asked)
        return found

    first_id = trades[0]["tradeId"]
    found = until(lambda: listed(fromId=first_id), lambda rows: len(rows) == len(trades))
    for row, fill in zip(found, trades, strict=True):
        for field in ("price", "qty", "orderId", "isBuyer", "isMaker"):
            assert row[field] == fill[field], field
        assert (row["id"], row["symbol"], row["orderListId"]) == (fill["tradeId"], SYMBOL, -1)
        assert Decimal(row["quoteQty"]) == Decimal(fill["price"]) * Decimal(fill["qty"])
        rate = Decimal("0.0005") if fill["isMaker"] else Decimal("0.001")
        assert Decimal(row["commission"]) == (Decimal(fill["qty"]) * rate).quantize(Decimal("1e-8"))
        assert row["commissionAsset"] == "BTC"
        if not fill["isMaker"]:
            assert row["commission"] == fill["commission"]
    of_one = listed(orderId=placed[1])
    assert of_one == found[1:]
    assert listed(orderId=placed[1], fromId=of_one[1]["id"]) == of_one[1:]
    assert listed(limit=1) == found[-1:]
    assert listed(fromId=0, limit=1)[0]["id"] <= first_id
    start_ms = found[0]["time"]
    assert listed(startTime=start_ms, endTime=start_ms + DAY_MS) == found
    assert listed(endTime=start_ms - 1, limit=1000) == listed(limit=1000)[: -len(found)]


async def test_ccxt_makes_the_same_of_it_as_the_native_api_says(
    ann_ccxt: Any, ann_binance: PythonBinance, bob_binance: PythonBinance, ann: Client
) -> None:
    placed, trades = live(ann_binance, bob_binance)
    wanted = set(map(str, placed))
    found = until(
        lambda: [order for order in ann_ccxt.fetch_orders(PAIR) if order["id"] in wanted],
        lambda orders: (
            len(orders) == len(wanted)
            and [o["status"] for o in orders] == ["closed", "canceled", "open", "expired", "open"]
        ),
    )
    for order in found:
        native = (await ann.request("GET", f"/api/v1/orders/{order['id']}")).json()
        assert order["clientOrderId"] == native["client_order_id"]
        assert order["amount"] == float(native["quantity"])
        assert order["filled"] == float(native["filled_quantity"])
        assert order["cost"] == float(native["filled_notional"])
        assert order["status"] == STATUSES[native["status"]]
        assert order["side"] == native["side"]
        if native["price"] is not None:
            assert order["price"] == float(native["price"])
    asked = f"market=btc-usdt&from_id={placed[0]}"
    listed = (await ann.request("GET", f"/api/v1/history/orders?{asked}")).json()["orders"]
    for native in listed:
        path = f"/api/v1/orders/{native['order_id']}"
        assert native == (await ann.request("GET", path)).json()
    closed = [order["id"] for order in ann_ccxt.fetch_closed_orders(PAIR)]
    assert str(placed[0]) in closed

    mine = ann_ccxt.fetch_my_trades(PAIR)[-len(trades) :]
    asked = f"market=btc-usdt&from_id={trades[0]['tradeId']}"
    fills = (await ann.request("GET", f"/api/v1/history/fills?{asked}")).json()["fills"]
    assert len(mine) == len(fills) == len(trades)
    for trade, fill in zip(mine, fills, strict=True):
        assert (trade["id"], trade["order"]) == (str(fill["trade_id"]), str(fill["order_id"]))
        assert trade["price"] == float(fill["price"])
        assert trade["amount"] == float(fill["quantity"])
        assert trade["cost"] == float(fill["notional"])
        assert trade["side"] == fill["side"]
        assert trade["takerOrMaker"] == ("maker" if fill["maker"] else "taker")
        assert trade["fee"]["cost"] == float(fill["fee"])
        assert trade["fee"]["currency"] == fill["fee_asset"]


def test_all_order_lists(ann_binance: PythonBinance, bob_binance: PythonBinance) -> None:
    live(ann_binance, bob_binance)
    placed = ann_binance.create_oco_order(
        symbol=SYMBOL,
        side="SELL",
        quantity="0.00100",
        listClientOrderId="all-lists",
        aboveType="LIMIT_MAKER",
        abovePrice="61000",
        belowType="STOP_LOSS",
        belowStopPrice="50000",
    )
    list_id = placed["orderListId"]

    def listed(**asked: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = ann_binance.v3_get_all_order_list(**asked)
        return found

    def asked() -> dict[str, Any]:
        told: dict[str, Any] = ann_binance.v3_get_order_list(orderListId=list_id)
        return told

    until(lambda: listed(fromId=list_id), lambda found: found == [asked()])
    ann_binance.v3_delete_order_list(symbol=SYMBOL, orderListId=list_id)
    [done] = until(
        lambda: listed(fromId=list_id),
        lambda found: found and found[0]["listOrderStatus"] == "ALL_DONE",
    )
    assert done == asked()
    assert listed()[-1] == done
    time_ms = done["transactionTime"]
    assert listed(startTime=time_ms, endTime=time_ms + 1) == [done]


def test_what_trades_cost(ann_binance: PythonBinance) -> None:
    told = ann_binance._get(
        "account/commission", signed=True, version="v3", data={"symbol": SYMBOL}
    )
    standard = {
        "maker": "0.00050000",
        "taker": "0.00100000",
        "buyer": "0.00000000",
        "seller": "0.00000000",
    }
    assert told["standardCommission"] == standard
    assert told["discount"] == {
        "enabledForAccount": False,
        "enabledForSymbol": False,
        "discountAsset": "",
        "discount": "1.00000000",
    }
    account = ann_binance.get_account()
    assert account["commissionRates"] == standard
    assert (account["makerCommission"], account["takerCommission"]) == (5, 10)


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("allOrders", {}, -1102),
        ("allOrders", {"symbol": "ETHUSDT"}, -1121),
        ("allOrders", {"symbol": SYMBOL, "limit": 1_001}, -1130),
        ("allOrders", {"symbol": SYMBOL, "limit": 0}, -1130),
        ("allOrders", {"symbol": SYMBOL, "fromId": 1}, -1104),
        ("allOrders", {"symbol": SYMBOL, "startTime": 5, "endTime": 5 + DAY_MS + 1}, -1127),
        ("allOrders", {"symbol": SYMBOL, "startTime": 5, "endTime": 4}, -1128),
        ("myTrades", {}, -1102),
        ("myTrades", {"symbol": SYMBOL, "startTime": 5, "endTime": 5 + DAY_MS + 1}, -1127),
        ("myTrades", {"symbol": SYMBOL, "fromId": 5, "startTime": 5}, -1128),
        ("myTrades", {"symbol": SYMBOL, "orderId": 5, "endTime": 5}, -1128),
        ("myTrades", {"symbol": SYMBOL, "fromId": -1}, -1100),
        ("allOrderList", {"fromId": 1, "startTime": 5}, -1128),
        ("allOrderList", {"startTime": 5, "endTime": 5 + DAY_MS + 1}, -1127),
        ("account/commission", {}, -1102),
        ("account/commission", {"symbol": "ETHUSDT"}, -1121),
    ],
)
def test_refusals(ann_binance: PythonBinance, path: str, params: dict[str, Any], code: int) -> None:
    with pytest.raises(BinanceAPIException) as refused:
        ann_binance._get(path, signed=True, version="v3", data=params)
    assert refused.value.code == code


def test_another_users_history_is_not_told(stack: ExchangeStack) -> None:
    """Eve may only read, and has done nothing."""
    eve = binance_of(stack, "eve")
    assert eve.get_all_orders(symbol=SYMBOL) == []
    assert eve.get_my_trades(symbol=SYMBOL) == []
    assert eve.v3_get_all_order_list() == []
