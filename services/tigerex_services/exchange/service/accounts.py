"""Accounts and money: who may move what, and which accounts there are."""

from tigerex_core.records import AccountKind, Event, EventKind
from tigerex_platform.auth import Principal
from tigerex_platform.errors import Conflict, InvalidField, PermissionDenied, Refused
from tigerex_services.directory import AccountInfo, Directory
from tigerex_services.exchange import commands
from tigerex_services.exchange.service import checks
from tigerex_services.exchange.service.executor import Executor
from tigerex_services.exchange.service.ownership import (
    own_request_id,
    own_user,
    refuse_for_users,
)
from tigerex_services.instruments import AssetInfo
from tigerex_services.ownership import own_account

ACCOUNTS_MAX = 256  # of one user, as far as the user makes them
# What a user may make for itself. A house account may go negative, so it is the exchange's to give.
USER_KINDS = frozenset({AccountKind.MAIN, AccountKind.BOT})
SERVICE_KINDS = USER_KINDS | {AccountKind.EARN, AccountKind.ESCROW, AccountKind.HOUSE}


class AccountService:
    """Decides about accounts, transfers and epochs."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    @property
    def directory(self) -> Directory:
        """The committed names; raises Unavailable while this process does not lead."""
        return self._executor.leader.committed.directory

    def accounts(self, principal: Principal, user: str) -> list[AccountInfo]:
        user_id, _ = own_user(principal, user, self.directory)
        return self.directory.accounts(user_id)

    async def balances(
        self, principal: Principal, account_id: int
    ) -> tuple[list[tuple[AssetInfo, int, int]], int]:
        """(asset, available, held) in units, and the committed seq that they reflect."""
        own_account(principal, account_id, self.directory)
        found, seq = await self._executor.leader.read(lambda core: core.balances(account_id))
        named = [
            (self.directory.asset_by_id(asset_id), available, held)
            for asset_id, (available, held) in sorted(found.items())
        ]
        return named, seq

    async def fees(
        self, principal: Principal, account_id: int
    ) -> tuple[AccountInfo, int, int, int]:
        """The account, the maker's and the taker's fee in parts per million, and the committed seq
        that they reflect."""
        own_account(principal, account_id, self.directory)
        (maker, taker), seq = await self._executor.leader.read(
            lambda core: core.fee_rates(account_id)
        )
        return self.directory.account(account_id), maker, taker, seq

    async def ensure_account(
        self, principal: Principal, request_id: bytes, user: str, name: str, kind: int
    ) -> AccountInfo:
        """The user's account of that name, made when there is none."""
        checks.match("name", name, checks.ACCOUNT_NAME, checks.NAME_ALLOWED)
        wanted = _creatable(principal, kind)
        user_id, _ = own_user(principal, user, self.directory)
        account = self.directory.find_account_by_name(user_id, name)
        if account is None:
            self._check_room(principal, user_id)
            row = commands.create_account(
                own_request_id(principal, request_id), user_id, wanted, name
            )
            try:
                answer = await self._executor.execute(row)
            except Conflict as error:
                account = self.directory.find_account_by_name(user_id, name)
                if account is None or error.code != "NAME_TAKEN":
                    raise
            else:
                created = answer.event(EventKind.ACCOUNT_CREATED)
                account = self.directory.account(created[Event.ACCOUNT])
        if account.kind != wanted:
            message = f"account {name!r} exists with kind {account.kind.name}; choose another name"
            raise Conflict("NAME_TAKEN", message, field="name")
        return account

    async def transfer(
        self,
        principal: Principal,
        request_id: bytes,
        source_id: int,
        target_id: int,
        asset_code: str,
        amount: str,
    ) -> int:
        """The seq at which the money moved."""
        source, target = self._ends(principal, source_id, target_id)
        asset = self.directory.asset(asset_code)
        units = checks.positive_amount(asset, amount)
        answer = await self._executor.execute(
            commands.transfer(
                own_request_id(principal, request_id), source, target, asset.asset_id, units
            )
        )
        return answer.seq

    async def reserve(
        self,
        principal: Principal,
        request_id: bytes,
        transfer_id: bytes,
        source_id: int,
        target_id: int,
        asset_code: str,
        amount: str,
    ) -> int:
        """The seq at which the money was held for the transfer."""
        refuse_for_users(principal, "a two-phase transfer")
        source, target = self._ends(principal, source_id, target_id)
        asset = self.directory.asset(asset_code)
        answer = await self._executor.execute(
            commands.reserve_transfer(
                own_request_id(principal, request_id),
                checks.sixteen_bytes("transfer_id", transfer_id),
                source,
                target,
                asset.asset_id,
                checks.positive_amount(asset, amount),
            )
        )
        return answer.seq

    async def post(self, principal: Principal, request_id: bytes, transfer_id: bytes) -> int:
        """The seq at which the held money reached its target."""
        refuse_for_users(principal, "a two-phase transfer")
        transfer = checks.sixteen_bytes("transfer_id", transfer_id)
        row = commands.post_transfer(own_request_id(principal, request_id), transfer)
        return (await self._executor.execute(row)).seq

    async def void(self, principal: Principal, request_id: bytes, transfer_id: bytes) -> int:
        """The seq at which the held money went back."""
        refuse_for_users(principal, "a two-phase transfer")
        transfer = checks.sixteen_bytes("transfer_id", transfer_id)
        row = commands.void_transfer(own_request_id(principal, request_id), transfer)
        return (await self._executor.execute(row)).seq

    async def advance_epoch(
        self, principal: Principal, request_id: bytes, account_id: int, epoch: int, signal: int
    ) -> int:
        """The seq from which on orders with an older epoch are refused."""
        refuse_for_users(principal, "an account's epoch")
        account = own_account(principal, account_id, self.directory)
        checks.within("epoch", epoch, 1, 2**62)
        row = commands.advance_epoch(
            own_request_id(principal, request_id), account.account_id, epoch, signal
        )
        return (await self._executor.execute(row)).seq

    async def set_fee_payment(
        self, principal: Principal, request_id: bytes, account_id: int, *, discounted: bool
    ) -> tuple[AccountInfo, int]:
        """The account as it then is, and the seq from which on it pays fees so."""
        account = own_account(principal, account_id, self.directory)
        row = commands.set_fee_payment(
            own_request_id(principal, request_id), account.account_id, discounted=discounted
        )
        answer = await self._executor.execute(row)
        return self.directory.account(account_id), answer.seq

    def _check_room(self, principal: Principal, user_id: int) -> None:
        """Raises Refused when a user makes too many accounts: the core's table is everybody's."""
        if principal.limited_to_user and len(self.directory.accounts(user_id)) >= ACCOUNTS_MAX:
            message = f"a user can have {ACCOUNTS_MAX} accounts; use one that there is"
            raise Refused("TOO_MANY_ACCOUNTS", message, field="name")

    def _ends(self, principal: Principal, source_id: int, target_id: int) -> tuple[int, int]:
        """Both ends of a transfer, checked: money of the outside world moves by deposits only."""
        for field, account_id in (
            ("from_account_id", source_id),
            ("to_account_id", target_id),
        ):
            account = own_account(principal, account_id, self.directory)
            if account.kind is AccountKind.SYSTEM:
                raise InvalidField(field, account_id, "an account that is not the system's")
        if source_id == target_id:
            raise InvalidField("to_account_id", target_id, "another account than from_account_id")
        return source_id, target_id


def _creatable(principal: Principal, kind: int) -> AccountKind:
    allowed = USER_KINDS if principal.limited_to_user else SERVICE_KINDS
    if kind in allowed:
        return AccountKind(kind)
    if kind in SERVICE_KINDS:
        raise PermissionDenied(f"{AccountKind(kind).name} accounts are made by the exchange")
    names = ", ".join(sorted(kind.name for kind in allowed))
    raise InvalidField("kind", kind, names)
