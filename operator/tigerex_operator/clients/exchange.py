"""What the operator asks of a tenant's exchange.

Every call may be repeated: ids derive from what is asked.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import grpc.aio
from tigerex.exchange.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    markets_pb2,
    markets_pb2_grpc,
    types_pb2,
)

from tigerex_operator.clients.limits import build_limits, share_of
from tigerex_operator.models.market import MarketSpec
from tigerex_operator.models.tenant import AssetSpec, FeeDiscountSpec, FeesSpec
from tigerex_platform.errors import Conflict, from_rpc_error
from tigerex_platform.ids import derive_request_id, new_request_id

DEMO_PERMISSIONS = ("read", "trade", "transfer", "bots")
STATES = {
    "Open": types_pb2.MARKET_STATE_OPEN,
    "Halted": types_pb2.MARKET_STATE_HALTED,
    "CancelOnly": types_pb2.MARKET_STATE_CANCEL_ONLY,
    "Delisting": types_pb2.MARKET_STATE_DELISTING,
}
STATE_NAMES = {value: name for name, value in STATES.items()}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MarketView:
    """A market as the exchange has it."""

    market_id: int
    state: str
    halt_reason: str
    limits: types_pb2.MarketLimits


class ExchangeClient:
    """Calls of one tenant's exchange. `scope` is as old as its data: the uid of the namespace.

    Raises:
        TigerExError: what the exchange answered, or that it does not answer.
    """

    def __init__(self, channel: grpc.aio.Channel, scope: str) -> None:
        self._admin = admin_pb2_grpc.AdminServiceStub(channel)
        self._markets = markets_pb2_grpc.MarketServiceStub(channel)
        self._scope = scope

    async def known_assets(self) -> tuple[frozenset[str], types_pb2.FeeDiscount]:
        """Codes of the assets that the exchange has, and the discount for fees paid in one."""
        answer = await _translated(
            lambda: self._markets.ListAssets(markets_pb2.ListAssetsRequest())
        )
        return frozenset(asset.code for asset in answer.assets), answer.fee_discount

    async def ensure_asset(self, asset: AssetSpec, reason: str) -> None:
        """Creates the asset where there is none."""
        request = admin_pb2.EnsureAssetRequest(
            request_id=self._id("asset", asset.code, asset.scale),
            asset=types_pb2.Asset(code=asset.code, scale=asset.scale),
            reason=reason,
        )
        await _translated(partial(self._admin.EnsureAsset, request))

    async def set_fees(self, fees: FeesSpec, version: str, reason: str) -> None:
        """Sets the fees of tier 0.

        `version` names the change: going back to old fees is a new one.
        """
        request = admin_pb2.SetFeeTierRequest(
            request_id=self._id("fees", version, fees.maker, fees.taker),
            tier=0,
            maker_fee=fees.maker,
            taker_fee=fees.taker,
            reason=reason,
        )
        await _translated(partial(self._admin.SetFeeTier, request))

    async def set_fee_discount(
        self, wanted: FeeDiscountSpec | None, version: str, reason: str
    ) -> None:
        """Sets the asset in which fees are cheaper; None: there is none. `version` as above."""
        discount = types_pb2.FeeDiscount(discount="0")
        if wanted is not None:
            discount = types_pb2.FeeDiscount(asset=wanted.asset, discount=share_of(wanted.percent))
        request = admin_pb2.SetFeeDiscountRequest(
            request_id=self._id("discount", version, discount.asset, discount.discount),
            fee_discount=discount,
            reason=reason,
        )
        await _translated(partial(self._admin.SetFeeDiscount, request))

    async def ensure_user(self, name: str, reason: str) -> int:
        """The account id of the user's main account; the user is created where there is none."""
        request = admin_pb2.EnsureUserRequest(
            request_id=self._id("user", name), name=name, reason=reason
        )
        answer = await _translated(partial(self._admin.EnsureUser, request))
        return answer.main_account.account_id

    async def credit_once(
        self, user: str, account_id: int, asset: str, amount: str, reason: str
    ) -> None:
        """Credits the asset once.

        The id is without the amount, so another amount is not a second credit.
        """
        request = admin_pb2.DepositRequest(
            request_id=self._id("credit", user, asset),
            account_id=account_id,
            asset=asset,
            amount=amount,
            reason=reason,
        )
        try:
            await _translated(partial(self._admin.Deposit, request))
        except Conflict:
            return

    async def create_api_key(self, user: str, reason: str) -> tuple[str, str]:
        """(key, secret) of a key with all permissions.

        The first answer is repeated where its Secret was not written yet; where the exchange does
        not tell a secret twice, another key is made.
        """
        for request_id in (self._id("api-key", user), new_request_id()):
            request = admin_pb2.CreateApiKeyRequest(
                request_id=request_id,
                user=user,
                permissions=DEMO_PERMISSIONS,
                label="demo",
                reason=reason,
            )
            try:
                answer = await _translated(partial(self._admin.CreateApiKey, request))
            except Conflict:
                continue
            if answer.secret:
                return answer.key, answer.secret
        raise Conflict("API_KEY_SECRET_LOST", "the exchange tells no secret for a new API key")

    async def ensure_market(self, symbol: str, spec: MarketSpec, reason: str) -> MarketView:
        """Creates the market with its limits, or returns the one there is; other increments than
        it has are refused.
        """
        market = types_pb2.Market(
            symbol=symbol,
            base_asset=spec.base_asset,
            quote_asset=spec.quote_asset,
            tick_size=spec.tick_size,
            lot_size=spec.lot_size,
            max_price=spec.max_price,
            max_quantity=spec.max_quantity,
            min_notional=spec.min_notional,
            state=STATES[spec.state],
            limits=build_limits(spec),
        )
        request = admin_pb2.EnsureMarketRequest(
            request_id=self._id("market", symbol, market.SerializeToString(deterministic=True)),
            market=market,
            reason=reason,
        )
        answer = await _translated(partial(self._admin.EnsureMarket, request))
        return _view(answer.market)

    async def set_market_state(
        self, symbol: str, state: str, version: str, reason: str
    ) -> MarketView:
        """Opens or halts the market. `version` names the change: halting again is a new one."""
        request = admin_pb2.SetMarketStateRequest(
            request_id=self._id("state", symbol, state, version),
            symbol=symbol,
            state=STATES[state],
            reason=reason,
        )
        answer = await _translated(partial(self._admin.SetMarketState, request))
        return _view(answer.market)

    async def set_market_limits(
        self, symbol: str, limits: types_pb2.MarketLimits, version: str, reason: str
    ) -> MarketView:
        """Sets those limits that differ. `version` names the change, as with the state."""
        request = admin_pb2.SetMarketLimitsRequest(
            request_id=self._id(
                "limits", symbol, version, limits.SerializeToString(deterministic=True)
            ),
            symbol=symbol,
            limits=limits,
            reason=reason,
        )
        answer = await _translated(partial(self._admin.SetMarketLimits, request))
        return _view(answer.market)

    async def cancel_market_orders(self, symbol: str, version: str, reason: str) -> int:
        """Cancels everybody's orders, so many as one call takes; returns how many are left."""
        request = admin_pb2.CancelMarketOrdersRequest(
            request_id=self._id("cancel", symbol, version), symbol=symbol, reason=reason
        )
        answer = await _translated(partial(self._admin.CancelMarketOrders, request))
        return answer.remaining

    async def market(self, symbol: str) -> MarketView:
        """The market as it is. Raises NotFound."""
        request = markets_pb2.GetMarketRequest(symbol=symbol)
        answer = await _translated(partial(self._markets.GetMarket, request))
        return _view(answer.market)

    def _id(self, *parts: str | int | bytes) -> bytes:
        return derive_request_id("operator", self._scope, *parts)


def _view(market: types_pb2.Market) -> MarketView:
    state = STATE_NAMES.get(market.state, "Halted")
    return MarketView(market.market_id, state, market.halt_reason, market.limits)


async def _translated(call: Callable[[], Awaitable[T]]) -> T:
    """Runs the call and raises the platform's errors instead of gRPC's."""
    try:
        return await call()
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
