"""gRPC translation of AdminService."""

from typing import Any

import grpc
from tigerex.exchange.v1 import admin_pb2 as pb
from tigerex.exchange.v1 import admin_pb2_grpc

from tigerex_platform.auth import current_principal
from tigerex_services.directory import market_from_proto
from tigerex_services.exchange.service.account_admin import AccountAdmin
from tigerex_services.exchange.service.admin import AdminService
from tigerex_services.exchange.service.keys import KeyService
from tigerex_services.exchange.service.market_admin import MarketAdmin
from tigerex_services.exchange.servicers import translate
from tigerex_services.market_limits import asked_limits

Context = grpc.aio.ServicerContext[Any, Any]


class AdminServicer(admin_pb2_grpc.AdminServiceServicer):
    """Messages in, one call of a service, messages out."""

    def __init__(
        self, service: AdminService, markets: MarketAdmin, accounts: AccountAdmin, keys: KeyService
    ) -> None:
        self._service = service
        self._markets = markets
        self._accounts = accounts
        self._keys = keys

    async def EnsureAsset(
        self, request: pb.EnsureAssetRequest, context: Context
    ) -> pb.EnsureAssetResponse:
        asset = await self._service.ensure_asset(
            current_principal(),
            request.request_id,
            request.asset.code,
            request.asset.scale,
            request.reason,
        )
        return pb.EnsureAssetResponse(asset=translate.asset_message(asset))

    async def EnsureMarket(
        self, request: pb.EnsureMarketRequest, context: Context
    ) -> pb.EnsureMarketResponse:
        directory = self._service.directory
        base = directory.asset(request.market.base_asset)
        quote = directory.asset(request.market.quote_asset)
        wanted = market_from_proto(request.market, base, quote)
        market = await self._markets.ensure_market(
            current_principal(),
            request.request_id,
            wanted,
            asked_limits(wanted, request.market.limits, "market.limits"),
            request.reason,
        )
        return pb.EnsureMarketResponse(market=translate.market_message(market))

    async def SetMarketState(
        self, request: pb.SetMarketStateRequest, context: Context
    ) -> pb.SetMarketStateResponse:
        market = await self._markets.set_market_state(
            current_principal(), request.request_id, request.symbol, request.state, request.reason
        )
        return pb.SetMarketStateResponse(market=translate.market_message(market))

    async def SetMarketLimits(
        self, request: pb.SetMarketLimitsRequest, context: Context
    ) -> pb.SetMarketLimitsResponse:
        market = self._service.directory.market(request.symbol)
        market = await self._markets.set_market_limits(
            current_principal(),
            request.request_id,
            market,
            asked_limits(market, request.limits, "limits"),
            request.reason,
        )
        return pb.SetMarketLimitsResponse(market=translate.market_message(market))

    async def CancelMarketOrders(
        self, request: pb.CancelMarketOrdersRequest, context: Context
    ) -> pb.CancelMarketOrdersResponse:
        canceled, remaining, seq = await self._markets.cancel_orders(
            current_principal(), request.request_id, request.symbol, request.reason
        )
        return pb.CancelMarketOrdersResponse(canceled=canceled, remaining=remaining, seq=seq)

    async def SetFeeDiscount(
        self, request: pb.SetFeeDiscountRequest, context: Context
    ) -> pb.SetFeeDiscountResponse:
        await self._accounts.set_fee_discount(
            current_principal(),
            request.request_id,
            request.fee_discount.asset,
            request.fee_discount.discount,
            request.reason,
        )
        return pb.SetFeeDiscountResponse(
            fee_discount=translate.fee_discount_message(self._service.directory)
        )

    async def SetAccountFeePayment(
        self, request: pb.SetAccountFeePaymentRequest, context: Context
    ) -> pb.SetAccountFeePaymentResponse:
        account = await self._accounts.set_fee_payment(
            current_principal(),
            request.request_id,
            request.account_id,
            request.reason,
            discounted=request.discounted,
        )
        return pb.SetAccountFeePaymentResponse(account=translate.account_message(account))

    async def SetAccount(
        self, request: pb.SetAccountRequest, context: Context
    ) -> pb.SetAccountResponse:
        account = await self._accounts.set_account(
            current_principal(),
            request.request_id,
            request.account_id,
            request.fee_tier if request.HasField("fee_tier") else None,
            request.frozen if request.HasField("frozen") else None,
            request.reason,
        )
        return pb.SetAccountResponse(account=translate.account_message(account))

    async def SetFeeTier(
        self, request: pb.SetFeeTierRequest, context: Context
    ) -> pb.SetFeeTierResponse:
        await self._accounts.set_fee_tier(
            current_principal(),
            request.request_id,
            request.tier,
            request.maker_fee,
            request.taker_fee,
            request.reason,
        )
        return pb.SetFeeTierResponse()

    async def EnsureUser(
        self, request: pb.EnsureUserRequest, context: Context
    ) -> pb.EnsureUserResponse:
        user_id, account = await self._service.ensure_user(
            current_principal(), request.request_id, request.name, request.reason
        )
        return pb.EnsureUserResponse(
            user_id=user_id, main_account=translate.account_message(account)
        )

    async def Deposit(self, request: pb.DepositRequest, context: Context) -> pb.DepositResponse:
        seq = await self._service.deposit(
            current_principal(),
            request.request_id,
            request.account_id,
            request.asset,
            request.amount,
            request.reason,
        )
        return pb.DepositResponse(seq=seq)

    async def CreateApiKey(
        self, request: pb.CreateApiKeyRequest, context: Context
    ) -> pb.CreateApiKeyResponse:
        key, secret = await self._keys.create(
            current_principal(),
            request.request_id,
            request.user,
            list(request.permissions),
            request.label,
            request.reason,
            request.public_key,
        )
        return pb.CreateApiKeyResponse(key=key, secret=secret)

    async def RevokeApiKey(
        self, request: pb.RevokeApiKeyRequest, context: Context
    ) -> pb.RevokeApiKeyResponse:
        await self._keys.revoke(
            current_principal(), request.request_id, request.key, request.reason
        )
        return pb.RevokeApiKeyResponse()

    async def LookupApiKey(
        self, request: pb.LookupApiKeyRequest, context: Context
    ) -> pb.LookupApiKeyResponse:
        key = await self._keys.find(request.key)
        return pb.LookupApiKeyResponse(
            user_id=key.user_id,
            user=key.user_name,
            permissions=key.permissions,
            encrypted_secret=key.encrypted_secret or b"",
            public_key=key.public_key or b"",
        )

    async def ListAuditRecords(
        self, request: pb.ListAuditRecordsRequest, context: Context
    ) -> pb.ListAuditRecordsResponse:
        records = await self._keys.audit_page(request.before_id, request.limit)
        messages = [
            pb.AuditRecord(
                id=record.id,
                time_ns=record.time_ns,
                author=record.author,
                method=record.method,
                reason=record.reason,
                detail=record.detail,
            )
            for record in records
        ]
        return pb.ListAuditRecordsResponse(records=messages)
