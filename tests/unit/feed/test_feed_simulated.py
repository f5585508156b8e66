"""The simulated flow: repeatable, never against itself, always within the market's limits."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tigerex_core.records import Side
from tigerex_services.feed.intents import Cancel, Intent, Party, Place
from tigerex_services.feed.simulated import STEPS_PER_S, Plan, Simulation

pytestmark = pytest.mark.unit

PLAN = Plan(
    symbol="btc-usdt",
    seed=7,
    run=1,
    reference_ticks=6_000_000,
    start_ticks=6_000_000,
    volatility_e8=20_000,
    spread_e8=20_000,
    levels=10,
    orders_per_second=5,
    level_lots=3_000,
    min_lots=1,
    max_lots=10_000_000,
    max_ticks=100_000_000,
)


def run(plan: Plan, steps: int) -> list[list[Intent]]:
    simulation = Simulation(plan)
    return [simulation.step() for _ in range(steps)]


def test_the_same_seed_gives_the_same_commands() -> None:
    assert run(PLAN, 300) == run(PLAN, 300)


def test_another_seed_and_another_run_give_others() -> None:
    first = run(PLAN, 50)
    assert first != run(replace(PLAN, seed=8), 50)
    assert first != run(replace(PLAN, run=2), 50)


def test_ids_and_names_are_used_once() -> None:
    intents = [i for step in run(PLAN, 500) for i in step]
    assert len({i.key for i in intents}) == len(intents)
    names = [i.name for i in intents if isinstance(i, Place) and i.party is Party.MAKER]
    assert len(set(names)) == len(names)


def test_takers_and_refreshes_come_at_the_configured_rate() -> None:
    still = replace(PLAN, volatility_e8=0, orders_per_second=20)
    seconds = 200
    steps = run(still, seconds * STEPS_PER_S)[1:]  # the first one places the ladder
    orders = sum(isinstance(i, Place) for step in steps for i in step)
    assert orders / seconds == pytest.approx(20, rel=0.1)


def test_the_walk_has_the_volatility_that_was_asked_for() -> None:
    simulation = Simulation(PLAN)
    mids = []
    for _ in range(20_000):
        simulation.step()
        mids.append(simulation.mid_ticks)
    moves = [(b - a) / a for a, b in pairwise(mids)]
    per_second = (sum(m * m for m in moves) / len(moves) * STEPS_PER_S) ** 0.5
    assert per_second == pytest.approx(0.0002, rel=0.05)


plans = st.builds(
    replace,
    st.just(PLAN),
    seed=st.integers(0, 2**31 - 1),
    reference_ticks=st.integers(1_000, 50_000_000),
    start_ticks=st.integers(1, 99_999_999),
    volatility_e8=st.integers(0, 10_000_000),
    spread_e8=st.integers(1, 1_000_000),
    levels=st.integers(1, 50),
    orders_per_second=st.integers(1, 100),
)


@settings(max_examples=60, deadline=None)
@given(plan=plans)
def test_the_maker_never_meets_itself_and_every_order_is_within_limits(plan: Plan) -> None:
    book: dict[str, Place] = {}
    for step in run(plan, 20):
        takers_seen = False
        for intent in step:
            if isinstance(intent, Cancel):
                assert not takers_seen
                del book[intent.name]
                continue
            assert 0 < intent.price <= plan.max_ticks
            assert plan.min_lots <= intent.quantity <= plan.max_lots
            if intent.party is Party.TAKER:
                takers_seen = True
                continue
            assert not takers_seen
            book[intent.name] = intent
            bids = [o.price for o in book.values() if o.side is Side.BUY]
            asks = [o.price for o in book.values() if o.side is Side.SELL]
            assert not (bids and asks) or max(bids) < min(asks)
        assert len(book) == 2 * plan.levels
        assert len({(o.side, o.price) for o in book.values()}) == 2 * plan.levels
