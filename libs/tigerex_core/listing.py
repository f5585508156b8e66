"""Commands about what is traded: assets and markets."""

from tigerex_core.checks import refuse_asset
from tigerex_core.jit import kernel
from tigerex_core.layout import BREAKER_WINDOW_NS, SCALE_MAX, Asset, Head, Market, State
from tigerex_core.ledger import ensure_balance, refuse_rows
from tigerex_core.money import OVERFLOW, checked_multiply, power_of_ten
from tigerex_core.names import is_name
from tigerex_core.output import DONE, Out, begin_event, copy_name, refuse
from tigerex_core.records import (
    FEES_ACCOUNT,
    NAME_WORDS,
    Command,
    Event,
    EventKind,
    MarketLimit,
    MarketState,
    Reason,
    Rows,
    SelfTrade,
)
from tigerex_core.rules import price_discounts


@kernel
def _copy_name(rows: Rows, row: int, column: int, commands: Rows, c: int) -> None:
    for word in range(NAME_WORDS):
        rows[row, column + word] = commands[c, Command.NAME + word]


@kernel
def _refuse_listed_name(rows: Rows, count: int, column: int, commands: Rows, c: int) -> int:
    """DONE for a sound name that none of the first `count` rows has; for the short tables."""
    if not is_name(commands, c, Command.NAME):
        return refuse(Reason.INVALID_NAME, Command.NAME)
    for row in range(1, count + 1):
        same = True
        for word in range(NAME_WORDS):
            same = same and rows[row, column + word] == commands[c, Command.NAME + word]
        if same:
            return refuse(Reason.NAME_TAKEN, Command.NAME)
    return DONE


@kernel
def create_asset(state: State, out: Out, commands: Rows, c: int) -> int:
    assets = state.registry.assets
    count = state.head[Head.ASSETS]
    refusal = _refuse_listed_name(assets, count, Asset.NAME, commands, c)
    if refusal != DONE:
        return refusal
    scale = commands[c, Command.VALUE]
    if scale < 0 or scale > SCALE_MAX:
        return refuse(Reason.INVALID_SCALE, Command.VALUE)
    asset = count + 1
    if asset >= assets.shape[0]:
        return refuse(Reason.CAPACITY, Command.ASSET)
    state.head[Head.ASSETS] = asset
    assets[asset, Asset.SCALE] = scale
    _copy_name(assets, asset, Asset.NAME, commands, c)
    at = begin_event(out, EventKind.ASSET_CREATED)
    out.events[at, Event.ASSET] = asset
    out.events[at, Event.VALUE] = scale
    copy_name(out, at, commands, c, Command.NAME)
    return DONE


