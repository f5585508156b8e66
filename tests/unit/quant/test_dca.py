"""DCA: what it spends, when, and when it ends."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.strategy_world import RULES, World, replayed

from tigerex_quant import STRATEGIES, DcaParameters, Fold, dca_config
from tigerex_quant import kernel as k

pytestmark = pytest.mark.unit
DCA = STRATEGIES["dca"]


def world_of(parameters: DcaParameters, price: int = 100) -> World:
    world = World(DCA, dca_config(parameters, RULES))
    world.signal(2)
    world.quote_at(price)
    world.settle()
    return world


def test_it_buys_at_once_then_at_every_interval_and_completes() -> None:
    world = world_of(DcaParameters(amount=10_000, interval_s=60, max_purchases=3))
    # At most 102 a lot (100 + 1 % + 1): 98 lots, filled at the house's 101.
    assert [int(f[k.E_QUANTITY]) for f in world.fills] == [98]
    world.tick(58)
    world.settle()
    assert len(world.fills) == 1
    world.tick(2)
    world.settle()
    # The last price is 101 now, so at most 103 a lot; 10,000 - 98 * 101 = 102 were left over, and
    # 10,102 buy 98 lots.
    assert [int(f[k.E_QUANTITY]) for f in world.fills] == [98, 98]
    assert world.fold.status == k.RUNNING
    world.tick(60)
    world.settle()
    # 204 were left over by then: 10,204 buy 99.
    assert [int(f[k.E_QUANTITY]) for f in world.fills] == [98, 98, 99]
    assert world.fold.status == k.COMPLETED
    world.tick(600)
    world.settle()
    assert len(world.fills) == 3
    world.check_accounting()
    world.check()


def test_it_does_not_buy_above_its_limit() -> None:
    world = world_of(DcaParameters(10_000, 60, 3, max_price=105), price=110)
    assert not world.fills
    world.quote_at(104)
    world.tick(60)
    world.settle()
    assert [int(f[k.E_PRICE]) for f in world.fills] == [105]
    world.check()


def test_an_interval_without_a_seller_is_tried_again_then_given_up() -> None:
    parameters = DcaParameters(10_000, 1_000, 2)
    world = World(DCA, dca_config(parameters, RULES))
    world.signal(2)
    world.commit(
        world.order(world.taker, 2, 100, 1), world.order(world.house, 1, 100, 1)
    )  # a price, and an empty book
    world.settle()
    for _ in range(20):
        world.tick(100)
        world.settle()
    assert not world.fills
    world.quote_at(100)
    world.tick(1_000)
    world.settle()
    assert len(world.fills) == 1
    world.check()


def test_an_amount_that_buys_no_lot_ends_the_run() -> None:
    world = world_of(DcaParameters(amount=50, interval_s=60, max_purchases=3))
    assert world.fold.status == k.FAILED
    assert world.fold.reason == k.AMOUNT_TOO_SMALL


steps = st.lists(
    st.one_of(
        st.tuples(st.just("price"), st.integers(60, 140)),
        st.tuples(st.just("thin"), st.integers(60, 140)),
        st.tuples(st.just("tick"), st.integers(1, 90)),
        st.tuples(st.just("tick"), st.integers(1, 90)),
        st.tuples(st.just("submit"), st.just(1)),
        st.tuples(st.just("halt"), st.booleans()),
        st.tuples(st.just("signal"), st.sampled_from([1, 3, 4])),
    ),
    max_size=40,
)


@settings(max_examples=80, deadline=None)
@given(
    steps,
    st.builds(
        DcaParameters,
        amount=st.sampled_from([100, 1_000, 50_000]),
        interval_s=st.integers(1, 100),
        max_purchases=st.integers(1, 6),
        max_price=st.one_of(st.none(), st.integers(70, 130)),
    ),
)
def test_it_never_spends_more_than_it_was_given(
    script: list[tuple[str, int]], parameters: DcaParameters
) -> None:
    config = dca_config(parameters, RULES)
    world = World(DCA, config)
    world.signal(2)
    for what, value in script:
        match what:
            case "price":
                world.quote_at(value)
            case "thin":
                world.quote_at(value, lots=2)
            case "tick":
                world.tick(value)
            case "submit":
                world.submit(value)
            case "halt":
                world.halt(bool(value))
            case "signal":
                world.signal(value)
        world.check()
    world.settle()
    spent = sum(int(fill[k.E_NOTIONAL]) for fill in world.fills)
    assert spent <= parameters.amount * parameters.max_purchases
    if parameters.max_price:
        assert all(fill[k.E_PRICE] <= parameters.max_price for fill in world.fills)
    world.check_accounting()
    assert replayed(Fold(DCA, config), world.given) == world.emitted
