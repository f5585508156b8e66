"""A taker against the best orders of the other side, one trade at a time."""

from tests.support.reference.breaker import halts
from tests.support.reference.fees import charge
from tests.support.reference.holds import (
    asset_paid,
    asset_received,
    due_hold,
    end,
    end_other,
    forget,
    queue,
    rest,
)
from tests.support.reference.self_trade import mode_of, prevent, same_user
from tests.support.reference.site import Site
from tests.support.reference.state import Order
from tests.support.reference.whole import is_whole

from tigerex_core.records import EventKind, MarketState, Reason, SelfTrade, TimeInForce


def take(site: Site, taker: Order) -> list[int]:
    """All that happens to an order between its arrival and its rest or end; the prices of its
    trades."""
    prices: list[int] = []
    reason: Reason | None = Reason.NOT_FILLABLE
    if taker.time_in_force != TimeInForce.FOK or is_whole(site, taker):
        reason = _match(site, taker, prices)
    if reason is None:
        if taker.by_amount:
            _end_amount(site, taker)
        forget(site, taker)
    elif reason == Reason.NONE and taker.may_rest:
        rest(site, taker)
    else:
        end(site, taker, EventKind.ORDER_EXPIRED, reason)
    return prices


def best(site: Site, taker: Order) -> Order | None:
    """The order that the taker would trade with next."""
    return min(
        crossing(site, taker),
        key=lambda order: (order.price if taker.buys else -order.price, order.place),
        default=None,
    )


def crossing(site: Site, taker: Order) -> list[Order]:
    """The orders on the book that the taker could trade with, by price."""
    others = [
        order
        for order in site.orders.values()
        if order.place and order.market == taker.market and order.side != taker.side
    ]
    if not taker.price:
        return others
    if taker.buys:
        return [order for order in others if order.price <= taker.price]
    return [order for order in others if order.price >= taker.price]


def _match(site: Site, taker: Order, prices: list[int]) -> Reason | None:
    """None where it is done, NONE where nothing is left to trade with, or why the rest expires."""
    while True:
        maker = best(site, taker)
        if _is_done(site, taker, maker):
            return None
        if maker is None:
            return Reason.NONE
        if not site.fills_left:
            return Reason.CAPACITY
        reason = _meet(site, taker, maker, prices)
        if reason is not None:
            return reason


def _is_done(site: Site, taker: Order, maker: Order | None) -> bool:
    """All is traded, or what is left of an amount buys less than one lot at the best price."""
    if not taker.by_amount:
        return taker.remaining == 0
    price = maker.price if maker else 0
    return taker.budget == 0 or taker.budget < price * site.market_of(taker).unit


def _meet(site: Site, taker: Order, maker: Order, prices: list[int]) -> Reason | None:
    """A trade, or what happens instead of it; None where the taker goes on."""
    market = site.market_of(taker)
    if maker.expire_ns and maker.expire_ns <= site.time_ns:
        if not site.steps_left:
            return Reason.CAPACITY
        site.steps_left -= 1
        end(site, maker, EventKind.ORDER_EXPIRED, Reason.TIME)
        return None
    mode = mode_of(site, taker)
    if mode != SelfTrade.NONE and same_user(site, taker, maker):
        site.fills_left -= 1
        return Reason.SELF_TRADE if prevent(site, taker, maker, mode) else None
    lots = _lots(site, taker, maker)
    if not lots:
        return Reason.INSUFFICIENT_BALANCE
    if halts(market, maker.price, site.time_ns):
        market.state = MarketState.HALTED
        site.emit(
            EventKind.MARKET_STATE_SET,
            market=taker.market,
            value=MarketState.HALTED,
            reason=Reason.CIRCUIT_BREAKER,
        )
        return Reason.CIRCUIT_BREAKER
    site.fills_left -= 1
    _trade(site, taker, maker, lots)
    prices.append(maker.price)
    return None


def _lots(site: Site, taker: Order, maker: Order) -> int:
    """How many lots the two trade: where nothing is held, no more than the taker has money for."""
    market = site.market_of(taker)
    a_lot = maker.price * market.unit
    lots = min(maker.visible, taker.budget // a_lot if taker.by_amount else taker.remaining)
    if taker.buys and taker.at_market:
        return min(lots, site.spendable(taker.account, market.quote) // a_lot)
    if taker.by_amount:
        return min(lots, site.spendable(taker.account, market.base) // market.lot)
    return lots


def _end_amount(site: Site, taker: Order) -> None:
    """What is left of the amount buys less than one lot."""
    if taker.traded:
        site.emit_order(EventKind.ORDER_FILLED, taker, aux=taker.budget)
    else:
        site.emit_order(EventKind.ORDER_EXPIRED, taker)


def _pay(site: Site, order: Order, lots: int, amount: int) -> None:
    """Take `amount` from what is held for these lots, or available; release what is held beyond."""
    key = (order.account, asset_paid(site, order))
    if not order.by_amount:
        order.remaining -= lots
    order.traded += lots
    released = order.held - due_hold(site, order)
    order.held -= released
    site.held[key] -= released
    site.available[key] += released - amount


def _trade(site: Site, taker: Order, maker: Order, lots: int) -> None:
    market = site.market_of(taker)
    base, notional = lots * market.lot, maker.price * lots * market.unit
    _pay(site, taker, lots, notional if taker.buys else base)
    _pay(site, maker, lots, notional if maker.buys else base)
    if taker.by_amount:
        taker.budget -= notional
    maker.visible -= lots
    taker_gets, maker_gets = (base, notional) if taker.buys else (notional, base)
    taker_fee, taker_asset = charge(site, taker, taker_gets, notional, maker=False)
    maker_fee, maker_asset = charge(site, maker, maker_gets, notional, maker=True)
    site.available[taker.account, asset_received(site, taker)] += taker_gets
    site.available[maker.account, asset_received(site, maker)] += maker_gets
    market.trades += 1
    market.last = maker.price
    site.emit(
        EventKind.TRADED,
        account=taker.account,
        market=taker.market,
        order_id=taker.order_id,
        side=taker.side,
        price=maker.price,
        quantity=lots,
        remaining=maker.remaining,
        asset=taker_asset,
        amount=notional,
        fee=taker_fee,
        other_account=maker.account,
        other_order=maker.order_id,
        trade_id=market.trades,
        value=maker_fee,
        aux=taker.budget if taker.by_amount else taker.remaining,
        other_asset=maker_asset,
    )
    end_other(site, maker)
    if not maker.remaining:
        forget(site, maker)
    elif not maker.visible:
        queue(site, maker)
        site.emit_order(EventKind.ORDER_RESTED, maker, visible=maker.visible)
