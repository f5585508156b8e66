"""Command rows for tests of the core, and a small exchange to send them to."""

from collections.abc import Sequence

import numpy as np

from tigerex_core import Capacity
from tigerex_core.records import (
    COMMAND_WIDTH,
    NAME_WORDS,
    WORLD_ACCOUNT,
    AccountKind,
    Command,
    CommandKind,
    Event,
    OrderType,
    Rows,
    Side,
    TimeInForce,
    pack_name,
)

# So small that random commands fill every table.
TINY = Capacity(
    assets=4, markets=3, users=6, accounts=14, balances=26, orders=12, transfers=3, window=24
)

BASE, QUOTE = 1, 2
MARKET = 1
ADA, BOB, HOUSE = 4, 5, 6  # accounts of `exchange()`
MONEY = 1_000_000  # units of either asset that ADA and BOB get

Row = list[int]


def command(kind: CommandKind, name: str = "", **columns: int) -> Row:
    """One command; columns by their names in lower case."""
    row = [0] * COMMAND_WIDTH
    row[Command.KIND] = kind
    for column, value in columns.items():
        row[Command[column.upper()]] = int(value)
    row[Command.NAME : Command.NAME + NAME_WORDS] = [int(word) for word in pack_name(name)]
    return row


def rows_of(commands: Sequence[Row]) -> Rows:
    return np.array(commands, np.int64).reshape(-1, COMMAND_WIDTH)


def limit(account: int, side: Side, price: int, lots: int, name: str = "", **columns: int) -> Row:
    columns = {"time_in_force": TimeInForce.GTC, "market": MARKET} | columns
    return command(
        CommandKind.PLACE_ORDER,
        name,
        account=account,
        side=side,
        order_type=OrderType.LIMIT,
        price=price,
        quantity=lots,
        **columns,
    )


def market(account: int, side: Side, lots: int, **columns: int) -> Row:
    columns = {"time_in_force": TimeInForce.IOC, "market": MARKET} | columns
    return command(
        CommandKind.PLACE_ORDER,
        account=account,
        side=side,
        order_type=OrderType.MARKET,
        quantity=lots,
        **columns,
    )


def cancel(account: int, order_id: int = 0, name: str = "", **columns: int) -> Row:
    kind = CommandKind.CANCEL_ORDER
    return command(kind, name, account=account, order_id=order_id, **columns)


def transfer(source: int, target: int, asset: int, amount: int, **columns: int) -> Row:
    return command(
        CommandKind.TRANSFER,
        account=source,
        to_account=target,
        asset=asset,
        amount=amount,
        **columns,
    )


def exchange(*, money: int = MONEY, tick: int = 10, lot: int = 10, price_max: int = 1_000) -> Rows:
    """Commands for one market (base scale 2: a lot at a tick is one quote unit), ADA, BOB and
    HOUSE."""
    kind = CommandKind
    commands = [
        command(kind.CREATE_ASSET, "BASE", value=2),
        command(kind.CREATE_ASSET, "QUOTE", value=2),
        command(
            kind.CREATE_MARKET,
            "base-quote",
            asset=BASE,
            aux=QUOTE,
            value=tick,
            order_id=lot,
            price=price_max,
            quantity=1_000,
        ),
        command(kind.CREATE_USER, "ada"),
        command(kind.CREATE_USER, "bob"),
        command(kind.CREATE_ACCOUNT, "house", value=1, aux=AccountKind.HOUSE),
    ]
    for account in (ADA, BOB):
        commands += [transfer(WORLD_ACCOUNT, account, asset, money) for asset in (BASE, QUOTE)]
    return rows_of(commands)


def totals(balances: dict[int, dict[int, tuple[int, int]]]) -> dict[int, int]:
    """Per asset the sum of what all accounts have, available and held."""
    sums: dict[int, int] = {}
    for of_account in balances.values():
        for asset, (available, held) in of_account.items():
            sums[asset] = sums.get(asset, 0) + available + held
    return sums


def kinds_of(events: Rows) -> list[int]:
    return [int(kind) for kind in events[:, Event.KIND]]
