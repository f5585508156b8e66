"""A tenant's exchange, bots service and runners as real processes; a house makes the prices."""

import asyncio
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
from tests.support.market_site import SYMBOL, Process
from tests.support.postgres import Database, free_port
from tests.support.redis import RedisServer
from tests.support.service_schema import migrate_services
from tests.support.tokens import TokenIssuer, environment
from tigerex.bots.v1 import bots_pb2, bots_pb2_grpc, runner_pb2_grpc
from tigerex.exchange.v1 import (
    accounts_pb2,
    accounts_pb2_grpc,
    admin_pb2,
    admin_pb2_grpc,
    journal_pb2,
    journal_pb2_grpc,
    trading_pb2,
    trading_pb2_grpc,
    types_pb2,
)

from tigerex_core.records import Event, EventKind
from tigerex_platform.errors import TigerExError, from_rpc_error
from tigerex_platform.grpc.client import acting_for, channel
from tigerex_platform.ids import new_request_id
from tigerex_platform.settings import Settings
from tigerex_services.stream import rows_of

WAIT_S_MAX = 40.0
LOOK_S = 0.05
USER = "demo"
SERVICES = ("exchange", "bots")

rid = new_request_id


class Sleepy(Process):
    """A process that can be stopped in its tracks, as a machine that swaps or a paused pod is."""

    def pause(self) -> None:
        """SIGSTOP."""
        assert self._running is not None
        self._running.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """SIGCONT."""
        assert self._running is not None
        self._running.send_signal(signal.SIGCONT)


class Calls:
    """A stub whose errors are ours."""

    def __init__(self, stub: Any, user: str = "") -> None:
        self._stub = stub
        self._metadata = acting_for(user) if user else ()

    def __getattr__(self, method: str) -> Any:
        async def call(request: Any) -> Any:
            try:
                return await getattr(self._stub, method)(request, metadata=self._metadata)
            except grpc.aio.AioRpcError as error:
                raise from_rpc_error(error) from None

        return call


