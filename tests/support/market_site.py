"""A tenant's exchange, market data and feeds as real processes, for tests of markets.

Each process can be killed and started again at its address; `serving` waits for its health.
"""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.support.postgres import Database, free_port
from tests.support.redis import RedisServer
from tests.support.service_schema import migrate_services
from tests.support.tokens import TokenIssuer, environment
from tigerex.exchange.v1 import (
    accounts_pb2,
    accounts_pb2_grpc,
    admin_pb2,
    admin_pb2_grpc,
    journal_pb2,
    journal_pb2_grpc,
    markets_pb2_grpc,
    trading_pb2_grpc,
    types_pb2,
)
from tigerex.history.v1 import history_pb2_grpc
from tigerex.marketdata.v1 import marketdata_pb2_grpc

from tigerex_platform.grpc.client import channel
from tigerex_platform.ids import new_request_id
from tigerex_platform.settings import Settings

START_S_MAX = 60.0
STOP_S_MAX = 30.0
SERVICES = ("exchange", "marketdata", "history")
SYMBOL = "btc-usdt"


@dataclass
class Process:
    """One of our processes, with its address and log."""

    name: str
    arguments: list[str]
    environment: dict[str, str]
    address: str
    log: Path
    _running: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                [sys.executable, "-m", "tigerex_services", *self.arguments],
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
            )

    async def serving(self) -> None:
        """Wait until health says SERVING. Raises AssertionError with the log."""
        async with grpc.aio.insecure_channel(self.address) as open_channel:
            stub = health_pb2_grpc.HealthStub(open_channel)
            try:
                async with asyncio.timeout(START_S_MAX):
                    while not await self._serves(stub):
                        assert self._running is not None
                        assert self._running.poll() is None, self.text()
                        await asyncio.sleep(0.1)
            except TimeoutError:
                raise AssertionError(f"{self.name} does not serve: {self.text()}") from None

    def kill(self) -> None:
        """SIGKILL."""
        if self._running is not None:
            self._running.kill()
            self._running.wait(STOP_S_MAX)
            self._running = None

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self._running is not None
        self._running.terminate()
        code = await asyncio.to_thread(self._running.wait, STOP_S_MAX)
        self._running = None
        return code

    async def exit_code(self) -> int:
        """Wait until it ends by itself."""
        assert self._running is not None
        return await asyncio.to_thread(self._running.wait, STOP_S_MAX)

    def text(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-6_000:]

    async def _serves(self, stub: health_pb2_grpc.HealthStub) -> bool:
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=2)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


