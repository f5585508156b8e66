"""Commands about open orders: cancel one or all, amend one."""

from dataclasses import replace

from tests.support.reference.filters import need_notional, need_quantity_limits
from tests.support.reference.holds import (
    asset_paid,
    end,
    queue,
    rehold,
    whole_hold,
)
from tests.support.reference.placing import need_quantity
from tests.support.reference.site import Site
from tests.support.reference.state import CANCELS_MAX, NO_NAME, Order, Refused, need

from tigerex_core.records import Command, EventKind, MarketState, Reason


def _need_order(site: Site) -> Order:
    """The open order that the command names by its id or by its client order id."""
    account, order_id, name = site.row[Command.ACCOUNT], site.row[Command.ORDER_ID], site.name()
    for order in site.orders.values():
        named = order.order_id == order_id if order_id else name != NO_NAME and order.name == name
        if order.account == account and named:
            return order
    raise Refused(Reason.UNKNOWN_ORDER, Command.ORDER_ID if order_id else Command.NAME)


def cancel_order(site: Site) -> None:
    site.need_account()
    site.need_epoch()
    end(site, _need_order(site), EventKind.ORDER_CANCELED)


def cancel_all(site: Site) -> None:
    account, number = site.row[Command.ACCOUNT], site.row[Command.MARKET]
    if account:
        site.need_account()
        site.need_epoch()
    market = site.need_market()
    good = account != 0 or market.state != MarketState.OPEN
    need(good, Reason.INVALID_STATE, Command.MARKET)
    canceled = 0
    while canceled < CANCELS_MAX and (left := _open(site, account, number)):
        canceled += end(site, site.orders[left[0]], EventKind.ORDER_CANCELED)
    site.emit(
        EventKind.ORDERS_CANCELED,
        account=account,
        market=number,
        quantity=canceled,
        remaining=len(_open(site, account, number)),
    )


def _open(site: Site, account: int, market: int) -> list[int]:
    """Ids of the open orders in the market, oldest first; account 0: of everybody."""
    return sorted(
        order.order_id
        for order in site.orders.values()
        if order.market == market and account in (0, order.account)
    )


def amend_order(site: Site) -> None:
    site.need_account()
    frozen = site.accounts[site.row[Command.ACCOUNT]].frozen
    need(not frozen, Reason.ACCOUNT_FROZEN, Command.ACCOUNT)
    site.need_epoch()
    order = _need_order(site)
    need(not order.list_id, Reason.NOT_AMENDABLE, Command.ORDER_ID)
    market, wanted = site.market_of(order), site.row[Command.QUANTITY]
    more = wanted - order.quantity
    state = market.state
    good = state == MarketState.OPEN or (state == MarketState.HALTED and more <= 0)
    need(good, Reason.MARKET_HALTED, Command.MARKET)
    need(more != 0, Reason.INVALID_QUANTITY, Command.QUANTITY)
    need(order.remaining + more > 0, Reason.INVALID_QUANTITY, Command.QUANTITY)
    amended = _amended(order, more)
    need_quantity(market, amended)
    need_quantity_limits(market, amended)
    need_notional(market, amended)
    extra = whole_hold(site, amended) - order.held
    if more > 0:
        site.need_money(order.account, asset_paid(site, order), extra, Command.QUANTITY)
    order.quantity, order.remaining = amended.quantity, amended.remaining
    rehold(site, order)
    visible = order.visible
    if order.place and more < 0:
        order.visible = min(order.visible, order.remaining)
    elif order.place:
        queue(site, order)
    site.emit_order(
        EventKind.ORDER_AMENDED,
        order,
        amount=extra,
        value=more < 0,
        visible=order.visible - visible,
    )


def _amended(order: Order, more: int) -> Order:
    return replace(order, quantity=order.quantity + more, remaining=order.remaining + more)
