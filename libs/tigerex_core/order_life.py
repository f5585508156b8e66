"""An order's life: states, steps, and the one table of what may follow what.

Whoever folds the core's events asks `after` for the next state; what is not in the table raises.
"""

from collections.abc import Mapping
from enum import IntEnum

from tigerex_core.records import OrderType, Reason


class OrderState(IntEnum):
    """Numbers as OrderStatus of the API; ABSENT is before the first step."""

    ABSENT = 0
    NEW = 1  # taking or on the book, nothing traded yet
    PARTIALLY_FILLED = 2
    FILLED = 3
    CANCELED = 4
    EXPIRED = 5  # the exchange ended it
    WAITING = 6  # for its stop price
    EXPIRED_IN_MATCH = 7  # self-trade prevention ended it


class Step(IntEnum):
    """What happens to one order."""

    ACCEPTED = 0
    ACCEPTED_TO_WAIT = 1  # a stop
    TRIGGERED = 2
    RESTED = 3  # at the end of its level's queue, again for each part of an iceberg
    TRADED_PARTLY = 4
    TRADED_WHOLE = 5
    AMOUNT_TRADED = 6  # of an order for quote units: what is left buys no further lot
    PREVENTED = 7  # met an order of the same user; may have lost lots, not all its state
    AMENDED = 8
    CANCELED = 9
    EXPIRED = 10
    EXPIRED_IN_MATCH = 11
    DESCRIBED = 12  # its terms are told


_S = OrderState

TRANSITIONS: Mapping[OrderState, Mapping[Step, OrderState]] = {
    _S.ABSENT: {
        Step.ACCEPTED: _S.NEW,
        Step.ACCEPTED_TO_WAIT: _S.WAITING,
    },
    _S.WAITING: {
        Step.DESCRIBED: _S.WAITING,
        Step.TRIGGERED: _S.NEW,
        Step.AMENDED: _S.WAITING,
        Step.CANCELED: _S.CANCELED,
        Step.EXPIRED: _S.EXPIRED,
    },
    _S.NEW: {
        Step.DESCRIBED: _S.NEW,
        Step.RESTED: _S.NEW,
        Step.TRADED_PARTLY: _S.PARTIALLY_FILLED,
        Step.TRADED_WHOLE: _S.FILLED,
        Step.PREVENTED: _S.NEW,
        Step.AMENDED: _S.NEW,
        Step.CANCELED: _S.CANCELED,
        Step.EXPIRED: _S.EXPIRED,
        Step.EXPIRED_IN_MATCH: _S.EXPIRED_IN_MATCH,
    },
    _S.PARTIALLY_FILLED: {
        Step.RESTED: _S.PARTIALLY_FILLED,
        Step.TRADED_PARTLY: _S.PARTIALLY_FILLED,
        Step.TRADED_WHOLE: _S.FILLED,
        Step.AMOUNT_TRADED: _S.FILLED,
        Step.PREVENTED: _S.PARTIALLY_FILLED,
        Step.AMENDED: _S.PARTIALLY_FILLED,
        Step.CANCELED: _S.CANCELED,
        Step.EXPIRED: _S.EXPIRED,
        Step.EXPIRED_IN_MATCH: _S.EXPIRED_IN_MATCH,
    },
    _S.FILLED: {},
    _S.CANCELED: {},
    _S.EXPIRED: {},
    _S.EXPIRED_IN_MATCH: {},
}

# States without a way on.
CLOSED = frozenset(state for state, steps in TRANSITIONS.items() if not steps)

STOP_TYPES: frozenset[int] = frozenset(
    {
        OrderType.STOP_LOSS,
        OrderType.STOP_LOSS_LIMIT,
        OrderType.TAKE_PROFIT,
        OrderType.TAKE_PROFIT_LIMIT,
    }
)

# The table again as rows of a list: indexing is what a fold of every event can afford.
_NEXT: list[list[OrderState | None]] = [
    [TRANSITIONS[state].get(step) for step in Step] for state in OrderState
]


class IllegalTransitionError(Exception):
    """A step that an order in its state cannot take: the events are not those of one exchange."""

    def __init__(self, state: OrderState, step: Step) -> None:
        super().__init__(f"an order that is {state.name} cannot be {step.name}")
        self.state = state
        self.step = step


def after(state: OrderState, step: Step) -> OrderState:
    """The state that follows; raises IllegalTransitionError."""
    following = _NEXT[state][step]
    if following is None:
        raise IllegalTransitionError(state, step)
    return following


def accepted_step(order_type: int) -> Step:
    """How a life of this OrderType begins."""
    return Step.ACCEPTED_TO_WAIT if order_type in STOP_TYPES else Step.ACCEPTED


def traded_step(left: int) -> Step:
    """Of an order with so many lots left after the trade.

    An order for an amount of quote units is never whole by its trades: AMOUNT_TRADED or EXPIRED
    ends it.
    """
    return Step.TRADED_PARTLY if left else Step.TRADED_WHOLE


def expired_step(reason: int) -> Step:
    """How an order expires for this Reason."""
    return Step.EXPIRED_IN_MATCH if reason == Reason.SELF_TRADE else Step.EXPIRED
