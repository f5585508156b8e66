"""The strategies there are, by the name of the bot type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from tigerex_quant import dca, spot_grid
from tigerex_quant.kernel import SIGNATURE, Ints, Step


@dataclass(frozen=True, slots=True)
class Strategy:
    """A kernel and the size of its state."""

    name: str
    step: Step
    state_width: Callable[[Ints], int]

    def new_state(self, config: Ints) -> Ints:
        """The state before the first event."""
        return np.zeros(self.state_width(config), dtype=np.int64)


SPOT_GRID: Final = Strategy(
    "spot-grid",
    spot_grid.step,
    lambda config: spot_grid.state_width(int(config[spot_grid.G_LEVELS])),
)
DCA: Final = Strategy("dca", dca.step, lambda _: dca.STATE_WIDTH)
STRATEGIES: Final[Mapping[str, Strategy]] = {s.name: s for s in (SPOT_GRID, DCA)}


def compile_kernels() -> None:
    """Compile every kernel, to bake numba's cache; does nothing when numba is switched off."""
    for strategy in STRATEGIES.values():
        compile_step = getattr(strategy.step, "compile", None)
        if compile_step is not None:
            compile_step(SIGNATURE)
