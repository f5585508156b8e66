"""The simulator can fail: it finds each known bug within a bounded number of steps."""

import re
from dataclasses import replace

import pytest
from tests.simulation import plan as plans
from tests.simulation.mutations import MUTATIONS
from tests.simulation.randoms import Randoms
from tests.simulation.simulate import simulate
from tests.simulation.trace import SimulationFailure

pytestmark = pytest.mark.simulation

SEED = 1
STEPS = 400
# Enough of everything for bugs to show; each mutation adds what it needs.
PLAN = replace(
    plans.draw(Randoms(SEED).plan),
    crowds=False,
    shuffle=0.1,
    processes=2,
    clients_operations_max=16,
    turns_max=60,
    queue_commands_max=400,
    batch_commands_max=64,
    batch_events_max=7_500,
    delay_max_s=0.002,
    message_lost=0.03,
    message_late=0.05,
    lost=0.0,
    refused=0.0,
    slow=0.02,
    crash=0.003,
    crash_at_commit=0.0,
    snapshot_entries=1_000_000,
)


def test_without_a_bug_nothing_is_found() -> None:
    simulate(SEED, STEPS, plan=PLAN)


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_known_bug_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutation = MUTATIONS[name]
    mutation.patch(monkeypatch)
    with pytest.raises(SimulationFailure) as caught:
        simulate(SEED, STEPS, plan=replace(PLAN, **mutation.plan), **mutation.world)
    assert re.search(mutation.found, caught.value.found)
    assert f"make simulate SEED={SEED} STEPS={STEPS}" in str(caught.value)
