"""How a strategy that keeps its orders in slots obeys start, pause, resume and stop."""

from tigerex_quant.jit import compiled
from tigerex_quant.kernel import (
    C_INVESTMENT,
    E_KIND,
    E_REASON,
    H_BASE,
    H_PRICE,
    H_QUOTE,
    H_REASON,
    H_STARTED,
    H_STATUS,
    H_TRADES,
    H_WAKE_NS,
    H_WATCH,
    H_WIDTH,
    NOTHING_WRONG,
    PAUSE,
    PAUSED,
    REJECTED,
    RESUME,
    RUNNING,
    START,
    STARTING,
    STOP,
    STOPPED,
    Ints,
)
from tigerex_quant.slots import REASON_STALE_EPOCH, cancel_all


@compiled
def control(state: Ints, event: Ints, config: Ints, intents: Ints, first: int, slots: int) -> int:
    """Apply a signal; returns the number of intents, which are cancels.

    A signal that does not fit the status changes nothing, so one that is seen twice is harmless.
    """
    kind = event[E_KIND]
    status = state[H_STATUS]
    alive = status in (STARTING, RUNNING, PAUSED)
    if kind == START and not alive:
        _begin(state, config)
    elif kind == RESUME and status == PAUSED:
        state[H_STATUS] = RUNNING if state[H_STARTED] == 1 else STARTING
    elif (kind in (PAUSE, STOP)) and alive:
        rest(state, PAUSED if kind == PAUSE else STOPPED)
        return cancel_all(state, event, intents, 0, first, slots)
    return 0


@compiled
def insist(state: Ints, event: Ints, intents: Ints, first: int, slots: int) -> int:
    """Cancel again what a resting strategy could not cancel because the epoch had moved on.

    Only that refusal is answered at once: the epoch is known by now, so it cannot come back.
    """
    resting = state[H_STATUS] in (PAUSED, STOPPED)
    if resting and event[E_KIND] == REJECTED and event[E_REASON] == REASON_STALE_EPOCH:
        return cancel_all(state, event, intents, 0, first, slots)
    return 0


@compiled
def rest(state: Ints, status: int) -> None:
    """Do nothing more, for the reason that the status names."""
    state[H_STATUS] = status
    state[H_WAKE_NS] = 0
    state[H_WATCH] = 0


@compiled
def _begin(state: Ints, config: Ints) -> None:
    state[H_WIDTH:] = 0
    state[H_STATUS] = STARTING
    state[H_REASON] = NOTHING_WRONG
    state[H_STARTED] = 0
    state[H_TRADES] = 0
    state[H_PRICE] = 0
    state[H_QUOTE] = config[C_INVESTMENT]
    state[H_BASE] = 0
