"""Commands about rules of trading: a market's state and limits, fee tiers, fees in one asset."""

from tigerex_core.chains import set_state
from tigerex_core.checks import refuse_account, refuse_asset, refuse_market
from tigerex_core.jit import kernel, routine
from tigerex_core.layout import (
    FEE_PPM_MAX,
    PERCENT_PPM_MAX,
    TIER_MAX,
    Account,
    Head,
    Market,
    State,
    Tier,
)
from tigerex_core.ledger import ensure_balance, find_balance, has_room
from tigerex_core.money import AMOUNT_MAX, PPM
from tigerex_core.output import DONE, Out, begin_event, refuse
from tigerex_core.records import (
    FEES_ACCOUNT,
    MARKET_LIMIT_MAX,
    Command,
    Event,
    EventKind,
    MarketLimit,
    MarketState,
    Reason,
    Rows,
    SelfTrade,
)

_MOST = (1 << 63) - 1


@kernel
def set_market_state(state: State, out: Out, commands: Rows, c: int) -> int:
    """Set it; an open market begins with a new reference of its circuit breaker."""
    market, value = commands[c, Command.MARKET], commands[c, Command.VALUE]
    markets = state.registry.markets
    refusal = refuse_market(state, market)
    if refusal != DONE:
        return refusal
    if value < MarketState.OPEN or value > MarketState.DELISTING:
        return refuse(Reason.INVALID_STATE, Command.VALUE)
    for_ever = markets[market, Market.STATE] == MarketState.DELISTING
    if for_ever and value != MarketState.DELISTING:
        return refuse(Reason.INVALID_STATE, Command.VALUE)
    set_state(state.head, markets, market, value)
    if value == MarketState.OPEN:
        markets[market, Market.BREAKER_PRICE] = 0
        markets[market, Market.BREAKER_TIME_NS] = 0
    at = begin_event(out, EventKind.MARKET_STATE_SET)
    out.events[at, Event.MARKET] = market
    out.events[at, Event.VALUE] = value
    return DONE


@kernel
def _range_of(markets: Rows, market: int, limit: int) -> tuple[int, int]:
    """The least and the largest value that a limit can have."""
    least, most = 0, _MOST
    if limit == MarketLimit.PRICE_MIN:
        least, most = 1, markets[market, Market.PRICE_MAX]
    elif limit == MarketLimit.QUANTITY_MIN:
        least, most = 1, markets[market, Market.QUANTITY_MAX]
    elif limit == MarketLimit.NOTIONAL_MIN or limit == MarketLimit.NOTIONAL_MAX:  # noqa: PLR1714
        most = AMOUNT_MAX
    elif limit == MarketLimit.NOTIONAL_OF_MARKET_ORDERS:
        most = 1
    elif limit >= MarketLimit.BID_UP_PPM and limit <= MarketLimit.ASK_DOWN_PPM:
        most = PERCENT_PPM_MAX
    elif limit == MarketLimit.BREAKER_PPM:
        most = PPM - 1
    elif limit == MarketLimit.BREAKER_WINDOW_NS:
        least = 1
    elif limit == MarketLimit.SELF_TRADE:
        least, most = SelfTrade.NONE + 0, SelfTrade.DECREMENT + 0
    return least, most


@routine
def set_market_limit(state: State, out: Out, commands: Rows, c: int) -> int:
    market, limit = commands[c, Command.MARKET], commands[c, Command.VALUE]
    value, markets = commands[c, Command.AMOUNT], state.registry.markets
    refusal = refuse_market(state, market)
    if refusal != DONE:
        return refusal
    if limit < 1 or limit > MARKET_LIMIT_MAX:
        return refuse(Reason.INVALID_LIMIT, Command.VALUE)
    least, most = _range_of(markets, market, limit)
    if value < least or value > most:
        return refuse(Reason.INVALID_LIMIT, Command.AMOUNT)
    markets[market, Market.LIMIT + limit] = value
    at = begin_event(out, EventKind.MARKET_LIMIT_SET)
    out.events[at, Event.MARKET] = market
    out.events[at, Event.VALUE] = limit
    out.events[at, Event.AMOUNT] = value
    return DONE


