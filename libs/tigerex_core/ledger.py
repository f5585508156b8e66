"""Balances: what each account has of each asset, available and held.

Why no sum here can overflow: `Asset.ISSUED` is what accounts that may owe (house and system) are
below zero together, and never exceeds ISSUED_MAX. As available and held of all accounts sum to zero
per asset, what the others have is as much, so every balance stays within 2^62 either way. The one
place where an amount can be too large is where somebody spends: `spendable`.
"""

from tigerex_core.index import find_pair, hash_pair, insert
from tigerex_core.jit import kernel
from tigerex_core.layout import ISSUED_MAX, Account, Asset, Balance, Head, Ledger
from tigerex_core.output import DONE, refuse
from tigerex_core.records import AccountKind, Command, Reason, Rows


@kernel
def may_owe(accounts: Rows, account: int) -> bool:
    kind = accounts[account, Account.KIND]
    return kind == AccountKind.HOUSE or kind == AccountKind.SYSTEM  # noqa: PLR1714 - numba


@kernel
def find_balance(ledger: Ledger, account: int, asset: int) -> int:
    """The balance row, 0 where the account never had the asset."""
    return find_pair(ledger.lookup, ledger.balances, Balance.ACCOUNT, account, asset)


@kernel
def has_room(head: Rows, ledger: Ledger, rows: int) -> bool:
    """Whether so many balance rows can be added."""
    return head[Head.BALANCES] + rows < ledger.balances.shape[0]


@kernel
def add_balance(head: Rows, ledger: Ledger, accounts: Rows, account: int, asset: int) -> int:
    """A new balance row for an account that has none of the asset; the caller has seen that there
    is room."""
    row = head[Head.BALANCES] + 1
    head[Head.BALANCES] = row
    ledger.balances[row, Balance.ACCOUNT] = account
    ledger.balances[row, Balance.ASSET] = asset
    if may_owe(accounts, account):
        ledger.balances[row, Balance.MAY_OWE] = 1
    insert(ledger.lookup, hash_pair(account, asset), row)
    return row


@kernel
def ensure_balance(head: Rows, ledger: Ledger, accounts: Rows, account: int, asset: int) -> int:
    """The balance row, added when it is missing; the caller has seen that there is room."""
    row = find_balance(ledger, account, asset)
    if row != 0:
        return row
    return add_balance(head, ledger, accounts, account, asset)


@kernel
def spendable(ledger: Ledger, row: int) -> int:
    """The most that this balance can pay, below 2^63."""
    available = ledger.balances[row, Balance.AVAILABLE]
    if ledger.balances[row, Balance.MAY_OWE] == 0:
        return available
    asset = ledger.balances[row, Balance.ASSET]
    return max(available, 0) + ISSUED_MAX - ledger.assets[asset, Asset.ISSUED]


@kernel
def refuse_spending(
    ledger: Ledger, accounts: Rows, account: int, asset: int, row: int, amount: int, column: int
) -> int:
    """DONE when the account, whose balance row is known (0: none), can pay the amount."""
    limit = 0
    if row != 0:
        limit = spendable(ledger, row)
    elif may_owe(accounts, account):
        limit = ISSUED_MAX - ledger.assets[asset, Asset.ISSUED]
    if amount <= limit:
        return DONE
    if may_owe(accounts, account):
        return refuse(Reason.OVERFLOW, column)
    return refuse(Reason.INSUFFICIENT_BALANCE, column)


@kernel
def refuse_payment(
    ledger: Ledger, accounts: Rows, account: int, asset: int, amount: int, column: int
) -> int:
    """DONE when the account can pay the amount, which may need a new balance row."""
    row = find_balance(ledger, account, asset)
    return refuse_spending(ledger, accounts, account, asset, row, amount, column)


@kernel
def refuse_rows(
    head: Rows, ledger: Ledger, account: int, asset: int, other_account: int, other_asset: int
) -> int:
    """DONE when both balance rows are there or can be added."""
    missing = 0
    if find_balance(ledger, account, asset) == 0:
        missing += 1
    if find_balance(ledger, other_account, other_asset) == 0:
        missing += 1
    if missing > 0 and not has_room(head, ledger, missing):
        return refuse(Reason.CAPACITY, Command.ASSET)
    return DONE


@kernel
def change_available(ledger: Ledger, row: int, amount: int) -> None:
    """Add an amount, or take it where it is negative."""
    before = ledger.balances[row, Balance.AVAILABLE]
    after = before + amount
    ledger.balances[row, Balance.AVAILABLE] = after
    if ledger.balances[row, Balance.MAY_OWE] != 0:
        asset = ledger.balances[row, Balance.ASSET]
        ledger.assets[asset, Asset.ISSUED] += max(-after, 0) - max(-before, 0)


@kernel
def hold(ledger: Ledger, row: int, amount: int) -> None:
    """From available to held; a negative amount releases."""
    ledger.balances[row, Balance.HELD] += amount
    change_available(ledger, row, -amount)


@kernel
def spend_held(ledger: Ledger, row: int, amount: int) -> None:
    ledger.balances[row, Balance.HELD] -= amount
