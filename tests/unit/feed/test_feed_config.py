"""The feed's description: defaults that work, errors that name the field."""

import json
from typing import Any

import pytest

from tigerex_platform.errors import InvalidField
from tigerex_services.feed.config import FeedConfig, read_config
from tigerex_services.feed.simulated import Simulation
from tigerex_services.feed.steps import ONE, Steps

pytestmark = pytest.mark.unit

STEPS = Steps("btc-usdt", ONE // 100, ONE // 100_000, 100_000_000, 100_000_000, 5 * ONE * ONE)


def simulated(**fields: Any) -> str:
    part = {"referencePrice": "60000"} | fields
    return json.dumps({"symbol": "btc-usdt", "type": "simulated", "simulated": part})


def test_defaults_make_a_market() -> None:
    config = read_config(simulated(), "btc-usdt")
    assert config.simulated is not None
    plan = config.simulated.plan(STEPS, run=3)
    assert (plan.reference_ticks, plan.start_ticks, plan.run) == (6_000_000, 6_000_000, 3)
    assert plan.level_lots == 3333  # 2,000 USDT at 60,000
    assert plan.min_lots * 60_000 / 2 * 1e-5 >= 5
    assert Simulation(plan).step()


def test_the_walk_goes_on_from_the_last_price() -> None:
    config = read_config(simulated())
    assert config.simulated is not None
    assert config.simulated.plan(STEPS, run=3, last_ticks=6_100_000).start_ticks == 6_100_000


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{", "feed"),
        ("{}", "symbol"),
        (json.dumps({"symbol": "BTC USDT", "type": "simulated"}), "symbol"),
        (json.dumps({"symbol": "a", "type": "replay"}), "feed"),
        (json.dumps({"symbol": "a", "type": "loud"}), "type"),
        (simulated(levels=51), "simulated.levels"),
        (simulated(levels=0), "simulated.levels"),
        (simulated(seed=-1), "simulated.seed"),
        (simulated(ordersPerSecond=501), "simulated.ordersPerSecond"),
        (simulated(referencePrice="6e4"), "simulated.referencePrice"),
        (simulated(referencePrice="-1"), "simulated.referencePrice"),
        (simulated(volatilty="0.1"), "simulated.volatilty"),
    ],
)
def test_errors_name_the_field(text: str, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        read_config(text)
    assert refused.value.field == f"TIGEREX_FEED.{field}"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"spread": "0"}, "simulated.spread"),
        ({"spread": "0.2"}, "simulated.spread"),
        ({"volatility": "0.2"}, "simulated.volatility"),
        ({"referencePrice": "0.01"}, "simulated.referencePrice"),
        ({"referencePrice": "1000000"}, "simulated.referencePrice"),
    ],
)
def test_what_does_not_fit_the_market_is_refused(fields: dict[str, str], field: str) -> None:
    config = read_config(simulated(**fields))
    assert config.simulated is not None
    with pytest.raises(InvalidField) as refused:
        config.simulated.plan(STEPS, run=1)
    assert refused.value.field == field


def test_another_market_than_the_command_line_is_refused() -> None:
    with pytest.raises(InvalidField, match="the market eth-usdt"):
        read_config(simulated(), "eth-usdt")


def test_the_speed_of_a_replay_is_bounded() -> None:
    for speed in ("0", "1001"):
        config = FeedConfig.model_validate(
            {"symbol": "a", "type": "replay", "replay": {"path": "/x.gz", "speed": speed}}
        )
        assert config.replay is not None
        with pytest.raises(InvalidField, match=r"replay\.speed"):
            _ = config.replay.speed_factor
