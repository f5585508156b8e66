"""The operator against a real API server, with the chart's rights: from a Tenant to nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.support.apiserver import ControlPlane, control_plane
from tests.support.operator_process import eventually, install, operator_process, play_controllers
from tests.support.operator_specs import dca_bot, grid_bot, market, tenant
from tests.support.tenant_services import TenantServices, tenant_services
from tigerex.bots.v1 import bots_pb2

pytestmark = [pytest.mark.integration, pytest.mark.timeout(150)]

WRITTEN = (
    *("deployments", "statefulsets", "services", "jobs", "networkpolicies", "serviceaccounts"),
    *("configmaps", "secrets", "poddisruptionbudgets", "markets", "tradingbots"),
)
DEMO = {"name": "demo", "balances": [{"asset": "USDT", "amount": "100"}]}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("plane")) as running:
        install(running)
        yield running


@pytest_asyncio.fixture
async def services() -> AsyncIterator[TenantServices]:
    async with tenant_services() as running:
        yield running


def condition(plane: ControlPlane, *where: str) -> tuple[str, str, str]:
    """(status, reason, message) of Ready."""
    conditions = plane.get(*where).get("status", {}).get("conditions", [])
    ready = [item for item in conditions if item["type"] == "Ready"][0]  # noqa: RUF015 - IndexError
    return ready["status"], ready["reason"], ready["message"]


async def deleted(plane: ControlPlane, *where: str) -> bool:
    """Whether it is deleted and gone.

    In a thread: the services that are asked live in this loop.
    """
    answer = await asyncio.to_thread(plane.kubectl, "delete", *where, "--timeout=30s")
    return answer.returncode == 0


async def controllers(plane: ControlPlane, namespace: str) -> None:
    """Plays the controllers until it is cancelled."""
    while True:
        with suppress(AssertionError):
            await asyncio.to_thread(play_controllers, plane, namespace)
        await asyncio.sleep(0.3)


def versions(plane: ControlPlane, namespace: str) -> dict[str, str]:
    """The version of every object that the operator may have written."""
    kinds = ",".join(WRITTEN)
    items = plane.get("-n", namespace, kinds)["items"] + plane.get("tenants")["items"]
    return {f"{i['kind']}/{i['metadata']['name']}": i["metadata"]["resourceVersion"] for i in items}


async def test_from_a_tenant_to_bots_and_back(
    plane: ControlPlane, services: TenantServices, tmp_path: Path
) -> None:
    with operator_process(plane, tmp_path, services.address):
        played = asyncio.create_task(controllers(plane, "acme"))
        try:
            await grow(plane, services)
            await idle(plane, services)
            await drift(plane)
            await bots(plane, services)
            await retain(plane, services)
        finally:
            played.cancel()
        assert "Traceback" not in (tmp_path / "operator.log").read_text()
        assert "forbidden" not in (tmp_path / "operator.log").read_text()


async def grow(plane: ControlPlane, services: TenantServices) -> None:
    """A Tenant becomes Ready; its exchange is told of everything, once."""
    plane.apply(tenant(demoUser=DEMO, fees={"maker": "0.0005"}))
    await eventually(lambda: condition(plane, "tenant/acme")[0] == "True", 60)
    assert services.assets == {"BTC": 8, "USDT": 8}
    assert services.fees == [("0.0005", "0.001")]
    assert list(services.credits.values()) == [("USDT", "100")]
    secret = plane.get("-n", "acme", "secret/demo-api-key")["data"]
    assert secret.keys() == {"key", "secret"}
    plane.apply(market(), grid_bot())
    await eventually(lambda: condition(plane, "-n", "acme", "tradingbot/grid")[0] == "True")
    assert condition(plane, "-n", "acme", "market/btc-usdt")[:2] == ("True", "Open")
    shown = plane.kubectl("-n", "acme", "get", "tradingbots").stdout.split()
    assert shown[:6] == ["NAME", "TYPE", "MARKET", "PHASE", "TRADES", "P&L"]
    assert "Running" in shown
    events = (
        plane.get("-n", "acme", "events")["items"] + plane.get("-n", "default", "events")["items"]
    )
    assert {item["reason"] for item in events} >= {"Running", "WaitingForData", "Open"}


async def idle(plane: ControlPlane, services: TenantServices) -> None:
    """With nothing happening, nothing is written."""
    await asyncio.sleep(3)
    before, calls = versions(plane, "acme"), list(services.calls)
    await asyncio.sleep(8)
    assert versions(plane, "acme") == before
    assert services.calls == calls


async def drift(plane: ControlPlane) -> None:
    """Deleted and edited children come back; secrets are never touched."""
    password = plane.get("-n", "acme", "secret/redis")["data"]
    plane.kubectl("-n", "acme", "delete", "service/exchange", "networkpolicy/default-deny")
    plane.kubectl("-n", "acme", "set", "image", "deployment/gateway", "gateway=evil:1")
    plane.kubectl("-n", "acme", "delete", "statefulset/postgres")
    for name in ("service/exchange", "networkpolicy/default-deny", "statefulset/postgres"):
        await eventually(lambda name=name: plane.get("-n", "acme", name))

    def repaired() -> bool:
        pod = plane.get("-n", "acme", "deployment/gateway")["spec"]["template"]["spec"]
        return pod["containers"][0]["image"] != "evil:1"

    await eventually(repaired)
    assert plane.get("-n", "acme", "secret/redis")["data"] == password


async def bots(plane: ControlPlane, services: TenantServices) -> None:
    """Unknown markets are told and retried; figures wait, phases do not; deletion is told."""
    plane.apply(dca_bot(market="eth-usdt", isolation="dedicated"))
    await eventually(lambda: condition(plane, "-n", "acme", "tradingbot/dca")[0] == "False")
    assert "eth-usdt" in condition(plane, "-n", "acme", "tradingbot/dca")[2]
    assert plane.get("-n", "acme", "deployments", "-l", "app.kubernetes.io/name=bot")["items"] == []
    plane.apply(market("eth-usdt"))
    await eventually(lambda: condition(plane, "-n", "acme", "tradingbot/dca")[0] == "True")
    assert plane.get("-n", "acme", "deployment/bot-dca")
    uid = plane.get("-n", "acme", "tradingbot/grid")["metadata"]["uid"]
    services.bots[uid].performance.trades = 5
    services.bots[uid].performance.profit_loss = "1.5"
    services.bots[uid].status = bots_pb2.BOT_STATUS_PAUSED
    await eventually(
        lambda: plane.get("-n", "acme", "tradingbot/grid")["status"]["phase"] == "Paused", 10
    )
    assert plane.get("-n", "acme", "tradingbot/grid")["status"]["trades"] == 0
    dca = plane.get("-n", "acme", "tradingbot/dca")["metadata"]["uid"]
    assert await deleted(plane, "-n", "acme", "tradingbot/dca")
    assert dca not in services.bots
    await eventually(
        lambda: (
            not plane.get("-n", "acme", "deployments", "-l", "app.kubernetes.io/name=bot")["items"]
        )
    )


async def retain(plane: ControlPlane, services: TenantServices) -> None:
    """Retain keeps the data, a new Tenant takes it over; deletions do not hang without a tenant."""
    kept = plane.get("-n", "acme", "secret/db-exchange")["data"]
    assert await deleted(plane, "tenant/acme")
    assert plane.get("-n", "acme", "deployments,services,networkpolicies")["items"] == []
    assert plane.get("-n", "acme", "secret/db-exchange")["data"] == kept
    await eventually(
        lambda: condition(plane, "-n", "acme", "tradingbot/grid")[1] == "TenantNotFound"
    )
    plane.apply(tenant(demoUser=DEMO))
    await eventually(lambda: condition(plane, "tenant/acme")[0] == "True", 60)
    await eventually(lambda: condition(plane, "-n", "acme", "market/btc-usdt")[0] == "True")
    assert plane.get("-n", "acme", "secret/db-exchange")["data"] == kept
    assert services.calls.count("Deposit") == 1
    assert await deleted(plane, "tenant/acme")
    assert await deleted(plane, "-n", "acme", "tradingbots,markets", "--all")


async def test_adoption_needs_a_label(
    plane: ControlPlane, services: TenantServices, tmp_path: Path
) -> None:
    plane.kubectl("create", "namespace", "strange")
    with operator_process(plane, tmp_path, services.address):
        plane.apply(tenant("strange"))
        await eventually(lambda: condition(plane, "tenant/strange")[1] == "NamespaceNotAdopted")
        command = condition(plane, "tenant/strange")[2].partition("kubectl ")[2]
        assert plane.get("-n", "strange", "deployments,secrets")["items"] == []
        assert plane.kubectl(*command.split()).returncode == 0
        await eventually(lambda: condition(plane, "tenant/strange")[1] == "WaitingForData")
        assert await deleted(plane, "tenant/strange")


async def test_deletion_while_the_operator_is_down(
    plane: ControlPlane, services: TenantServices, tmp_path: Path
) -> None:
    """Nothing is lost: the finalizer holds the Tenant until the operator is back."""
    with operator_process(plane, tmp_path, services.address):
        plane.apply(tenant("brief", deletionPolicy="Delete"))
        await eventually(lambda: condition(plane, "tenant/brief")[1] == "WaitingForData")
        plane.apply(grid_bot("orphan", "brief"))
        await eventually(
            lambda: condition(plane, "-n", "brief", "tradingbot/orphan")[1] == "WaitingForTenant"
        )
    plane.kubectl("delete", "tenant/brief", "--wait=false")
    assert plane.get("tenant/brief")["metadata"]["deletionTimestamp"]
    with operator_process(plane, tmp_path, services.address):

        def terminating() -> Any:
            return plane.get("namespace/brief")["metadata"].get("deletionTimestamp")

        await eventually(terminating)
        # What the namespace controller would do: it deletes everything, then lets the namespace go.
        plane.kubectl("-n", "brief", "delete", "tradingbot/orphan", "--timeout=20s")
        namespace = plane.get("namespace/brief")
        namespace["spec"]["finalizers"] = []
        answer = plane.kubectl(
            "replace",
            "--raw=/api/v1/namespaces/brief/finalize",
            "-f",
            "-",
            stdin=json.dumps(namespace),
        )
        assert answer.returncode == 0, answer.stderr
        await eventually(lambda: plane.kubectl("get", "tenant/brief").returncode != 0)
