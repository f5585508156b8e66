"""Fees and accounts as people and the operator set them."""

from tigerex_platform.auth import Principal
from tigerex_platform.errors import InvalidField
from tigerex_services.decimals import to_units
from tigerex_services.directory import AccountInfo, Directory
from tigerex_services.exchange import commands
from tigerex_services.exchange.service import checks
from tigerex_services.exchange.service.audited import Audited
from tigerex_services.market_limits import ONE_PPM, PPM_DECIMALS

TIER_MAX = 15
FEE_MAX_PPM = 100_000


class AccountAdmin:
    """Decides about fee tiers, the fee discount, and what accounts pay and may."""

    def __init__(self, audited: Audited) -> None:
        self._audited = audited

    @property
    def directory(self) -> Directory:
        """The committed names; raises Unavailable while this process does not lead."""
        return self._audited.directory

    async def set_fee_tier(
        self,
        principal: Principal,
        request_id: bytes,
        tier: int,
        maker: str,
        taker: str,
        reason: str,
    ) -> None:
        checks.within("tier", tier, 0, TIER_MAX)
        row = commands.set_fee_tier(
            checks.request_id(request_id),
            tier,
            _fee_ppm("maker_fee", maker),
            _fee_ppm("taker_fee", taker),
        )
        detail = {"tier": tier, "maker_fee": maker, "taker_fee": taker}
        await self._audited.command(principal, "SetFeeTier", reason, detail, request_id, row)

    async def set_fee_discount(
        self, principal: Principal, request_id: bytes, asset: str, discount: str, reason: str
    ) -> None:
        """`asset` is the one in which fees can be paid, empty for none."""
        asset_id = self.directory.asset(asset).asset_id if asset else 0
        ppm = to_units(discount, PPM_DECIMALS, "fee_discount.discount") if asset else 0
        if ppm > ONE_PPM or (discount not in ("", "0") and not asset):
            allowed = "from 0 to 1" if asset else "empty without an asset"
            raise InvalidField("fee_discount.discount", discount, allowed)
        row = commands.set_fee_discount(checks.request_id(request_id), asset_id, ppm)
        detail = {"asset": asset, "discount": discount}
        await self._audited.command(principal, "SetFeeDiscount", reason, detail, request_id, row)

    async def set_fee_payment(
        self,
        principal: Principal,
        request_id: bytes,
        account_id: int,
        reason: str,
        *,
        discounted: bool,
    ) -> AccountInfo:
        self.directory.account(account_id)
        row = commands.set_fee_payment(
            checks.request_id(request_id), account_id, discounted=discounted
        )
        detail = {"account_id": account_id, "discounted": discounted}
        await self._audited.command(
            principal, "SetAccountFeePayment", reason, detail, request_id, row
        )
        return self.directory.account(account_id)

    async def set_account(
        self,
        principal: Principal,
        request_id: bytes,
        account_id: int,
        fee_tier: int | None,
        frozen: bool | None,
        reason: str,
    ) -> AccountInfo:
        """What is None stays as it is."""
        account = self.directory.account(account_id)
        tier = account.fee_tier if fee_tier is None else fee_tier
        checks.within("fee_tier", tier, 0, TIER_MAX)
        freeze = account.frozen if frozen is None else frozen
        row = commands.set_account(checks.request_id(request_id), account_id, tier, frozen=freeze)
        detail = {"account_id": account_id, "fee_tier": tier, "frozen": freeze}
        await self._audited.command(principal, "SetAccount", reason, detail, request_id, row)
        return self.directory.account(account_id)


def _fee_ppm(field: str, text: str) -> int:
    ppm = to_units(text, PPM_DECIMALS, field)
    if ppm > FEE_MAX_PPM:
        raise InvalidField(field, text, "from 0 to 0.1")
    return ppm
