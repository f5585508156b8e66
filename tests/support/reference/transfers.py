"""Money from one account to another, at once or in two phases."""

from tests.support.reference.site import Site
from tests.support.reference.state import Transfer, need

from tigerex_core.records import Command, EventKind, Reason


def _need_movement(site: Site) -> Transfer:
    row = site.row
    move = Transfer(
        row[Command.ACCOUNT], row[Command.TO_ACCOUNT], row[Command.ASSET], row[Command.AMOUNT]
    )
    site.need_account()
    site.need_account(Command.TO_ACCOUNT)
    need(move.source != move.target, Reason.SAME_ACCOUNT, Command.TO_ACCOUNT)
    site.need_asset(Command.ASSET)
    need(move.amount >= 1, Reason.INVALID_AMOUNT, Command.AMOUNT)
    need(not site.accounts[move.source].frozen, Reason.ACCOUNT_FROZEN, Command.ACCOUNT)
    site.need_money(move.source, move.asset, move.amount, Command.AMOUNT)
    site.need_rows((move.source, move.asset), (move.target, move.asset))
    return move


def _emit(site: Site, kind: EventKind, move: Transfer, key: tuple[int, int]) -> None:
    site.emit(
        kind,
        account=move.source,
        other_account=move.target,
        asset=move.asset,
        amount=move.amount,
        value=key[0],
        aux=key[1],
    )


def transfer(site: Site) -> None:
    move = _need_movement(site)
    site.ensure(move.source, move.asset)
    site.ensure(move.target, move.asset)
    site.available[move.source, move.asset] -= move.amount
    site.available[move.target, move.asset] += move.amount
    _emit(site, EventKind.TRANSFERRED, move, (0, 0))


def reserve_transfer(site: Site) -> None:
    key = (site.row[Command.VALUE], site.row[Command.AUX])
    move = _need_movement(site)
    need(key not in site.transfers, Reason.TRANSFER_EXISTS, Command.VALUE)
    need(len(site.transfers) < site.capacity.transfers, Reason.CAPACITY, Command.VALUE)
    site.ensure(move.source, move.asset)
    site.ensure(move.target, move.asset)
    site.available[move.source, move.asset] -= move.amount
    site.held[move.source, move.asset] += move.amount
    site.transfers[key] = move
    _emit(site, EventKind.TRANSFER_RESERVED, move, key)


def _end(site: Site, kind: EventKind) -> None:
    key = (site.row[Command.VALUE], site.row[Command.AUX])
    need(key in site.transfers, Reason.UNKNOWN_TRANSFER, Command.VALUE)
    move = site.transfers.pop(key)
    gets = move.target if kind is EventKind.TRANSFER_POSTED else move.source
    site.held[move.source, move.asset] -= move.amount
    site.available[gets, move.asset] += move.amount
    _emit(site, kind, move, key)


def post_transfer(site: Site) -> None:
    _end(site, EventKind.TRANSFER_POSTED)


def void_transfer(site: Site) -> None:
    _end(site, EventKind.TRANSFER_VOIDED)
