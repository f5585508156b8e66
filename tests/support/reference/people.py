"""Who trades: users, accounts, tiers, epochs, and how an account pays its fees."""

from tests.support.reference.site import Site
from tests.support.reference.state import MAIN, Account, Name, good_name, need

from tigerex_core.records import AccountKind, Command, EventKind, Reason


def create_user(site: Site) -> None:
    name = site.name()
    need(good_name(name), Reason.INVALID_NAME, Command.NAME)
    need(name not in site.users, Reason.NAME_TAKEN, Command.NAME)
    need(len(site.users) < site.capacity.users, Reason.CAPACITY, Command.NAME)
    need(len(site.accounts) < site.capacity.accounts, Reason.CAPACITY, Command.ACCOUNT)
    site.users.append(name)
    user, account = len(site.users), len(site.accounts) + 1
    site.emit(EventKind.USER_CREATED, name, value=user, account=account)
    _add_account(site, user, AccountKind.MAIN, MAIN)


def create_account(site: Site) -> None:
    user, kind, name = site.row[Command.VALUE], site.row[Command.AUX], site.name()
    need(1 <= user <= len(site.users), Reason.UNKNOWN_USER, Command.VALUE)
    need(1 <= kind < AccountKind.SYSTEM, Reason.INVALID_KIND, Command.AUX)
    need(good_name(name), Reason.INVALID_NAME, Command.NAME)
    taken = {account.name for account in site.accounts.values() if account.user == user}
    need(name not in taken, Reason.NAME_TAKEN, Command.NAME)
    need(len(site.accounts) < site.capacity.accounts, Reason.CAPACITY, Command.ACCOUNT)
    _add_account(site, user, kind, name)


def _add_account(site: Site, user: int, kind: int, name: Name) -> None:
    account = len(site.accounts) + 1
    site.accounts[account] = Account(user, kind, name)
    site.emit(EventKind.ACCOUNT_CREATED, name, account=account, value=user, aux=kind)


def set_account(site: Site) -> None:
    tier, frozen = site.row[Command.VALUE], site.row[Command.AUX]
    site.need_account()
    need(0 <= tier <= 15, Reason.INVALID_TIER, Command.VALUE)
    need(frozen in (0, 1), Reason.INVALID_STATE, Command.AUX)
    account = site.accounts[site.row[Command.ACCOUNT]]
    account.tier, account.frozen = tier, frozen
    site.emit(EventKind.ACCOUNT_SET, account=site.row[Command.ACCOUNT], value=tier, aux=frozen)


def advance_epoch(site: Site) -> None:
    site.need_account()
    account, epoch = site.accounts[site.row[Command.ACCOUNT]], site.row[Command.EPOCH]
    need(epoch > account.epoch, Reason.STALE_EPOCH, Command.EPOCH)
    account.epoch = epoch
    site.emit(
        EventKind.EPOCH_ADVANCED,
        account=site.row[Command.ACCOUNT],
        value=epoch,
        aux=site.row[Command.VALUE],
    )


def set_fee_payment(site: Site) -> None:
    value = site.row[Command.VALUE]
    site.need_account()
    need(value in (0, 1), Reason.INVALID_STATE, Command.VALUE)
    account = site.row[Command.ACCOUNT]
    site.accounts[account].pays_discounted = value
    site.emit(EventKind.FEE_PAYMENT_SET, account=account, value=value)
