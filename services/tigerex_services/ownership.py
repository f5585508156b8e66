"""Whose account a caller may look at or use."""

from tigerex_platform.auth import Principal
from tigerex_platform.errors import PermissionDenied
from tigerex_services.directory import AccountInfo, Directory


def own_account(principal: Principal, account_id: int, directory: Directory) -> AccountInfo:
    """The account, when the caller may use it.

    To a caller that is limited to a user, foreign and unknown accounts look the same.
    """
    if not principal.limited_to_user:
        return directory.account(account_id)
    account = directory.find_account(account_id)
    if account is None or not account.user or account.user != principal.user:
        raise PermissionDenied(f"account {account_id} is not one of user {principal.user!r}")
    return account
