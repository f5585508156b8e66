"""What is said of a resource, what an error means, who leads, which bots are orphans."""

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError
from tests.support.operator_specs import SETTINGS, UID, dca_bot, grid_bot

from tigerex_operator.apply.children import Children
from tigerex_operator.apply.wakeups import Wakeups
from tigerex_operator.clients.bots import BotView, build_bot_spec
from tigerex_operator.clients.watcher import BotWatcher
from tigerex_operator.handlers.runtime import Runtime
from tigerex_operator.leader import LEASE_SECONDS, Election
from tigerex_operator.models import TenantSpec, TradingBotSpec
from tigerex_operator.reconcile.context import Context, Inventory
from tigerex_operator.reconcile.failures import is_permanent, verdict_of
from tigerex_operator.reconcile.tradingbot import verdict_for
from tigerex_platform.errors import Conflict, InvalidField, NotFound, Unavailable

pytestmark = pytest.mark.unit

RUNNING = BotView(UID, "Running", "", 1, 1, 0, "0", "10000", "runner-1")


def view(**changes: Any) -> BotView:
    values = {name: getattr(RUNNING, name) for name in RUNNING.__slots__}
    return BotView(**{**values, **changes})


@pytest.mark.parametrize(
    ("bot", "waiting", "ready", "reason"),
    [
        (RUNNING, [], True, "Running"),
        (RUNNING, ["bot-grid"], False, "WaitingForPod"),
        (view(phase="Starting"), [], False, "Starting"),
        (view(phase="Paused"), [], False, "Paused"),
        (view(generation=2), [], False, "Running"),
        (view(phase="Completed"), [], True, "Completed"),
        (view(phase="Failed", reason="no money"), [], False, "BotFailed"),
    ],
)
def test_a_bot_is_ready_when_it_does_what_it_shall(
    bot: BotView, waiting: list[str], ready: bool, reason: str
) -> None:
    spec = TradingBotSpec.model_validate(grid_bot()["spec"])
    verdict = verdict_for(spec, bot, waiting)
    assert (verdict.ready, verdict.reason) == (ready, reason)


def test_a_failed_bot_says_why_and_what_to_do() -> None:
    spec = TradingBotSpec.model_validate(dca_bot()["spec"])
    verdict = verdict_for(spec, view(phase="Failed", reason="no money left"), [])
    assert verdict.degraded
    assert verdict.message.startswith("no money left; change the spec")


@pytest.mark.parametrize(
    ("error", "permanent", "reason"),
    [
        (InvalidField("spec.dca.amount", "1.001", "2 decimals"), True, "InvalidSpec"),
        (NotFound("market", "eth-usdt"), True, "UnknownMarket"),
        (Conflict("MARKET_EXISTS", "other increments"), True, "MarketExists"),
        (Unavailable("restarting"), False, "Unavailable"),
        (TimeoutError(), False, "Unreachable"),
        (RuntimeError("a secret of ours"), False, "InternalError"),
    ],
)
def test_errors_stop_or_are_tried_again(error: Exception, permanent: bool, reason: str) -> None:
    verdict = verdict_of(error)
    assert (is_permanent(error), verdict.reason) == (permanent, reason)
    assert verdict.degraded
    assert "a secret of ours" not in verdict.message


def test_a_spec_that_does_not_parse_names_its_field() -> None:
    with pytest.raises(ValidationError) as caught:
        TenantSpec.model_validate({"assets": [{"code": "BTC", "scale": 9}]})
    assert verdict_of(caught.value).message.startswith("spec.assets.0.scale: ")


def test_bot_specs_carry_everything() -> None:
    spec = TradingBotSpec.model_validate(grid_bot(state="Paused")["spec"])
    built = build_bot_spec("grid", spec, "demo", "main")
    assert built.config.spot_grid.upper_price == "61000"
    assert (built.user, built.account, built.market) == ("demo", "main", "btc-usdt")
    assert (built.isolation, built.desired_state, built.config.spot_grid.spacing) == (1, 2, 1)


async def test_the_watcher_tells_of_changes_only() -> None:
    views, told = {UID: RUNNING}, []

    async def fetch(tenant: str) -> dict[str, BotView]:
        return dict(views)

    watcher, slots = BotWatcher(lambda: ["acme"], fetch, told.append), asyncio.Semaphore(1)
    assert not watcher.known("acme")
    await watcher.poll("acme", slots)
    await watcher.poll("acme", slots)
    assert told == [UID]
    views[UID] = view(trades=1)
    await watcher.poll("acme", slots)
    views.clear()
    await watcher.poll("acme", slots)
    assert told == [UID, UID, UID]
    assert watcher.view("acme", UID) is None


async def test_the_watcher_keeps_what_it_knows_when_nobody_answers() -> None:
    async def fetch(tenant: str) -> dict[str, BotView]:
        raise Unavailable("restarting")

    watcher = BotWatcher(lambda: ["acme"], fetch, lambda bot_id: None)
    watcher.learn("acme", RUNNING)
    await watcher.poll("acme", asyncio.Semaphore(1))
    assert watcher.view("acme", UID) == RUNNING


class LeaseStore:
    """One lease with versions, as the API server keeps it."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.version = 0

    async def get(self, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        return self.lease

    async def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
        assert self.lease is None
        return self._store(manifest)

    async def replace(self, manifest: dict[str, Any]) -> dict[str, Any]:
        assert manifest["metadata"]["resourceVersion"] == str(self.version)
        return self._store(manifest)

    def _store(self, manifest: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        metadata = {**manifest["metadata"], "resourceVersion": str(self.version)}
        self.lease = {**manifest, "metadata": metadata}
        return self.lease


async def test_one_leads_until_it_is_silent_for_the_whole_lease() -> None:
    store, now = LeaseStore(), [0.0]

    def candidate(name: str) -> Election:
        settings = SETTINGS.model_copy(update={"identity": name})
        return Election(store, settings, lambda: now[0])  # type: ignore[arg-type]

    first, second = candidate("first"), candidate("second")
    assert await first._attempt()
    assert not await second._attempt()
    now[0] += LEASE_SECONDS
    assert await first._attempt()
    assert not await second._attempt()
    now[0] += LEASE_SECONDS + 1
    assert await second._attempt()
    assert not await first._attempt()
    await second.release()
    assert await first._attempt()
    assert store.lease is not None
    assert store.lease["spec"]["leaseTransitions"] == 4


def test_a_changed_spec_is_looked_at_at_once() -> None:
    """kopf gives each event to the index first, and then to the handler that wakes."""
    parts = dict.fromkeys(Context.__dataclass_fields__.keys() - {"_writers"})
    parts |= {"inventory": Inventory(), "wakeups": Wakeups(), "children": Children()}
    runtime = Runtime(Context(**parts))  # type: ignore[arg-type]
    alarm = runtime.context.wakeups.alarm(("Tenant", "", "acme"))

    def event(**metadata: Any) -> bool:
        body = {"kind": "Tenant", "metadata": {"name": "acme", "uid": "u", **metadata}}
        runtime.seen(body)
        runtime.resource_changed(body, deleted=False)
        woken = alarm.is_set()
        alarm.clear()
        return woken

    event(generation=1)
    assert not event(generation=1, resourceVersion="2"), "a status of our own"
    assert event(generation=2)
    assert event(generation=2, deletionTimestamp="now")
