"""Spot grid: buy low and sell high between fixed price levels, as the large exchanges define it.

N levels p[0] < … < p[N-1] make N - 1 cells. Cell i buys at p[i], then sells what it bought at
p[i+1], and so on. At the start the level nearest to the price is left vacant: the cells below it
begin with their buy orders; those above it begin with their sell orders, for which base asset is
bought at once. So at any time each level has at most one order.

The kernel is level-triggered: an event first changes what is known, then `_settle` places whatever
is missing. Refusals, cancels by others, partial fills, a pause or a halt need no special path: the
cell is simply idle again and is served when its time comes.

No two orders of one user trade with each other on the grid's account: that would cost two fees for
nothing. Where the price ran through both before the first was known, the one that would take
expires and the one that rests keeps its place in the queue; the cell tries again later.

The account starts with the investment and nothing else is ever added, so the investment bounds
what the bot can lose. All cells trade the same number of lots, sized such that the buy orders, the
initial purchase at its worst price and a reserve for fees fit into the investment.
"""

# numpy types the items of an array as Any:
# mypy: disable-error-code="no-any-return"

from typing import Final

from tigerex_core.records import SelfTrade, TimeInForce
from tigerex_quant.control import control, insist
from tigerex_quant.jit import compiled
from tigerex_quant.kernel import (
    ACCEPTED,
    C_INVESTMENT,
    C_LOT,
    C_MAX_QUANTITY,
    C_MIN_NOTIONAL,
    C_UNIT,
    C_WIDTH,
    E_KIND,
    E_TIME_NS,
    H_BASE,
    H_HALTED,
    H_PRICE,
    H_QUOTE,
    H_WAKE_NS,
    H_WATCH,
    H_WIDTH,
    INVESTMENT_TOO_SMALL,
    RESIZED,
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
    S_PRICE,
    S_REMAINING,
    S_RETRY_NS,
    S_STATUS,
    S_TARGET,
    S_TRIES,
    S_WANT,
    S_WIDTH,
    SELL,
    SLOT_IDLE,
    apply_order_event,
    earliest_retry,
    place,
    postpone,
    slot_of,
)

# Configuration
G_LEVELS: Final = C_WIDTH
G_PRICES: Final = C_WIDTH + 1  # as many as there are levels, ascending

# State
G_PHASE: Final = H_WIDTH
G_LOTS: Final = H_WIDTH + 1  # of one cell
G_LOWEST_SELL: Final = H_WIDTH + 2  # the initial purchase makes no sense at or above it
G_SLOTS: Final = H_WIDTH + 3  # one per cell, then the initial purchase's

PLANNING: Final = 0  # waits for the first price
STOCKING: Final = 1  # buys the base asset of the sell orders
TRADING: Final = 2

FEE_RESERVE_PPM: Final = 2_000  # the initial purchase pays its fee in base: buy so much more
STOCKING_TRIES: Final = 10

GTC: Final = int(TimeInForce.GTC)
IOC: Final = int(TimeInForce.IOC)
EXPIRE_TAKER: Final = int(SelfTrade.EXPIRE_TAKER)


def state_width(levels: int) -> int:
    """Columns of the state of a grid."""
    return G_SLOTS + levels * S_WIDTH


@compiled
def step(state: Ints, event: Ints, config: Ints, intents: Ints) -> int:
    """Advance one grid by one event; see the module's description."""
    observe(state, event)
    kind = event[E_KIND]
    count = 0
    levels = config[G_LEVELS]
    if START <= kind <= TAKEOVER:
        count = control(state, event, config, intents, G_SLOTS, levels)
    elif kind >= ACCEPTED:
        slot = slot_of(state, event, G_SLOTS, levels)
        if slot >= 0:
            apply_order_event(state, event, config, slot)
            if slot < G_SLOTS + (levels - 1) * S_WIDTH:
                if kind == RESIZED:
                    state[slot + S_TARGET] = state[slot + S_DONE] + state[slot + S_REMAINING]
                _turn(state, slot)
            count = insist(state, event, intents, G_SLOTS, levels)
    if is_active(state):
        count = _settle(state, event, config, intents, count)
        if is_active(state):
            state[H_WAKE_NS] = earliest_retry(state, G_SLOTS, levels)
            state[H_WATCH] = 1 if state[G_PHASE] != TRADING else 0
    return count


