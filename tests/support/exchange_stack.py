"""A whole exchange of real processes: database, streams, every service, seeded with two users."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.support.postgres import Database, free_port
from tests.support.redis import RedisServer
from tests.support.service_schema import admin_settings
from tests.support.tokens import TokenIssuer, environment
from tigerex.exchange.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    journal_pb2,
    journal_pb2_grpc,
    types_pb2,
)

from tigerex_platform.ids import derive_request_id
from tigerex_platform.settings import Settings

# The first start of a checkout compiles the kernels.
START_S_MAX = 180.0
STOP_S_MAX = 30.0
CALL_S_MAX = 10.0
VERIFY_S_MAX = 60.0  # replays the journal in a process of its own
DATABASE_SERVICES = ("exchange", "bots", "marketdata", "history")
MARKET = types_pb2.Market(
    symbol="btc-usdt",
    base_asset="BTC",
    quote_asset="USDT",
    tick_size="0.01",
    lot_size="0.00001",
    max_price="1000000",
    max_quantity="1000",
    min_notional="5",
)


def _ed25519_key() -> tuple[str, str]:
    """The private and the public half of a new key, in PEM."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode().strip(), public.decode()


@dataclass(frozen=True)
class ApiKey:
    key: str
    secret: str


@dataclass
class ExchangeStack:
    """Processes by role, where they listen, and the API keys of the users in it."""

    folder: Path
    database: Database
    redis: RedisServer
    issuer: TokenIssuer
    otlp_endpoint: str = ""
    branding: str = ""
    addresses: dict[str, str] = field(default_factory=dict)
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    keys: dict[str, ApiKey] = field(default_factory=dict)
    ed25519_keys: dict[str, ApiKey] = field(default_factory=dict)  # with the private half

    @property
    def url(self) -> str:
        return f"http://{self.addresses['gateway-http']}"

    def settings(self, role: str) -> Settings:
        overrides: dict[str, object] = {
            "redis_url": self.redis.url,
            "redis_password_file": self.redis.password_file,
            "exchange_address": self._address("exchange"),
            "bots_address": self._address("bots"),
            "marketdata_address": self._address("marketdata"),
            "history_address": self._address("history"),
            "grpc_listen": self._address(role),
            "http_listen": self._address("gateway-http"),
            "metrics_listen": self._address(f"{role}-metrics"),
            "otlp_endpoint": self.otlp_endpoint,
            "branding": self.branding,
        }
        if role in DATABASE_SERVICES:
            overrides |= {
                "database_url": self.database.url_of(role),
                "database_password_file": self.database.role_password_file(role),
            }
        return self.issuer.settings(role, **overrides)

    def _address(self, name: str) -> str:
        return self.addresses.setdefault(name, f"127.0.0.1:{free_port()}")

    def log(self, role: str) -> str:
        return (self.folder / f"{role}.log").read_text(errors="replace")

    def migrate(self) -> None:
        settings = admin_settings(self.issuer, self.database, *DATABASE_SERVICES)
        self._spawn("migrate", settings).wait(STOP_S_MAX)
        assert self.processes.pop("migrate").returncode == 0, self.log("migrate")[-4_000:]

    def start(self, *roles: str, **variables: str) -> None:
        """Starts processes and waits until each says that it serves."""
        for role in roles:
            self._spawn(role, self.settings(role), variables)
        for role in roles:
            self._wait_serving(role)

    def _spawn(
        self, role: str, settings: Settings, variables: dict[str, str] | None = None
    ) -> "subprocess.Popen[bytes]":
        arguments = [role, "--market", MARKET.symbol] if role == "feed" else [role]
        with (self.folder / f"{role}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tigerex_services", *arguments],
                env=os.environ | environment(settings) | (variables or {}),
                stdout=log,
                stderr=log,
            )
        self.processes[role] = process
        return process

    def _wait_serving(self, role: str) -> None:
        deadline = time.monotonic() + START_S_MAX
        with grpc.insecure_channel(self._address(role)) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            while time.monotonic() < deadline:
                assert self.processes[role].poll() is None, self.log(role)[-4_000:]
                try:
                    answer = health.Check(health_pb2.HealthCheckRequest(), timeout=1)
                except grpc.RpcError:
                    pass
                else:
                    if answer.status == health_pb2.HealthCheckResponse.SERVING:
                        return
                time.sleep(0.1)
        raise AssertionError(f"{role} does not serve: {self.log(role)[-4_000:]}")

    def seed(self) -> None:
        """Two assets, a market, and users "ann" (everything) and "eve" (reads only)."""
        for code in ("BTC", "USDT"):
            self._admin("EnsureAsset", asset=types_pb2.Asset(code=code, scale=8))
        self._admin("EnsureMarket", market=MARKET)
        self._admin("SetFeeTier", tier=0, maker_fee="0.0005", taker_fee="0.001")
        for user, permissions in (
            ("ann", ["read", "trade", "transfer", "bots"]),
            ("bob", ["read", "trade"]),
            ("eve", ["read"]),
        ):
            made = self._admin("EnsureUser", name=user)
            for asset, amount in (("USDT", "100000"), ("BTC", "10")):
                account_id = made.main_account.account_id
                self._admin("Deposit", account_id=account_id, asset=asset, amount=amount)
            created = self._admin("CreateApiKey", user=user, permissions=permissions)
            self.keys[user] = ApiKey(created.key, created.secret)
            private, public = _ed25519_key()
            created = self._admin(
                "CreateApiKey", user=user, permissions=permissions, public_key=public
            )
            self.ed25519_keys[user] = ApiKey(created.key, private)

    def _admin(self, method: str, **fields: object) -> Any:
        request = getattr(admin_pb2, f"{method}Request")(
            request_id=derive_request_id(method, repr(sorted(fields.items(), key=str))),
            reason="a test's start",
            **fields,
        )
        return self.as_operator("exchange", admin_pb2_grpc.AdminServiceStub, method)(request)

    def as_operator(
        self,
        role: str,
        stub: Callable[[grpc.Channel], Any],
        method: str,
        timeout_s: float = CALL_S_MAX,
    ) -> Any:
        """A method of a service, called with the operator's token."""
        metadata = (("authorization", f"Bearer {self.issuer.token('operator')}"),)

        def call(request: Message) -> Any:
            with grpc.insecure_channel(self._address(role)) as channel:
                return getattr(stub(channel), method)(request, timeout=timeout_s, metadata=metadata)

        return call

    def verify(self) -> None:
        """The journal proves itself: sums zero, holds equal to open remainders, replay equal."""
        call = self.as_operator(
            "exchange", journal_pb2_grpc.JournalServiceStub, "Verify", VERIFY_S_MAX
        )
        answer = call(journal_pb2.VerifyRequest())
        assert answer.checks
        assert not [check for check in answer.checks if not check.passed]

    def stop(self) -> None:
        """Asks every process to end, in the reverse order of the starts."""
        for process in reversed(self.processes.values()):
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_S_MAX)


@contextmanager
def exchange_stack(
    folder: Path,
    database: Database,
    redis: RedisServer,
    *,
    otlp_endpoint: str = "",
    branding: str = "",
) -> Iterator[ExchangeStack]:
    """Everything, running and seeded."""
    (folder / "tokens").mkdir()
    issuer = TokenIssuer(folder / "tokens")
    stack = ExchangeStack(folder, database, redis, issuer, otlp_endpoint, branding)
    with ExitStack() as exits:
        exits.callback(stack.stop)
        stack.migrate()
        stack.start("exchange")
        stack.seed()
        stack.start("bots", "marketdata", "history", "runner", "gateway")
        yield stack
