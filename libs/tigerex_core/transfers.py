"""Money between accounts: at once, or reserved first and then posted or voided."""

from tigerex_core.checks import refuse_account, refuse_asset
from tigerex_core.index import find_pair, hash_pair, insert, remove
from tigerex_core.jit import kernel
from tigerex_core.layout import TRANSFER_WIDTH, Account, Head, State, Transfer
from tigerex_core.ledger import (
    change_available,
    ensure_balance,
    hold,
    refuse_payment,
    refuse_rows,
    spend_held,
)
from tigerex_core.output import DONE, Out, begin_event, refuse
from tigerex_core.pool import give_back, take
from tigerex_core.records import Command, Event, EventKind, Reason, Rows


@kernel
def _refuse_movement(state: State, commands: Rows, c: int) -> int:
    """DONE when the source may and can give the amount, and the target can take it."""
    source, target = commands[c, Command.ACCOUNT], commands[c, Command.TO_ACCOUNT]
    asset, amount = commands[c, Command.ASSET], commands[c, Command.AMOUNT]
    accounts = state.registry.accounts
    refusal = refuse_account(state, source, Command.ACCOUNT)
    if refusal == DONE:
        refusal = refuse_account(state, target, Command.TO_ACCOUNT)
    if refusal == DONE and source == target:
        refusal = refuse(Reason.SAME_ACCOUNT, Command.TO_ACCOUNT)
    if refusal == DONE:
        refusal = refuse_asset(state, asset, Command.ASSET)
    if refusal == DONE and amount < 1:
        refusal = refuse(Reason.INVALID_AMOUNT, Command.AMOUNT)
    if refusal == DONE and accounts[source, Account.FROZEN] != 0:
        refusal = refuse(Reason.ACCOUNT_FROZEN, Command.ACCOUNT)
    if refusal == DONE:
        refusal = refuse_payment(state.ledger, accounts, source, asset, amount, Command.AMOUNT)
    if refusal == DONE:
        refusal = refuse_rows(state.head, state.ledger, source, asset, target, asset)
    return refusal


@kernel
def _movement_event(out: Out, kind: int, source: int, target: int, asset: int, amount: int) -> int:
    at = begin_event(out, kind)
    out.events[at, Event.ACCOUNT] = source
    out.events[at, Event.OTHER_ACCOUNT] = target
    out.events[at, Event.ASSET] = asset
    out.events[at, Event.AMOUNT] = amount
    return at


@kernel
def transfer(state: State, out: Out, commands: Rows, c: int) -> int:
    refusal = _refuse_movement(state, commands, c)
    if refusal != DONE:
        return refusal
    source, target = commands[c, Command.ACCOUNT], commands[c, Command.TO_ACCOUNT]
    asset, amount = commands[c, Command.ASSET], commands[c, Command.AMOUNT]
    head, ledger, accounts = state.head, state.ledger, state.registry.accounts
    pays = ensure_balance(head, ledger, accounts, source, asset)
    gets = ensure_balance(head, ledger, accounts, target, asset)
    change_available(ledger, pays, -amount)
    change_available(ledger, gets, amount)
    _movement_event(out, EventKind.TRANSFERRED, source, target, asset, amount)
    return DONE


@kernel
def _find(state: State, commands: Rows, c: int) -> int:
    """The reserved transfer that a command names; 0 when there is none."""
    high, low = commands[c, Command.VALUE], commands[c, Command.AUX]
    return find_pair(state.transfers.lookup, state.transfers.rows, Transfer.ID_HI, high, low)


@kernel
def reserve_transfer(state: State, out: Out, commands: Rows, c: int) -> int:
    """Hold the amount; the target's balance row is made now, so that posting cannot fail."""
    refusal = _refuse_movement(state, commands, c)
    if refusal == DONE and _find(state, commands, c) != 0:
        refusal = refuse(Reason.TRANSFER_EXISTS, Command.VALUE)
    if refusal == DONE and state.head[Head.FREE_TRANSFER] == 0:
        refusal = refuse(Reason.CAPACITY, Command.VALUE)
    if refusal != DONE:
        return refusal
    source, target = commands[c, Command.ACCOUNT], commands[c, Command.TO_ACCOUNT]
    asset, amount = commands[c, Command.ASSET], commands[c, Command.AMOUNT]
    head, ledger, accounts = state.head, state.ledger, state.registry.accounts
    rows = state.transfers.rows
    row = take(head, Head.FREE_TRANSFER, rows, Transfer.NEXT)
    rows[row, Transfer.ID_HI] = commands[c, Command.VALUE]
    rows[row, Transfer.ID_LO] = commands[c, Command.AUX]
    rows[row, Transfer.ACCOUNT] = source
    rows[row, Transfer.TO_ACCOUNT] = target
    rows[row, Transfer.ASSET] = asset
    rows[row, Transfer.AMOUNT] = amount
    rows[row, Transfer.PAYS] = ensure_balance(head, ledger, accounts, source, asset)
    rows[row, Transfer.GETS] = ensure_balance(head, ledger, accounts, target, asset)
    hold(ledger, rows[row, Transfer.PAYS], amount)
    insert(state.transfers.lookup, _hash(rows, row), row)
    _reserved_event(out, EventKind.TRANSFER_RESERVED, rows, row)
    return DONE


@kernel
def _hash(rows: Rows, row: int) -> int:
    return hash_pair(rows[row, Transfer.ID_HI], rows[row, Transfer.ID_LO])


@kernel
def _reserved_event(out: Out, kind: int, rows: Rows, row: int) -> None:
    source, target = rows[row, Transfer.ACCOUNT], rows[row, Transfer.TO_ACCOUNT]
    asset, amount = rows[row, Transfer.ASSET], rows[row, Transfer.AMOUNT]
    at = _movement_event(out, kind, source, target, asset, amount)
    out.events[at, Event.VALUE] = rows[row, Transfer.ID_HI]
    out.events[at, Event.AUX] = rows[row, Transfer.ID_LO]


@kernel
def _forget(state: State, row: int) -> None:
    rows = state.transfers.rows
    remove(state.transfers.lookup, _hash(rows, row), row)
    give_back(state.head, Head.FREE_TRANSFER, rows, Transfer.NEXT, row, TRANSFER_WIDTH)


@kernel
def post_transfer(state: State, out: Out, commands: Rows, c: int) -> int:
    row = _find(state, commands, c)
    if row == 0:
        return refuse(Reason.UNKNOWN_TRANSFER, Command.VALUE)
    rows = state.transfers.rows
    spend_held(state.ledger, rows[row, Transfer.PAYS], rows[row, Transfer.AMOUNT])
    change_available(state.ledger, rows[row, Transfer.GETS], rows[row, Transfer.AMOUNT])
    _reserved_event(out, EventKind.TRANSFER_POSTED, rows, row)
    _forget(state, row)
    return DONE


@kernel
def void_transfer(state: State, out: Out, commands: Rows, c: int) -> int:
    row = _find(state, commands, c)
    if row == 0:
        return refuse(Reason.UNKNOWN_TRANSFER, Command.VALUE)
    rows = state.transfers.rows
    hold(state.ledger, rows[row, Transfer.PAYS], -rows[row, Transfer.AMOUNT])
    _reserved_event(out, EventKind.TRANSFER_VOIDED, rows, row)
    _forget(state, row)
    return DONE
