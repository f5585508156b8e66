"""What is traded and under which rules: assets, markets, their states and limits, fees."""

from tests.support.reference.site import Site
from tests.support.reference.state import LIMIT, PPM, Market, good_name, need

from tigerex_core.records import (
    FEES_ACCOUNT,
    Command,
    EventKind,
    MarketLimit,
    MarketState,
    Reason,
    SelfTrade,
)

PERCENT_PRICE_PPM_MAX = 10**9
MOST = 2**63 - 1


def create_asset(site: Site) -> None:
    scale, name = site.row[Command.VALUE], site.name()
    need(good_name(name), Reason.INVALID_NAME, Command.NAME)
    need(name not in {taken for taken, _ in site.assets}, Reason.NAME_TAKEN, Command.NAME)
    need(0 <= scale <= 8, Reason.INVALID_SCALE, Command.VALUE)
    need(len(site.assets) < site.capacity.assets, Reason.CAPACITY, Command.ASSET)
    site.assets.append((name, scale))
    site.emit(EventKind.ASSET_CREATED, name, asset=len(site.assets), value=scale)


def create_market(site: Site) -> None:
    row, name = site.row, site.name()
    base, quote = row[Command.ASSET], row[Command.AUX]
    tick, lot = row[Command.VALUE], row[Command.ORDER_ID]
    price_max, quantity_max = row[Command.PRICE], row[Command.QUANTITY]
    least = row[Command.AMOUNT]
    need(good_name(name), Reason.INVALID_NAME, Command.NAME)
    taken = {market.name for market in site.markets}
    need(name not in taken, Reason.NAME_TAKEN, Command.NAME)
    site.need_asset(Command.ASSET)
    site.need_asset(Command.AUX)
    need(base != quote, Reason.UNKNOWN_ASSET, Command.AUX)
    need(tick >= 1, Reason.INVALID_TICK_OR_LOT, Command.VALUE)
    need(lot >= 1, Reason.INVALID_TICK_OR_LOT, Command.ORDER_ID)
    need(price_max >= 1, Reason.INVALID_PRICE, Command.PRICE)
    need(quantity_max >= 1, Reason.INVALID_QUANTITY, Command.QUANTITY)
    need(tick * lot <= LIMIT, Reason.OVERFLOW, Command.VALUE)
    unit, rest = divmod(tick * lot, 10 ** site.assets[base - 1][1])
    need(rest == 0, Reason.INVALID_TICK_OR_LOT, Command.VALUE)
    need(quantity_max * lot <= LIMIT, Reason.OVERFLOW, Command.QUANTITY)
    need(price_max * quantity_max * unit <= LIMIT, Reason.OVERFLOW, Command.PRICE)
    need(least >= 0, Reason.INVALID_AMOUNT, Command.AMOUNT)
    need(len(site.markets) < site.capacity.markets, Reason.CAPACITY, Command.MARKET)
    site.need_rows((FEES_ACCOUNT, base), (FEES_ACCOUNT, quote))
    site.ensure(FEES_ACCOUNT, base)
    site.ensure(FEES_ACCOUNT, quote)
    market = Market(base, quote, tick, lot, unit, price_max, quantity_max, name)
    market.limits[MarketLimit.NOTIONAL_MIN] = least
    site.markets.append(market)
    site.emit(
        EventKind.MARKET_CREATED,
        name,
        market=len(site.markets),
        asset=base,
        aux=quote,
        value=tick,
        order_id=lot,
        price=price_max,
        quantity=quantity_max,
        amount=least,
    )


def set_market_state(site: Site) -> None:
    market, value = site.need_market(), site.row[Command.VALUE]
    need(value in list(MarketState), Reason.INVALID_STATE, Command.VALUE)
    stays = market.state != MarketState.DELISTING or value == MarketState.DELISTING
    need(stays, Reason.INVALID_STATE, Command.VALUE)
    market.state = value
    if value == MarketState.OPEN:
        market.reference = market.reference_ns = 0
    site.emit(EventKind.MARKET_STATE_SET, market=site.row[Command.MARKET], value=value)


def _range(market: Market, which: int) -> tuple[int, int]:
    """The least and the largest value that a limit can be set to."""
    match which:
        case MarketLimit.PRICE_MIN:
            return 1, market.price_max
        case MarketLimit.QUANTITY_MIN:
            return 1, market.quantity_max
        case MarketLimit.NOTIONAL_MIN | MarketLimit.NOTIONAL_MAX:
            return 0, LIMIT
        case MarketLimit.NOTIONAL_OF_MARKET_ORDERS:
            return 0, 1
        case (
            MarketLimit.BID_UP_PPM
            | MarketLimit.BID_DOWN_PPM
            | MarketLimit.ASK_UP_PPM
            | MarketLimit.ASK_DOWN_PPM
        ):
            return 0, PERCENT_PRICE_PPM_MAX
        case MarketLimit.BREAKER_PPM:
            return 0, PPM - 1
        case MarketLimit.BREAKER_WINDOW_NS:
            return 1, MOST
        case MarketLimit.SELF_TRADE:
            return min(SelfTrade), max(SelfTrade)
        case _:
            return 0, MOST


def set_market_limit(site: Site) -> None:
    market = site.need_market()
    which, value = site.row[Command.VALUE], site.row[Command.AMOUNT]
    need(which in list(MarketLimit), Reason.INVALID_LIMIT, Command.VALUE)
    least, most = _range(market, which)
    need(least <= value <= most, Reason.INVALID_LIMIT, Command.AMOUNT)
    market.limits[which] = value
    site.emit(
        EventKind.MARKET_LIMIT_SET, market=site.row[Command.MARKET], value=which, amount=value
    )


def set_fee_tier(site: Site) -> None:
    tier = site.row[Command.VALUE]
    maker, taker = site.row[Command.AMOUNT], site.row[Command.AUX]
    need(0 <= tier <= 15, Reason.INVALID_TIER, Command.VALUE)
    need(0 <= maker <= 100_000, Reason.INVALID_FEE, Command.AMOUNT)
    need(0 <= taker <= 100_000, Reason.INVALID_FEE, Command.AUX)
    site.tiers[tier] = (maker, taker)
    site.emit(EventKind.FEE_TIER_SET, value=tier, amount=maker, aux=taker)


def set_fee_discount(site: Site) -> None:
    asset, ppm = site.row[Command.ASSET], site.row[Command.AMOUNT]
    if asset:
        site.need_asset(Command.ASSET)
    need(0 <= ppm <= PPM, Reason.INVALID_FEE, Command.AMOUNT)
    if asset:
        site.need_rows((FEES_ACCOUNT, asset))
        site.ensure(FEES_ACCOUNT, asset)
    site.discount_asset, site.discount_ppm = asset, ppm
    site.emit(EventKind.FEE_DISCOUNT_SET, asset=asset, amount=ppm)
