"""Random commands for the core: every kind of order around one price, and some of everything else.

A seed gives the commands; hypothesis chooses seeds and lengths. Drawing each column by hypothesis
was tried: its short, simple examples hardly ever trade.

Few accounts, few prices, few lots and dates: everything meets everything. What is drawn is also
given to a reference, so that cancels and amendments mostly name orders that are open, and halted
markets open again.
"""

from collections.abc import Sequence
from random import Random

from tests.support.core_rows import (
    ADA,
    BOB,
    HOUSE,
    MARKET,
    MONEY,
    Row,
    command,
    exchange,
    rows_of,
    transfer,
)
from tests.support.reference import Reference

from tigerex_core.capacity import Capacity
from tigerex_core.records import (
    NAME_WORDS,
    WORLD_ACCOUNT,
    AccountKind,
    Command,
    CommandKind,
    MarketLimit,
    MarketState,
    OrderType,
    Side,
    TimeInForce,
    pack_name,
)

# So small that random commands fill every table.
SMALL = Capacity(
    assets=5, markets=4, users=6, accounts=14, balances=34, orders=22, transfers=3, window=24
)

BONUS = 3  # an asset in which fees can be paid
BONUS_MARKET = 2  # against the quote asset of MARKET
ADA_TOO = 7  # ADA's other account
START_MONEY = 20_000

NAMES = ["", "a", "b", "c", "order-0123456789", "x" * 40]
TRADERS = [ADA, ADA, ADA_TOO, BOB, BOB, HOUSE]
ACCOUNTS = [*range(16), ADA, BOB, HOUSE, ADA_TOO]
ASSETS = [1, 1, 1, 2, 2, 2, 3, 0, 6]
MARKETS = [MARKET] * 8 + [BONUS_MARKET] * 2
AMOUNTS = [-1, 0, 1, 7, 100, 1_500, MONEY, 2**62 - 1, 2**62, 2**63 - 1]
NONSENSE = [-1, 0, 1, 3, 2**62, 2**63 - 1, -(2**63), 0x2020]
PRICE_LOW, PRICE_HIGH = 94, 106
LOTS = [1, 2, 5, 10, 30]
DATE_SPAN = 12  # orders live so long at most

ORDER_TYPES = [
    *[OrderType.LIMIT] * 6,
    *[OrderType.MARKET] * 2,
    OrderType.STOP_LOSS,
    OrderType.STOP_LOSS_LIMIT,
    OrderType.STOP_LOSS_LIMIT,
    OrderType.TAKE_PROFIT,
    OrderType.TAKE_PROFIT_LIMIT,
]
TIMES_IN_FORCE = [
    *[TimeInForce.GTC] * 6,
    TimeInForce.IOC,
    *[TimeInForce.FOK] * 2,
    TimeInForce.GTD,
    TimeInForce.GTD,
]

REPEAT_SHARE, REQUEST_SHARE, NONSENSE_SHARE = 0.04, 0.3, 0.05
STRANGE_SHARE = 0.03  # of a single choice that ought to be refused