class MarketSite:
    """Processes, and stubs that call them in the roles that may."""

    def __init__(
        self, folder: Path, database: Database, redis: RedisServer, issuer: TokenIssuer
    ) -> None:
        self._folder = folder
        self._database = database
        self._redis = redis
        self._issuer = issuer
        self._channels: list[grpc.aio.Channel] = []
        self._processes: list[Process] = []
        self._exchange_address = f"127.0.0.1:{free_port()}"
        self.exchange = self._process("exchange", ["exchange"], self._exchange_address)
        self.marketdata = self._process("marketdata", ["marketdata"])
        self.history = self._process("history", ["history"])

    async def start(self) -> None:
        """Migrate, start the exchange, make assets and the market."""
        await asyncio.to_thread(migrate_services, self._issuer, self._database, *SERVICES)
        self.exchange.start()
        await self.exchange.serving()
        admin = self.admin()
        for code in ("BTC", "USDT"):
            await admin.EnsureAsset(
                admin_pb2.EnsureAssetRequest(
                    request_id=new_request_id(),
                    asset=types_pb2.Asset(code=code, scale=8),
                    reason="test",
                )
            )
        await admin.EnsureMarket(
            admin_pb2.EnsureMarketRequest(
                request_id=new_request_id(),
                market=types_pb2.Market(
                    symbol=SYMBOL,
                    base_asset="BTC",
                    quote_asset="USDT",
                    tick_size="0.01",
                    lot_size="0.00001",
                    max_price="1000000",
                    max_quantity="1000",
                    min_notional="0",
                ),
                reason="test",
            )
        )

    async def close(self) -> None:
        for open_channel in self._channels:
            await open_channel.close()
        for process in self._processes:
            process.kill()

    def feed(self, name: str = "feed", **description: Any) -> Process:
        """A feed process of that description, not started."""
        process = self._process(name, ["feed", "--market", SYMBOL], role="feed")
        process.environment["TIGEREX_FEED"] = json.dumps({"symbol": SYMBOL, **description})
        return process

    async def fund(self, user: str, **amounts: str) -> int:
        """The main account of a user with these balances."""
        admin = self.admin()
        made = await admin.EnsureUser(
            admin_pb2.EnsureUserRequest(request_id=new_request_id(), name=user, reason="test")
        )
        for asset, amount in amounts.items():
            await admin.Deposit(
                admin_pb2.DepositRequest(
                    request_id=new_request_id(),
                    account_id=made.main_account.account_id,
                    asset=asset,
                    amount=amount,
                    reason="test",
                )
            )
        return int(made.main_account.account_id)

    async def house(self) -> dict[str, types_pb2.Account]:
        """The house's accounts by name."""
        answer = await accounts_pb2_grpc.AccountServiceStub(self._as("feed")).ListAccounts(
            accounts_pb2.ListAccountsRequest(user="house")
        )
        return {account.name: account for account in answer.accounts}

    async def verify(self) -> None:
        """The exchange's own proof of its books, money adding up to zero among it."""
        stub = journal_pb2_grpc.JournalServiceStub(self._as("operator"))
        answer = await stub.Verify(journal_pb2.VerifyRequest(), timeout=60)
        assert answer.checks
        assert all(check.passed for check in answer.checks), answer

    def admin(self) -> admin_pb2_grpc.AdminServiceStub:
        return admin_pb2_grpc.AdminServiceStub(self._as("operator"))

    def trading(self) -> trading_pb2_grpc.TradingServiceStub:
        """For any account: runners place the orders of bots."""
        return trading_pb2_grpc.TradingServiceStub(self._as("runner"))

    def markets(self) -> markets_pb2_grpc.MarketServiceStub:
        return markets_pb2_grpc.MarketServiceStub(self._as("feed"))

    def journal(self) -> journal_pb2_grpc.JournalServiceStub:
        return journal_pb2_grpc.JournalServiceStub(self._as("marketdata"))

    def market_data(self) -> marketdata_pb2_grpc.MarketDataServiceStub:
        return marketdata_pb2_grpc.MarketDataServiceStub(
            self._as("gateway", self.marketdata.address)
        )

    def history_of_users(self) -> history_pb2_grpc.HistoryServiceStub:
        """As the gateway calls it: each call names its user."""
        return history_pb2_grpc.HistoryServiceStub(self._as("gateway", self.history.address))

    def _as(self, role: str, address: str = "") -> grpc.aio.Channel:
        opened = channel(self._issuer.settings(role), address or self._exchange_address)
        self._channels.append(opened)
        return opened

    def _process(
        self, name: str, arguments: list[str], address: str = "", *, role: str = ""
    ) -> Process:
        address = address or f"127.0.0.1:{free_port()}"
        role = role or name
        settings: Settings = self._issuer.settings(
            role,
            database_url=self._database.url_of(role),
            database_password_file=self._database.folder / "roles" / role,
            redis_url=self._redis.url,
            redis_password_file=self._redis.password_file,
            exchange_address=self._exchange_address,
            grpc_listen=address,
            metrics_listen=f"127.0.0.1:{free_port()}",
        )
        log = self._folder / f"{name}.log"
        process = Process(name, arguments, environment(settings), address, log)
        self._processes.append(process)
        return process
