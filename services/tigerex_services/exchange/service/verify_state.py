"""What verify asks of the state at the journal's end: money, holds, tables.

Computed here from accounts, open orders and stored events, not by the code that keeps the balances.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from tigerex_core import Core
from tigerex_core.records import Event, EventKind, Rows
from tigerex_services.directory import Directory
from tigerex_services.exchange.host.replay import Replay
from tigerex_services.exchange.orders import held_by
from tigerex_services.exchange.service.verify_report import Check

Key = tuple[int, int]  # account id, asset id


@dataclass(slots=True)
class PendingTransfers:
    """Amounts that reserved transfers hold: a fold of the stored events."""

    held: dict[Key, int] = field(default_factory=lambda: defaultdict(int))
    count: int = 0

    def apply(self, events: Rows) -> None:
        kinds = events[:, Event.KIND]
        for row in events[
            (kinds >= EventKind.TRANSFER_RESERVED) & (kinds <= EventKind.TRANSFER_VOIDED)
        ]:
            sign = 1 if row[Event.KIND] == EventKind.TRANSFER_RESERVED else -1
            self.held[int(row[Event.ACCOUNT]), int(row[Event.ASSET])] += sign * int(
                row[Event.AMOUNT]
            )
            self.count += sign


def sum_check(core: Core, directory: Directory) -> Check:
    name = "sum over all accounts is zero"
    sums: dict[int, int] = {asset.asset_id: 0 for asset in directory.assets()}
    accounts = directory.all_accounts()
    for account in accounts:
        for asset_id, (available, held) in core.balances(account.account_id).items():
            sums[asset_id] = sums.get(asset_id, 0) + available + held
    for asset_id, total in sums.items():
        if total:
            asset = directory.asset_by_id(asset_id)
            return Check(name, False, f"{asset.code}: {asset.from_units(total)}")
    return Check(name, True, f"{len(sums)} assets over {len(accounts)} accounts")


def hold_check(replay: Replay, pending: PendingTransfers) -> Check:
    """Each hold against the open remainders of orders and reserved transfers."""
    name = "holds equal open remainders"
    core, directory = replay.core, replay.committed.directory
    book = replay.committed.orders
    orders = 0
    for account in directory.all_accounts():
        expected: dict[int, int] = defaultdict(int)
        for order in book.open_of(account.account_id):
            market = directory.market_by_id(order.market)
            asset_id, units = held_by(order, market, book.sibling(order))
            expected[asset_id] += units
            orders += 1
        for asset_id, (_, held) in core.balances(account.account_id).items():
            wanted = expected.pop(asset_id, 0) + pending.held.get((account.account_id, asset_id), 0)
            if held != wanted:
                asset = directory.asset_by_id(asset_id)
                return Check(
                    name,
                    False,
                    f"account {account.account_id} holds {asset.from_units(held)} {asset.code},"
                    f" open remainders are {asset.from_units(wanted)}",
                )
        if any(expected.values()):
            return Check(name, False, f"account {account.account_id} has orders without a hold")
    return Check(name, True, f"{orders} open orders, {pending.count} pending transfers")


def state_check(core: Core) -> Check:
    broken = core.check()
    detail = broken[0] if broken else "balances, books and links are sound"
    return Check("state is sound", not broken, detail)
