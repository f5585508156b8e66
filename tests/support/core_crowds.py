"""Random crowds of orders: what meets the bounds of one command (fills, steps, cancels, parts of
icebergs, trailing stops), which a few orders never reach."""

from random import Random

from tests.support.core_random import ADA_TOO
from tests.support.core_rows import ADA, BOB, HOUSE, MARKET, Row, command

from tigerex_core.records import (
    Command,
    CommandKind,
    MarketLimit,
    MarketState,
    OrderType,
    SelfTrade,
    Side,
    TimeInForce,
)

PRICES = range(97, 104)
TRADERS = [ADA, ADA_TOO, BOB, HOUSE]
CROWDS = [30, 70, 140, 280]
DATE_SPAN = 3


class Crowds:
    """A seed's batches of commands, each of them one crowd or one that meets it."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.time_ns = 0

    def batch(self) -> list[Row]:
        draws = [self._makers, self._stops, self._icebergs, self._takers, self._rules, self._ticks]
        rows = self.random.choices(draws, [30, 22, 8, 30, 8, 12])[0]()
        for row in rows:
            row[Command.TIME_NS] = self.time_ns
        return rows

    def _order(self, **columns: int) -> Row:
        random = self.random
        row = command(
            CommandKind.PLACE_ORDER,
            account=random.choice(TRADERS),
            market=MARKET,
            side=random.choice(list(Side)),
            order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTC,
            price=random.choice(PRICES),
            quantity=random.choice([1, 1, 1, 2]),
        )
        for column, value in columns.items():
            row[Command[column.upper()]] = value
        return row

    def _count(self) -> int:
        return self.random.choice(CROWDS)

    def _makers(self) -> list[Row]:
        """On one side of the book, some of them with a date."""
        random, side = self.random, self.random.choice(list(Side))
        dated = {"time_in_force": TimeInForce.GTD, "expire_ns": self.time_ns + DATE_SPAN}
        middle = random.choice(PRICES)
        rows = []
        for _ in range(self._count()):
            columns = dated if random.random() < 0.4 else {}
            price = middle + random.randint(0, 2) * (1 if side == Side.SELL else -1)
            rows.append(self._order(side=side, price=price, **columns))
        return rows

    def _stops(self) -> list[Row]:
        random, rows = self.random, []
        trailing = random.random() < 0.3
        for _ in range(self._count()):
            kind = random.choice(list(OrderType)[2:])
            limit = kind in (OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT)
            rows.append(
                self._order(
                    order_type=kind,
                    price=random.choice(PRICES) if limit else 0,
                    stop_price=0 if trailing else random.choice(PRICES),
                    trailing=random.choice([100, 200, 300]) if trailing else 0,
                    time_in_force=random.choice([TimeInForce.GTC, TimeInForce.FOK])
                    if limit
                    else TimeInForce.GTC,
                )
            )
        return rows

    def _icebergs(self) -> list[Row]:
        return [self._order(quantity=100, display=1) for _ in range(4)]

    def _takers(self) -> list[Row]:
        random, rows = self.random, []
        if random.random() < 0.4:  # they meet orders whose date has come
            self.time_ns += DATE_SPAN
        for _ in range(random.choice([1, 3])):
            tif = random.choice([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK])
            row = self._order(
                quantity=random.choice([60, 200, 255, 256, 257, 300]), time_in_force=tif
            )
            row[Command.SELF_TRADE] = random.choice([0, *SelfTrade])
            if random.random() < 0.3:
                row[Command.ORDER_TYPE] = OrderType.MARKET
                row[Command.TIME_IN_FORCE], row[Command.PRICE] = TimeInForce.IOC, 0
                if random.random() < 0.5:
                    row[Command.QUANTITY], row[Command.AMOUNT] = 0, random.randint(5_000, 40_000)
            rows.append(row)
        return rows

    def _rules(self) -> list[Row]:
        random, kind = self.random, CommandKind
        choice = random.randrange(4)
        if choice == 0:
            halted = command(kind.SET_MARKET_STATE, market=MARKET, value=MarketState.HALTED)
            account = random.choice([0, *TRADERS])
            return [halted, command(kind.CANCEL_ALL, account=account, market=MARKET)]
        if choice == 1:
            return [
                command(
                    kind.SET_MARKET_LIMIT,
                    market=MARKET,
                    value=MarketLimit.BREAKER_PPM,
                    amount=random.choice([0, 15_000, 25_000]),
                )
            ]
        return [command(kind.SET_MARKET_STATE, market=MARKET, value=MarketState.OPEN)]

    def _ticks(self) -> list[Row]:
        self.time_ns += self.random.choice([0, 1, DATE_SPAN])
        opened = command(CommandKind.SET_MARKET_STATE, market=MARKET, value=MarketState.OPEN)
        return [opened] + [command(CommandKind.TICK)] * self.random.choice([1, 3])