@kernel
def set_fee_tier(state: State, out: Out, commands: Rows, c: int) -> int:
    tier = commands[c, Command.VALUE]
    maker, taker = commands[c, Command.AMOUNT], commands[c, Command.AUX]
    if tier < 0 or tier > TIER_MAX:
        return refuse(Reason.INVALID_TIER, Command.VALUE)
    if maker < 0 or maker > FEE_PPM_MAX:
        return refuse(Reason.INVALID_FEE, Command.AMOUNT)
    if taker < 0 or taker > FEE_PPM_MAX:
        return refuse(Reason.INVALID_FEE, Command.AUX)
    state.registry.tiers[tier, Tier.MAKER_PPM] = maker
    state.registry.tiers[tier, Tier.TAKER_PPM] = taker
    at = begin_event(out, EventKind.FEE_TIER_SET)
    out.events[at, Event.VALUE] = tier
    out.events[at, Event.AMOUNT] = maker
    out.events[at, Event.AUX] = taker
    return DONE


@routine
def price_discounts(head: Rows, markets: Rows) -> None:
    """Find for each market the first one that prices the discount asset in its quote asset; after
    a change of that asset, and for a new market."""
    asset = head[Head.DISCOUNT_ASSET]
    for market in range(1, head[Head.MARKETS] + 1):
        markets[market, Market.DISCOUNT_MARKET] = 0
        for other in range(head[Head.MARKETS], 0, -1):
            same_quote = markets[other, Market.QUOTE] == markets[market, Market.QUOTE]
            if asset != 0 and same_quote and markets[other, Market.BASE] == asset:
                markets[market, Market.DISCOUNT_MARKET] = other


@routine
def set_fee_discount(state: State, out: Out, commands: Rows, c: int) -> int:
    head, ledger, accounts = state.head, state.ledger, state.registry.accounts
    asset, ppm = commands[c, Command.ASSET], commands[c, Command.AMOUNT]
    refusal = DONE + 0
    if asset != 0:
        refusal = refuse_asset(state, asset, Command.ASSET)
    if refusal == DONE and (ppm < 0 or ppm > PPM):
        refusal = refuse(Reason.INVALID_FEE, Command.AMOUNT)
    if refusal != DONE:
        return refusal
    row = 0
    if asset != 0:
        if find_balance(ledger, FEES_ACCOUNT, asset) == 0 and not has_room(head, ledger, 1):
            return refuse(Reason.CAPACITY, Command.ASSET)
        row = ensure_balance(head, ledger, accounts, FEES_ACCOUNT, asset)
    head[Head.DISCOUNT_ASSET] = asset
    head[Head.DISCOUNT_PPM] = ppm
    head[Head.DISCOUNT_FEES] = row
    price_discounts(head, state.registry.markets)
    at = begin_event(out, EventKind.FEE_DISCOUNT_SET)
    out.events[at, Event.ASSET] = asset
    out.events[at, Event.AMOUNT] = ppm
    return DONE


@kernel
def set_fee_payment(state: State, out: Out, commands: Rows, c: int) -> int:
    account, value = commands[c, Command.ACCOUNT], commands[c, Command.VALUE]
    refusal = refuse_account(state, account, Command.ACCOUNT)
    if refusal != DONE:
        return refusal
    if value < 0 or value > 1:
        return refuse(Reason.INVALID_STATE, Command.VALUE)
    state.registry.accounts[account, Account.FEE_PAYMENT] = value
    at = begin_event(out, EventKind.FEE_PAYMENT_SET)
    out.events[at, Event.ACCOUNT] = account
    out.events[at, Event.VALUE] = value
    return DONE
