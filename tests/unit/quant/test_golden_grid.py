"""A spot grid followed by hand: levels 10.0, 11.0, 12.0, 13.0, 14.0 and an investment of 100.

In ticks of 0.1 the levels are 100 … 140; a lot is 0.01 base and one lot at one tick is worth 0.001
quote, the smallest unit. The fee is 0.1 % of what is received.
"""

import pytest
from tests.support.strategy_world import RULES, FeeAsset, World, command

from tigerex_core.records import CommandKind, Event, EventKind, SelfTrade, Side
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


def test_a_grid_does_not_trade_with_its_owner_and_tries_again() -> None:
    world = started()
    world.settle()
    world.quote_at(131, lots=1_000)  # through 130: the cell wants to buy at 120
    world.commit(command(CommandKind.CANCEL_ALL, account=world.house, market=world.market))
    world.own_order(Side.SELL, 119, 50, SelfTrade.NONE)  # rests
    world.settle()
    (prevented,) = [row for row in world.last if row[Event.KIND] == EventKind.SELF_TRADE_PREVENTED]
    assert (prevented[Event.ACCOUNT], prevented[Event.OTHER_ACCOUNT]) == (world.bot, world.owner)
    assert 120 not in [price for price, _, _ in orders(world)]
    assert [o.remaining for o in world.core.open_orders(world.owner)] == [50]  # keeps its place
    world.check_accounting()
    world.cancel_own()
    world.tick(1)
    world.settle()
    assert 120 not in [price for price, _, _ in orders(world)]  # not before two seconds are over
    world.tick(1)
    world.settle()
    assert (120, Side.BUY, LOTS) in orders(world)
    world.check_accounting()
    world.check()


def test_what_self_trade_prevention_takes_off_a_resting_order_is_free_again() -> None:
    world = started()
    world.settle()
    world.quote_at(113)
    world.commit(command(CommandKind.CANCEL_ALL, account=world.house, market=world.market))
    world.own_order(Side.SELL, 110, 19, SelfTrade.DECREMENT)
    assert (110, Side.BUY, LOTS - 19) in orders(world)
    world.check_accounting()
    world.own_order(Side.SELL, 110, LOTS, SelfTrade.DECREMENT)
    assert 110 not in [price for price, _, _ in orders(world)]
    world.check_accounting()
    assert not world.fills[1:]  # nothing but the initial purchase
    world.cancel_own()
    world.tick(2)
    world.settle()
    assert (110, Side.BUY, LOTS) in orders(world)
    world.check()


def test_an_order_amended_by_hand_is_followed() -> None:
    world = started()
    world.settle()
    number = [o.price for o in world.core.open_orders(world.bot)].index(110)
    world.amend_one(number, LOTS - 100)
    world.settle()
    assert (110, Side.BUY, LOTS - 100) in orders(world)
    world.check_accounting()
    world.quote_at(108)
    world.settle()
    # It bought 119 and sells 119 again, one level up.
    assert (120, Side.SELL, LOTS - 100) in orders(world)
    world.check_accounting()
    world.check()


def test_a_tripped_breaker_is_waited_for() -> None:
    world = started()
    world.settle()
    world.break_at(20_000)
    world.quote_at(121)
    world.quote_at(125)  # 3 % in no time
    assert int(world.fold.state[k.H_HALTED]) == 1
    world.settle()
    world.tick(5)
    assert not world.pending
    world.break_at(0)
    world.halt(False)
    world.quote_at(131)
    world.settle()
    assert (120, Side.BUY, LOTS) in orders(world)
    world.check_accounting()
    world.check()


@pytest.mark.parametrize(("asset", "places"), [("base", 1), ("quote", 2), ("other", 0)])
def test_fees_are_counted_where_they_are_paid(asset: FeeAsset, places: int) -> None:
    """The fee on 439 lots at 122 is 439 base units; discounted, in whatever asset, a quarter less.

    In quote: ceil(53,558 * 0.1 %) = 54, ceil(54 * 0.75) = 41. The first purchase has no base asset
    to pay with, so its fee is the ordinary one; that of the sale through 130 is paid in base.
    """
    config = spot_grid_config(SpotGridParameters(100, 140, 5, False, 100_000), RULES)
    world = World(STRATEGIES["spot-grid"], config, fee_asset=asset)
    world.signal(2)
    world.quote_at(121, lots=1_000)
    world.settle()
    world.quote_at(135)
    world.settle()
    bought, sold = (fill[[k.E_FEE_IN, k.E_FEE]].tolist() for fill in world.fills)
    if asset == "base":
        assert bought == [k.FEE_IN_BASE, 439]
    else:
        assert bought[0] == places
    assert sold[0] == places
    if asset == "quote":
        assert bought[1] == 41
    world.check_accounting()
    world.check()
