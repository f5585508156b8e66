"""A recorded capture on the running cluster: from a volume through a market to a bot's trades.

The capture is played once, to its end, and halts its market; the bot that traded on it gives back
exactly what its trades left, and nothing of the test stays but the halted market's history.
"""

import json
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.live import CALL_DEADLINE_S, Demo, kubectl, kubectl_json, money_by_trades
from tests.support.operator_specs import grid_bot, market
from tigerex.exchange.v1 import accounts_pb2, types_pb2

from tigerex_core.records import Side
from tigerex_local.kubectl import Kubectl
from tigerex_platform.ids import new_request_id
from tigerex_services.feed.capture import Trade, parse_line
from tigerex_services.feed.capture_file import read_lines

CAPTURE = Path(__file__).parents[3] / "shared/data/btcusdt-spot-ws-20240808.gz"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(240),
    pytest.mark.skipif(
        not CAPTURE.exists(), reason=f"the recorded capture {CAPTURE} is not on this machine"
    ),
]

NAMESPACE = "demo"
USER = "demo"
INVESTMENT = Decimal(10_000)
SPEED = "20"  # of 346 recorded seconds
SPACING_USDT = 10
PAGE = 1000
PAGES_MAX = 30
COPY_SECONDS_MAX = 60
READY_SECONDS_MAX = 60
PLAYED_SECONDS_MAX = 90
GONE_SECONDS_MAX = 60
POLL_S = 0.5
PRICE_UNIT = Decimal("0.00000001")

Print = tuple[Decimal, str]
"""Price, and the side of the taker."""


@pytest.fixture
def demo(sample_env: None) -> Demo:
    return Demo.connect()


@pytest.fixture
def account(demo: Demo) -> Iterator[tuple[str, int]]:
    """Name and id of an account with the investment, which nobody else spends from."""
    name = f"btc-replay-{secrets.token_hex(3)}"
    own = ensure_account(demo, name)
    main = ensure_account(demo, "main")
    transfer(demo, main, own, "USDT", INVESTMENT)
    yield name, own
    for asset, amount in demo.balances(own).items():
        if amount:
            transfer(demo, own, main, asset, amount)
    assert not any(demo.balances(own).values())


@pytest.fixture
def name(cluster: Kubectl, account: tuple[str, int]) -> Iterator[str]:
    """A name for everything here; new, since a capture is played once on a market."""
    name, _ = account
    yield name
    limit = f"--timeout={GONE_SECONDS_MAX}s"
    # In this order: the bot needs its market, the feed its claim.
    for kind in ("tradingbot", "market", "pod", "pvc"):
        cluster(
            *("-n", NAMESPACE, "delete", kind, name, "--ignore-not-found", limit),
            timeout_s=GONE_SECONDS_MAX + 10,
        )


@pytest.fixture
def gateway(sample_env: None) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=os.environ["TIGEREX_URL"], timeout=CALL_DEADLINE_S) as client:
        yield client


def within(seconds: float, check: Callable[[], Any]) -> Any:
    """The first true value of the check; what does not answer is asked again."""
    deadline = time.monotonic() + seconds
    value = None
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError, AssertionError):
            if value := check():
                return value
        time.sleep(POLL_S)
    raise AssertionError(f"not within {seconds} s; last: {value!r}")


def recorded() -> list[Print]:
    """The capture's trades, in order."""
    messages = (parse_line(line) for _, line in read_lines(CAPTURE))
    return [
        (m.price_e8 * PRICE_UNIT, "buy" if m.taker_side is Side.BUY else "sell")
        for m in messages
        if isinstance(m, Trade)
    ]


def capture_claim(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "16Mi"}},
        },
    }


