"""One exchange: rows of commands in, rows of events out."""

from tests.support.reference.cancels import amend_order, cancel_all, cancel_order
from tests.support.reference.listing import (
    create_asset,
    create_market,
    set_fee_discount,
    set_fee_tier,
    set_market_limit,
    set_market_state,
)
from tests.support.reference.lists import place_oco
from tests.support.reference.people import (
    advance_epoch,
    create_account,
    create_user,
    set_account,
    set_fee_payment,
)
from tests.support.reference.placing import place_order
from tests.support.reference.site import Site
from tests.support.reference.state import FILLS_MAX, STEPS_MAX, Account, Order, Refused
from tests.support.reference.stops import due, expire_due, run_fired, runnable
from tests.support.reference.transfers import (
    post_transfer,
    reserve_transfer,
    transfer,
    void_transfer,
)

from tigerex_core.capacity import Capacity
from tigerex_core.records import (
    CLEARING_ACCOUNT,
    COMMAND_WIDTH,
    FEES_ACCOUNT,
    WORLD_ACCOUNT,
    AccountKind,
    Command,
    CommandKind,
    EventKind,
    Reason,
    Rows,
    pack_name,
)


def tick(site: Site) -> None:
    site.emit(EventKind.TICKED)


RUN = {
    CommandKind.TICK: tick,
    CommandKind.CREATE_ASSET: create_asset,
    CommandKind.CREATE_MARKET: create_market,
    CommandKind.SET_MARKET_STATE: set_market_state,
    CommandKind.SET_FEE_TIER: set_fee_tier,
    CommandKind.CREATE_USER: create_user,
    CommandKind.CREATE_ACCOUNT: create_account,
    CommandKind.SET_ACCOUNT: set_account,
    CommandKind.ADVANCE_EPOCH: advance_epoch,
    CommandKind.TRANSFER: transfer,
    CommandKind.RESERVE_TRANSFER: reserve_transfer,
    CommandKind.POST_TRANSFER: post_transfer,
    CommandKind.VOID_TRANSFER: void_transfer,
    CommandKind.PLACE_ORDER: place_order,
    CommandKind.CANCEL_ORDER: cancel_order,
    CommandKind.CANCEL_ALL: cancel_all,
    CommandKind.AMEND_ORDER: amend_order,
    CommandKind.PLACE_OCO: place_oco,
    CommandKind.SET_MARKET_LIMIT: set_market_limit,
    CommandKind.SET_FEE_DISCOUNT: set_fee_discount,
    CommandKind.SET_FEE_PAYMENT: set_fee_payment,
}


class Reference:
    """What `Core` is, but slow and plain."""

    def __init__(self, capacity: Capacity) -> None:
        self.site = Site(capacity)
        names = {WORLD_ACCOUNT: "world", FEES_ACCOUNT: "fees", CLEARING_ACCOUNT: "clearing"}
        for account, name in names.items():
            words = tuple(int(word) for word in pack_name(name))
            self.site.accounts[account] = Account(0, AccountKind.SYSTEM, words)

    def apply(self, commands: Rows, seq: int) -> list[list[int]]:
        site = self.site
        site.events = []
        for index, row in enumerate(commands.tolist()):
            assert len(row) == COMMAND_WIDTH
            site.index, site.row = index, row
            site.time_ns = max(site.time_ns, row[Command.TIME_NS])
            site.steps_left, site.fills_left = STEPS_MAX, FILLS_MAX
            site.in_step = True
            expire_due(site)
            run_fired(site)
            site.in_step = False
            _answer(site, seq)
            site.in_step = True
            run_fired(site)
        return site.events

    @property
    def accounts(self) -> dict[int, Account]:
        return self.site.accounts

    @property
    def pending(self) -> bool:
        """Whether steps are left to do now."""
        return bool(due(self.site) or runnable(self.site))

    def last_price(self, market: int) -> int:
        return self.site.markets[market - 1].last

    def balances(self, account: int) -> dict[int, tuple[int, int]]:
        return {
            asset: (amount, self.site.held[owner, asset])
            for (owner, asset), amount in self.site.available.items()
            if owner == account
        }

    def open_orders(self, account: int) -> list[Order]:
        """On the book or waiting, oldest first."""
        orders = sorted(self.site.orders.values(), key=lambda order: order.order_id)
        return [order for order in orders if order.account == account]

    def depth(self, market: int, side: int) -> list[tuple[int, int]]:
        """(price, lots shown), best first."""
        levels: dict[int, int] = {}
        for order in self.site.orders.values():
            if order.place and (order.market, order.side) == (market, side):
                levels[order.price] = levels.get(order.price, 0) + order.visible
        return sorted(levels.items(), reverse=side == 1)


def _answer(site: Site, seq: int) -> None:
    row = site.row
    request = (row[Command.REQUEST_HI], row[Command.REQUEST_LO])
    if request != (0, 0):
        content = (row[Command.KIND], *row[Command.ACCOUNT :])
        if request in site.window:
            seen, first = site.window[request]
            if seen == content:
                site.emit(EventKind.DUPLICATE, value=first)
            else:
                _reject(site, Refused(Reason.REQUEST_ID_REUSED, Command.REQUEST_HI))
            return
        site.window[request] = (content, seq)
        if len(site.window) > site.capacity.window:
            site.window.popitem(last=False)
    try:
        _run(site)
    except Refused as refused:
        _reject(site, refused)


def _run(site: Site) -> None:
    try:
        kind = CommandKind(site.row[Command.KIND])
    except ValueError:
        raise Refused(Reason.UNKNOWN_COMMAND, Command.KIND) from None
    RUN[kind](site)


def _reject(site: Site, refused: Refused) -> None:
    site.emit(
        EventKind.REJECTED,
        site.name(),
        account=site.row[Command.ACCOUNT],
        market=site.row[Command.MARKET],
        order_id=site.row[Command.ORDER_ID],
        reason=refused.reason,
        value=refused.column,
    )