@compiled
def _turn(state: Ints, slot: int) -> None:
    """A cell that has traded all it wanted turns to the other side."""
    if state[slot + S_TARGET] > 0 and state[slot + S_DONE] >= state[slot + S_TARGET]:
        state[slot + S_WANT] = BUY if state[slot + S_WANT] == SELL else SELL
        state[slot + S_TARGET] = 0
        state[slot + S_DONE] = 0


@compiled
def _settle(state: Ints, event: Ints, config: Ints, intents: Ints, count: int) -> int:
    """Place what is missing; returns the new number of intents."""
    if state[H_HALTED] == 1:
        return count
    if state[G_PHASE] == PLANNING:
        if state[H_PRICE] == 0:
            return count
        _plan(state, config)
    if state[G_PHASE] == STOCKING:
        count = _stock(state, event, config, intents, count)
    for cell in range(config[G_LEVELS] - 1):
        if not is_active(state):
            return count
        count = _serve(state, event, config, intents, count, cell)
    return count


@compiled
def stock_lots(cells: int, lots: int) -> int:
    """Lots to buy such that `cells` can sell `lots` each after the purchase's fee."""
    total = cells * lots
    return total + (total * FEE_RESERVE_PPM + 999_999) // 1_000_000


@compiled
def cost_of(config: Ints, vacant: int, price: int, lots: int) -> int:
    """Quote units that a grid of so many lots a cell needs, with the vacant level and the price."""
    total = 0
    for level in range(vacant):
        total += notional(config[G_PRICES + level], lots, config)
    stock = stock_lots(config[G_LEVELS] - 1 - vacant, lots)
    return total + notional(worst_buy_price(price, config), stock, config)


@compiled
def vacant_level(config: Ints, price: int) -> int:
    """The level nearest to the price, the lower of two equally near ones."""
    last = config[G_LEVELS] - 1
    for level in range(last):
        if 2 * price <= config[G_PRICES + level] + config[G_PRICES + level + 1]:
            return level
    return last


@compiled
def lots_per_cell(config: Ints, vacant: int, price: int) -> int:
    """The most lots a cell can trade within the investment."""
    ticks = 0
    for level in range(vacant):
        ticks += config[G_PRICES + level]
    stocked = config[G_LEVELS] - 1 - vacant
    ticks += stocked * worst_buy_price(price, config)
    lots = config[C_INVESTMENT] // (ticks * config[C_UNIT])
    lots = min(lots, config[C_MAX_QUANTITY])
    # The fee reserve costs at most FEE_RESERVE_PPM and one lot more than the bare sum.
    lots -= lots * FEE_RESERVE_PPM // 1_000_000
    while lots > 0 and cost_of(config, vacant, price, lots) > config[C_INVESTMENT]:
        lots -= 1
    return lots


@compiled
def _plan(state: Ints, config: Ints) -> None:
    """Decide the quantity and what each cell begins with, from the first price seen."""
    price = state[H_PRICE]
    levels = config[G_LEVELS]
    vacant = vacant_level(config, price)
    lots = lots_per_cell(config, vacant, price)
    if lots == 0 or notional(config[G_PRICES], lots, config) < config[C_MIN_NOTIONAL]:
        fail(state, INVESTMENT_TOO_SMALL)
        return
    state[G_LOTS] = lots
    for cell in range(levels - 1):
        state[G_SLOTS + cell * S_WIDTH + S_WANT] = BUY if cell < vacant else SELL
    state[G_PHASE] = TRADING
    if vacant < levels - 1:
        state[G_PHASE] = STOCKING
        state[G_LOWEST_SELL] = config[G_PRICES + vacant + 1]
        stock = G_SLOTS + (levels - 1) * S_WIDTH
        state[stock + S_TARGET] = stock_lots(levels - 1 - vacant, lots)


