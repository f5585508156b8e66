"""Tickers: which fields each kind has, and what is in them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.binance_raw import Binance, serving_binance
from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_services.gateway.binance.streams import events

pytestmark = pytest.mark.unit

MINI = {
    *("symbol", "openPrice", "highPrice", "lowPrice", "lastPrice", "volume", "quoteVolume"),
    *("openTime", "closeTime", "firstId", "lastId", "count"),
}
WINDOW = MINI | {"priceChange", "priceChangePercent", "weightedAvgPrice"}
AROUND = {"prevClosePrice", "lastQty", "bidPrice", "bidQty", "askPrice", "askQty"}


@pytest.fixture
async def binance() -> AsyncIterator[Binance]:
    async with serving_binance() as served:
        traded = pb.Statistics(
            market="btc-usdt",
            open_time_ns=60 * 10**9,
            close_time_ns=120 * 10**9,
            open="100",
            high="130",
            low="90",
            last="125",
            volume="4",
            quote_volume="440",
            trades=7,
            first_trade_id=5,
            last_trade_id=11,
            previous_close="99.5",
            last_quantity="0.25",
        )
        served.upstreams.answers["ListStatistics"] = pb.ListStatisticsResponse(statistics=[traded])
        bid = pb.PriceLevel(price="124", quantity="2")
        served.upstreams.answers["ListTopsOfBook"] = pb.ListTopsOfBookResponse(
            tops=[pb.TopOfBook(market="btc-usdt", bid=bid)]
        )
        yield served


async def ask(binance: Binance, path: str) -> dict[str, Any]:
    answer = await binance.call("GET", f"/api/v3/{path}", "symbol=BTCUSDT")
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("path", "kind", "fields"),
    [
        ("ticker/24hr", "FULL", WINDOW | AROUND),
        ("ticker/24hr", "MINI", MINI),
        ("ticker", "FULL", WINDOW),
        ("ticker", "MINI", MINI),
    ],
)
async def test_each_kind_has_its_fields(
    binance: Binance, path: str, kind: str, fields: set[str]
) -> None:
    one = await ask(binance, path) if kind == "FULL" else None
    query = f"symbol=BTCUSDT&type={kind}"
    found = (await binance.call("GET", f"/api/v3/{path}", query)).json()
    assert found.keys() == fields
    assert one in (None, found), "FULL is what is told unless asked otherwise"
    several = await binance.call("GET", f"/api/v3/{path}", f'symbols=["BTCUSDT"]&type={kind}')
    assert several.json() == [found]


async def test_what_a_day_was_and_what_is_around_it(binance: Binance) -> None:
    found = await ask(binance, "ticker/24hr")
    assert found == {
        "symbol": "BTCUSDT",
        "openPrice": "100.00000000",
        "highPrice": "130.00000000",
        "lowPrice": "90.00000000",
        "lastPrice": "125.00000000",
        "volume": "4.00000000",
        "quoteVolume": "440.00000000",
        "openTime": 60_000,
        "closeTime": 120_000,
        "firstId": 5,
        "lastId": 11,
        "count": 7,
        "priceChange": "25.00000000",
        "priceChangePercent": "25.000",
        "weightedAvgPrice": "110.00000000",
        "prevClosePrice": "99.50000000",
        "lastQty": "0.25000000",
        "bidPrice": "124.00000000",
        "bidQty": "2.00000000",
        "askPrice": "0.00000000",
        "askQty": "0.00000000",
    }
    told = events.ticker(found, 121_000)
    assert (told["e"], told["x"], told["Q"]) == ("24hrTicker", "99.50000000", "0.25000000")


async def test_a_market_that_never_traded(binance: Binance) -> None:
    binance.upstreams.answers["ListStatistics"] = pb.ListStatisticsResponse(
        statistics=[pb.Statistics(market="btc-usdt", volume="0", quote_volume="0")]
    )
    found = await ask(binance, "ticker/24hr")
    assert {found[name] for name in ("lastPrice", "prevClosePrice", "lastQty")} == {"0.00000000"}
    assert (found["firstId"], found["lastId"], found["count"]) == (-1, -1, 0)
