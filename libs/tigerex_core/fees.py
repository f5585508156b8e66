"""Fees: parts per million of what an order receives, or less in the discount asset.

Each rounding is up, in the house's favour by less than one unit: of the fee's value in the quote
asset, of what is left of it after the discount, and of that in units of the discount asset at its
last price.
"""

from tigerex_core.jit import kernel, routine
from tigerex_core.layout import Account, Balance, Head, Market, Order, State, Tier
from tigerex_core.ledger import change_available, find_balance
from tigerex_core.money import OVERFLOW, PPM, fee, scale_up
from tigerex_core.output import Out
from tigerex_core.records import Event, Rows

_NONE = -1


@kernel
def _in_discount_asset(state: State, market: int, value: int) -> int:
    """So many quote units of the market in units of the discount asset; _NONE without a price, or
    where nobody can have so many.

    A whole of the asset costs last price * tick of the market that prices it. Taken by lots of that
    market instead, of which one costs last price * unit, it is the same number and cannot overflow.
    """
    markets = state.registry.markets
    if markets[market, Market.QUOTE] == state.head[Head.DISCOUNT_ASSET]:
        return value
    prices = markets[market, Market.DISCOUNT_MARKET]
    if prices == 0 or markets[prices, Market.LAST_PRICE] == 0:
        return _NONE
    a_lot = markets[prices, Market.LAST_PRICE] * markets[prices, Market.UNIT]
    units = scale_up(value, markets[prices, Market.LOT], a_lot)
    if units == OVERFLOW:
        return _NONE
    return units


@routine
def _discounted(state: State, market: int, account: int, notional: int, ppm: int) -> int:
    """Charge the fee on a trade in the discount asset: how much it was, or _NONE where the account
    has less than that available, or there is no price."""
    head, ledger = state.head, state.ledger
    pays = find_balance(ledger, account, head[Head.DISCOUNT_ASSET])
    if pays == 0:
        return _NONE
    value = fee(fee(notional, ppm), PPM - head[Head.DISCOUNT_PPM])
    units = _in_discount_asset(state, market, value)
    if units == _NONE or ledger.balances[pays, Balance.AVAILABLE] < units:
        return _NONE
    change_available(ledger, pays, -units)
    change_available(ledger, head[Head.DISCOUNT_FEES], units)
    return units


@kernel
def charge(
    state: State, out: Out, at: int, order: int, gets: int, notional: int, maker: int
) -> int:
    """Charge an order's fee on a trade, before it gets `gets`; what it gets then.

    The fee and its asset go into the trade's event; maker: 0 or 1.
    """
    orders, markets, accounts = state.books.orders, state.registry.markets, state.registry.accounts
    market, account = orders[order, Order.MARKET], orders[order, Order.ACCOUNT]
    ppm = state.registry.tiers[accounts[account, Account.TIER], Tier.TAKER_PPM - maker]
    asset_column, fee_column = Event.ASSET + 0, Event.FEE + 0
    if maker != 0:
        asset_column, fee_column = Event.OTHER_ASSET + 0, Event.VALUE + 0
    if accounts[account, Account.FEE_PAYMENT] != 0 and state.head[Head.DISCOUNT_ASSET] != 0:
        units = _discounted(state, market, account, notional, ppm)
        if units != _NONE:
            out.events[at, asset_column] = state.head[Head.DISCOUNT_ASSET]
            out.events[at, fee_column] = units
            return gets
    units = fee(gets, ppm)
    row = orders[order, Order.GETS]
    out.events[at, asset_column] = state.ledger.balances[row, Balance.ASSET]
    out.events[at, fee_column] = units
    change_available(state.ledger, _fees_row(markets, market, row, state.ledger.balances), units)
    return gets - units


@kernel
def _fees_row(markets: Rows, market: int, gets: int, balances: Rows) -> int:
    """The fees account's balance row of the asset that the row `gets` is of."""
    if balances[gets, Balance.ASSET] == markets[market, Market.BASE]:
        return markets[market, Market.FEE_BASE]
    return markets[market, Market.FEE_QUOTE]
