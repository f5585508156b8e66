"""Random commands for the core: mostly sound orders around one price, some of everything else.

A seed gives the commands; hypothesis chooses seeds and lengths. Drawing each column by hypothesis
was tried: its short, simple examples hardly ever trade.
"""

from random import Random

from tests.support.core_rows import ADA, BOB, HOUSE, MARKET, MONEY, Row, command

from tigerex_core.records import AccountKind, Command, CommandKind, Side

NAMES = ["", "a", "b", "order-0123456789", "x" * 40]
TRADERS = [ADA, ADA, BOB, BOB, HOUSE, 7]
ACCOUNTS = [*range(16), ADA, BOB, HOUSE, 7]
ASSETS = [1, 1, 1, 2, 2, 2, 3, 0, 5]
MARKETS = [MARKET] * 6 + [2, 0, 3]
AMOUNTS = [-1, 0, 1, 7, 100, 1_500, MONEY, 2**62 - 1, 2**62, 2**63 - 1]
NONSENSE = [-1, 0, 1, 3, 2**62, 2**63 - 1, -(2**63), 0x2020]
# order type, time in force, post only
ORDERS = [(1, 1, 0)] * 8 + [(1, 2, 0), (1, 2, 0), (1, 1, 1), (2, 2, 0), (2, 2, 0), (2, 1, 0)]

ORDERS_SHARE, CANCELS_SHARE, TRANSFERS_SHARE = 0.55, 0.15, 0.12
REQUEST_SHARE, NONSENSE_SHARE, REPEAT_SHARE = 0.3, 0.06, 0.05


def commands(seed: int, count: int) -> list[Row]:
    """The first `count` commands of this seed."""
    random = Random(seed)
    rows: list[Row] = []
    for _ in range(count):
        if rows and random.random() < REPEAT_SHARE:
            rows.append(list(random.choice(rows)))
            continue
        row = _command(random)
        row[Command.TIME_NS] = random.randrange(20)
        if random.random() < REQUEST_SHARE:
            row[Command.REQUEST_LO] = random.randrange(60)
        if random.random() < NONSENSE_SHARE:
            row[random.randrange(len(row))] = random.choice(NONSENSE)
        rows.append(row)
    return rows


def _command(random: Random) -> Row:
    share = random.random()
    if share < ORDERS_SHARE:
        return _order(random)
    share -= ORDERS_SHARE
    if share < CANCELS_SHARE:
        return _cancel(random)
    if share < CANCELS_SHARE + TRANSFERS_SHARE:
        return _movement(random)
    return _setting(random)


def _order(random: Random) -> Row:
    order_type, time_in_force, post_only = random.choice(ORDERS)
    return command(
        CommandKind.PLACE_ORDER,
        random.choice(NAMES) if random.random() < 0.4 else "",
        account=random.choice(TRADERS),
        epoch=random.choice([0, 0, 0, 1, 2]),
        market=random.choice(MARKETS),
        side=random.choice(list(Side)),
        order_type=order_type,
        time_in_force=time_in_force,
        post_only=post_only,
        price=random.randint(90, 110) if order_type == 1 else 0,
        quantity=random.choice([1, 2, 5, 10, 30]),
        aux=random.randrange(9),
    )


def _cancel(random: Random) -> Row:
    by_id = random.random() < 0.7
    return command(
        CommandKind.CANCEL_ORDER,
        "" if by_id else random.choice(NAMES),
        account=random.choice(TRADERS),
        order_id=random.randint(1, 60) if by_id else 0,
        epoch=random.choice([0, 0, 0, 1]),
    )


def _movement(random: Random) -> Row:
    kind = random.choice(
        [
            CommandKind.TRANSFER,
            CommandKind.TRANSFER,
            CommandKind.RESERVE_TRANSFER,
            CommandKind.RESERVE_TRANSFER,
            CommandKind.POST_TRANSFER,
            CommandKind.VOID_TRANSFER,
        ]
    )
    return command(
        kind,
        account=random.choice(ACCOUNTS if random.random() < 0.5 else TRADERS),
        to_account=random.choice(ACCOUNTS),
        asset=random.choice(ASSETS),
        amount=random.choice(AMOUNTS),
        value=random.randrange(3),
        aux=random.randrange(2),
    )


def _setting(random: Random) -> Row:
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
        case CommandKind.SET_MARKET_STATE:
            columns = {
                "market": random.choice(MARKETS),
                "value": random.choice([1, 1, 1, 1, 1, 2, 3]),
            }
        case CommandKind.SET_FEE_TIER:
            columns = {
                "value": random.choice([0, 0, 1, 16]),
                "amount": random.choice([0, 1, 1_000, 100_000, -1]),
                "aux": random.choice([0, 2_500, 33_333, 100_001]),
            }
        case CommandKind.CREATE_ACCOUNT:
            columns = {"value": random.randint(0, 4), "aux": random.randint(0, AccountKind.SYSTEM)}
        case CommandKind.SET_ACCOUNT:
            columns = {
                "account": random.choice(ACCOUNTS),
                "value": random.choice([0, 1, 2, 16]),
                "aux": random.choice([0, 0, 0, 0, 0, 1, 2]),
            }
        case CommandKind.ADVANCE_EPOCH:
            columns = {
                "account": random.choice([HOUSE, 7, 0, 20]),
                "epoch": random.choice([0, 1, 1, 2]),
                "value": random.randrange(6),
            }
        case _:
            pass
    return command(kind, name, **columns)


_SETTINGS = [
    CommandKind.TICK,
    CommandKind.CREATE_ASSET,
    CommandKind.CREATE_MARKET,
    CommandKind.CREATE_MARKET,
    CommandKind.SET_MARKET_STATE,
    CommandKind.SET_FEE_TIER,
    CommandKind.CREATE_USER,
    CommandKind.CREATE_ACCOUNT,
    CommandKind.SET_ACCOUNT,
    CommandKind.ADVANCE_EPOCH,
]