class BotSite:
    """Processes, and callers in the roles that may call them."""

    def __init__(
        self, folder: Path, database: Database, redis: RedisServer, issuer: TokenIssuer
    ) -> None:
        self._folder = folder
        self._database = database
        self._redis = redis
        self._issuer = issuer
        self._channels: list[grpc.aio.Channel] = []
        self._processes: list[Sleepy] = []
        self._exchange_address = f"127.0.0.1:{free_port()}"
        self._bots_address = f"127.0.0.1:{free_port()}"
        self.exchange = self._process("exchange", self._exchange_address)
        self.bots = self._process("bots", self._bots_address)
        self.runner = self.new_runner("runner")
        self._house: list[int] = []

    async def start(self) -> None:
        """Migrate, start the exchange and the bots service, make a market and a user with money."""
        await asyncio.to_thread(migrate_services, self._issuer, self._database, *SERVICES)
        self.exchange.start()
        await self.exchange.serving()
        self._open_callers()
        await self._furnish()
        self.bots.start()
        await self.bots.serving()

    async def close(self) -> None:
        for process in self._processes:
            process.kill()
        for opened in self._channels:
            await opened.close()

    def new_runner(self, name: str, *arguments: str) -> Sleepy:
        """A runner process, not started."""
        return self._process(name, f"127.0.0.1:{free_port()}", "runner", *arguments)

    # Callers

    def _open_callers(self) -> None:
        exchange, bots = self._exchange_address, self._bots_address
        self.admin = Calls(admin_pb2_grpc.AdminServiceStub(self._as("operator", exchange)))
        self.accounts = Calls(accounts_pb2_grpc.AccountServiceStub(self._as("bots", exchange)))
        self.trading = Calls(trading_pb2_grpc.TradingServiceStub(self._as("feed", exchange)))
        self.journal = Calls(journal_pb2_grpc.JournalServiceStub(self._as("runner", exchange)))
        self.verifier = journal_pb2_grpc.JournalServiceStub(self._as("operator", exchange))
        self.operator = Calls(bots_pb2_grpc.BotServiceStub(self._as("operator", bots)))
        self.owner = Calls(bots_pb2_grpc.BotServiceStub(self._as("gateway", bots)), USER)
        self.stranger = Calls(bots_pb2_grpc.BotServiceStub(self._as("gateway", bots)), "stranger")
        self.runners = Calls(runner_pb2_grpc.RunnerServiceStub(self._as("runner", bots)))

    def _as(self, role: str, address: str) -> grpc.aio.Channel:
        opened = channel(self._issuer.settings(role), address)
        self._channels.append(opened)
        return opened

    # The market

    async def _furnish(self) -> None:
        for code, scale in (("BTC", 8), ("USDT", 8)):
            asset = types_pb2.Asset(code=code, scale=scale)
            await self.admin.EnsureAsset(
                admin_pb2.EnsureAssetRequest(request_id=rid(), asset=asset, reason="test")
            )
        await self.admin.SetFeeTier(
            admin_pb2.SetFeeTierRequest(
                request_id=rid(), tier=0, maker_fee="0.001", taker_fee="0.001", reason="test"
            )
        )
        market = types_pb2.Market(
            symbol=SYMBOL,
            base_asset="BTC",
            quote_asset="USDT",
            tick_size="0.01",
            lot_size="0.00001",
            max_price="1000000",
            max_quantity="1000",
            min_notional="1",
        )
        made = await self.admin.EnsureMarket(
            admin_pb2.EnsureMarketRequest(request_id=rid(), market=market, reason="test")
        )
        self.market_id = made.market.market_id
        self.main = await self.fund(USER, "100000")
        await self.fund("stranger", "0")
        await self.admin.EnsureUser(
            admin_pb2.EnsureUserRequest(request_id=rid(), name="house", reason="test")
        )
        for name in ("maker", "taker"):
            account = await self.accounts.EnsureAccount(
                accounts_pb2.EnsureAccountRequest(
                    request_id=rid(),
                    user="house",
                    name=name,
                    kind=types_pb2.ACCOUNT_KIND_HOUSE,
                )
            )
            self._house.append(account.account.account_id)

    async def fund(self, user: str, amount: str) -> int:
        """The main account of a user, with that much USDT more."""
        made = await self.admin.EnsureUser(
            admin_pb2.EnsureUserRequest(request_id=rid(), name=user, reason="test")
        )
        account = int(made.main_account.account_id)
        if amount != "0":
            await self.admin.Deposit(
                admin_pb2.DepositRequest(
                    request_id=rid(), account_id=account, asset="USDT", amount=amount, reason="test"
                )
            )
        return account

    async def quote_at(self, price: int, quantity: str = "5") -> None:
        """The house quotes 1 USDT around a price, and trades a little there."""
        maker, taker = self._house
        listed = await self.trading.ListOpenOrders(
            trading_pb2.ListOpenOrdersRequest(account_id=maker)
        )
        commands = [
            trading_pb2.BatchCommand(
                cancel=trading_pb2.CancelOrderRequest(
                    request_id=rid(), account_id=maker, order_id=order.order_id, market=SYMBOL
                )
            )
            for order in listed.orders
        ]
        buy, sell = types_pb2.SIDE_BUY, types_pb2.SIDE_SELL
        for account, side, at, size in (
            (maker, buy, price - 1, quantity),
            (maker, sell, price + 1, quantity),
            (taker, sell, price, "0.0001"),
            (taker, buy, price, "0.0001"),
        ):
            place = trading_pb2.PlaceOrderRequest(
                request_id=rid(),
                account_id=account,
                market=SYMBOL,
                side=side,
                type=types_pb2.ORDER_TYPE_LIMIT,
                price=str(at),
                quantity=size,
            )
            commands.append(trading_pb2.BatchCommand(place=place))
        await self.trading.SubmitBatch(trading_pb2.SubmitBatchRequest(commands=commands))

    async def walk(self, middle: int = 60_000, reach: int = 300, step: int = 60) -> None:
        """Move the price up and down for ever, also while the exchange is away now and then."""
        offset, direction = 0, 1
        while True:
            with suppress(TigerExError):
                await self.quote_at(middle + offset)
            if abs(offset + direction * step) > reach:
                direction = -direction
            offset += direction * step
            await asyncio.sleep(LOOK_S)

    # Bots

    def grid(self, name: str = "grid", **changes: Any) -> bots_pb2.BotSpec:
        grid: dict[str, Any] = {
            "lower_price": "59700",
            "upper_price": "60300",
            "levels": 7,
            "investment": "5000",
        }
        return bots_pb2.BotSpec(
            name=name,
            market=SYMBOL,
            config=bots_pb2.BotConfig(spot_grid=bots_pb2.SpotGridConfig(**{**grid, **changes})),
        )

    def dca(self, name: str = "dca", **changes: Any) -> bots_pb2.BotSpec:
        dca: dict[str, Any] = {"amount": "50", "interval_seconds": 1, "max_purchases": 3}
        return bots_pb2.BotSpec(
            name=name,
            market=SYMBOL,
            config=bots_pb2.BotConfig(dca=bots_pb2.DcaConfig(**{**dca, **changes})),
        )

    async def create(
        self, spec: bots_pb2.BotSpec, *, running: bool = True, request_id: bytes = b""
    ) -> str:
        """The id of a new bot of the user."""
        if running:
            spec.desired_state = bots_pb2.DESIRED_STATE_RUNNING
        request = bots_pb2.CreateBotRequest(request_id=request_id or rid(), spec=spec)
        answer = await self.owner.CreateBot(request)
        return str(answer.bot.bot_id)

    async def bot(self, bot_id: str) -> bots_pb2.Bot:
        return (await self.owner.GetBot(bots_pb2.GetBotRequest(bot_id=bot_id))).bot

    async def want(self, bot_id: str, state: int) -> None:
        await self.owner.SetDesiredState(
            bots_pb2.SetDesiredStateRequest(request_id=rid(), bot_id=bot_id, desired_state=state)
        )

    async def until(
        self, bot_id: str, wanted: Callable[[bots_pb2.Bot], bool], seconds: float = WAIT_S_MAX
    ) -> bots_pb2.Bot:
        """Wait until the bot is as wanted. Raises AssertionError with what it is instead."""
        bot = bots_pb2.Bot()
        try:
            async with asyncio.timeout(seconds):
                while True:
                    with suppress(TigerExError):
                        bot = await self.bot(bot_id)
                        if wanted(bot):
                            return bot
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            logs = "\n".join(
                process.text()[-2_500:] for process in self._processes if process.log.exists()
            )
            raise AssertionError(f"the bot is {bot}\n{logs}") from None

    async def until_status(self, bot_id: str, status: int) -> bots_pb2.Bot:
        return await self.until(bot_id, lambda bot: bot.status == status)

    async def until_trades(self, bot_id: str, trades: int) -> bots_pb2.Bot:
        return await self.until(bot_id, lambda bot: bot.performance.trades >= trades)

    async def trades_of(self, bot_id: str) -> list[bots_pb2.BotTrade]:
        """All trades that the bots service keeps."""
        found: list[bots_pb2.BotTrade] = []
        before = 0
        while True:
            page = await self.owner.ListBotTrades(
                bots_pb2.ListBotTradesRequest(bot_id=bot_id, before_trade_id=before, page_size=500)
            )
            found.extend(page.trades)
            if len(page.trades) < 500:
                return found
            before = page.trades[-1].trade_id

    # The truth

    async def events(self) -> list[list[int]]:
        """Every event in the journal, seq first."""
        rows: list[list[int]] = []
        seq = 1
        while True:
            page = await self.journal.ReadJournal(journal_pb2.ReadJournalRequest(from_seq=seq))
            for entry in page.entries:
                rows.extend([entry.seq, *row] for row in rows_of(entry.events).tolist())
                seq = entry.seq + 1
            if seq > page.committed_seq:
                return rows

    async def check_bot(self, bot_id: str, account: int) -> None:
        """No order was doubled, and the fills kept are exactly those in the journal."""
        rows = await self.events()
        names: Counter[tuple[int, ...]] = Counter()
        fills = set()
        levels: dict[int, int] = {}  # open order -> price
        for _, *row in rows:
            kind = row[Event.KIND]
            if row[Event.ACCOUNT] == account and kind == EventKind.ORDER_ACCEPTED:
                names[tuple(row[Event.NAME :])] += 1
            if row[Event.ACCOUNT] == account and kind == EventKind.ORDER_RESTED:
                assert row[Event.PRICE] not in levels.values(), "two orders on one level"
                levels[row[Event.ORDER_ID]] = row[Event.PRICE]
            if row[Event.ACCOUNT] == account and kind == EventKind.ORDER_CANCELED:
                levels.pop(row[Event.ORDER_ID], None)
            if kind == EventKind.TRADED:
                if row[Event.ACCOUNT] == account:
                    fills.add((row[Event.TRADE_ID], row[Event.ORDER_ID]))
                if row[Event.OTHER_ACCOUNT] == account:
                    fills.add((row[Event.TRADE_ID], row[Event.OTHER_ORDER]))
                    if row[Event.REMAINING] == 0:
                        levels.pop(row[Event.OTHER_ORDER], None)
        assert names, "the bot never traded"
        assert max(names.values()) == 1, "an order was doubled"
        trades = await self.trades_of(bot_id)
        kept = [(trade.trade_id, trade.order_id) for trade in trades]
        assert len(kept) == len(set(kept))
        assert set(kept) == fills

    async def balances(self, account: int) -> dict[str, tuple[str, str]]:
        answer = await self.accounts.GetBalances(
            accounts_pb2.GetBalancesRequest(account_id=account)
        )
        return {b.asset: (b.available, b.held) for b in answer.balances}

    async def check_empty(self, account: int) -> None:
        """Nothing is left in an account, and nothing open."""
        for asset, amounts in (await self.balances(account)).items():
            assert amounts == ("0", "0"), f"{amounts} {asset} left"
        listed = await self.trading.ListOpenOrders(
            trading_pb2.ListOpenOrdersRequest(account_id=account)
        )
        assert not listed.orders

    async def verify(self) -> None:
        """The exchange's own proof of its books, money adding up to zero among it."""
        answer = await self.verifier.Verify(journal_pb2.VerifyRequest(), timeout=60)
        assert answer.checks
        assert all(check.passed for check in answer.checks), answer

    def _process(self, name: str, address: str, role: str = "", *arguments: str) -> Sleepy:
        role = role or name
        settings: Settings = self._issuer.settings(
            role,
            database_url=self._database.url_of(role),
            database_password_file=self._database.folder / "roles" / role,
            redis_url=self._redis.url,
            redis_password_file=self._redis.password_file,
            exchange_address=self._exchange_address,
            bots_address=self._bots_address,
            grpc_listen=address,
            metrics_listen=f"127.0.0.1:{free_port()}",
        )
        values = environment(settings)
        if role not in SERVICES:
            values = {key: text for key, text in values.items() if "DATABASE" not in key}
        process = Sleepy(name, [role, *arguments], values, address, self._folder / f"{name}.log")
        self._processes.append(process)
        return process
