"""Proves the journal from nothing: chain, replay, money, holds.

It executes the stored commands in a core of its own and compares; what it then asks of the state
is computed here from accounts and open orders, not by the code that keeps the balances.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from tigerex_core import Core
from tigerex_core.records import Event, EventKind, Rows, Side
from tigerex_services.directory import Directory
from tigerex_services.exchange.entry import BrokenChainError, JournalEntry
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.host.replay import Replay, ReplayError
from tigerex_services.stream import rows_of

Key = tuple[int, int]  # account id, asset id


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was proven, or the first difference that was found."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """All checks up to `seq`."""

    seq: int
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


@dataclass(slots=True)
class _PendingTransfers:
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


def verify_journal(entries: Iterable[JournalEntry], core: Core) -> Report:
    """Check every entry, oldest first, with an empty core."""
    replay = Replay(core, Committed())
    pending = _PendingTransfers()
    failure: Exception | None = None
    try:
        for entry in entries:
            replay.advance([entry])
            pending.apply(rows_of(entry.events))
    except (BrokenChainError, ReplayError) as error:
        failure = error
    checks = [_chain_check(replay, failure), _replay_check(replay, failure)]
    if failure is None:
        directory = replay.committed.directory
        checks += [_sum_check(core, directory), _hold_check(replay, pending), _state_check(core)]
    return Report(replay.head.seq, tuple(checks))


def _chain_check(replay: Replay, failure: Exception | None) -> Check:
    if isinstance(failure, BrokenChainError):
        return Check("hash chain", False, str(failure))
    head = replay.head
    return Check("hash chain", True, f"{head.seq} entries, head {head.hash.hex()[:16]}")


def _replay_check(replay: Replay, failure: Exception | None) -> Check:
    if failure is not None:
        return Check("replay gives the stored events", False, str(failure))
    detail = f"{replay.commands} commands gave {replay.events} events"
    return Check("replay gives the stored events", True, detail)


def _sum_check(core: Core, directory: Directory) -> Check:
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


def _hold_check(replay: Replay, pending: _PendingTransfers) -> Check:
    """Each hold against the open remainders: price times lots of a buy, the lots of a sell."""
    name = "holds equal open remainders"
    core, directory = replay.core, replay.committed.directory
    orders = 0
    for account in directory.all_accounts():
        expected: dict[int, int] = defaultdict(int)
        for order in replay.committed.orders.open_of(account.account_id):
            market = directory.market_by_id(order.market)
            left = order.quantity - order.filled
            if order.side == Side.BUY:
                expected[market.quote.asset_id] += market.notional(order.price, left)
            else:
                expected[market.base.asset_id] += left * market.lot
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


def _state_check(core: Core) -> Check:
    broken = core.check()
    detail = broken[0] if broken else "balances, books and links are sound"
    return Check("state is sound", not broken, detail)
