"""A real core with one market, a house that may go negative, and a user with money."""

import numpy as np

from tigerex_core import Capacity, Core
from tigerex_core.records import (
    COMMAND_WIDTH,
    WORLD_ACCOUNT,
    AccountKind,
    Command,
    CommandKind,
    Event,
    EventKind,
    OrderType,
    Rows,
    Side,
    TimeInForce,
    pack_name,
)
from tigerex_services.directory import Directory
from tigerex_services.feed.exchange_client import House
from tigerex_services.instruments import MarketInfo
from tigerex_services.stream import Batch

TICK = 1_000_000  # 0.01 USDT at 8 decimals
LOT = 1_000  # 0.00001 BTC at 8 decimals
MAX_PRICE = 100_000_000
MAX_QUANTITY = 100_000_000
START_NS = 1_700_000_000_000_000_000
FUNDS = 10**15


def command(kind: CommandKind, name: str = "", **columns: int) -> Rows:
    """One command row; columns by their names in lower case."""
    row = np.zeros(COMMAND_WIDTH, dtype=np.int64)
    row[Command.KIND] = kind
    for column, value in columns.items():
        row[Command[column.upper()]] = value
    row[Command.NAME : Command.OTHER_NAME] = pack_name(name)
    return row


class MarketCore:
    """Keeps the core, every batch of events, and what they name."""

    def __init__(self, *, min_notional: int = 0) -> None:
        self.core = Core(Capacity.small())
        self.directory = Directory()
        self.batches: list[Batch] = []
        self.time_ns = START_NS
        self.apply(
            command(CommandKind.CREATE_ASSET, "BTC", value=8),
            command(CommandKind.CREATE_ASSET, "USDT", value=8),
        )
        base, quote = (self.directory.asset(code).asset_id for code in ("BTC", "USDT"))
        self.apply(
            command(
                CommandKind.CREATE_MARKET,
                "btc-usdt",
                asset=base,
                aux=quote,
                value=TICK,
                order_id=LOT,
                price=MAX_PRICE,
                quantity=MAX_QUANTITY,
                amount=min_notional,
            ),
            command(CommandKind.CREATE_USER, "house"),
            command(CommandKind.CREATE_USER, "ada"),
        )
        user = self.directory.user("house")
        for name in ("maker", "taker"):
            self.apply(command(CommandKind.CREATE_ACCOUNT, name, value=user, aux=AccountKind.HOUSE))
        maker, taker = (self._account("house", name) for name in ("maker", "taker"))
        self.house = House(maker, taker)
        self.ada = self._account("ada", "main")
        for asset in (base, quote):
            self.apply(
                command(
                    CommandKind.TRANSFER,
                    account=WORLD_ACCOUNT,
                    to_account=self.ada,
                    asset=asset,
                    amount=FUNDS,
                )
            )

    @property
    def seq(self) -> int:
        return len(self.batches)

    @property
    def market(self) -> MarketInfo:
        return self.directory.market("btc-usdt")

    def apply(self, *commands: Rows) -> Rows:
        """One batch at the next millisecond; its events."""
        rows = np.array(commands, dtype=np.int64).reshape(-1, COMMAND_WIDTH)
        self.time_ns += 1_000_000
        rows[:, Command.TIME_NS] = self.time_ns
        events = self.core.apply(rows, self.seq + 1)
        self.keep(events)
        return events

    def keep(self, events: Rows) -> None:
        """Count events of a batch that somebody else applied."""
        time_ns = int(events[:, Event.TIME_NS].max()) if len(events) else self.time_ns
        self.time_ns = max(self.time_ns, time_ns)
        self.batches.append(Batch(self.seq + 1, time_ns, events))
        self.directory.apply(events)

    def order(
        self, account: int, side: Side, price: int, quantity: int, *, ioc: bool = False
    ) -> Rows:
        """A limit order's command."""
        return command(
            CommandKind.PLACE_ORDER,
            account=account,
            market=self.market.market_id,
            side=side,
            order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.IOC if ioc else TimeInForce.GTC,
            price=price,
            quantity=quantity,
        )

    def check_sound(self) -> None:
        """Every invariant of the core, and money adding up to zero in each asset."""
        assert self.core.check() == []
        for asset in self.directory.assets():
            total = 0
            for account in self.directory.all_accounts():
                available, held = self.core.balances(account.account_id).get(asset.asset_id, (0, 0))
                total += available + held
            assert total == 0, asset.code

    def trades(self) -> list[tuple[int, ...]]:
        """(trade id, price, quantity, taker side, taker, maker) of all batches."""
        columns = (
            Event.TRADE_ID,
            Event.PRICE,
            Event.QUANTITY,
            Event.SIDE,
            Event.ACCOUNT,
            Event.OTHER_ACCOUNT,
        )
        return [
            tuple(int(row[c]) for c in columns)
            for batch in self.batches
            for row in batch.events[batch.events[:, Event.KIND] == EventKind.TRADED]
        ]

    def _account(self, user: str, name: str) -> int:
        account = self.directory.find_account_by_name(self.directory.user(user), name)
        assert account is not None
        return account.account_id
