"""Whether a fill-or-kill order can be filled at once: its fills played through on copies."""

from dataclasses import replace

from tests.support.reference.breaker import reference_at, too_far
from tests.support.reference.self_trade import mode_of, same_user
from tests.support.reference.site import Site
from tests.support.reference.state import Order

from tigerex_core.records import MarketLimit, SelfTrade


def is_whole(site: Site, taker: Order) -> bool:
    market = site.market_of(taker)
    mode = mode_of(site, taker)
    left, fills, steps = taker.remaining, site.fills_left, site.steps_left
    book = _copies(site, taker)
    reference = 0
    while left:
        maker = min(book, key=lambda order: (_worse(taker, order), order.place), default=None)
        if maker is None or not fills:
            return False
        if maker.expire_ns and maker.expire_ns <= site.time_ns:
            if not steps:
                return False
            steps -= 1
            book.remove(maker)
            continue
        fills -= 1
        if mode != SelfTrade.NONE and same_user(site, taker, maker):
            if mode != SelfTrade.EXPIRE_MAKER:
                return False
            book.remove(maker)
            continue
        if market.limits[MarketLimit.BREAKER_PPM]:
            reference = reference or reference_at(market, maker.price, site.time_ns)[0]
            if too_far(market, maker.price, reference):
                return False
        lots = min(left, maker.visible)
        left -= lots
        maker.remaining -= lots
        maker.visible -= lots
        if not maker.remaining:
            book.remove(maker)
        elif not maker.visible:
            maker.visible = min(maker.display, maker.remaining)
            maker.place = 1 + max(order.place for order in book)
    return True


def _worse(taker: Order, maker: Order) -> int:
    return maker.price if taker.buys else -maker.price


def _copies(site: Site, taker: Order) -> list[Order]:
    return [
        replace(order)
        for order in site.orders.values()
        if order.place
        and order.market == taker.market
        and order.side != taker.side
        and _worse(taker, order) <= (taker.price if taker.buys else -taker.price)
    ]
