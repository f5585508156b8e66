"""The exchange written a second time, slowly and plainly: what the compiled core is checked
against.

Dictionaries, lists and unbounded ints; the best order is found by looking at all of them. It shares
with the core the record of commands and events, the named limits, and nothing else. Every command
is a method that raises `Refused` before it changes anything.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from tigerex_core.capacity import Capacity
from tigerex_core.records import (
    CLEARING_ACCOUNT,
    COMMAND_WIDTH,
    EVENT_WIDTH,
    FEES_ACCOUNT,
    WORLD_ACCOUNT,
    AccountKind,
    Command,
    CommandKind,
    Event,
    EventKind,
    MarketState,
    OrderType,
    Reason,
    Rows,
    Side,
    TimeInForce,
    pack_name,
)

LIMIT = 2**62 - 1  # the largest amount, and the most that all accounts may owe of one asset
FILLS_MAX = 512
Name = tuple[int, ...]
NO_NAME: Name = (0,) * 5
MAIN: Name = tuple(int(word) for word in pack_name("main"))


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    def __init__(self, reason: Reason, column: Command) -> None:
        super().__init__(reason.name)
        self.reason = reason
        self.column = column


def need(condition: bool, reason: Reason, column: Command) -> None:
    if not condition:
        raise Refused(reason, column)


def good_name(name: Name) -> bool:
    raw = b"".join((word % 2**64).to_bytes(8, "little") for word in name)
    text = raw.rstrip(b"\0")
    return bool(text) and all(0x20 <= character < 0x7F for character in text)


@dataclass
class Account:
    user: int
    kind: int
    name: Name
    tier: int = 0
    frozen: int = 0
    epoch: int = 0

    @property
    def may_owe(self) -> bool:
        return self.kind in (AccountKind.HOUSE, AccountKind.SYSTEM)


@dataclass
class Market:
    base: int
    quote: int
    lot: int
    unit: int
    price_max: int
    quantity_max: int
    notional_min: int
    name: Name
    state: int = MarketState.OPEN
    trades: int = 0


@dataclass
class Order:
    order_id: int
    account: int
    market: int
    side: int
    price: int
    quantity: int
    remaining: int
    name: Name


@dataclass
class Transfer:
    source: int
    target: int
    asset: int
    amount: int


@dataclass
class Reference:
    """One exchange."""

    capacity: Capacity
    assets: list[tuple[Name, int]] = field(default_factory=list)
    markets: list[Market] = field(default_factory=list)
    users: list[Name] = field(default_factory=list)
    accounts: dict[int, Account] = field(default_factory=dict)
    tiers: dict[int, tuple[int, int]] = field(default_factory=dict)
    available: dict[tuple[int, int], int] = field(default_factory=dict)
    held: dict[tuple[int, int], int] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)  # open ones, by id: oldest first
    order_ids: int = 0
    transfers: dict[tuple[int, int], Transfer] = field(default_factory=dict)
    window: OrderedDict[tuple[int, int], tuple[tuple[int, ...], int]] = field(
        default_factory=OrderedDict
    )
    time_ns: int = 0

    def __post_init__(self) -> None:
        names = {WORLD_ACCOUNT: "world", FEES_ACCOUNT: "fees", CLEARING_ACCOUNT: "clearing"}
        for account, name in names.items():
            words = tuple(int(word) for word in pack_name(name))
            self.accounts[account] = Account(0, AccountKind.SYSTEM, words)

    def apply(self, commands: Rows, seq: int) -> list[list[int]]:
        self.events: list[list[int]] = []
        for index, row in enumerate(commands.tolist()):
            assert len(row) == COMMAND_WIDTH
            self.index = index
            self.row: list[int] = row
            self.name: Name = tuple(row[Command.NAME :])
            self.time_ns = max(self.time_ns, row[Command.TIME_NS])
            self._answer(seq)
        return self.events

    def totals(self) -> dict[int, int]:
        """Per asset the sum over all accounts."""
        sums: dict[int, int] = {}
        for held in (self.available, self.held):
            for (_, asset), amount in held.items():
                sums[asset] = sums.get(asset, 0) + amount
        return sums

    def balances(self, account: int) -> dict[int, tuple[int, int]]:
        return {
            asset: (amount, self.held[owner, asset])
            for (owner, asset), amount in self.available.items()
            if owner == account
        }

    def _answer(self, seq: int) -> None:
        row = self.row
        request = (row[Command.REQUEST_HI], row[Command.REQUEST_LO])
        if request != (0, 0):
            content = (row[Command.KIND], *row[Command.ACCOUNT :])
            if request in self.window:
                seen, first = self.window[request]
                if seen == content:
                    self._emit(EventKind.DUPLICATE, value=first)
                else:
                    self._reject(Refused(Reason.REQUEST_ID_REUSED, Command.REQUEST_HI))
                return
            self.window[request] = (content, seq)
            if len(self.window) > self.capacity.window:
                self.window.popitem(last=False)
        try:
            self._run()
        except Refused as refused:
            self._reject(refused)

    def _emit(self, kind: EventKind, name: Name = NO_NAME, **columns: int) -> None:
        event = [0] * EVENT_WIDTH
        event[Event.KIND] = kind
        event[Event.TIME_NS] = self.time_ns
        event[Event.COMMAND] = self.index
        event[Event.REQUEST_HI] = self.row[Command.REQUEST_HI]
        event[Event.REQUEST_LO] = self.row[Command.REQUEST_LO]
        for column, value in columns.items():
            event[Event[column.upper()]] = int(value)
        event[Event.NAME :] = name
        self.events.append(event)

    def _reject(self, refused: Refused) -> None:
        self._emit(
            EventKind.REJECTED,
            self.name,
            account=self.row[Command.ACCOUNT],
            market=self.row[Command.MARKET],
            order_id=self.row[Command.ORDER_ID],
            reason=refused.reason,
            value=refused.column,
        )

    def _run(self) -> None:
        try:
            kind = CommandKind(self.row[Command.KIND])
        except ValueError:
            raise Refused(Reason.UNKNOWN_COMMAND, Command.KIND) from None
        getattr(self, f"_{kind.name.lower()}")()

    # Money

    def _ensure(self, account: int, asset: int) -> None:
        self.available.setdefault((account, asset), 0)
        self.held.setdefault((account, asset), 0)

    def _need_rows(self, *keys: tuple[int, int]) -> None:
        missing = sum(key not in self.available for key in keys)
        free = self.capacity.balances - len(self.available)
        need(missing <= free, Reason.CAPACITY, Command.ASSET)

    def _spendable(self, account: int, asset: int) -> int:
        available = self.available.get((account, asset), 0)
        if not self.accounts[account].may_owe:
            return available
        owed = sum(max(0, -units) for (_, of), units in self.available.items() if of == asset)
        return max(0, available) + LIMIT - owed

    def _need_money(self, account: int, asset: int, amount: int, column: Command) -> None:
        may_owe = self.accounts[account].may_owe
        reason = Reason.OVERFLOW if may_owe else Reason.INSUFFICIENT_BALANCE
        need(amount <= self._spendable(account, asset), reason, column)

    def _need_account(self, column: Command = Command.ACCOUNT) -> None:
        need(self.row[column] in self.accounts, Reason.UNKNOWN_ACCOUNT, column)

    def _need_asset(self, column: Command) -> None:
        need(1 <= self.row[column] <= len(self.assets), Reason.UNKNOWN_ASSET, column)

    def _need_market(self) -> Market:
        market = self.row[Command.MARKET]
        need(1 <= market <= len(self.markets), Reason.UNKNOWN_MARKET, Command.MARKET)
        return self.markets[market - 1]

    # What is traded

    def _tick(self) -> None:
        self._emit(EventKind.TICKED)

    def _create_asset(self) -> None:
        scale = self.row[Command.VALUE]
        need(good_name(self.name), Reason.INVALID_NAME, Command.NAME)
        taken = {name for name, _ in self.assets}
        need(self.name not in taken, Reason.NAME_TAKEN, Command.NAME)
        need(0 <= scale <= 8, Reason.INVALID_SCALE, Command.VALUE)
        need(len(self.assets) < self.capacity.assets, Reason.CAPACITY, Command.ASSET)
        self.assets.append((self.name, scale))
        self._emit(EventKind.ASSET_CREATED, self.name, asset=len(self.assets), value=scale)

    def _create_market(self) -> None:
        row = self.row
        base, quote = row[Command.ASSET], row[Command.AUX]
        tick, lot = row[Command.VALUE], row[Command.ORDER_ID]
        price_max, quantity_max = row[Command.PRICE], row[Command.QUANTITY]
        need(good_name(self.name), Reason.INVALID_NAME, Command.NAME)
        taken = {market.name for market in self.markets}
        need(self.name not in taken, Reason.NAME_TAKEN, Command.NAME)
        self._need_asset(Command.ASSET)
        self._need_asset(Command.AUX)
        need(base != quote, Reason.UNKNOWN_ASSET, Command.AUX)
        need(tick >= 1, Reason.INVALID_TICK_OR_LOT, Command.VALUE)
        need(lot >= 1, Reason.INVALID_TICK_OR_LOT, Command.ORDER_ID)
        need(price_max >= 1, Reason.INVALID_PRICE, Command.PRICE)
        need(quantity_max >= 1, Reason.INVALID_QUANTITY, Command.QUANTITY)
        need(tick * lot <= LIMIT, Reason.OVERFLOW, Command.VALUE)
        unit, rest = divmod(tick * lot, 10 ** self.assets[base - 1][1])
        need(rest == 0, Reason.INVALID_TICK_OR_LOT, Command.VALUE)
        need(quantity_max * lot <= LIMIT, Reason.OVERFLOW, Command.QUANTITY)
        need(price_max * quantity_max * unit <= LIMIT, Reason.OVERFLOW, Command.PRICE)
        need(row[Command.AMOUNT] >= 0, Reason.INVALID_AMOUNT, Command.AMOUNT)
        need(len(self.markets) < self.capacity.markets, Reason.CAPACITY, Command.MARKET)
        self._need_rows((FEES_ACCOUNT, base), (FEES_ACCOUNT, quote))
        self._ensure(FEES_ACCOUNT, base)
        self._ensure(FEES_ACCOUNT, quote)
        least = row[Command.AMOUNT]
        self.markets.append(
            Market(base, quote, lot, unit, price_max, quantity_max, least, self.name)
        )
        self._emit(
            EventKind.MARKET_CREATED,
            self.name,
            market=len(self.markets),
            asset=base,
            aux=quote,
            value=tick,
            order_id=lot,
            price=price_max,
            quantity=quantity_max,
            amount=least,
        )

    def _set_market_state(self) -> None:
        market, value = self._need_market(), self.row[Command.VALUE]
        need(value in list(MarketState), Reason.INVALID_STATE, Command.VALUE)
        market.state = value
        self._emit(EventKind.MARKET_STATE_SET, market=self.row[Command.MARKET], value=value)

    def _set_fee_tier(self) -> None:
        tier = self.row[Command.VALUE]
        maker, taker = self.row[Command.AMOUNT], self.row[Command.AUX]
        need(0 <= tier <= 15, Reason.INVALID_TIER, Command.VALUE)
        need(0 <= maker <= 100_000, Reason.INVALID_FEE, Command.AMOUNT)
        need(0 <= taker <= 100_000, Reason.INVALID_FEE, Command.AUX)
        self.tiers[tier] = (maker, taker)
        self._emit(EventKind.FEE_TIER_SET, value=tier, amount=maker, aux=taker)

    # Who trades

    def _create_user(self) -> None:
        need(good_name(self.name), Reason.INVALID_NAME, Command.NAME)
        need(self.name not in self.users, Reason.NAME_TAKEN, Command.NAME)
        need(len(self.users) < self.capacity.users, Reason.CAPACITY, Command.NAME)
        need(len(self.accounts) < self.capacity.accounts, Reason.CAPACITY, Command.ACCOUNT)
        self.users.append(self.name)
        account = len(self.accounts) + 1
        self._emit(EventKind.USER_CREATED, self.name, value=len(self.users), account=account)
        self._add_account(len(self.users), AccountKind.MAIN, MAIN)

    def _create_account(self) -> None:
        user, kind = self.row[Command.VALUE], self.row[Command.AUX]
        need(1 <= user <= len(self.users), Reason.UNKNOWN_USER, Command.VALUE)
        need(1 <= kind < AccountKind.SYSTEM, Reason.INVALID_KIND, Command.AUX)
        need(good_name(self.name), Reason.INVALID_NAME, Command.NAME)
        taken = {account.name for account in self.accounts.values() if account.user == user}
        need(self.name not in taken, Reason.NAME_TAKEN, Command.NAME)
        need(len(self.accounts) < self.capacity.accounts, Reason.CAPACITY, Command.ACCOUNT)
        self._add_account(user, kind, self.name)

    def _add_account(self, user: int, kind: int, name: Name) -> None:
        account = len(self.accounts) + 1
        self.accounts[account] = Account(user, kind, name)
        self._emit(EventKind.ACCOUNT_CREATED, name, account=account, value=user, aux=kind)

    def _set_account(self) -> None:
        tier, frozen = self.row[Command.VALUE], self.row[Command.AUX]
        self._need_account()
        need(0 <= tier <= 15, Reason.INVALID_TIER, Command.VALUE)
        need(frozen in (0, 1), Reason.INVALID_STATE, Command.AUX)
        account = self.accounts[self.row[Command.ACCOUNT]]
        account.tier, account.frozen = tier, frozen
        self._emit(EventKind.ACCOUNT_SET, account=self.row[Command.ACCOUNT], value=tier, aux=frozen)

    def _advance_epoch(self) -> None:
        self._need_account()
        account, epoch = self.accounts[self.row[Command.ACCOUNT]], self.row[Command.EPOCH]
        need(epoch > account.epoch, Reason.STALE_EPOCH, Command.EPOCH)
        account.epoch = epoch
        self._emit(
            EventKind.EPOCH_ADVANCED,
            account=self.row[Command.ACCOUNT],
            value=epoch,
            aux=self.row[Command.VALUE],
        )

    # Transfers

    def _need_movement(self) -> Transfer:
        row = self.row
        move = Transfer(
            row[Command.ACCOUNT], row[Command.TO_ACCOUNT], row[Command.ASSET], row[Command.AMOUNT]
        )
        self._need_account()
        self._need_account(Command.TO_ACCOUNT)
        need(move.source != move.target, Reason.SAME_ACCOUNT, Command.TO_ACCOUNT)
        self._need_asset(Command.ASSET)
        need(move.amount >= 1, Reason.INVALID_AMOUNT, Command.AMOUNT)
        need(not self.accounts[move.source].frozen, Reason.ACCOUNT_FROZEN, Command.ACCOUNT)
        self._need_money(move.source, move.asset, move.amount, Command.AMOUNT)
        self._need_rows((move.source, move.asset), (move.target, move.asset))
        return move

    def _emit_transfer(self, kind: EventKind, move: Transfer, key: tuple[int, int]) -> None:
        self._emit(
            kind,
            account=move.source,
            other_account=move.target,
            asset=move.asset,
            amount=move.amount,
            value=key[0],
            aux=key[1],
        )

    def _transfer(self) -> None:
        move = self._need_movement()
        self._ensure(move.source, move.asset)
        self._ensure(move.target, move.asset)
        self.available[move.source, move.asset] -= move.amount
        self.available[move.target, move.asset] += move.amount
        self._emit_transfer(EventKind.TRANSFERRED, move, (0, 0))

    def _reserve_transfer(self) -> None:
        key = (self.row[Command.VALUE], self.row[Command.AUX])
        move = self._need_movement()
        need(key not in self.transfers, Reason.TRANSFER_EXISTS, Command.VALUE)
        free = self.capacity.transfers - len(self.transfers)
        need(free > 0, Reason.CAPACITY, Command.VALUE)
        self._ensure(move.source, move.asset)
        self._ensure(move.target, move.asset)
        self.available[move.source, move.asset] -= move.amount
        self.held[move.source, move.asset] += move.amount
        self.transfers[key] = move
        self._emit_transfer(EventKind.TRANSFER_RESERVED, move, key)

    def _end_transfer(self, kind: EventKind) -> None:
        key = (self.row[Command.VALUE], self.row[Command.AUX])
        need(key in self.transfers, Reason.UNKNOWN_TRANSFER, Command.VALUE)
        move = self.transfers.pop(key)
        gets = move.target if kind is EventKind.TRANSFER_POSTED else move.source
        self.held[move.source, move.asset] -= move.amount
        self.available[gets, move.asset] += move.amount
        self._emit_transfer(kind, move, key)

    def _post_transfer(self) -> None:
        self._end_transfer(EventKind.TRANSFER_POSTED)

    def _void_transfer(self) -> None:
        self._end_transfer(EventKind.TRANSFER_VOIDED)

    # Orders

    def _need_trader(self) -> None:
        self._need_account()
        account, epoch = self.accounts[self.row[Command.ACCOUNT]], self.row[Command.EPOCH]
        system = account.kind == AccountKind.SYSTEM
        need(not system, Reason.ACCOUNT_CANNOT_TRADE, Command.ACCOUNT)
        need(not account.frozen, Reason.ACCOUNT_FROZEN, Command.ACCOUNT)
        need(epoch >= account.epoch, Reason.STALE_EPOCH, Command.EPOCH)

    def _need_terms(self, market: Market) -> None:
        row = self.row
        side, kind = row[Command.SIDE], row[Command.ORDER_TYPE]
        tif, post_only = row[Command.TIME_IN_FORCE], row[Command.POST_ONLY]
        price, quantity = row[Command.PRICE], row[Command.QUANTITY]
        need(market.state == MarketState.OPEN, Reason.MARKET_HALTED, Command.MARKET)
        need(side in list(Side), Reason.INVALID_SIDE, Command.SIDE)
        need(kind in list(OrderType), Reason.INVALID_ORDER_TYPE, Command.ORDER_TYPE)
        limit = kind == OrderType.LIMIT
        tif_good = tif == TimeInForce.IOC or (limit and tif == TimeInForce.GTC)
        need(tif_good, Reason.INVALID_TIME_IN_FORCE, Command.TIME_IN_FORCE)
        post_good = post_only == 0 or (post_only == 1 and tif == TimeInForce.GTC)
        need(post_good, Reason.INVALID_TIME_IN_FORCE, Command.POST_ONLY)
        price_good = 1 <= price <= market.price_max if limit else price == 0
        need(price_good, Reason.INVALID_PRICE, Command.PRICE)
        size_good = 1 <= quantity <= market.quantity_max
        need(size_good, Reason.INVALID_QUANTITY, Command.QUANTITY)
        enough = not limit or price * quantity * market.unit >= market.notional_min
        need(enough, Reason.MIN_NOTIONAL, Command.QUANTITY)

    def _named_order(self) -> Order | None:
        for order in self.orders.values():
            if order.account == self.row[Command.ACCOUNT] and order.name == self.name:
                return order
        return None

    def _place_order(self) -> None:
        row = self.row
        self._need_trader()
        market = self._need_market()
        self._need_terms(market)
        account, side, price = row[Command.ACCOUNT], row[Command.SIDE], row[Command.PRICE]
        lots = row[Command.QUANTITY]
        gtc = row[Command.TIME_IN_FORCE] == TimeInForce.GTC
        pays, gets = market.base, market.quote
        amount = lots * market.lot
        if side == Side.BUY:
            pays, gets, amount = gets, pays, price * lots * market.unit
        if self.name != NO_NAME:
            need(good_name(self.name), Reason.INVALID_NAME, Command.NAME)
            taken = self._named_order() is not None
            need(not taken, Reason.CLIENT_ORDER_ID_TAKEN, Command.NAME)
        order = Order(
            self.order_ids + 1, account, row[Command.MARKET], side, price, lots, lots, self.name
        )
        takes = row[Command.POST_ONLY] == 1 and self._best(order) is not None
        need(not takes, Reason.WOULD_TAKE, Command.PRICE)
        full = len(self.orders) >= self.capacity.orders
        need(not (gtc and full), Reason.CAPACITY, Command.ORDER_ID)
        self._need_money(account, pays, max(amount, 1), Command.QUANTITY)
        self._need_rows((account, pays), (account, gets))
        self._ensure(account, pays)
        self._ensure(account, gets)
        self.order_ids += 1
        self.available[account, pays] -= amount
        self.held[account, pays] += amount
        how = row[Command.ORDER_TYPE] + 16 * row[Command.TIME_IN_FORCE]
        self._emit_order(
            EventKind.ORDER_ACCEPTED,
            order,
            self.name,
            asset=pays,
            amount=amount,
            aux=row[Command.AUX],
            value=how + 256 * row[Command.POST_ONLY],
        )
        self._match(order, market)
        if order.remaining:
            self._end(order, gtc)

    def _end(self, order: Order, gtc: bool) -> None:
        """Rest or expire what matching left."""
        best = self._best(order)
        reason = Reason.NONE
        if best is not None:
            money_ran_out = (
                not order.price and order.side == Side.BUY and not self._lots(order, best)
            )
            reason = Reason.INSUFFICIENT_BALANCE if money_ran_out else Reason.CAPACITY
        if gtc and best is None:
            self.orders[order.order_id] = order
            self._emit_order(EventKind.ORDER_RESTED, order)
        else:
            self._emit_order(EventKind.ORDER_EXPIRED, order, reason=reason)
            self._release(order)

    def _emit_order(
        self, kind: EventKind, order: Order, name: Name = NO_NAME, **columns: int
    ) -> None:
        self._emit(
            kind,
            name,
            account=order.account,
            market=order.market,
            order_id=order.order_id,
            side=order.side,
            price=order.price,
            quantity=order.quantity,
            remaining=order.remaining,
            **columns,
        )

    def _best(self, taker: Order) -> Order | None:
        """The order that the taker would trade with next."""
        buys = taker.side == Side.BUY
        others = [
            order
            for order in self.orders.values()
            if order.market == taker.market
            and order.side != taker.side
            and (
                not taker.price
                or (order.price <= taker.price if buys else order.price >= taker.price)
            )
        ]
        return min(
            others,
            key=lambda order: (order.price if buys else -order.price, order.order_id),
            default=None,
        )

    def _lots(self, taker: Order, maker: Order) -> int:
        """How many lots a market buy could pay at the maker's price."""
        market = self.markets[taker.market - 1]
        money = self._spendable(taker.account, market.quote)
        return money // (maker.price * market.unit)

    def _match(self, taker: Order, market: Market) -> None:
        for _ in range(FILLS_MAX):
            maker = self._best(taker) if taker.remaining else None
            if maker is None:
                return
            lots = min(taker.remaining, maker.remaining)
            if not taker.price and taker.side == Side.BUY:
                lots = min(lots, self._lots(taker, maker))
                if not lots:
                    return
            self._trade(taker, maker, lots, market)

    def _fee(self, account: int, amount: int, *, maker: bool) -> int:
        ppm = self.tiers.get(self.accounts[account].tier, (0, 0))[0 if maker else 1]
        return -(-amount * ppm // 1_000_000)

    def _trade(self, taker: Order, maker: Order, lots: int, market: Market) -> None:
        notional, base = maker.price * lots * market.unit, lots * market.lot
        buyer, seller = (taker, maker) if taker.side == Side.BUY else (maker, taker)
        if buyer.price:
            reserved = buyer.price * lots * market.unit
            self.held[buyer.account, market.quote] -= reserved
            self.available[buyer.account, market.quote] += reserved - notional
        else:
            self.available[buyer.account, market.quote] -= notional
        self.held[seller.account, market.base] -= base
        base_fee = self._fee(buyer.account, base, maker=buyer is maker)
        quote_fee = self._fee(seller.account, notional, maker=seller is maker)
        self.available[buyer.account, market.base] += base - base_fee
        self.available[seller.account, market.quote] += notional - quote_fee
        self.available[FEES_ACCOUNT, market.base] += base_fee
        self.available[FEES_ACCOUNT, market.quote] += quote_fee
        taker.remaining -= lots
        maker.remaining -= lots
        if not maker.remaining:
            del self.orders[maker.order_id]
        market.trades += 1
        self._emit(
            EventKind.TRADED,
            account=taker.account,
            market=taker.market,
            order_id=taker.order_id,
            side=taker.side,
            price=maker.price,
            quantity=lots,
            remaining=maker.remaining,
            amount=notional,
            fee=base_fee if taker is buyer else quote_fee,
            other_account=maker.account,
            other_order=maker.order_id,
            trade_id=market.trades,
            value=quote_fee if taker is buyer else base_fee,
            aux=taker.remaining,
        )

    def _release(self, order: Order) -> None:
        market = self.markets[order.market - 1]
        asset, amount = market.base, order.remaining * market.lot
        if order.side == Side.BUY:
            asset, amount = market.quote, order.price * order.remaining * market.unit
        self.held[order.account, asset] -= amount
        self.available[order.account, asset] += amount

    def _cancel_order(self) -> None:
        row = self.row
        self._need_account()
        epoch = row[Command.EPOCH]
        current = self.accounts[row[Command.ACCOUNT]].epoch
        need(epoch == 0 or epoch >= current, Reason.STALE_EPOCH, Command.EPOCH)
        by_id = row[Command.ORDER_ID] != 0
        order = self.orders.get(row[Command.ORDER_ID]) if by_id else None
        if not by_id and self.name != NO_NAME:
            order = self._named_order()
        column = Command.ORDER_ID if by_id else Command.NAME
        if order is None or order.account != row[Command.ACCOUNT]:
            raise Refused(Reason.UNKNOWN_ORDER, column)
        del self.orders[order.order_id]
        self._emit_order(EventKind.ORDER_CANCELED, order, order.name)
        self._release(order)
