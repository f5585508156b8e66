"""What happens instead of a trade between two orders of one user."""

from tests.support.reference.holds import end, queue, rehold
from tests.support.reference.site import Site
from tests.support.reference.state import Order

from tigerex_core.records import EventKind, MarketLimit, Reason, SelfTrade


def mode_of(site: Site, taker: Order) -> int:
    mode = taker.self_trade or site.market_of(taker).limits[MarketLimit.SELF_TRADE]
    if taker.by_amount and mode == SelfTrade.DECREMENT:
        return SelfTrade.EXPIRE_TAKER
    return mode


def same_user(site: Site, taker: Order, maker: Order) -> bool:
    user = site.accounts[taker.account].user
    return user != 0 and user == site.accounts[maker.account].user


def prevent(site: Site, taker: Order, maker: Order, mode: int) -> bool:
    """Whether the taker's remainder, perhaps of nothing, now expires."""
    lots = min(taker.remaining, maker.visible) if mode == SelfTrade.DECREMENT else 0
    for order in (taker, maker):
        order.remaining -= lots
    maker.visible -= lots
    site.emit(
        EventKind.SELF_TRADE_PREVENTED,
        account=taker.account,
        market=taker.market,
        order_id=taker.order_id,
        side=taker.side,
        price=maker.price,
        quantity=lots,
        remaining=maker.remaining,
        other_account=maker.account,
        other_order=maker.order_id,
        value=mode,
        aux=taker.budget if taker.by_amount else taker.remaining,
    )
    if mode == SelfTrade.DECREMENT:
        _decremented(site, taker, maker)
        return not taker.remaining
    if mode in (SelfTrade.EXPIRE_MAKER, SelfTrade.EXPIRE_BOTH):
        end(site, maker, EventKind.ORDER_EXPIRED, Reason.SELF_TRADE)
    return mode in (SelfTrade.EXPIRE_TAKER, SelfTrade.EXPIRE_BOTH)


def _decremented(site: Site, taker: Order, maker: Order) -> None:
    rehold(site, taker)
    rehold(site, maker)
    if maker.other:
        rehold(site, site.orders[maker.other])
    if not maker.remaining:
        end(site, maker, EventKind.ORDER_EXPIRED, Reason.SELF_TRADE)
    elif not maker.visible:
        queue(site, maker)
        site.emit_order(EventKind.ORDER_RESTED, maker, visible=maker.visible)
