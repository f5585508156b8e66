"""The running sample exchange, as a user with an API key and as whoever can kill its processes."""

import json
import os
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message
from tigerex.bots.v1 import bots_pb2, bots_pb2_grpc
from tigerex.exchange.v1 import accounts_pb2, accounts_pb2_grpc, trading_pb2, trading_pb2_grpc

from tigerex_platform.auth.hmac_signature import signed_headers

CALL_DEADLINE_S = 10.0
KUBECTL_DEADLINE_S = 60.0


def kubectl(*arguments: str, deadline_s: float = KUBECTL_DEADLINE_S) -> str:
    """What kubectl prints; raises AssertionError with its error."""
    done = subprocess.run(
        ["kubectl", *arguments], capture_output=True, text=True, timeout=deadline_s, check=False
    )
    assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr.strip()}"
    return done.stdout


def kubectl_json(*arguments: str) -> Any:
    return json.loads(kubectl(*arguments, "-o", "json"))


class SignedCalls(grpc.UnaryUnaryClientInterceptor):
    """Signs every call with the API key."""

    def __init__(self, key: str, secret: str) -> None:
        self._key, self._secret = key, secret

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Message) -> Any:
        headers = signed_headers(
            self._key,
            self._secret,
            details.method if isinstance(details.method, str) else details.method.decode(),
            request.SerializeToString(),
            timestamp_ms=time.time_ns() // 1_000_000,
        )
        metadata = [*(details.metadata or ()), *headers.items()]
        return continuation(details._replace(metadata=metadata), request)


@dataclass(frozen=True)
class Demo:
    """Clients of the demo tenant, signed as the demo user."""

    trading: trading_pb2_grpc.TradingServiceStub
    accounts: accounts_pb2_grpc.AccountServiceStub
    bots: bots_pb2_grpc.BotServiceStub

    @classmethod
    def connect(cls) -> "Demo":
        signer = SignedCalls(os.environ["TIGEREX_API_KEY"], os.environ["TIGEREX_API_SECRET"])

        def channel(variable: str) -> grpc.Channel:
            return grpc.intercept_channel(grpc.insecure_channel(os.environ[variable]), signer)

        exchange = channel("TIGEREX_GRPC")
        return cls(
            trading_pb2_grpc.TradingServiceStub(exchange),
            accounts_pb2_grpc.AccountServiceStub(exchange),
            bots_pb2_grpc.BotServiceStub(channel("TIGEREX_BOTS_GRPC")),
        )

    def bot(self, bot_id: str) -> bots_pb2.Bot:
        return self.bots.GetBot(bots_pb2.GetBotRequest(bot_id=bot_id), timeout=CALL_DEADLINE_S).bot

    def trades(self, bot_id: str) -> list[bots_pb2.BotTrade]:
        """Every trade the bots service keeps of the bot, newest first."""
        found: list[bots_pb2.BotTrade] = []
        before = 0
        for _ in range(1000):
            request = bots_pb2.ListBotTradesRequest(
                bot_id=bot_id, before_trade_id=before, page_size=500
            )
            page = self.bots.ListBotTrades(request, timeout=CALL_DEADLINE_S).trades
            found += page
            if len(page) < 500:
                return found
            before = page[-1].trade_id
        raise AssertionError(f"bot {bot_id} has more trades than this reads")

    def balances(self, account_id: int) -> dict[str, Decimal]:
        request = accounts_pb2.GetBalancesRequest(account_id=account_id)
        answer = self.accounts.GetBalances(request, timeout=CALL_DEADLINE_S)
        return {b.asset: Decimal(b.available) + Decimal(b.held) for b in answer.balances}

    def open_orders(self, account_id: int) -> list[Any]:
        request = trading_pb2.ListOpenOrdersRequest(account_id=account_id)
        return list(self.trading.ListOpenOrders(request, timeout=CALL_DEADLINE_S).orders)


def money_by_trades(
    trades: Iterable[bots_pb2.BotTrade], base: str, quote: str, investment: Decimal
) -> dict[str, Decimal]:
    """What an account funded with `investment` owns after the trades."""
    money: defaultdict[str, Decimal] = defaultdict(Decimal, {quote: investment})
    for trade in trades:
        sign = 1 if trade.side == "buy" else -1
        quantity = Decimal(trade.quantity)
        money[base] += sign * quantity
        money[quote] -= sign * quantity * Decimal(trade.price)
        money[trade.fee_asset] -= Decimal(trade.fee or "0")
    return {asset: amount for asset, amount in money.items() if amount}


def processes_of(namespace: str, selector: str) -> list[int]:
    """Host process ids of the containers of the running pods that match the selector."""
    pods = kubectl_json("-n", namespace, "get", "pods", "-l", selector)["items"]
    wanted = {
        status["containerID"].removeprefix("containerd://")
        for pod in pods
        for status in pod["status"].get("containerStatuses", [])
        if status.get("state", {}).get("running")
    }
    return [pid for pid, container in _container_processes() if container in wanted]


def _container_processes() -> list[tuple[int, str]]:
    """(pid, container id) of every process in a container on this host, by its cgroup."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            cgroup = (entry / "cgroup").read_text()
        except OSError:  # ended meanwhile
            continue
        if "kubepods" in cgroup:
            found.append((int(entry.name), cgroup.splitlines()[0].rsplit("/", 1)[-1]))
    return found


def sigkill(pids: Iterable[int]) -> int:
    """Kills the processes at once; the number that were still there."""
    killed = 0
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        killed += 1
    return killed
