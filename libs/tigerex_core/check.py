"""What must be true of a state between any two commands, computed anew from its rows.

Plain Python over the tables, sharing nothing with the code that changes them but the layout.
"""

from collections import Counter, defaultdict

from tigerex_core.check_books import broken_books
from tigerex_core.check_orders import broken_orders
from tigerex_core.check_rows import Table, used
from tigerex_core.check_tables import broken_tables
from tigerex_core.layout import (
    ISSUED_MAX,
    Account,
    Asset,
    Balance,
    Head,
    Market,
    Order,
    Place,
    State,
    Transfer,
)
from tigerex_core.records import AccountKind, Rows, Side

FAULTS_MAX = 100  # reported at most


def broken_invariants(state: State) -> list[str]:
    """Every broken invariant in words, at most FAULTS_MAX; empty when the state is sound."""
    faults = [*_sums(state), *_balances(state), *_holds(state)]
    faults += [*broken_books(state), *broken_orders(state), *broken_tables(state)]
    return faults[:FAULTS_MAX]


def _used_balances(state: State) -> Rows:
    return state.ledger.balances[1 : state.head[Head.BALANCES] + 1]


def _sums(state: State) -> list[str]:
    """Per asset everything sums to zero, and what is owed is what ISSUED says."""
    totals: Counter[int] = Counter()
    owed: Counter[int] = Counter()
    for row in _used_balances(state).tolist():
        asset = row[Balance.ASSET]
        totals[asset] += row[Balance.AVAILABLE] + row[Balance.HELD]
        owed[asset] += max(0, -row[Balance.AVAILABLE])
    faults = [
        f"asset {asset}: all accounts sum to {total}" for asset, total in totals.items() if total
    ]
    for asset in range(1, state.head[Head.ASSETS] + 1):
        issued = int(state.registry.assets[asset, Asset.ISSUED])
        if issued != owed[asset] or issued > ISSUED_MAX:
            faults.append(f"asset {asset}: {owed[asset]} units are owed, {issued} are recorded")
    return faults


def _balances(state: State) -> list[str]:
    """Only who may owe is below zero, and nobody holds less than nothing."""
    faults = []
    kinds = state.registry.accounts[:, Account.KIND]
    for row in _used_balances(state).tolist():
        account, asset = row[Balance.ACCOUNT], row[Balance.ASSET]
        may_owe = int(kinds[account]) in {AccountKind.HOUSE, AccountKind.SYSTEM}
        if bool(row[Balance.MAY_OWE]) != may_owe:
            faults.append(f"account {account}, asset {asset}: wrong permission to owe")
        if row[Balance.HELD] < 0 or (row[Balance.AVAILABLE] < 0 and not may_owe):
            faults.append(
                f"account {account}, asset {asset}: available {row[Balance.AVAILABLE]},"
                f" held {row[Balance.HELD]}"
            )
    return faults


def _needed(order: list[int], market: list[int]) -> int:
    """What an order holds in full."""
    if order[Order.SIDE] == Side.BUY:
        return order[Order.PRICE] * order[Order.REMAINING] * market[Market.UNIT]
    return order[Order.REMAINING] * market[Market.LOT]


def _holds(state: State) -> list[str]:
    """Each balance holds what its open orders and reserved transfers still need."""
    expected: dict[int, int] = defaultdict(int)
    markets, orders = Table(state.registry.markets), Table(state.books.orders)
    faults = []
    for at in used(state.books.orders[:, Order.PLACE]).tolist():
        order = orders[at]
        amount = _needed(order, markets[order[Order.MARKET]])
        leg = orders[order[Order.OTHER_LEG]]  # row 0: all zeros
        if order[Order.OTHER_LEG] and order[Order.PLACE] != Place.BOOK:
            amount = max(0, amount - _needed(leg, markets[leg[Order.MARKET]]))
        if order[Order.HELD] != amount:
            faults.append(f"order {order[Order.ID]}: holds {order[Order.HELD]}, needs {amount}")
        expected[order[Order.PAYS]] += amount
    transfers = state.transfers.rows
    for transfer in transfers[transfers[:, Transfer.AMOUNT] != 0].tolist():
        expected[transfer[Transfer.PAYS]] += transfer[Transfer.AMOUNT]
    held = state.ledger.balances[:, Balance.HELD]
    rows = set(used(held).tolist()) | set(expected)
    return faults + [
        f"balance row {row}: holds {held[row]}, open remainders are {expected[row]}"
        for row in sorted(rows)
        if int(held[row]) != expected[row]
    ]
