"""gRPC translation of AccountService."""

from typing import Any

import grpc
from tigerex.exchange.v1 import accounts_pb2 as pb
from tigerex.exchange.v1 import accounts_pb2_grpc, types_pb2

from tigerex_platform.auth import current_principal
from tigerex_services.decimals import from_units
from tigerex_services.exchange.service.accounts import AccountService
from tigerex_services.exchange.servicers import translate
from tigerex_services.market_limits import PPM_DECIMALS

Context = grpc.aio.ServicerContext[Any, Any]


class AccountServicer(accounts_pb2_grpc.AccountServiceServicer):
    """Messages in, one call of the service, messages out."""

    def __init__(self, service: AccountService) -> None:
        self._service = service

    async def ListAccounts(
        self, request: pb.ListAccountsRequest, context: Context
    ) -> pb.ListAccountsResponse:
        accounts = self._service.accounts(current_principal(), request.user)
        return pb.ListAccountsResponse(accounts=[translate.account_message(a) for a in accounts])

    async def GetBalances(
        self, request: pb.GetBalancesRequest, context: Context
    ) -> pb.GetBalancesResponse:
        balances, seq = await self._service.balances(current_principal(), request.account_id)
        messages = [
            types_pb2.Balance(
                asset=asset.code,
                available=asset.from_units(available),
                held=asset.from_units(held),
            )
            for asset, available, held in balances
        ]
        return pb.GetBalancesResponse(balances=messages, seq=seq)

    async def GetFees(self, request: pb.GetFeesRequest, context: Context) -> pb.GetFeesResponse:
        account, maker, taker, seq = await self._service.fees(
            current_principal(), request.account_id
        )
        return pb.GetFeesResponse(
            maker_fee=from_units(maker, PPM_DECIMALS),
            taker_fee=from_units(taker, PPM_DECIMALS),
            fee_discount=translate.fee_discount_message(self._service.directory),
            pays_discounted_fees=account.pays_discounted_fees,
            seq=seq,
        )

    async def EnsureAccount(
        self, request: pb.EnsureAccountRequest, context: Context
    ) -> pb.EnsureAccountResponse:
        account = await self._service.ensure_account(
            current_principal(), request.request_id, request.user, request.name, request.kind
        )
        return pb.EnsureAccountResponse(account=translate.account_message(account))

    async def Transfer(self, request: pb.TransferRequest, context: Context) -> pb.TransferResponse:
        seq = await self._service.transfer(
            current_principal(),
            request.request_id,
            request.from_account_id,
            request.to_account_id,
            request.asset,
            request.amount,
        )
        return pb.TransferResponse(seq=seq)

    async def ReserveTransfer(
        self, request: pb.ReserveTransferRequest, context: Context
    ) -> pb.ReserveTransferResponse:
        seq = await self._service.reserve(
            current_principal(),
            request.request_id,
            request.transfer_id,
            request.from_account_id,
            request.to_account_id,
            request.asset,
            request.amount,
        )
        return pb.ReserveTransferResponse(seq=seq)

    async def PostTransfer(
        self, request: pb.PostTransferRequest, context: Context
    ) -> pb.PostTransferResponse:
        seq = await self._service.post(current_principal(), request.request_id, request.transfer_id)
        return pb.PostTransferResponse(seq=seq)

    async def VoidTransfer(
        self, request: pb.VoidTransferRequest, context: Context
    ) -> pb.VoidTransferResponse:
        seq = await self._service.void(current_principal(), request.request_id, request.transfer_id)
        return pb.VoidTransferResponse(seq=seq)

    async def SetFeePayment(
        self, request: pb.SetFeePaymentRequest, context: Context
    ) -> pb.SetFeePaymentResponse:
        account, seq = await self._service.set_fee_payment(
            current_principal(),
            request.request_id,
            request.account_id,
            discounted=request.discounted,
        )
        return pb.SetFeePaymentResponse(account=translate.account_message(account), seq=seq)

    async def AdvanceEpoch(
        self, request: pb.AdvanceEpochRequest, context: Context
    ) -> pb.AdvanceEpochResponse:
        seq = await self._service.advance_epoch(
            current_principal(),
            request.request_id,
            request.account_id,
            request.epoch,
            request.signal,
        )
        return pb.AdvanceEpochResponse(seq=seq)
