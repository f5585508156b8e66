"""Kill anything while bots trade: ready again within a minute, nothing doubled, nothing lost."""

import os
import time
from collections import Counter
from decimal import Decimal

import grpc
import pytest
from tests.support.live import Demo, kubectl, kubectl_json, money_by_trades, processes_of, sigkill

pytestmark = pytest.mark.e2e

NAMESPACE = "demo"
READY_WITHIN_S = 60
SETTLED_WITHIN_S = 60
COMPONENT = "app.kubernetes.io/component"

VICTIMS = {
    "exchange": [(NAMESPACE, f"{COMPONENT}=exchange")],
    "runner": [(NAMESPACE, f"{COMPONENT}=runner")],
    "bots": [(NAMESPACE, f"{COMPONENT}=bots")],
    "marketdata": [(NAMESPACE, f"{COMPONENT}=marketdata")],
    "history": [(NAMESPACE, f"{COMPONENT}=history")],
    "gateway": [(NAMESPACE, f"{COMPONENT}=gateway")],
    "postgres": [(NAMESPACE, f"{COMPONENT}=postgres")],
    "redis": [(NAMESPACE, f"{COMPONENT}=redis")],
    "operator": [("tigerex-system", f"{COMPONENT}=operator")],
}
VICTIMS["everything at once"] = [target for targets in VICTIMS.values() for target in targets]


@pytest.fixture(scope="module")
def demo(sample_env: None) -> Demo:
    return Demo.connect()


@pytest.fixture(scope="module")
def grid_id(sample_env: None) -> str:
    return kubectl_json("-n", NAMESPACE, "get", "tradingbot", "demo-grid")["status"]["botId"]


def wait_ready() -> None:
    """Every deployment, the tenant and the bots report Ready with all that they asked for."""
    deadline = time.monotonic() + READY_WITHIN_S

    def left() -> str:
        return f"--timeout={max(1, int(deadline - time.monotonic()))}s"

    for namespace in (NAMESPACE, "tigerex-system"):
        kubectl("-n", namespace, "wait", "deployment", "--all", "--for=condition=Available", left())
    kubectl("wait", f"tenant/{NAMESPACE}", "--for=condition=Ready", left())
    kubectl("-n", NAMESPACE, "wait", "tradingbot", "--all", "--for=condition=Ready", left())


def verify() -> str:
    return kubectl(
        "-n", NAMESPACE, "exec", "deploy/exchange", "--", "tigerex", "exchange", "--verify"
    )


def wait_traded_on(demo: Demo, bot_id: str, trades_before: int) -> None:
    """The bot makes a trade that it had not made before."""
    deadline = time.monotonic() + SETTLED_WITHIN_S
    while time.monotonic() < deadline:
        try:
            if len(demo.trades(bot_id)) > trades_before:
                return
        except grpc.RpcError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"no new trade of {bot_id} within {SETTLED_WITHIN_S} s")


def check_money(demo: Demo, bot_id: str) -> None:
    """The bot owns its funding plus its trades, and no level holds two orders."""
    bot = demo.bot(bot_id)
    investment = Decimal(bot.spec.config.spot_grid.investment)
    deadline = time.monotonic() + SETTLED_WITHIN_S
    expected, actual = {}, None
    while time.monotonic() < deadline:
        # Trades go on while this reads: the two sides must meet at one moment.
        before = demo.trades(bot_id)
        actual = {a: m for a, m in demo.balances(bot.account_id).items() if m}
        expected = money_by_trades(before, "BTC", "USDT", investment)
        if expected == actual:
            break
        time.sleep(0.2)
    assert expected == actual
    trades = Counter((t.trade_id, t.order_id) for t in demo.trades(bot_id))
    assert max(trades.values(), default=1) == 1
    levels = Counter((o.side, o.price) for o in demo.open_orders(bot.account_id))
    assert max(levels.values(), default=1) == 1


@pytest.mark.timeout(240)
@pytest.mark.parametrize("victim", VICTIMS)
def test_sigkill(victim: str, demo: Demo, grid_id: str) -> None:
    trades_before = len(demo.trades(grid_id))
    pids = [pid for target in VICTIMS[victim] for pid in processes_of(*target)]
    assert pids, f"no process of {victim} found"
    assert sigkill(pids)
    wait_ready()
    wait_traded_on(demo, grid_id, trades_before)
    assert "FAIL" not in verify()
    check_money(demo, grid_id)


@pytest.mark.timeout(240)
def test_dropped_database_connections(demo: Demo, grid_id: str) -> None:
    trades_before = len(demo.trades(grid_id))
    drop = (
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
        " where pid <> pg_backend_pid()"
    )
    user = os.environ.get("TIGEREX_POSTGRES_ADMIN", "postgres")
    kubectl(
        "-n", NAMESPACE, "exec", "postgres-0", "--", "psql", "-U", user, "-d", "tigerex", "-c", drop
    )
    wait_ready()
    wait_traded_on(demo, grid_id, trades_before)
    verify()
    check_money(demo, grid_id)
