"""Assets, users and deposits: what people and the operator do to them."""

from tigerex_core.records import WORLD_ACCOUNT, Event, EventKind
from tigerex_platform.auth import Principal
from tigerex_platform.errors import Conflict, InvalidField
from tigerex_services.directory import AccountInfo, Directory
from tigerex_services.exchange import commands
from tigerex_services.exchange.service import checks
from tigerex_services.exchange.service.audited import Audited
from tigerex_services.instruments import AssetInfo

SCALE_MAX = 8
MAIN_ACCOUNT = "main"


class AdminService:
    """Decides about assets, users and deposits."""

    def __init__(self, audited: Audited) -> None:
        self._audited = audited

    @property
    def directory(self) -> Directory:
        """The committed names; raises Unavailable while this process does not lead."""
        return self._audited.directory

    async def ensure_asset(
        self, principal: Principal, request_id: bytes, code: str, scale: int, reason: str
    ) -> AssetInfo:
        """The asset of that code, made when there is none; another scale is refused."""
        checks.match("asset.code", code, checks.ASSET_CODE, "1 to 16 of A-Z and 0-9")
        checks.within("asset.scale", scale, 0, SCALE_MAX)
        asset = self.directory.find_asset(code)
        if asset is None:
            row = commands.create_asset(checks.request_id(request_id), code, scale)
            detail = {"code": code, "scale": scale}
            created = await self._audited.create(
                principal, "EnsureAsset", reason, detail, request_id, row
            )
            asset = (
                self.directory.asset(code)
                if created is None
                else self.directory.asset_by_id(created.event(EventKind.ASSET_CREATED)[Event.ASSET])
            )
        if (asset.code, asset.scale) != (code, scale):
            message = f"asset {code} exists with scale {asset.scale}, which cannot change"
            raise Conflict("NAME_TAKEN", message, field="asset.scale")
        return asset

    async def ensure_user(
        self, principal: Principal, request_id: bytes, name: str, reason: str
    ) -> tuple[int, AccountInfo]:
        """The user's id and main account; the user is made when there is none."""
        checks.match("name", name, checks.USER_NAME, checks.NAME_ALLOWED)
        user_id = self.directory.find_user(name)
        if user_id is None:
            row = commands.create_user(checks.request_id(request_id), name)
            detail = {"name": name}
            await self._audited.create(principal, "EnsureUser", reason, detail, request_id, row)
            user_id = self.directory.user(name)
        account = self.directory.find_account_by_name(user_id, MAIN_ACCOUNT)
        if account is None:
            raise Conflict("NO_MAIN_ACCOUNT", f"user {name!r} has no main account", field="name")
        return user_id, account

    async def deposit(
        self,
        principal: Principal,
        request_id: bytes,
        account_id: int,
        asset_code: str,
        amount: str,
        reason: str,
    ) -> int:
        """The seq at which the account was credited from the outside world."""
        account = self.directory.account(account_id)
        if not account.user_id:
            raise InvalidField("account_id", account_id, "an account of a user")
        asset = self.directory.asset(asset_code)
        units = checks.positive_amount(asset, amount)
        row = commands.transfer(
            checks.request_id(request_id), WORLD_ACCOUNT, account_id, asset.asset_id, units
        )
        detail = {"account_id": account_id, "asset": asset_code, "amount": amount}
        answer = await self._audited.command(principal, "Deposit", reason, detail, request_id, row)
        return answer.seq
