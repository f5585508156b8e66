"""A spot grid followed by hand: levels 10.0, 11.0, 12.0, 13.0, 14.0 and an investment of 100.

In ticks of 0.1 the levels are 100 … 140; a lot is 0.01 base and one lot at one tick is worth 0.001
quote, the smallest unit. The fee is 0.1 % of what is received.
"""

import pytest
from tests.support.strategy_world import RULES, World

from tigerex_core.records import Side
from tigerex_quant import STRATEGIES, SpotGridParameters, spot_grid_config
from tigerex_quant import kernel as k

pytestmark = pytest.mark.unit

# First price 121: 120 is nearest and stays vacant; buys at 100 and 110, sells at 130 and 140. The
# purchase pays at most 121 + 1 % + 1 = 123. q lots a cell cost 100 q + 110 q + 123 * (2 q and 0.2 %
# of that for its fee): 219 lots cost 45,990 + 439 * 123 = 99,987, and 220 would cost 100,443.
LOTS = 219
STOCK = 439


def started() -> World:
    config = spot_grid_config(SpotGridParameters(100, 140, 5, False, 100_000), RULES)
    world = World(STRATEGIES["spot-grid"], config)
    world.quote_at(121, lots=1_000)
    world.signal(2)
    world.settle()
    assert world.core.open_orders(world.bot) == []  # no price seen since the start
    world.quote_at(121, lots=1_000)
    return world


def orders(world: World) -> list[tuple[int, int, int]]:
    return sorted(
        (order.price, order.side, order.remaining) for order in world.core.open_orders(world.bot)
    )


def test_a_grid_starts_with_buys_below_and_sells_above() -> None:
    world = started()
    world.settle()
    assert orders(world) == [
        (100, Side.BUY, LOTS),
        (110, Side.BUY, LOTS),
        (130, Side.SELL, LOTS),
        (140, Side.SELL, LOTS),
    ]
    # 439 lots at the house's 122, less 439 units of base: fee 0.1 % of 439,000.
    quote = 100_000 - 439 * 122
    bound = 210 * LOTS
    assert world.money() == (quote - bound, bound, 439_000 - 439 - 438_000, 438_000)
    assert int(world.fold.state[k.H_STATUS]) == k.RUNNING
    world.check_accounting()
    world.check()


def test_a_filled_buy_sells_one_level_up_and_a_filled_sell_buys_one_level_down() -> None:
    world = started()
    world.settle()
    world.quote_at(108)  # through 110
    world.settle()
    # The base pool has 561 units of dust and 218,781 of the purchase: 219,342, so 219 lots.
    assert orders(world) == [
        (100, Side.BUY, LOTS),
        (120, Side.SELL, LOTS),
        (130, Side.SELL, LOTS),
        (140, Side.SELL, LOTS),
    ]
    world.quote_at(125)  # through 120
    world.settle()
    assert orders(world) == [
        (100, Side.BUY, LOTS),
        (110, Side.BUY, LOTS),
        (130, Side.SELL, LOTS),
        (140, Side.SELL, LOTS),
    ]
    # Bought 219 at 110, sold 219 at 120 less a fee of 27 (0.1 % of 26,280, rounded up).
    quote = 100_000 - 439 * 122 - 219 * 110 + 219 * 120 - 27
    available, held, _, _ = world.money()
    assert available + held == quote
    world.check_accounting()
    world.check()


def test_pause_takes_orders_off_and_resume_puts_them_back() -> None:
    world = started()
    world.settle()
    before = orders(world)
    world.signal(3)
    world.settle()
    assert orders(world) == []
    world.quote_at(105)
    world.tick(600)
    world.settle()
    assert orders(world) == []
    world.signal(4)
    world.settle()
    assert orders(world)[0] == before[0]
    world.signal(5)
    world.settle()
    assert orders(world) == []
    assert world.money()[1] == world.money()[3] == 0
    world.check()


def test_a_halted_market_is_waited_for() -> None:
    world = started()
    world.halt(True)
    world.settle()
    assert orders(world) == []
    world.tick(5)
    assert not world.pending
    world.halt(False)
    world.settle()
    assert (110, Side.BUY, LOTS) in orders(world)
    world.check()


def test_a_start_that_is_seen_twice_changes_nothing() -> None:
    world = started()
    world.settle()
    before = orders(world)
    world.signal(2)
    world.settle()
    assert orders(world) == before
