"""Operations by people and by the operator: each audited with its author and reason.

The audit record is written before the command, so nothing happens unrecorded; whether it happened
is in the journal, under the same request id.
"""

import json
from collections.abc import Mapping
from dataclasses import replace

from tigerex_core.records import WORLD_ACCOUNT, Event, EventKind, MarketState
from tigerex_platform.auth import Principal
from tigerex_platform.clock import Clock
from tigerex_platform.errors import Conflict, InvalidField
from tigerex_services.decimals import to_units
from tigerex_services.directory import AccountInfo, AssetInfo, Directory, MarketInfo
from tigerex_services.exchange import commands
from tigerex_services.exchange.host.sequencer import Answer
from tigerex_services.exchange.service import checks
from tigerex_services.exchange.service.executor import Executor
from tigerex_services.exchange.service.ownership import author_of
from tigerex_services.exchange.storage.keys import AdminStorage, AuditEntry

SCALE_MAX = 8
TIER_MAX = 15
PPM_DECIMALS = 6
FEE_MAX_PPM = 100_000
MAIN_ACCOUNT = "main"


class AdminService:
    """Decides about assets, markets, fees, users and deposits."""

    def __init__(self, executor: Executor, storage: AdminStorage, clock: Clock) -> None:
        self._executor = executor
        self._storage = storage
        self._clock = clock

    @property
    def directory(self) -> Directory:
        """The committed names; raises Unavailable while this process does not lead."""
        return self._executor.leader.committed.directory

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
            created = await self._create(principal, "EnsureAsset", reason, detail, request_id, row)
            asset = (
                self.directory.asset(code)
                if created is None
                else self.directory.asset_by_id(created.event(EventKind.ASSET_CREATED)[Event.ASSET])
            )
        if (asset.code, asset.scale) != (code, scale):
            message = f"asset {code} exists with scale {asset.scale}, which cannot change"
            raise Conflict("NAME_TAKEN", message, field="asset.scale")
        return asset

    async def ensure_market(
        self, principal: Principal, request_id: bytes, wanted: MarketInfo, reason: str
    ) -> MarketInfo:
        """The market of that symbol, made when there is none; other increments are refused."""
        check_market(wanted)
        market = self.directory.find_market(wanted.symbol)
        if market is None:
            row = commands.create_market(
                checks.request_id(request_id),
                wanted.symbol,
                base=wanted.base.asset_id,
                quote=wanted.quote.asset_id,
                tick=wanted.tick,
                lot=wanted.lot,
                max_price=wanted.max_price,
                max_quantity=wanted.max_quantity,
                min_notional=wanted.min_notional,
            )
            detail = describe_market(wanted)
            await self._create(principal, "EnsureMarket", reason, detail, request_id, row)
            market = self.directory.market(wanted.symbol)
        if replace(market, market_id=0, state=wanted.state) != replace(wanted, market_id=0):
            message = (
                f"market {wanted.symbol} exists with {json.dumps(describe_market(market))};"
                " its increments and limits cannot change"
            )
            raise Conflict("NAME_TAKEN", message, field="market")
        return market

    async def set_market_state(
        self, principal: Principal, request_id: bytes, symbol: str, state: int, reason: str
    ) -> MarketInfo:
        if state not in tuple(MarketState):
            raise InvalidField("state", state, "OPEN or HALTED")
        market = self.directory.market(symbol)
        row = commands.set_market_state(checks.request_id(request_id), market.market_id, state)
        detail = {"symbol": symbol, "state": MarketState(state).name}
        await self._command(principal, "SetMarketState", reason, detail, request_id, row)
        return self.directory.market(symbol)

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
        await self._command(principal, "SetFeeTier", reason, detail, request_id, row)

    async def ensure_user(
        self, principal: Principal, request_id: bytes, name: str, reason: str
    ) -> tuple[int, AccountInfo]:
        """The user's id and main account; the user is made when there is none."""
        checks.match("name", name, checks.USER_NAME, checks.NAME_ALLOWED)
        user_id = self.directory.find_user(name)
        if user_id is None:
            row = commands.create_user(checks.request_id(request_id), name)
            detail = {"name": name}
            await self._create(principal, "EnsureUser", reason, detail, request_id, row)
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
        answer = await self._command(principal, "Deposit", reason, detail, request_id, row)
        return answer.seq

    async def _create(
        self,
        principal: Principal,
        method: str,
        reason: str,
        detail: Mapping[str, object],
        request_id: bytes,
        row: bytes,
    ) -> Answer | None:
        """As `_command`; None when somebody else made the thing in the meantime."""
        try:
            return await self._command(principal, method, reason, detail, request_id, row)
        except Conflict as error:
            if error.code != "NAME_TAKEN":
                raise
            return None

    async def _command(
        self,
        principal: Principal,
        method: str,
        reason: str,
        detail: Mapping[str, object],
        request_id: bytes,
        row: bytes,
    ) -> Answer:
        checks.text("reason", reason, checks.REASON_CHARACTERS_MAX, required=True)
        await self._storage.record(
            AuditEntry(
                self._clock.now_ns(),
                author_of(principal),
                method,
                reason,
                json.dumps(detail),
                request_id,
            )
        )
        return await self._executor.execute(row)


def check_market(market: MarketInfo) -> None:
    """Raises InvalidField for what would not make a market."""
    allowed = "1 to 32 of a-z, 0-9 and '-', starting with a letter or a digit"
    checks.match("market.symbol", market.symbol, checks.SYMBOL, allowed)
    if market.base == market.quote:
        raise InvalidField("market.quote_asset", market.quote.code, "another than the base asset")
    if market.tick * market.lot % 10**market.base.scale:
        raise InvalidField(
            "market.tick_size",
            market.quote.from_units(market.tick),
            f"with the lot size at most {market.quote.scale} decimals together",
        )
    for field, steps, text in (
        ("market.max_price", market.max_price, market.ticks_to_price(market.max_price)),
        (
            "market.max_quantity",
            market.max_quantity,
            market.lots_to_quantity(market.max_quantity),
        ),
    ):
        if steps == 0:
            raise InvalidField(field, text, "greater than zero")
    if market.notional(market.max_price, market.max_quantity) >= 2**62:
        raise InvalidField(
            "market.max_quantity",
            market.lots_to_quantity(market.max_quantity),
            f"max_price times max_quantity below {market.quote.from_units(2**62)}",
        )


def describe_market(market: MarketInfo) -> dict[str, object]:
    """What the audit record and errors say of a market."""
    return {
        "symbol": market.symbol,
        "base_asset": market.base.code,
        "quote_asset": market.quote.code,
        "tick_size": market.quote.from_units(market.tick),
        "lot_size": market.base.from_units(market.lot),
        "max_price": market.ticks_to_price(market.max_price),
        "max_quantity": market.lots_to_quantity(market.max_quantity),
        "min_notional": market.quote.from_units(market.min_notional),
    }


def _fee_ppm(field: str, text: str) -> int:
    ppm = to_units(text, PPM_DECIMALS, field)
    if ppm > FEE_MAX_PPM:
        raise InvalidField(field, text, "from 0 to 0.1")
    return ppm
