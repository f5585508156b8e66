"""The table of an order's life, cell by cell, and what holds of it as a whole."""

from itertools import product

import pytest

from tigerex_core.order_life import (
    CLOSED,
    STOP_TYPES,
    TRANSITIONS,
    IllegalTransitionError,
    OrderState,
    Step,
    accepted_step,
    after,
    expired_step,
    traded_step,
)
from tigerex_core.records import OrderType, Reason

pytestmark = pytest.mark.unit

CELLS = list(product(OrderState, Step))
LEGAL = [(state, step) for state, step in CELLS if step in TRANSITIONS[state]]
ILLEGAL = [cell for cell in CELLS if cell not in LEGAL]
S = OrderState


@pytest.mark.parametrize(("state", "step"), LEGAL)
def test_a_legal_step_leads_where_the_table_says(state: OrderState, step: Step) -> None:
    assert after(state, step) is TRANSITIONS[state][step]


@pytest.mark.parametrize(("state", "step"), ILLEGAL)
def test_an_illegal_step_raises(state: OrderState, step: Step) -> None:
    with pytest.raises(IllegalTransitionError) as caught:
        after(state, step)
    assert (caught.value.state, caught.value.step) == (state, step)
    assert state.name in str(caught.value)


def test_every_state_has_a_row_and_every_step_is_taken() -> None:
    assert set(TRANSITIONS) == set(OrderState)
    assert {step for _, step in LEGAL} == set(Step)


def test_a_life_begins_once_and_ends_for_ever() -> None:
    assert {S.FILLED, S.CANCELED, S.EXPIRED, S.EXPIRED_IN_MATCH} == CLOSED
    followers = {after(state, step) for state, step in LEGAL}
    assert S.ABSENT not in followers
    assert followers == set(OrderState) - {S.ABSENT}
    # Only a placement makes an order wait, and only its stop price ends the waiting.
    to_waiting = {state for state, step in LEGAL if after(state, step) is S.WAITING}
    assert to_waiting == {S.ABSENT, S.WAITING}
    assert after(S.WAITING, Step.TRIGGERED) is S.NEW


def test_what_has_traded_is_never_new_again() -> None:
    for state, step in LEGAL:
        if state is S.PARTIALLY_FILLED:
            assert after(state, step) not in {S.NEW, S.WAITING}


def test_every_open_state_can_end_in_every_way() -> None:
    for state in set(OrderState) - CLOSED - {S.ABSENT}:
        reached, front = {state}, [state]
        while front:
            here = front.pop()
            fresh = set(TRANSITIONS[here].values()) - reached
            reached |= fresh
            front += fresh
        assert reached >= CLOSED


def test_steps_of_types_trades_and_reasons() -> None:
    begun = {kind: accepted_step(kind) for kind in OrderType}
    waiting = {kind for kind, step in begun.items() if step is Step.ACCEPTED_TO_WAIT}
    assert waiting == STOP_TYPES
    assert len(STOP_TYPES) == 4
    assert (traded_step(0), traded_step(1)) == (Step.TRADED_WHOLE, Step.TRADED_PARTLY)
    for reason in Reason:
        ended = Step.EXPIRED_IN_MATCH if reason is Reason.SELF_TRADE else Step.EXPIRED
        assert expired_step(reason) is ended