def start(money: int = START_MONEY) -> list[Row]:
    """An exchange with two markets; ADA with two accounts and a house of her own, BOB."""
    create = CommandKind.CREATE_MARKET
    rows = [
        *exchange(money=money).tolist(),
        command(CommandKind.CREATE_ASSET, "BONUS", value=1),
        command(create, "bonus", asset=BONUS, aux=2, value=2, order_id=5, price=200, quantity=900),
        command(CommandKind.CREATE_ACCOUNT, "too", value=1, aux=AccountKind.BOT),
        command(CommandKind.SET_FEE_TIER, amount=1_000, aux=2_500),
        command(CommandKind.SET_FEE_DISCOUNT, asset=BONUS, amount=250_000),
        command(CommandKind.SET_FEE_PAYMENT, account=ADA, value=1),
        command(CommandKind.SET_FEE_PAYMENT, account=HOUSE, value=1),
        _rule(MarketLimit.BREAKER_PPM, 50_000),
        _rule(MarketLimit.BREAKER_WINDOW_NS, 20),
    ]
    for account in (ADA, BOB, ADA_TOO):
        rows += [transfer(WORLD_ACCOUNT, account, asset, money // 8) for asset in (1, 2, BONUS)]
    return rows


def _rule(which: MarketLimit, value: int) -> Row:
    return command(CommandKind.SET_MARKET_LIMIT, market=MARKET, value=which, amount=value)


def commands(seed: int, count: int) -> list[Row]:
    """The first `count` commands of this seed."""
    return Draw(seed).rows(count)


class Draw:
    """A seed's choices."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.time_ns = 0
        self.known = Reference(SMALL)
        self.known.apply(rows_of(start()), 1)

    def rows(self, count: int) -> list[Row]:
        rows: list[Row] = []
        for _ in range(count):
            if rows and self.random.random() < REPEAT_SHARE:
                row = list(self.random.choice(rows))
            else:
                row = self._fresh()
            rows.append(row)
            self.known.apply(rows_of([row]), 2)
        return rows

    def _fresh(self) -> Row:
        random = self.random
        self.time_ns += random.choice([0, 0, 0, 0, 0, 0, 1, 1, 2, random.randrange(DATE_SPAN)])
        row = self._reopening() or self._command()
        row[Command.TIME_NS] = self.time_ns - random.choice([0, 0, 0, 3])
        if random.random() < REQUEST_SHARE:
            row[Command.REQUEST_LO] = random.randrange(1, 400)
        if random.random() < NONSENSE_SHARE:
            row[random.randrange(len(row))] = random.choice(NONSENSE)
        return row

    def _reopening(self) -> Row | None:
        """Open a market again, after some commands."""
        closed = [
            number
            for number, market in enumerate(self.known.site.markets, start=1)
            if market.state != MarketState.OPEN
        ]
        if not closed or self.random.random() < 0.8:
            return None
        market = self.random.choice(closed)
        kind = CommandKind.SET_MARKET_STATE
        return command(kind, market=market, value=MarketState.OPEN)

    def _command(self) -> Row:
        draws = [self._order, self._list, self._cancel, self._amend, self._cancel_all]
        draws += [self._movement, self._market_rule, self._setting]
        shares = [54, 9, 6, 8, 1.5, 8, 9, 5]
        return self.random.choices(draws, shares)[0]()

    def _pick(self, usual: Sequence[int], strange: Sequence[int]) -> int:
        return self.random.choice(strange if self.random.random() < STRANGE_SHARE else usual)

    def _price(self) -> int:
        return self._pick(list(range(PRICE_LOW, PRICE_HIGH + 1)), [0, -1, 1, 1_000, 1_001])

    def _lots(self) -> int:
        return self._pick(LOTS, [0, -1, 300, 1_000, 1_001])

    def _market(self) -> int:
        return self._pick(MARKETS, [0, 3, 4])

    def _trader(self) -> int:
        return self._pick(TRADERS, [0, WORLD_ACCOUNT, 8, 99])

    def _epoch(self) -> int:
        return self.random.choice([2, 2, 2, 2, 2, 2, 2, 1, 0])

    def _self_trade(self) -> int:
        return self._pick([0, 0, 0, 1, 2, 3, 4, 5], [-1, 6])

    def _some_name(self) -> str:
        return self.random.choice(NAMES) if self.random.random() < 0.4 else ""

    def _display(self, lots: int) -> int:
        """Mostly none; else a part, sometimes one that is refused."""
        if self.random.random() < 0.8:
            return 0
        return self._pick([max(1, lots // 4), max(1, lots // 2), 1], [-1, lots, 2])

    def _order(self) -> Row:
        random = self.random
        order_type = self._pick(ORDER_TYPES, [0, 7])
        stop = order_type >= OrderType.STOP_LOSS
        at_market = order_type in (OrderType.MARKET, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT)
        lots, tif = self._lots(), random.choice(TIMES_IN_FORCE)
        if at_market and random.random() < 0.9:
            tif = TimeInForce.GTD if tif == TimeInForce.GTD else TimeInForce.GTC
            tif = tif if stop else TimeInForce.IOC
        columns = {
            "price": self._pick([0], [5]) if at_market else self._price(),
            "quantity": lots,
            "stop_price": self._pick([self._price()] if stop else [0], [0, 100]),
            "expire_ns": self._expiry() if tif == TimeInForce.GTD else self._pick([0], [9]),
        }
        if order_type == OrderType.MARKET and random.random() < 0.3:
            columns["quantity"] = self._pick([0], [1])
            columns["amount"] = self._pick([50, 99, 100, 1_234, 4_000], [-5, 0, 2**62])
        if stop and random.random() < 0.25:
            columns["trailing"] = self._pick([100, 300, 1_000, 9_999], [-1, 10_000])
            columns["stop_price"] = random.choice([0, self._price()])
        if not at_market or random.random() < STRANGE_SHARE:
            columns["display"] = self._display(lots)
        if random.random() < (0.1 if order_type == OrderType.LIMIT else STRANGE_SHARE):
            columns["post_only"] = self._pick([1], [2])
        return command(
            CommandKind.PLACE_ORDER,
            self._some_name(),
            account=self._trader(),
            epoch=self._epoch(),
            market=self._market(),
            side=self._pick(list(Side), [0, 3]),
            order_type=order_type,
            time_in_force=tif,
            self_trade=self._self_trade(),
            aux=random.randrange(9),
            **columns,
        )

    def _expiry(self) -> int:
        return self._pick(
            [self.time_ns + 1 + self.random.randrange(2 * DATE_SPAN)],
            [0, self.time_ns, -1, 2**63 - 1],
        )

    def _list(self) -> Row:
        random, side = self.random, self._pick(list(Side), [0, 3])
        prices = sorted([self._price(), self._price()], reverse=side == Side.SELL)
        if random.random() < STRANGE_SHARE:
            prices.reverse()
        lots = self._lots()
        row = command(
            CommandKind.PLACE_OCO,
            self._some_name(),
            account=self._trader(),
            epoch=self._epoch(),
            market=self._market(),
            side=side,
            quantity=lots,
            self_trade=self._self_trade(),
            aux=random.randrange(9),
            price=prices[0],
            display=self._display(lots),
            stop_price=prices[1],
            amount=random.choice([0, prices[1], self._price()]),
        )
        if random.random() < 0.3:
            row[Command.TRAILING] = self._pick([100, 500], [-1, 10_000])
            row[Command.STOP_PRICE] = random.choice([0, prices[1]])
        for column in (Command.OTHER_NAME, Command.LIST_NAME):
            row[column : column + NAME_WORDS] = [int(word) for word in pack_name(self._some_name())]
        return row

    def _named(self, kind: CommandKind, **columns: int) -> Row:
        """A command about an open order, by its id or its client order id, or about none."""
        orders = list(self.known.site.orders.values())
        row = command(kind, account=self._trader(), epoch=self._epoch(), **columns)
        if not orders or self.random.random() < 0.1:
            row[Command.ORDER_ID] = self.random.randrange(9)
            return row
        order = self.random.choice(orders)
        row[Command.ACCOUNT] = order.account
        if self.random.random() < 0.3:
            row[Command.NAME : Command.NAME + NAME_WORDS] = order.name
        else:
            row[Command.ORDER_ID] = order.order_id
        return row

    def _cancel(self) -> Row:
        return self._named(CommandKind.CANCEL_ORDER)

    def _amend(self) -> Row:
        return self._named(
            CommandKind.AMEND_ORDER,
            quantity=self._pick([1, 2, 3, 6, 12, 40], [0, -1, 1_000, 1_001]),
        )

    def _cancel_all(self) -> Row:
        return command(
            CommandKind.CANCEL_ALL,
            account=self.random.choice([0, 0, *TRADERS, 99]),
            epoch=self.random.choice([0, 1, 2]),
            market=self._market(),
        )

    def _movement(self) -> Row:
        kind = self.random.choice(
            [
                *[CommandKind.TRANSFER] * 2,
                *[CommandKind.RESERVE_TRANSFER] * 2,
                CommandKind.POST_TRANSFER,
                CommandKind.VOID_TRANSFER,
            ]
        )
        return command(
            kind,
            account=self.random.choice(ACCOUNTS if self.random.random() < 0.5 else TRADERS),
            to_account=self.random.choice(ACCOUNTS),
            asset=self.random.choice(ASSETS),
            amount=self.random.choice(AMOUNTS),
            value=self.random.randrange(3),
            aux=self.random.randrange(2),
        )

    def _market_rule(self) -> Row:
        """A state (mostly open: nothing happens elsewhere), or a limit (mostly none)."""
        random, market = self.random, self._market()
        if random.random() < 0.45:
            value = random.choice([*[1] * 12, 2, 2, 2, 3, 3, 0, 5])
            if random.random() < 0.02:
                value = MarketState.DELISTING
            return command(CommandKind.SET_MARKET_STATE, market=market, value=value)
        which = random.choice([*MarketLimit, 0, 18] if random.random() < 0.1 else list(MarketLimit))
        values = LIMIT_VALUES.get(which, [0])
        value = self._pick(values, [-1, 0, 2**62, 10**9 + 1, 2**63 - 1])
        return command(CommandKind.SET_MARKET_LIMIT, market=market, value=which, amount=value)

    def _setting(self) -> Row:
        random = self.random
        kind = random.choice(_SETTINGS)
        columns: dict[str, int] = {}
        name = random.choice(NAMES)
        match kind:
            case CommandKind.CREATE_ASSET:
                columns = {"value": random.randint(-1, 9)}
            case CommandKind.CREATE_MARKET:
                limits = random.choice([1_000, 1_000, 200, 0, 2**31, 2**62])
                columns = {
                    "asset": random.choice(ASSETS),
                    "aux": random.choice(ASSETS),
                    "value": random.choice([10, 10, 20, 3, 0, 2**62]),
                    "order_id": random.choice([10, 10, 100, 0]),
                    "price": limits,
                    "quantity": random.choice([limits, 1_000, 0]),
                    "amount": random.choice([0, 500, -1]),
                }
            case CommandKind.SET_FEE_TIER:
                columns = {
                    "value": random.choice([0, 0, 1, 16]),
                    "amount": random.choice([0, 1, 1_000, 100_000, -1]),
                    "aux": random.choice([0, 2_500, 33_333, 100_001]),
                }
            case CommandKind.SET_FEE_DISCOUNT:
                columns = {
                    "asset": random.choice([BONUS, BONUS, 0, 1, 2, 6]),
                    "amount": random.choice([0, 1, 250_000, 10**6, 10**6 + 1, -1]),
                }
            case CommandKind.SET_FEE_PAYMENT:
                columns = {
                    "account": self._trader(),
                    "value": self._pick([0, 1, 1], [2, -1]),
                }
            case CommandKind.CREATE_ACCOUNT:
                columns = {
                    "value": random.randint(0, 4),
                    "aux": random.randint(0, AccountKind.SYSTEM),
                }
            case CommandKind.SET_ACCOUNT:
                columns = {
                    "account": random.choice(ACCOUNTS),
                    "value": random.choice([0, 1, 2, 16]),
                    "aux": random.choice([0, 0, 0, 0, 0, 1, 2]),
                }
            case CommandKind.ADVANCE_EPOCH:
                columns = {
                    "account": random.choice([HOUSE, ADA_TOO, 0, 20]),
                    "epoch": random.choice([0, 1, 1, 2]),
                    "value": random.randrange(6),
                }
            case _:
                pass
        return command(kind, name, **columns)


# 0 where there is no limit: most of the time, so that few orders are refused for each of them.
LIMIT_VALUES: dict[int, list[int]] = {
    MarketLimit.PRICE_MIN: [1, 1, 1, 92],
    MarketLimit.QUANTITY_MIN: [1, 1, 2],
    MarketLimit.NOTIONAL_MIN: [0, 0, 150],
    MarketLimit.NOTIONAL_MAX: [0, 0, 2_500],
    MarketLimit.NOTIONAL_OF_MARKET_ORDERS: [0, 1],
    MarketLimit.MARKET_QUANTITY_MAX: [0, 0, 12],
    MarketLimit.ORDERS_MAX: [0, 0, 3],
    MarketLimit.STOPS_MAX: [0, 0, 2],
    MarketLimit.ICEBERGS_MAX: [0, 0, 1],
    MarketLimit.POSITION_MAX: [0, 0, 300, 2_000],
    MarketLimit.BID_UP_PPM: [0, 0, 1_050_000],
    MarketLimit.BID_DOWN_PPM: [0, 0, 930_000],
    MarketLimit.ASK_UP_PPM: [0, 0, 1_100_000],
    MarketLimit.ASK_DOWN_PPM: [0, 0, 950_000],
    MarketLimit.BREAKER_PPM: [0, 0, 40_000, 100_000],
    MarketLimit.BREAKER_WINDOW_NS: [5, 20, 60 * 10**9],
    MarketLimit.SELF_TRADE: [1, 1, 2, 3, 4, 5],
}

_SETTINGS = [
    CommandKind.TICK,
    CommandKind.CREATE_ASSET,
    CommandKind.CREATE_MARKET,
    CommandKind.SET_FEE_TIER,
    CommandKind.SET_FEE_DISCOUNT,
    CommandKind.SET_FEE_PAYMENT,
    CommandKind.SET_FEE_PAYMENT,
    CommandKind.CREATE_USER,
    CommandKind.CREATE_ACCOUNT,
    CommandKind.SET_ACCOUNT,
    CommandKind.ADVANCE_EPOCH,
]
