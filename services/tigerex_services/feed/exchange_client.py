"""What a feed asks of the exchange, in its own words; errors are the platform's.

A call is repeated while the exchange is away, always with the same request id, for about a minute;
then the process ends with the reason, and whoever runs it starts it again.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import grpc
from tigerex.exchange.v1 import accounts_pb2, admin_pb2, markets_pb2, trading_pb2, types_pb2
from tigerex.exchange.v1.accounts_pb2_grpc import AccountServiceStub
from tigerex.exchange.v1.admin_pb2_grpc import AdminServiceStub
from tigerex.exchange.v1.markets_pb2_grpc import MarketServiceStub
from tigerex.exchange.v1.trading_pb2_grpc import TradingServiceStub

from tigerex_core.records import MarketState, Side
from tigerex_platform.errors import from_rpc_error
from tigerex_platform.ids import derive_request_id
from tigerex_platform.retry import retry
from tigerex_services.directory import Directory
from tigerex_services.feed.intents import Intent, Party, Place
from tigerex_services.instruments import MarketInfo

if TYPE_CHECKING:
    from tigerex.exchange.v1.accounts_pb2_grpc import AccountServiceAsyncStub
    from tigerex.exchange.v1.admin_pb2_grpc import AdminServiceAsyncStub
    from tigerex.exchange.v1.markets_pb2_grpc import MarketServiceAsyncStub
    from tigerex.exchange.v1.trading_pb2_grpc import TradingServiceAsyncStub

logger = logging.getLogger(__name__)

HOUSE_USER = "house"
BATCH_MAX = 256  # commands in one SubmitBatch
CALL_TIMEOUT_S = 10.0
ATTEMPTS = 40
RETRY_FIRST_S = 0.1
RETRY_MAX_S = 3.0

SIDES = {Side.BUY: types_pb2.SIDE_BUY, Side.SELL: types_pb2.SIDE_SELL}

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class House:
    """Account ids of a market's house maker and house taker."""

    maker: int
    taker: int

    def of(self, party: Party) -> int:
        return self.maker if party is Party.MAKER else self.taker


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch: how many commands were accepted, and why others were not."""

    accepted: int
    refused: Counter[str]


class FeedExchange:
    """One market at the exchange, seen from its feed."""

    def __init__(self, channel: grpc.aio.Channel, symbol: str) -> None:
        self._symbol = symbol
        self._accounts: AccountServiceAsyncStub = AccountServiceStub(channel)
        self._admin: AdminServiceAsyncStub = AdminServiceStub(channel)
        self._markets: MarketServiceAsyncStub = MarketServiceStub(channel)
        self._trading: TradingServiceAsyncStub = TradingServiceStub(channel)
        self._house = House(0, 0)
        self._market: MarketInfo | None = None

    @property
    def market(self) -> MarketInfo:
        """The market; known after `open`."""
        if self._market is None:
            raise RuntimeError("open() comes first")
        return self._market

    async def open(self) -> None:
        """Find the market and the house's accounts, making those that are missing.

        Raises NotFound for an unknown market.
        """
        directory = Directory()
        assets = await _ask(lambda: self._markets.ListAssets(markets_pb2.ListAssetsRequest()))
        market = await self._get_market()
        directory.load(assets.assets, [market])
        self._market = directory.market(self._symbol)
        await _ask(
            lambda: self._admin.EnsureUser(
                admin_pb2.EnsureUserRequest(
                    request_id=derive_request_id("user", HOUSE_USER),
                    name=HOUSE_USER,
                    reason="owner of the feeds' accounts",
                )
            )
        )
        maker = await self._ensure_account(f"{self._symbol}-maker")
        taker = await self._ensure_account(f"{self._symbol}-taker")
        self._house = House(maker.account_id, taker.account_id)

    async def state(self) -> tuple[MarketState, int]:
        """Open or halted, and the ticks of the last trade (0 before the first)."""
        market = await self._get_market()
        last = self.market.price_to_ticks(market.last_price) if market.last_price else 0
        return MarketState(market.state), last

    async def clear_book(self) -> tuple[list[str], int]:
        """Cancel every order of the maker; their names, and the seq that the list reflects.

        This is how a restart begins: whatever stood is no longer known.
        """
        request = trading_pb2.ListOpenOrdersRequest(account_id=self._house.maker)
        answer = await _ask(lambda: self._trading.ListOpenOrders(request))
        cancels = [
            trading_pb2.BatchCommand(
                cancel=trading_pb2.CancelOrderRequest(
                    request_id=derive_request_id("clear", order.order_id),
                    account_id=self._house.maker,
                    order_id=order.order_id,
                )
            )
            for order in answer.orders
        ]
        await self._submit(cancels)
        return [order.client_order_id for order in answer.orders], answer.seq

    async def submit(self, intents: Sequence[Intent]) -> Outcome:
        """Send intents in order, in as few batches as that takes."""
        return await self._submit([self._command(intent) for intent in intents])

    async def halt(self, key: bytes, reason: str) -> None:
        """Halt the market; once for a key."""
        await _ask(
            lambda: self._admin.SetMarketState(
                admin_pb2.SetMarketStateRequest(
                    request_id=key,
                    symbol=self._symbol,
                    state=types_pb2.MARKET_STATE_HALTED,
                    reason=reason,
                )
            )
        )

    async def read_bookmark(self, name: str) -> tuple[int, int]:
        """(account id, number) of a bookmark: an account of the house whose epoch is the number."""
        account = await self._ensure_account(name)
        return account.account_id, account.epoch

    async def move_bookmark(self, account_id: int, number: int) -> None:
        """Set a bookmark to a greater number."""
        await _ask(
            lambda: self._accounts.AdvanceEpoch(
                accounts_pb2.AdvanceEpochRequest(
                    request_id=derive_request_id("bookmark", account_id, number),
                    account_id=account_id,
                    epoch=number,
                    signal=accounts_pb2.SIGNAL_TAKEOVER,
                )
            )
        )

    async def _submit(self, commands: Sequence[trading_pb2.BatchCommand]) -> Outcome:
        refused: Counter[str] = Counter()
        for start in range(0, len(commands), BATCH_MAX):
            batch = trading_pb2.SubmitBatchRequest(commands=commands[start : start + BATCH_MAX])
            answer = await _ask(lambda b=batch: self._trading.SubmitBatch(b))  # type: ignore[misc]
            refused.update(r.refused.reason for r in answer.results if r.HasField("refused"))
        return Outcome(len(commands) - refused.total(), refused)

    def _command(self, intent: Intent) -> trading_pb2.BatchCommand:
        if not isinstance(intent, Place):
            cancel = trading_pb2.CancelOrderRequest(
                request_id=intent.key,
                account_id=self._house.maker,
                client_order_id=intent.name,
                market=self._symbol,
            )
            return trading_pb2.BatchCommand(cancel=cancel)
        is_maker = intent.party is Party.MAKER
        place = trading_pb2.PlaceOrderRequest(
            request_id=intent.key,
            account_id=self._house.of(intent.party),
            market=self._symbol,
            side=SIDES[intent.side],
            type=types_pb2.ORDER_TYPE_LIMIT,
            time_in_force=(
                types_pb2.TIME_IN_FORCE_GTC if is_maker else types_pb2.TIME_IN_FORCE_IOC
            ),
            price=self.market.ticks_to_price(intent.price),
            quantity=self.market.lots_to_quantity(intent.quantity),
            client_order_id=intent.name,
            # Maker and taker are one user's: a market's default would keep them from trading.
            self_trade_mode=types_pb2.SELF_TRADE_MODE_NONE,
        )
        return trading_pb2.BatchCommand(place=place)

    async def _get_market(self) -> types_pb2.Market:
        request = markets_pb2.GetMarketRequest(symbol=self._symbol)
        return (await _ask(lambda: self._markets.GetMarket(request))).market

    async def _ensure_account(self, name: str) -> types_pb2.Account:
        request = accounts_pb2.EnsureAccountRequest(
            request_id=derive_request_id("account", HOUSE_USER, name),
            user=HOUSE_USER,
            name=name,
            kind=types_pb2.ACCOUNT_KIND_HOUSE,
        )
        return (await _ask(lambda: self._accounts.EnsureAccount(request))).account


async def _ask(call: Callable[[], Awaitable[Answer]]) -> Answer:
    """The answer of a call that is made anew for each attempt. Raises TigerExError."""

    async def attempt() -> Answer:
        try:
            return await call()
        except grpc.aio.AioRpcError as error:
            refused = from_rpc_error(error)
            if refused.retryable:
                logger.warning("the exchange does not answer: %s", refused.message)
            raise refused from error

    return await retry(
        attempt, attempts=ATTEMPTS, first_delay_s=RETRY_FIRST_S, max_delay_s=RETRY_MAX_S
    )
