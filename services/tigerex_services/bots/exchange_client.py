"""What the bots service asks of the exchange, in its own words; errors are the platform's."""

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

import grpc
from tigerex.exchange.v1 import (
    accounts_pb2,
    accounts_pb2_grpc,
    journal_pb2,
    journal_pb2_grpc,
    markets_pb2,
    markets_pb2_grpc,
    trading_pb2,
    trading_pb2_grpc,
    types_pb2,
)

from tigerex_core.records import Rows
from tigerex_platform.errors import from_rpc_error
from tigerex_platform.ids import derive_request_id
from tigerex_services.bots.model import bot_account_name
from tigerex_services.directory import Directory
from tigerex_services.instruments import AssetInfo, MarketInfo
from tigerex_services.stream import rows_of

Answer = TypeVar("Answer")
CANCELS_MAX = 256  # in one SubmitBatch


@dataclass(frozen=True, slots=True)
class JournalPage:
    """Consecutive journal entries: (seq, events) each."""

    entries: list[tuple[int, Rows]]
    committed_seq: int


class ExchangeClient:
    """Calls with request ids derived from what they are for, so repeating one is harmless."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._accounts = accounts_pb2_grpc.AccountServiceStub(channel)
        self._markets = markets_pb2_grpc.MarketServiceStub(channel)
        self._trading = trading_pb2_grpc.TradingServiceStub(channel)
        self._journal = journal_pb2_grpc.JournalServiceStub(channel)
        self._directory = Directory()

    async def market(self, symbol: str) -> MarketInfo | None:
        """The market as it was created; None when there is none of the name."""
        found = self._directory.find_market(symbol)
        if found is None:
            await self._load_markets()
            found = self._directory.find_market(symbol)
        return found

    async def assets(self, ids: set[int]) -> dict[int, AssetInfo]:
        """The assets of these ids."""
        known = {asset.asset_id: asset for asset in self._directory.assets()}
        if ids - known.keys():
            await self._load_markets()
            known = {asset.asset_id: asset for asset in self._directory.assets()}
        return known

    async def last_prices(self) -> dict[str, Decimal]:
        """The price of the newest trade, of the markets that had one."""
        answer = await _call(self._markets.ListMarkets(markets_pb2.ListMarketsRequest()))
        return {m.symbol: Decimal(m.last_price) for m in answer.markets if m.last_price}

    async def find_account(self, user: str, name: str) -> types_pb2.Account | None:
        """The account of the user; raises NotFound for an unknown user."""
        request = accounts_pb2.ListAccountsRequest(user=user)
        answer = await _call(self._accounts.ListAccounts(request))
        return next((a for a in answer.accounts if a.name == name), None)

    async def ensure_bot_account(self, bot_id: UUID, user: str) -> types_pb2.Account:
        """The bot's own sub-account."""
        request = accounts_pb2.EnsureAccountRequest(
            request_id=derive_request_id(bot_id.bytes, "account"),
            user=user,
            name=bot_account_name(bot_id),
            kind=types_pb2.ACCOUNT_KIND_BOT,
        )
        return (await _call(self._accounts.EnsureAccount(request))).account

    async def transfer(
        self, request_id: bytes, source: int, target: int, asset: str, amount: str
    ) -> None:
        request = accounts_pb2.TransferRequest(
            request_id=request_id,
            from_account_id=source,
            to_account_id=target,
            asset=asset,
            amount=amount,
        )
        await _call(self._accounts.Transfer(request))

    async def signal(self, bot_id: UUID, account_id: int, epoch: int, signal: int) -> int:
        """Raise the account's epoch; returns the journal seq of the signal."""
        request = accounts_pb2.AdvanceEpochRequest(
            request_id=derive_request_id(bot_id.bytes, "epoch", epoch, signal),
            account_id=account_id,
            epoch=epoch,
            signal=signal,  # type: ignore[arg-type]
        )
        return (await _call(self._accounts.AdvanceEpoch(request))).seq

    async def cancel_all(self, bot_id: UUID, account_id: int) -> int | None:
        """Cancel open orders; the seq at which none was open, or None when some have been."""
        listed = await _call(
            self._trading.ListOpenOrders(trading_pb2.ListOpenOrdersRequest(account_id=account_id))
        )
        if not listed.orders:
            return listed.seq
        commands = [
            trading_pb2.BatchCommand(
                cancel=trading_pb2.CancelOrderRequest(
                    request_id=derive_request_id(
                        bot_id.bytes, "cancel", order.order_id, listed.seq
                    ),
                    account_id=account_id,
                    order_id=order.order_id,
                    market=order.market,
                )
            )
            for order in listed.orders[:CANCELS_MAX]
        ]
        await _call(self._trading.SubmitBatch(trading_pb2.SubmitBatchRequest(commands=commands)))
        return None

    async def balances(self, account_id: int) -> tuple[list[types_pb2.Balance], int]:
        """What the account has, and the seq that this reflects."""
        request = accounts_pb2.GetBalancesRequest(account_id=account_id)
        answer = await _call(self._accounts.GetBalances(request))
        return list(answer.balances), answer.seq

    async def read_journal(self, from_seq: int) -> JournalPage:
        """The entries from a seq on that fit one page."""
        page = await _call(
            self._journal.ReadJournal(journal_pb2.ReadJournalRequest(from_seq=from_seq))
        )
        entries = [
            (entry.seq, rows_of(entry.events, entry.kernel_version)) for entry in page.entries
        ]
        return JournalPage(entries, page.committed_seq)

    async def _load_markets(self) -> None:
        assets = await _call(self._markets.ListAssets(markets_pb2.ListAssetsRequest()))
        markets = await _call(self._markets.ListMarkets(markets_pb2.ListMarketsRequest()))
        self._directory.load(assets=assets.assets, markets=markets.markets)


def has_money(balances: Iterable[types_pb2.Balance]) -> bool:
    """Whether anything is left, available or held."""
    return any(Decimal(b.available) or Decimal(b.held) for b in balances)


async def _call(answer: Awaitable[Answer]) -> Answer:
    try:
        return await answer
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from None
