"""A Market's filters and breaker become the exchange's limits, and what differs is told."""

from typing import Any

import grpc.aio
import pytest
from tests.support.operator_specs import market
from tests.support.tenant_services import TenantServices, tenant_services
from tigerex.exchange.v1 import types_pb2 as pb

from tigerex_operator.clients.exchange import ExchangeClient, MarketView
from tigerex_operator.clients.limits import build_limits, differing, share_of
from tigerex_operator.models import MarketSpec
from tigerex_operator.models.tenant import FeeDiscountSpec
from tigerex_operator.reconcile.market import _tell, verdict_for

pytestmark = pytest.mark.unit


def spec(**fields: Any) -> MarketSpec:
    return MarketSpec.model_validate(market(**fields)["spec"])


def test_every_field_of_the_exchanges_limits_is_given() -> None:
    given = {field.name for field, _ in build_limits(spec()).ListFields()}
    assert given == {field.name for field in pb.MarketLimits.DESCRIPTOR.fields}


def test_what_the_spec_leaves_out_is_no_limit() -> None:
    limits = build_limits(spec(minNotional="5"))
    assert (limits.min_price, limits.min_quantity, limits.min_notional) == ("0.01", "0.00001", "5")
    assert (limits.max_orders, limits.max_position, limits.bid_multiplier_up) == (0, "0", "0")
    assert (limits.breaker_move, limits.breaker_window_ns) == ("0", 60 * 10**9)
    assert limits.self_trade_mode == pb.SELF_TRADE_MODE_NONE


def test_filters_and_the_breaker_are_translated() -> None:
    filters = {"minNotional": "7", "maxOrders": 200, "percentPrice": {"askDown": "0.8"}}
    breaker = {"movePercent": "2.5", "windowSeconds": 10}
    limits = build_limits(
        spec(filters=filters, circuitBreaker=breaker, selfTradePrevention="Decrement")
    )
    assert (limits.min_notional, limits.max_orders, limits.ask_multiplier_down) == ("7", 200, "0.8")
    assert (limits.breaker_move, limits.breaker_window_ns) == ("0.025", 10 * 10**9)
    assert limits.self_trade_mode == pb.SELF_TRADE_MODE_DECREMENT


@pytest.mark.parametrize(
    ("percent", "share"), [("10", "0.1"), ("100", "1"), ("0.0001", "0.000001"), ("25.50", "0.255")]
)
def test_a_percentage_is_a_plain_share(percent: str, share: str) -> None:
    assert share_of(percent) == share


def test_limits_differ_in_value_not_in_writing() -> None:
    wanted = build_limits(spec(filters={"maxNotional": "100.50", "maxOrders": 3}))
    actual = pb.MarketLimits()
    actual.CopyFrom(wanted)
    actual.max_notional = "100.5"
    assert differing(wanted, actual) == []
    actual.max_orders = 4
    actual.breaker_move = "0.1"
    assert differing(wanted, actual) == ["max_orders", "breaker_move"]


@pytest.mark.parametrize(
    ("state", "halt", "drift", "reason"),
    [
        ("Open", "", "", "Open"),
        ("Open", "", "max_orders", "LimitsDiffer"),
        ("Halted", "CIRCUIT_BREAKER", "max_orders", "CircuitBreaker"),
        ("CancelOnly", "", "", "CancelOnly"),
        ("Delisting", "", "", "Delisting"),
    ],
)
def test_what_a_market_is_said_to_be(state: str, halt: str, drift: str, reason: str) -> None:
    verdict = verdict_for(MarketView(1, state, halt, pb.MarketLimits()), drift)
    assert (verdict.ready, verdict.reason) == (True, reason)
    assert drift in verdict.message or halt


async def test_the_exchange_is_told_what_it_does_not_have() -> None:
    async with tenant_services() as services:
        exchange = _client(services)
        open_spec = spec(filters={"maxOrders": 5})
        view = await _tell(exchange, "btc-usdt", open_spec, "uid/1", "test")
        assert services.calls == ["EnsureMarket"]  # made with its limits
        services.markets["btc-usdt"].limits.max_orders = 9
        view = await _tell(exchange, "btc-usdt", open_spec, "uid/2", "test")
        assert services.calls[1:] == ["EnsureMarket", "SetMarketLimits"]
        assert view.limits.max_orders == 5


async def test_a_market_that_is_delisted_is_emptied() -> None:
    async with tenant_services() as services:
        exchange = _client(services)
        await _tell(exchange, "btc-usdt", spec(), "uid/1", "test")
        services.open_orders, services.calls = 600, []
        view = await _tell(exchange, "btc-usdt", spec(state="Delisting"), "uid/2", "test")
        assert view.state == "Delisting"
        assert services.calls == ["EnsureMarket", "SetMarketState", *["CancelMarketOrders"] * 3]


async def test_a_fee_discount_comes_and_goes() -> None:
    async with tenant_services() as services:
        exchange = _client(services)
        wanted = FeeDiscountSpec(asset="BTC", percent="25")
        await exchange.set_fee_discount(wanted, "uid/1", "test")
        _, discount = await exchange.known_assets()
        assert (discount.asset, discount.discount) == ("BTC", "0.25")
        await exchange.set_fee_discount(None, "uid/2", "test")
        assert services.discount == pb.FeeDiscount(discount="0")


def _client(services: TenantServices) -> ExchangeClient:

    return ExchangeClient(grpc.aio.insecure_channel(services.address), "scope")
