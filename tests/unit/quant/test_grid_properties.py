"""Spot grids against the real matching core, with everything that can go wrong."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.strategy_world import RULES, FeeAsset, World, replayed

from tigerex_core.records import SelfTrade, Side
from tigerex_quant import STRATEGIES, Fold, SpotGridParameters, spot_grid_config
from tigerex_quant import kernel as k
from tigerex_quant.slots import S_STATUS, S_WIDTH, SLOT_IDLE
from tigerex_quant.spot_grid import G_SLOTS

pytestmark = pytest.mark.unit

prices = st.integers(70, 170)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("price"), prices),
        st.tuples(st.just("price"), prices),
        st.tuples(st.just("thin"), prices),
        st.tuples(st.just("submit"), st.integers(1, 3)),
        st.tuples(st.just("settle"), st.just(0)),
        st.tuples(st.just("tick"), st.integers(1, 30)),
        st.tuples(st.just("cancel"), st.integers(0, 20)),
        st.tuples(st.just("halt"), st.booleans()),
        st.tuples(st.just("signal"), st.sampled_from([1, 3, 4])),
        st.tuples(st.just("amend"), st.integers(0, 2_000)),
        st.tuples(st.just("own"), st.integers(0, 2_000)),
        st.tuples(st.just("own"), st.integers(0, 2_000)),
        st.tuples(st.just("breaker"), st.sampled_from([0, 50_000, 300_000])),
    ),
    min_size=15,
    max_size=40,
)
grids = st.builds(
    SpotGridParameters,
    lower_price=st.integers(85, 110),
    upper_price=st.integers(130, 160),
    levels=st.integers(2, 9),
    geometric=st.booleans(),
    investment=st.sampled_from([3_000, 20_000, 100_000, 1_000_000]),
)


def own_order(world: World, value: int) -> None:
    """An order of the bot's owner that may meet those of the bot, with any self-trade mode."""
    if value % 4 == 0:
        world.cancel_own()
    side, mode = Side(1 + value % 2), SelfTrade(1 + value // 7 % 5)
    world.own_order(side, 70 + value // 2 % 101, 1 + value % 137, mode)


ACTIONS: dict[str, Callable[[World, int], None]] = {
    "price": World.quote_at,
    "thin": lambda world, price: world.quote_at(price, lots=3),
    "submit": World.submit,
    "settle": lambda world, _: world.settle(),
    "tick": World.tick,
    "cancel": World.cancel_one,
    "halt": lambda world, halted: world.halt(bool(halted)),
    "signal": World.signal,
    "amend": lambda world, value: world.amend_one(value, 1 + value // 5),
    "own": own_order,
    "breaker": World.break_at,
}


def play(world: World, script: list[tuple[str, int]]) -> None:
    world.signal(2)
    world.quote_at(120)
    for what, value in script:
        ACTIONS[what](world, value)
        world.check()


@settings(max_examples=80, deadline=None)
@given(
    grids,
    steps,
    st.sampled_from([0, 1_000, 20_000]),
    st.sampled_from(["received", "received", "base", "quote", "other"]),
)
def test_a_grid_keeps_its_promises(
    grid: SpotGridParameters, script: list[tuple[str, int]], fee_ppm: int, fee_asset: FeeAsset
) -> None:
    config = spot_grid_config(grid, RULES)
    world = World(STRATEGIES["spot-grid"], config, fee_ppm=fee_ppm, fee_asset=fee_asset)
    play(world, script)
    world.halt(False)
    world.settle()
    world.check()
    world.check_accounting()
    check_profit(world, grid.investment)
    # The same events give the same intents.
    again = Fold(STRATEGIES["spot-grid"], config)
    assert replayed(again, world.given) == world.emitted
    assert again.checkpoint() == world.fold.checkpoint()
    # A stop leaves nothing open, whatever was on its way.
    world.signal(5)
    world.settle()
    assert world.core.open_orders(world.bot) == []
    check_idle(world, grid.levels)


def check_profit(world: World, investment: int) -> None:
    """What the account has is the investment and what its fills did to it."""
    quote, base = investment, 0
    for fill in world.fills:
        sign = 1 if fill[k.E_SIDE] == Side.BUY else -1
        quote -= sign * int(fill[k.E_NOTIONAL])
        base += sign * int(fill[k.E_QUANTITY]) * RULES.lot
        if fill[k.E_FEE_IN] == k.FEE_IN_BASE:
            base -= int(fill[k.E_FEE])
        elif fill[k.E_FEE_IN] == k.FEE_IN_QUOTE:
            quote -= int(fill[k.E_FEE])
    available, held, base_available, base_held = world.money()
    assert (available + held, base_available + base_held) == (quote, base)


def check_idle(world: World, levels: int) -> None:
    state = world.fold.state
    assert all(state[G_SLOTS + i * S_WIDTH + S_STATUS] == SLOT_IDLE for i in range(levels))


@settings(max_examples=40, deadline=None)
@given(steps, st.integers(0, 1_000))
def test_a_resumed_fold_goes_on_as_if_nothing_had_happened(
    script: list[tuple[str, int]], cut: int
) -> None:
    config = spot_grid_config(SpotGridParameters(100, 140, 6, True, 100_000), RULES)
    world = World(STRATEGIES["spot-grid"], config)
    play(world, script)
    cut %= len(world.given)
    first = Fold(STRATEGIES["spot-grid"], config)
    head = replayed(first, world.given[:cut])
    second = Fold.resume(STRATEGIES["spot-grid"], config, first.checkpoint(), k.KERNEL_VERSION)
    assert head + replayed(second, world.given[cut:]) == world.emitted


def test_a_checkpoint_of_another_layout_is_refused() -> None:
    config = spot_grid_config(SpotGridParameters(100, 140, 6, True, 100_000), RULES)
    fold = Fold(STRATEGIES["spot-grid"], config)
    with pytest.raises(ValueError, match="kernel version"):
        Fold.resume(STRATEGIES["spot-grid"], config, fold.checkpoint(), k.KERNEL_VERSION + 1)
    with pytest.raises(ValueError, match="columns"):
        Fold.resume(STRATEGIES["spot-grid"], config, fold.checkpoint()[8:], k.KERNEL_VERSION)
