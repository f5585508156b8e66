"""DCA (dollar-cost averaging): spend the same amount at every interval, whatever the price.

Time is the journal's. A purchase is a limit order that fills at once or expires, at most one
percent above the last price. What lots and better prices leave of an amount is carried over to the
next purchase, so that in all never more than amount times purchases is spent. A due purchase above
`max_price` is left out; intervals missed in a pause or a halt are not made up for.
"""

from typing import Final

from tigerex_core.records import TimeInForce
from tigerex_quant.control import control, insist, rest
from tigerex_quant.jit import compiled
from tigerex_quant.kernel import (
    ACCEPTED,
    AMOUNT_TOO_SMALL,
    C_MAX_PRICE,
    C_MAX_QUANTITY,
    C_MIN_NOTIONAL,
    C_UNIT,
    C_WIDTH,
    COMPLETED,
    E_FEE,
    E_FEE_IN,
    E_KIND,
    E_NOTIONAL,
    E_TIME_NS,
    FEE_IN_QUOTE,
    FILLED,
    H_HALTED,
    H_PRICE,
    H_QUOTE,
    H_WAKE_NS,
    H_WATCH,
    H_WIDTH,
    START,
    TAKEOVER,
    Ints,
    fail,
    is_active,
    notional,
    observe,
    worst_buy_price,
)
from tigerex_quant.slots import (
    BUY,
    S_DONE,
    S_RETRY_NS,
    S_STATUS,
    S_TRIES,
    S_WIDTH,
    SLOT_IDLE,
    apply_order_event,
    place,
    slot_of,
)

# Configuration
D_AMOUNT: Final = C_WIDTH  # quote units a purchase
D_INTERVAL_NS: Final = C_WIDTH + 1
D_PURCHASES_MAX: Final = C_WIDTH + 2
D_PRICE_LIMIT: Final = C_WIDTH + 3  # no purchase above it
CONFIG_WIDTH: Final = C_WIDTH + 4

# State
D_PURCHASES: Final = H_WIDTH
D_NEXT_NS: Final = H_WIDTH + 1  # when the next purchase is due
D_CARRY: Final = H_WIDTH + 2  # quote units left over by earlier purchases
D_SPENT: Final = H_WIDTH + 3  # quote units spent by the purchase under way
D_SLOT: Final = H_WIDTH + 4
STATE_WIDTH: Final = D_SLOT + S_WIDTH

PURCHASE_TRIES: Final = 5  # orders that find no seller before the interval is given up

IOC: Final = int(TimeInForce.IOC)


@compiled
def step(state: Ints, event: Ints, config: Ints, intents: Ints) -> int:
    """Advance one DCA bot by one event; see the module's description."""
    observe(state, event)
    kind = event[E_KIND]
    if START <= kind <= TAKEOVER:
        count = control(state, event, config, intents, D_SLOT, 1)
        if count > 0:
            return count
    elif kind >= ACCEPTED and slot_of(state, event, D_SLOT, 1) >= 0:
        _follow(state, event, config)
    if not is_active(state):
        return insist(state, event, intents, D_SLOT, 1)
    count = _settle(state, event, config, intents)
    if is_active(state):
        state[H_WATCH] = 1
        state[H_WAKE_NS] = max(state[D_NEXT_NS], state[D_SLOT + S_RETRY_NS], 1)
    return count


@compiled
def _follow(state: Ints, event: Ints, config: Ints) -> None:
    """Follow the purchase under way; when its order is over, so is the purchase if it got any."""
    apply_order_event(state, event, config, D_SLOT)
    if event[E_KIND] == FILLED:
        state[D_SPENT] += event[E_NOTIONAL]
        if event[E_FEE_IN] == FEE_IN_QUOTE:
            state[D_SPENT] += event[E_FEE]
    if state[D_SLOT + S_STATUS] == SLOT_IDLE and state[D_SLOT + S_DONE] > 0:
        state[D_PURCHASES] += 1
        state[D_CARRY] += config[D_AMOUNT] - state[D_SPENT]
        _next_interval(state, event, config)
        if state[D_PURCHASES] >= config[D_PURCHASES_MAX]:
            rest(state, COMPLETED)


@compiled
def _next_interval(state: Ints, event: Ints, config: Ints) -> None:
    """The next due time on the schedule that lies ahead."""
    missed = (event[E_TIME_NS] - state[D_NEXT_NS]) // config[D_INTERVAL_NS]
    state[D_NEXT_NS] += (max(missed, 0) + 1) * config[D_INTERVAL_NS]
    state[D_SPENT] = 0
    state[D_SLOT + S_DONE] = 0
    state[D_SLOT + S_TRIES] = 0
    state[D_SLOT + S_RETRY_NS] = 0


@compiled
def _settle(state: Ints, event: Ints, config: Ints, intents: Ints) -> int:
    """Buy if a purchase is due and possible; returns the number of intents."""
    now = event[E_TIME_NS]
    price = state[H_PRICE]
    idle = state[D_SLOT + S_STATUS] == SLOT_IDLE and state[D_SLOT + S_RETRY_NS] <= now
    if not idle or price == 0 or state[H_HALTED] == 1 or now < state[D_NEXT_NS]:
        return 0
    if state[D_NEXT_NS] == 0:
        state[D_NEXT_NS] = now  # the schedule begins with the first purchase
    if price > config[D_PRICE_LIMIT] or state[D_SLOT + S_TRIES] >= PURCHASE_TRIES:
        _next_interval(state, event, config)
        return 0
    worst = min(worst_buy_price(price, config), config[D_PRICE_LIMIT], config[C_MAX_PRICE])
    budget = min(config[D_AMOUNT] + state[D_CARRY], state[H_QUOTE])
    lots = min(budget // (worst * config[C_UNIT]), config[C_MAX_QUANTITY])
    if lots <= 0 or notional(worst, lots, config) < config[C_MIN_NOTIONAL]:
        fail(state, AMOUNT_TOO_SMALL)
        return 0
    return place(state, event, config, intents, 0, D_SLOT, BUY, worst, lots, IOC, 0)
