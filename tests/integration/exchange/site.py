"""A whole exchange for a test: real PostgreSQL and Redis, the real process, real callers."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.integration.exchange.callers import (
    BOTS,
    FOLLOWER,
    OPERATOR,
    Caller,
    Calls,
    User,
    refused,
)
from tests.support.postgres import Database, free_port
from tests.support.redis import RedisServer
from tests.support.tokens import TokenIssuer, environment
from tigerex.exchange.v1 import (
    accounts_pb2,
    accounts_pb2_grpc,
    admin_pb2,
    admin_pb2_grpc,
    journal_pb2,
    journal_pb2_grpc,
    markets_pb2,
    markets_pb2_grpc,
    trading_pb2,
    trading_pb2_grpc,
    types_pb2,
)

from tigerex_core.records import Event, EventKind, pack_name
from tigerex_platform.auth.interceptor import VALID_UNTIL_HEADER
from tigerex_platform.database import conninfo
from tigerex_platform.errors import NotFound, TigerExError, Unavailable
from tigerex_platform.grpc.client import acting_for, channel, signed_channel
from tigerex_platform.ids import new_request_id
from tigerex_platform.migrations import migrate
from tigerex_platform.redis_client import connect_redis
from tigerex_platform.settings import Settings
from tigerex_services.exchange.storage.journal import scan
from tigerex_services.stream import rows_of

START_MAX_S = 180.0  # the first start of a checkout compiles the kernels
STOP_MAX_S = 40.0
ACCOUNTS_MAX = 100
COMMAND = (sys.executable, "-m", "tigerex_services")
MIGRATIONS = Path("services/tigerex_services/exchange/migrations").resolve()
SIDES = {"buy": types_pb2.SIDE_BUY, "sell": types_pb2.SIDE_SELL}

rid = new_request_id


class Site:
    """One tenant's exchange and everything around it."""

    def __init__(
        self, folder: Path, database: Database, redis: RedisServer, issuer: TokenIssuer
    ) -> None:
        self.folder = folder
        self.database = database
        self.redis_server = redis
        self._issuer = issuer
        self.settings = issuer.settings(
            "exchange",
            database_url=database.url_of("exchange"),
            database_password_file=database.role_password_file("exchange"),
            redis_url=redis.url,
            redis_password_file=redis.password_file,
        )
        self._channels: dict[tuple[str, Caller], grpc.aio.Channel] = {}
        self._spawned: list[subprocess.Popen[bytes]] = []
        self.address = f"127.0.0.1:{free_port()}"
        self._second_address = f"127.0.0.1:{free_port()}"
        self.redis = connect_redis(self.settings)
        self.process: subprocess.Popen[bytes]
        self.maker: User
        self.taker: User

    # Life

    def migrate(self) -> None:
        """Create the role and the tables, as the tenant's Job does."""
        admin = self.settings.model_copy(
            update={
                "database_url": self.database.url,
                "database_password_file": self.database.password_file,
                "role_passwords_dir": self.database.role_passwords_dir,
                "service": "",
            }
        )
        migrate(admin, {"exchange": MIGRATIONS})

    async def start(self, crash_at: str = "") -> None:
        """Start the process and wait until it serves."""
        self.process = self.spawn({"TIGEREX_CRASH_AT": crash_at} if crash_at else {})
        await self._wait_serving(self.process, self.address)

    async def stop(self) -> None:
        """Ask the process to stop; it must end well."""
        self.process.terminate()
        assert await asyncio.to_thread(self.process.wait, STOP_MAX_S) == 0, self.log()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    def kill(self) -> None:
        self.process.kill()

    async def wait_dead(self) -> None:
        await asyncio.to_thread(self.process.wait, STOP_MAX_S)

    @asynccontextmanager
    async def supervised(self) -> AsyncIterator[None]:
        """Start the process again whenever it ends, as Kubernetes does."""

        async def keep_running() -> None:
            while True:
                if self.process.poll() is not None:
                    self.process = self.spawn()
                await asyncio.sleep(0.2)

        supervisor = asyncio.create_task(keep_running())
        try:
            yield
        finally:
            supervisor.cancel()

    def spawn(
        self,
        extra: Mapping[str, str] | None = None,
        *,
        address: str = "",
        allow_crash: bool = True,
    ) -> subprocess.Popen[bytes]:
        """A further exchange process."""
        allowed = {"TIGEREX_ALLOW_CRASH_POINTS": "1"} if allow_crash else {}
        settings = self.settings.model_copy(update={"grpc_listen": address or self.address})
        process = self._run("exchange", settings, allowed | dict(extra or {}))
        self._spawned.append(process)
        return process

    async def start_second(self) -> subprocess.Popen[bytes]:
        """Another host of the same tenant, up and on standby."""
        process = self.spawn(address=self._second_address)
        await self._wait_answering(process, self._second_address)
        return process

    async def expect_standby(self) -> None:
        """The second host is not ready, and answers UNAVAILABLE."""
        assert await self._health(self._second_address) is False
        stub = markets_pb2_grpc.MarketServiceStub(self._channel(OPERATOR, self._second_address))
        with refused(Unavailable) as caught:
            await Calls(stub, ()).ListMarkets(markets_pb2.ListMarketsRequest())
        assert caught.error.retry_after_s > 0

    async def switch_to(self, second: subprocess.Popen[bytes]) -> None:
        """Call the second host from now on; wait until it leads."""
        self.process, self.address = second, self._second_address
        await self._wait_serving(second, self.address)

    async def verify_command(self) -> tuple[int, str]:
        """Exit code and output of `tigerex exchange --verify`."""
        process = self._run("exchange --verify", self.settings, {}, stdout=subprocess.PIPE)
        output, _ = await asyncio.to_thread(process.communicate, timeout=START_MAX_S)
        return process.returncode, output.decode()

    def log(self) -> str:
        return (self.folder / "exchange.log").read_text(encoding="utf-8")[-6000:]

    async def close(self) -> None:
        for process in self._spawned:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            await asyncio.to_thread(process.wait, STOP_MAX_S)
        for opened in self._channels.values():
            await opened.close()
        await self.redis.aclose()

    def _run(
        self, arguments: str, settings: Settings, extra: Mapping[str, str], **pipes: Any
    ) -> "subprocess.Popen[bytes]":
        log = (self.folder / "exchange.log").open("ab")
        return subprocess.Popen(
            [*COMMAND, *arguments.split()],
            env=os.environ | environment(settings) | dict(extra),
            **({"stdout": log, "stderr": subprocess.STDOUT} | pipes),
        )

    async def _wait_serving(self, process: "subprocess.Popen[bytes]", address: str) -> None:
        await self._until(process, address, (True,))

    async def _wait_answering(self, process: "subprocess.Popen[bytes]", address: str) -> None:
        await self._until(process, address, (True, False))

    async def _until(
        self, process: "subprocess.Popen[bytes]", address: str, wanted: tuple[bool, ...]
    ) -> None:
        deadline = time.monotonic() + START_MAX_S
        while time.monotonic() < deadline:
            assert process.poll() is None, self.log()
            if await self._health(address) in wanted:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"not serving after {START_MAX_S} s: {self.log()}")

    async def _health(self, address: str) -> bool | None:
        """True: SERVING, False: NOT_SERVING, None: no answer."""
        async with grpc.aio.insecure_channel(address) as probe:
            try:
                answer = await health_pb2_grpc.HealthStub(probe).Check(
                    health_pb2.HealthCheckRequest(), timeout=2
                )
            except grpc.aio.AioRpcError:
                return None
            return answer.status == health_pb2.HealthCheckResponse.SERVING

    # Callers

    def _channel(self, caller: Caller, address: str) -> grpc.aio.Channel:
        found = self._channels.get((address, caller))
        if found is None:
            found = (
                signed_channel(address, caller.key, caller.secret)
                if caller.key
                else channel(self._issuer.settings(caller.role), address)
            )
            self._channels[address, caller] = found
        return found

    def _calls(self, stub: Any, caller: Caller) -> Any:
        metadata = acting_for(caller.user) if caller.user else ()
        if caller.valid_until_ms:
            metadata += ((VALID_UNTIL_HEADER, str(caller.valid_until_ms)),)
        return Calls(stub(self._channel(caller, self.address)), metadata)

    def trading_of(self, caller: Caller) -> Any:
        return self._calls(trading_pb2_grpc.TradingServiceStub, caller)

    def accounts_of(self, caller: Caller) -> Any:
        return self._calls(accounts_pb2_grpc.AccountServiceStub, caller)

    def admin_of(self, caller: Caller) -> Any:
        return self._calls(admin_pb2_grpc.AdminServiceStub, caller)

    def journal_of(self, caller: Caller) -> Any:
        return self._calls(journal_pb2_grpc.JournalServiceStub, caller)

    def trading(self, user: User) -> Any:
        return self.trading_of(user.api_key)

    @property
    def accounts(self) -> Any:
        return self.accounts_of(BOTS)

    @property
    def admin(self) -> Any:
        return self.admin_of(OPERATOR)

    @property
    def markets(self) -> Any:
        return self._calls(markets_pb2_grpc.MarketServiceStub, OPERATOR)

    @property
    def journal(self) -> Any:
        return self.journal_of(FOLLOWER)

    @property
    def journal_stub(self) -> Any:
        """As followers of the stream hold it."""
        return journal_pb2_grpc.JournalServiceStub(self._channel(FOLLOWER, self.address))

    def as_gateway_for(self, user: User) -> Caller:
        return Caller("gateway", user.name)

    def with_key(self, key: str, secret: str) -> Caller:
        return Caller(key=key, secret=secret)

    # The market

    async def furnish(self) -> None:
        """BTC and USDT, a market with fees, and two users with money."""
        admin = self.admin
        for code, scale in (("BTC", 8), ("USDT", 6)):
            await admin.EnsureAsset(
                admin_pb2.EnsureAssetRequest(
                    request_id=rid(), asset=types_pb2.Asset(code=code, scale=scale), reason="test"
                )
            )
        await admin.SetFeeTier(
            admin_pb2.SetFeeTierRequest(
                request_id=rid(), tier=0, maker_fee="0.001", taker_fee="0.002", reason="test"
            )
        )
        await admin.EnsureMarket(
            admin_pb2.EnsureMarketRequest(
                request_id=rid(), market=self.market_message(), reason="test"
            )
        )
        self.maker = await self._user("maker", "BTC", "10")
        self.taker = await self._user("taker", "USDT", "100000")

    async def _user(self, name: str, asset: str, amount: str) -> User:
        made = await self.admin.EnsureUser(
            admin_pb2.EnsureUserRequest(request_id=rid(), name=name, reason="test")
        )
        account_id = made.main_account.account_id
        await self.admin.Deposit(
            admin_pb2.DepositRequest(
                request_id=rid(), account_id=account_id, asset=asset, amount=amount, reason="test"
            )
        )
        key = await self.admin.CreateApiKey(
            admin_pb2.CreateApiKeyRequest(
                request_id=rid(),
                user=name,
                permissions=["read", "trade", "transfer", "bots"],
                label="test",
                reason="test",
            )
        )
        return User(name, account_id, Caller(key=key.key, secret=key.secret))

    def market_message(self) -> types_pb2.Market:
        return types_pb2.Market(
            symbol="btc-usdt",
            base_asset="BTC",
            quote_asset="USDT",
            tick_size="0.01",
            lot_size="0.0001",
            max_price="1000000",
            max_quantity="1000",
            min_notional="1",
        )

    def place_request(
        self,
        user: User,
        side: str,
        price: str,
        quantity: str,
        *,
        client_order_id: str = "",
        request_id: bytes = b"",
    ) -> trading_pb2.PlaceOrderRequest:
        return trading_pb2.PlaceOrderRequest(
            request_id=request_id or rid(),
            account_id=user.account_id,
            market="btc-usdt",
            side=SIDES[side],
            type=types_pb2.ORDER_TYPE_LIMIT,
            price=price,
            quantity=quantity,
            client_order_id=client_order_id,
        )

    async def place(self, user: User, side: str, price: str, quantity: str, **more: Any) -> Any:
        request = self.place_request(user, side, price, quantity, **more)
        return await self.trading(user).PlaceOrder(request)

    async def cancel(self, user: User, order_id: int) -> Any:
        return await self.trading(user).CancelOrder(
            trading_pb2.CancelOrderRequest(
                request_id=rid(), account_id=user.account_id, order_id=order_id
            )
        )

    async def attempt(self, request: trading_pb2.PlaceOrderRequest) -> None:
        """Place an order at a process that is about to die."""
        with refused(TigerExError):
            await self.trading(self.taker).PlaceOrder(request, timeout=5)

    # Proofs

    async def balances(self, user: User) -> dict[str, tuple[str, str]]:
        return await self.balances_of(user.account_id)

    async def balances_of(self, account_id: int) -> dict[str, tuple[str, str]]:
        """Asset -> (available, held)."""
        answer = await self.accounts.GetBalances(
            accounts_pb2.GetBalancesRequest(account_id=account_id)
        )
        return {each.asset: (each.available, each.held) for each in answer.balances}

    async def check_sums(self) -> None:
        """The sum over all accounts, the outside world's included, is zero for each asset."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for account_id in range(1, ACCOUNTS_MAX):
            try:
                balances = await self.balances_of(account_id)
            except NotFound:
                break
            for asset, (available, held) in balances.items():
                sums[asset] += Decimal(available) + Decimal(held)
        assert sums, "no account has anything"
        assert not any(sums.values()), sums

    async def check_verified(self) -> None:
        report = await self.journal_of(OPERATOR).Verify(journal_pb2.VerifyRequest(), timeout=60)
        assert report.checks
        assert all(check.passed for check in report.checks), report

    async def count_orders(self, client_order_id: str) -> int:
        """How many orders of that name the journal has."""
        name = pack_name(client_order_id)
        count = 0
        for entry in await asyncio.to_thread(lambda: list(scan(self.conninfo))):
            rows = rows_of(entry.events)
            accepted = rows[rows[:, Event.KIND] == EventKind.ORDER_ACCEPTED]
            count += int(np.all(accepted[:, Event.NAME :] == name, axis=1).sum())
        return count

    @property
    def conninfo(self) -> str:
        """The exchange's own connection string."""
        return conninfo(self.settings)

    async def journal_seq(self) -> int:
        """The newest entry, read beside the process."""
        with self.database.connect() as connection:
            row = connection.execute(
                "SELECT coalesce(max(seq), 0) FROM exchange.journal"
            ).fetchone()
        assert row is not None
        return int(str(row[0]))

    async def wait_for_seq(self, seq: int) -> None:
        for _ in range(1000):
            if await self.journal_seq() >= seq:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"entry {seq} did not come: {self.log()}")

    async def stored_secret(self, key: str) -> bytes:
        with self.database.connect() as connection:
            row = connection.execute(
                "SELECT encrypted_secret FROM exchange.api_keys WHERE key = %s", (key,)
            ).fetchone()
        assert row is not None
        secret = row[0]
        assert isinstance(secret, bytes)
        return secret

    async def tamper(self, statement: str) -> None:
        """Change the journal as only a superuser can, past its triggers."""
        with self.database.connect() as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute("SET search_path = exchange")
            connection.execute(statement.encode())

    async def terminate_backends(self) -> int:
        """Cut the exchange's connections; how many there were."""
        return await asyncio.to_thread(
            self.database.server.drop_connections, application_name="tigerex-%"
        )