def copying_pod(name: str, image: dict[str, str]) -> dict[str, Any]:
    """Waits a while with the claim at /capture; the namespace takes restricted pods only."""
    requests = {"cpu": "10m", "memory": "32Mi"}
    container = {
        "name": "copy",
        **image,
        "command": ["sleep", str(2 * COPY_SECONDS_MAX)],
        "resources": {"requests": requests, "limits": {"memory": "64Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "capture", "mountPath": "/capture"}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "automountServiceAccountToken": False,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "runAsGroup": 10001,
                "fsGroup": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": [{"name": "capture", "persistentVolumeClaim": {"claimName": name}}],
        },
    }


def put_on_a_claim(cluster: Kubectl, name: str) -> None:
    """The capture as a file of a new claim."""
    exchange = cluster.get("-n", NAMESPACE, "deployment/exchange")
    container = exchange["spec"]["template"]["spec"]["containers"][0]
    image = {key: container[key] for key in ("image", "imagePullPolicy")}
    cluster.apply(json.dumps(capture_claim(name)))
    cluster.apply(json.dumps(copying_pod(name, image)))
    kubectl(
        *("-n", NAMESPACE, "wait", f"pod/{name}", "--for=condition=Ready"),
        f"--timeout={COPY_SECONDS_MAX}s",
        deadline_s=COPY_SECONDS_MAX + 10,
    )
    target = f"/capture/{CAPTURE.name}"
    with CAPTURE.open("rb") as source:
        done = subprocess.run(
            ["kubectl", "-n", NAMESPACE, "exec", "-i", name, "--", "sh", "-c", f"cat > {target}"],
            stdin=source,
            capture_output=True,
            text=True,
            timeout=COPY_SECONDS_MAX,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    size = kubectl("-n", NAMESPACE, "exec", name, "--", "stat", "--format=%s", target)
    assert int(size) == CAPTURE.stat().st_size
    kubectl("-n", NAMESPACE, "delete", "pod", name)


def replay_market(name: str) -> dict[str, Any]:
    replay = {"claimName": name, "path": CAPTURE.name, "speed": SPEED}
    return market(name, NAMESPACE, feed={"type": "replay", "replay": replay})


def bot_around(name: str, prices: list[Decimal]) -> dict[str, Any]:
    """A grid over all prices of the capture, paid from the account of its name."""
    lower = int(min(prices)) // SPACING_USDT * SPACING_USDT
    upper = -(-int(max(prices) + 1) // SPACING_USDT) * SPACING_USDT
    grid = {
        "lowerPrice": str(lower),
        "upperPrice": str(upper),
        "levels": (upper - lower) // SPACING_USDT + 1,
        "investment": str(INVESTMENT),
    }
    payer = {"user": USER, "account": name}
    return grid_bot(name, NAMESPACE, market=name, spotGrid=grid, accountRef=payer)


def ensure_account(demo: Demo, name: str) -> int:
    request = accounts_pb2.EnsureAccountRequest(
        request_id=new_request_id(), user=USER, name=name, kind=types_pb2.ACCOUNT_KIND_MAIN
    )
    answer = demo.accounts.EnsureAccount(request, timeout=CALL_DEADLINE_S)
    return answer.account.account_id


def transfer(demo: Demo, source: int, target: int, asset: str, amount: Decimal) -> None:
    request = accounts_pb2.TransferRequest(
        request_id=new_request_id(),
        from_account_id=source,
        to_account_id=target,
        asset=asset,
        amount=f"{amount:f}",
    )
    demo.accounts.Transfer(request, timeout=CALL_DEADLINE_S)


def prints_of(gateway: httpx.Client, symbol: str) -> list[dict[str, Any]]:
    """Every trade that market data keeps of the market, oldest first."""
    found: list[dict[str, Any]] = []
    before = 0
    for _ in range(PAGES_MAX):
        query = {"limit": PAGE, **({"before": before} if before else {})}
        answer = gateway.get(f"/api/v1/markets/{symbol}/trades", params=query).raise_for_status()
        page = answer.json()["trades"]
        found += page
        if len(page) < PAGE:
            return found[::-1]
        before = page[-1]["trade_id"]
    raise AssertionError(f"{symbol} has more trades than this reads")


def state_of(gateway: httpx.Client, symbol: str) -> str:
    answer = gateway.get(f"/api/v1/markets/{symbol}").raise_for_status()
    return str(answer.json()["state"])


def feed_pod(name: str) -> dict[str, Any]:
    selector = f"app.kubernetes.io/instance=feed-{name}"
    [pod] = kubectl_json("-n", NAMESPACE, "get", "pods", "-l", selector)["items"]
    return dict(pod)


def test_a_capture_is_traded_on_once_and_ends(
    cluster: Kubectl, demo: Demo, gateway: httpx.Client, account: tuple[str, int], name: str
) -> None:
    expected = recorded()
    put_on_a_claim(cluster, name)

    cluster.apply(json.dumps(replay_market(name)))
    cluster.apply(json.dumps(bot_around(name, [price for price, _ in expected])))
    kubectl(
        *("-n", NAMESPACE, "wait", f"tradingbot/{name}", "--for=condition=Ready"),
        f"--timeout={READY_SECONDS_MAX}s",
        deadline_s=READY_SECONDS_MAX + 10,
    )
    bot_id = kubectl_json("-n", NAMESPACE, "get", "tradingbot", name)["status"]["botId"]
    # Base asset comes from the opening purchase alone, so a sale is the grid at work.
    within(PLAYED_SECONDS_MAX, lambda: any(t.side == "sell" for t in demo.trades(bot_id)))

    within(PLAYED_SECONDS_MAX, lambda: state_of(gateway, name) == "halted")
    kubectl(
        *("-n", NAMESPACE, "wait", f"market/{name}", "--for=jsonpath={.status.state}=Halted"),
        f"--timeout={READY_SECONDS_MAX}s",
    )
    trades = demo.trades(bot_id)
    own = {trade.trade_id for trade in trades}

    def printed() -> list[Print]:
        """What the capture's own quotes and trades made of each other."""
        rows = prints_of(gateway, name)
        return [(Decimal(r["price"]), r["taker_side"]) for r in rows if r["trade_id"] not in own]

    # A user's better order gets a recorded fill; the others print as they were recorded.
    played = within(READY_SECONDS_MAX, lambda: len(printed()) >= 0.9 * len(expected) and printed())
    rest = iter(expected)
    assert all(one in rest for one in played), "a trade is not the capture's, twice or misplaced"
    assert own <= {row["trade_id"] for row in prints_of(gateway, name)}

    # Neither the process nor the next one in its place plays it again.
    ended = feed_pod(name)
    status = ended["status"]["containerStatuses"][0]
    assert status["ready"]
    assert status["restartCount"] == 0
    kubectl("-n", NAMESPACE, "delete", "pod", ended["metadata"]["name"])
    log = ("-n", NAMESPACE, "logs", f"deployment/feed-{name}")
    within(READY_SECONDS_MAX, lambda: "nothing is played twice" in kubectl(*log))
    assert state_of(gateway, name) == "halted"
    assert printed() == played

    kubectl("-n", NAMESPACE, "delete", "tradingbot", name, f"--timeout={GONE_SECONDS_MAX}s")
    money = {asset: amount for asset, amount in demo.balances(account[1]).items() if amount}
    assert money == money_by_trades(trades, "BTC", "USDT", INVESTMENT)
