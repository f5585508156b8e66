"""One seed, from begin to end: what the command, the tests and the mutation checks all call."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.simulation.trace import SimulationFailure
from tests.simulation.world import World


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run without a failure. `digest` is of its whole trace."""

    seed: int
    steps: int
    callbacks: int
    virtual_s: float
    entries: int
    answers: int
    starts: int
    digest: str

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: sound after {self.steps} steps, {self.callbacks} callbacks,"
            f" {self.virtual_s:.0f} simulated seconds, {self.entries} entries,"
            f" {self.answers} answers, {self.starts} starts of a host"
        )


def simulate(
    seed: int, steps: int, on_line: Callable[[str], None] | None = None, **world: object
) -> Outcome:
    """Run a seed; raises SimulationFailure, whose text says how to run it again."""
    one = World(seed, **world)  # type: ignore[arg-type]
    one.trace.on_line = on_line
    one.trace.say("world", str(one.plan))
    try:
        one.run(steps)
    except SimulationFailure as failure:
        raise SimulationFailure(
            failure.found,
            "\n".join(
                [
                    *one.trace.last(),
                    "",
                    f"plan: {one.plan}",
                    f"FAILED in step {one.trace.step} of seed {seed}: {failure}",
                    f"to repeat: make simulate SEED={seed} STEPS={steps}",
                ]
            ),
        ) from failure
    return Outcome(
        seed,
        steps,
        one.loop.turns,
        one.loop.time(),
        one.oracle.head_seq,
        one.oracle.answers,
        one.starts,
        one.trace.digest(),
    )
