"""Binance's symbols, while markets come, are replaced by younger ones, or cannot be asked for."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from tests.support.binance_raw import Binance, serving_binance
from tests.support.gateway_upstreams import MARKET, Upstreams, order, serving
from tigerex.exchange.v1 import markets_pb2, trading_pb2, types_pb2
from tigerex.marketdata.v1 import marketdata_pb2

from tigerex_platform.clock import ManualClock
from tigerex_platform.errors import Unavailable
from tigerex_services.gateway.binance.errors import BinanceError
from tigerex_services.gateway.binance.symbols import FRESH_S, Symbols
from tigerex_services.gateway.upstream import Upstream

pytestmark = pytest.mark.unit


def market(symbol: str, market_id: int, base: str = "BTC") -> types_pb2.Market:
    changed = types_pb2.Market(symbol=symbol, market_id=market_id, base_asset=base)
    made = types_pb2.Market()
    made.CopyFrom(MARKET)
    made.MergeFrom(changed)
    return made


def list_markets(upstreams: Upstreams, *markets: types_pb2.Market) -> None:
    upstreams.answers["ListMarkets"] = markets_pb2.ListMarketsResponse(markets=markets)


@dataclass
class World:
    upstreams: Upstreams
    symbols: Symbols
    clock: ManualClock

    async def native(self, symbol: str) -> str:
        return (await self.symbols.market(symbol)).symbol

    def asked(self) -> int:
        return len(self.upstreams.called("ListMarkets"))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with serving() as (upstreams, channel):
        upstream = Upstream.over(
            exchange=channel, bots=channel, market_data=channel, history=channel
        )
        clock = ManualClock()
        yield World(upstreams, Symbols(upstream, clock), clock)


@pytest.fixture
async def binance() -> AsyncIterator[Binance]:
    async with serving_binance() as served:
        yield served


async def test_a_younger_market_takes_the_symbol(world: World) -> None:
    assert await world.native("BTCUSDT") == "btc-usdt"
    list_markets(world.upstreams, market("btc-usdt-2", 2), MARKET)
    assert await world.native("BTCUSDT") == "btc-usdt"
    world.clock.advance(FRESH_S)
    assert await world.native("BTCUSDT") == "btc-usdt-2"
    assert await world.symbols.find("btc-usdt") == (None, "")


async def test_a_new_market_is_found_by_its_name_at_once(world: World) -> None:
    await world.symbols.known()
    list_markets(world.upstreams, MARKET, market("eth-usdt", 2, "ETH"))
    found, symbol = await world.symbols.find("eth-usdt")
    assert found is not None
    assert (found.symbol, symbol) == ("eth-usdt", "ETHUSDT")


async def test_while_the_exchange_is_away_it_is_asked_once_a_second(world: World) -> None:
    assert await world.native("BTCUSDT") == "btc-usdt"
    world.upstreams.errors["ListMarkets"] = Unavailable()
    world.clock.advance(FRESH_S)
    for _ in range(3):
        assert await world.native("BTCUSDT") == "btc-usdt"
    assert world.asked() == 2
    with pytest.raises(BinanceError, match="Invalid symbol"):
        await world.symbols.market("ETHUSDT")


async def test_nobody_knows_before_the_first_answer(world: World) -> None:
    world.upstreams.errors["ListMarkets"] = Unavailable()
    for _ in range(2):
        with pytest.raises(Unavailable):
            await world.symbols.market("BTCUSDT")
    del world.upstreams.errors["ListMarkets"]
    assert await world.native("BTCUSDT") == "btc-usdt"


async def test_order_lists_of_a_replaced_market_are_not_there(binance: Binance) -> None:
    list_markets(binance.upstreams, MARKET, market("btc-usdt-2", 2))
    listed = order()
    listed.list_id = 3
    binance.upstreams.answers["ListOpenOrders"] = trading_pb2.ListOpenOrdersResponse(
        orders=[listed]
    )
    one = await binance.signed("GET", "/api/v3/orderList", {"orderListId": 3})
    assert (one.status_code, one.json()["code"]) == (400, -2018)
    every = await binance.signed("GET", "/api/v3/openOrderList", {})
    assert (every.status_code, every.json()) == (200, [])


@pytest.mark.parametrize("path", ["ticker/24hr", "ticker/bookTicker"])
async def test_a_market_that_market_data_does_not_have_yet(binance: Binance, path: str) -> None:
    list_markets(binance.upstreams, MARKET, market("eth-usdt", 2, "ETH"))
    binance.upstreams.answers["ListStatistics"] = marketdata_pb2.ListStatisticsResponse(
        statistics=[marketdata_pb2.Statistics(market="btc-usdt", volume="0", quote_volume="0")]
    )
    every = await binance.call("GET", f"/api/v3/{path}")
    assert [each["symbol"] for each in every.json()] == ["BTCUSDT"]
    one = await binance.call("GET", f"/api/v3/{path}", 'symbols=["ETHUSDT"]')
    assert (one.status_code, one.json()["code"]) == (400, -1121)