@kernel
def _refuse_increments(state: State, commands: Rows, c: int) -> int:
    """DONE when tick, lot and limits make every notional a whole number that fits."""
    tick, lot = commands[c, Command.VALUE], commands[c, Command.ORDER_ID]
    if tick < 1:
        return refuse(Reason.INVALID_TICK_OR_LOT, Command.VALUE)
    if lot < 1:
        return refuse(Reason.INVALID_TICK_OR_LOT, Command.ORDER_ID)
    price, quantity = commands[c, Command.PRICE], commands[c, Command.QUANTITY]
    if price < 1:
        return refuse(Reason.INVALID_PRICE, Command.PRICE)
    if quantity < 1:
        return refuse(Reason.INVALID_QUANTITY, Command.QUANTITY)
    product = checked_multiply(tick, lot)
    if product == OVERFLOW:
        return refuse(Reason.OVERFLOW, Command.VALUE)
    whole = power_of_ten(state.registry.assets[commands[c, Command.ASSET], Asset.SCALE])
    if product % whole != 0:
        return refuse(Reason.INVALID_TICK_OR_LOT, Command.VALUE)
    if checked_multiply(quantity, lot) == OVERFLOW:
        return refuse(Reason.OVERFLOW, Command.QUANTITY)
    largest = checked_multiply(price, quantity)
    if largest == OVERFLOW or checked_multiply(largest, product // whole) == OVERFLOW:
        return refuse(Reason.OVERFLOW, Command.PRICE)
    if commands[c, Command.AMOUNT] < 0:
        return refuse(Reason.INVALID_AMOUNT, Command.AMOUNT)
    return DONE


@kernel
def _refuse_new_market(state: State, commands: Rows, c: int) -> int:
    markets, count = state.registry.markets, state.head[Head.MARKETS]
    base, quote = commands[c, Command.ASSET], commands[c, Command.AUX]
    refusal = _refuse_listed_name(markets, count, Market.NAME, commands, c)
    if refusal == DONE:
        refusal = refuse_asset(state, base, Command.ASSET)
    if refusal == DONE:
        refusal = refuse_asset(state, quote, Command.AUX)
    if refusal == DONE and base == quote:
        refusal = refuse(Reason.UNKNOWN_ASSET, Command.AUX)
    if refusal == DONE:
        refusal = _refuse_increments(state, commands, c)
    if refusal == DONE and count + 1 >= markets.shape[0]:
        refusal = refuse(Reason.CAPACITY, Command.MARKET)
    if refusal == DONE:
        refusal = refuse_rows(state.head, state.ledger, FEES_ACCOUNT, base, FEES_ACCOUNT, quote)
    return refusal


@kernel
def _set_first_limits(markets: Rows, market: int, notional_min: int) -> None:
    """Of a new market; all others are 0."""
    markets[market, Market.LIMIT + MarketLimit.PRICE_MIN] = 1
    markets[market, Market.LIMIT + MarketLimit.QUANTITY_MIN] = 1
    markets[market, Market.LIMIT + MarketLimit.NOTIONAL_MIN] = notional_min
    markets[market, Market.LIMIT + MarketLimit.BREAKER_WINDOW_NS] = BREAKER_WINDOW_NS
    markets[market, Market.LIMIT + MarketLimit.SELF_TRADE] = SelfTrade.NONE


@kernel
def create_market(state: State, out: Out, commands: Rows, c: int) -> int:
    refusal = _refuse_new_market(state, commands, c)
    if refusal != DONE:
        return refusal
    head, markets, accounts = state.head, state.registry.markets, state.registry.accounts
    base, quote = commands[c, Command.ASSET], commands[c, Command.AUX]
    tick, lot = commands[c, Command.VALUE], commands[c, Command.ORDER_ID]
    market = head[Head.MARKETS] + 1
    head[Head.MARKETS] = market
    markets[market, Market.BASE] = base
    markets[market, Market.QUOTE] = quote
    markets[market, Market.TICK] = tick
    markets[market, Market.LOT] = lot
    whole = power_of_ten(state.registry.assets[base, Asset.SCALE])
    markets[market, Market.UNIT] = tick * lot // whole
    markets[market, Market.PRICE_MAX] = commands[c, Command.PRICE]
    markets[market, Market.QUANTITY_MAX] = commands[c, Command.QUANTITY]
    _set_first_limits(markets, market, commands[c, Command.AMOUNT])
    markets[market, Market.STATE] = MarketState.OPEN
    ledger = state.ledger
    markets[market, Market.FEE_BASE] = ensure_balance(head, ledger, accounts, FEES_ACCOUNT, base)
    markets[market, Market.FEE_QUOTE] = ensure_balance(head, ledger, accounts, FEES_ACCOUNT, quote)
    _copy_name(markets, market, Market.NAME, commands, c)
    price_discounts(head, markets)
    at = begin_event(out, EventKind.MARKET_CREATED)
    out.events[at, Event.MARKET] = market
    out.events[at, Event.ASSET] = base
    out.events[at, Event.AUX] = quote
    out.events[at, Event.VALUE] = tick
    out.events[at, Event.ORDER_ID] = lot
    out.events[at, Event.PRICE] = commands[c, Command.PRICE]
    out.events[at, Event.QUANTITY] = commands[c, Command.QUANTITY]
    out.events[at, Event.AMOUNT] = commands[c, Command.AMOUNT]
    copy_name(out, at, commands, c, Command.NAME)
    return DONE