@compiled
def _stock(state: Ints, event: Ints, config: Ints, intents: Ints, count: int) -> int:
    """Buy the base asset of the sell orders, in as many goes as the book needs."""
    slot = G_SLOTS + (config[G_LEVELS] - 1) * S_WIDTH
    if state[slot + S_STATUS] != SLOT_IDLE or state[slot + S_RETRY_NS] > event[E_TIME_NS]:
        return count
    price = min(worst_buy_price(state[H_PRICE], config), state[G_LOWEST_SELL] - 1)
    lots = state[slot + S_TARGET] - state[slot + S_DONE]
    lots = min(lots, config[C_MAX_QUANTITY], state[H_QUOTE] // (price * config[C_UNIT]))
    done = (
        lots <= 0
        or notional(price, lots, config) < config[C_MIN_NOTIONAL]
        or state[slot + S_TRIES] >= STOCKING_TRIES
        or state[H_PRICE] >= state[G_LOWEST_SELL]
    )
    if done:
        # Cells that got nothing to sell will buy at their own level instead.
        state[G_PHASE] = TRADING
        state[slot + S_RETRY_NS] = 0
        return count
    return place(state, event, config, intents, count, slot, BUY, price, lots, IOC, EXPIRE_TAKER)


@compiled
def _serve(state: Ints, event: Ints, config: Ints, intents: Ints, count: int, cell: int) -> int:
    """Place the order of a cell if it is idle, due, free to and able to."""
    slot = G_SLOTS + cell * S_WIDTH
    now = event[E_TIME_NS]
    if state[slot + S_STATUS] != SLOT_IDLE or state[slot + S_RETRY_NS] > now:
        return count
    if state[slot + S_TARGET] == 0 and not _begin(state, config, cell):
        return count  # the initial purchase is under way
    lots = _possible(state, config, cell)
    if lots == 0 and state[slot + S_DONE] > 0:
        # The rest of a partly filled order is not worth one: turn with what was traded.
        state[slot + S_DONE] = state[slot + S_TARGET]
        _turn(state, slot)
        if not _begin(state, config, cell):
            return count
        lots = _possible(state, config, cell)
    if lots == 0 or _level_taken(state, config, cell):
        postpone(state, slot, now)
        return count
    side = state[slot + S_WANT]
    price = _price_of(state, config, cell)
    state[slot + S_TARGET] = state[slot + S_DONE] + lots
    return place(state, event, config, intents, count, slot, side, price, lots, GTC, EXPIRE_TAKER)


@compiled
def _begin(state: Ints, config: Ints, cell: int) -> bool:
    """Set how much the cell trades on its side; False while it has to wait for its stock."""
    slot = G_SLOTS + cell * S_WIDTH
    if state[slot + S_WANT] == SELL:
        lots = min(state[G_LOTS], state[H_BASE] // config[C_LOT])
        price = config[G_PRICES + cell + 1]
        if lots > 0 and notional(price, lots, config) >= config[C_MIN_NOTIONAL]:
            state[slot + S_TARGET] = lots
            return True
        if state[G_PHASE] == STOCKING:
            return False
        state[slot + S_WANT] = BUY  # nothing worth selling
    state[slot + S_TARGET] = state[G_LOTS]
    return True


@compiled
def _price_of(state: Ints, config: Ints, cell: int) -> int:
    upper = 1 if state[G_SLOTS + cell * S_WIDTH + S_WANT] == SELL else 0
    return config[G_PRICES + cell + upper]


@compiled
def _possible(state: Ints, config: Ints, cell: int) -> int:
    """Lots that the cell still wants and its money allows; 0 when the market refuses so few."""
    slot = G_SLOTS + cell * S_WIDTH
    price = _price_of(state, config, cell)
    if state[slot + S_WANT] == SELL:
        affordable = state[H_BASE] // config[C_LOT]
    else:
        affordable = state[H_QUOTE] // (price * config[C_UNIT])
    lots = min(state[slot + S_TARGET] - state[slot + S_DONE], affordable)
    if lots <= 0 or notional(price, lots, config) < config[C_MIN_NOTIONAL]:
        return 0
    return lots


@compiled
def _level_taken(state: Ints, config: Ints, cell: int) -> bool:
    """Whether the neighbour that shares the level has an order on it.

    It happens only while an answer is late: the price ran through both before the first was known.
    """
    slot = G_SLOTS + cell * S_WIDTH
    neighbour = cell + 1 if state[slot + S_WANT] == SELL else cell - 1
    if neighbour < 0 or neighbour >= config[G_LEVELS] - 1:
        return False
    other = G_SLOTS + neighbour * S_WIDTH
    same_price = state[other + S_PRICE] == _price_of(state, config, cell)
    return state[other + S_STATUS] != SLOT_IDLE and same_price
