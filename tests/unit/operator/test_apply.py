"""Nothing is written that stands already; what is edited or unwanted is noticed."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.operator_specs import ISSUER, SETTINGS, owner, tenant

from tigerex_operator.apply.applier import Applier, in_place, stamped
from tigerex_operator.apply.children import Children, owner_key
from tigerex_operator.apply.conditions import blocked, build_conditions, changed, progressing, ready
from tigerex_operator.apply.readiness import job_finished, rolled_out, rollout_stuck
from tigerex_operator.apply.status import StatusWriter
from tigerex_operator.apply.wakeups import (
    BACKOFF_SECONDS_MAX,
    Wakeups,
    backoff_seconds,
    keep_reconciled,
)
from tigerex_operator.builders.tenant import build_services
from tigerex_operator.models import TenantSpec

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class RecordedObjects:
    """Answers like an API server that stores what it is given, and remembers what it was asked."""

    def __init__(self) -> None:
        self.applied: list[dict[str, Any]] = []
        self.deleted: list[str] = []

    async def apply(self, manifest: dict[str, Any]) -> dict[str, Any]:
        self.applied.append(manifest)
        return {**manifest, "metadata": {**manifest["metadata"], "uid": "u"}, "status": {}}

    apply_status = apply

    async def delete(self, kind: str, namespace: str, name: str, *, uid: str) -> bool:
        self.deleted.append(f"{kind}/{name}")
        return True


def services() -> list[dict[str, Any]]:
    spec = TenantSpec.model_validate(tenant()["spec"])
    return build_services(owner(), spec, SETTINGS, ISSUER)


async def test_second_apply_writes_nothing() -> None:
    objects = RecordedObjects()
    applier = Applier(objects, Children())  # type: ignore[arg-type]
    assert len(await applier.apply(owner().key, services())) == len(services())
    assert await applier.apply(owner().key, services()) == []


async def test_deleted_and_edited_children_come_back() -> None:
    objects, children = RecordedObjects(), Children()
    applier = Applier(objects, children)  # type: ignore[arg-type]
    await applier.apply(owner().key, services())
    service = children.get(owner().key, "Service", "exchange")
    deployment = children.get(owner().key, "Deployment", "exchange")
    assert service is not None
    assert deployment is not None
    children.observe(service, deleted=True)
    children.observe({**deployment, "spec": {**deployment["spec"], "replicas": 7}}, deleted=False)
    repaired = await applier.apply(owner().key, services())
    assert {(item["kind"], item["metadata"]["name"]) for item in repaired} == {
        ("Service", "exchange"),
        ("Deployment", "exchange"),
    }


async def test_what_is_no_longer_wanted_is_pruned() -> None:
    objects, children = RecordedObjects(), Children()
    applier = Applier(objects, children)  # type: ignore[arg-type]
    await applier.apply(owner().key, services())
    kept = [item for item in services() if item["metadata"]["name"] != "gateway"]
    pruned = await applier.prune(owner().key, kept)
    assert sorted(pruned) == [
        "Deployment/gateway",
        "PodDisruptionBudget/gateway",
        "Service/gateway",
    ]
    assert await applier.prune(("Tenant", "", "other"), []) == []


def test_fields_of_others_do_not_matter_and_ours_do() -> None:
    wanted = stamped(services()[0])
    live = {**wanted, "status": {"x": 1}, "metadata": {**wanted["metadata"], "uid": "u"}}
    assert in_place(wanted, live)
    assert not in_place(wanted, None)
    gone = {**live, "metadata": {**live["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    assert not in_place(wanted, gone)
    stale = stamped({**services()[0], "spec": {}})
    assert not in_place(stale, live)


def test_strangers_are_not_children() -> None:
    children = Children()
    stranger = {"kind": "Deployment", "metadata": {"name": "x", "namespace": "acme", "labels": {}}}
    assert children.observe(stranger, deleted=False) is None
    assert owner_key({"tigerex.dev/owner-kind": "Market", "tigerex.dev/owner-name": "m"}, "ns") == (
        "Market",
        "ns",
        "m",
    )
    assert owner_key({"tigerex.dev/owner-kind": "Tenant", "tigerex.dev/owner-name": "t"}, "ns") == (
        "Tenant",
        "",
        "t",
    )


def test_transition_time_moves_with_the_status_only() -> None:
    first = build_conditions(progressing("Migrating", "…"), 1, [], NOW)
    later = NOW + timedelta(minutes=1)
    second = build_conditions(progressing("WaitingForServices", "…"), 2, first, later)
    assert [c["lastTransitionTime"] for c in second] == ["2026-01-01T00:00:00Z"] * 3
    assert {c["observedGeneration"] for c in second} == {2}
    third = {c["type"]: c for c in build_conditions(ready("Running", "…"), 2, second, later)}
    assert third["Ready"]["lastTransitionTime"] == "2026-01-01T00:01:00Z"
    assert third["Degraded"]["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    assert (third["Ready"]["status"], third["Progressing"]["status"]) == ("True", "False")


def test_events_for_what_is_new_only() -> None:
    conditions = build_conditions(blocked("UnknownMarket", "…"), 1, [], NOW)
    assert not changed(conditions, blocked("UnknownMarket", "other words"))
    assert changed(conditions, ready("Running", "…"))
    assert changed([], ready("Running", "…"))


async def test_status_is_written_once() -> None:
    objects = RecordedObjects()
    emitted: list[str] = []
    writer = StatusWriter(objects, "Tenant", lambda _, v: emitted.append(v.reason), lambda: NOW)  # type: ignore[arg-type]
    body = {"metadata": {"name": "acme", "uid": "u", "generation": 1}}
    assert await writer.write(body, ready("Running", "…"), {"phase": "Ready", "apiKeySecret": None})
    assert not await writer.write(body, ready("Running", "…"), {"phase": "Ready"})
    assert len(objects.applied) == 1
    assert objects.applied[0]["status"].keys() == {"phase", "observedGeneration", "conditions"}
    assert emitted == ["Running"]


def test_workloads_are_ready_when_their_newest_template_is() -> None:
    def deployment(**status: int) -> dict[str, Any]:
        return {"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status}

    done = {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2}
    assert rolled_out(deployment(**done))
    assert not rolled_out(None)
    assert not rolled_out(deployment(**{**done, "observedGeneration": 1}))
    assert not rolled_out(deployment(**{**done, "replicas": 3}))
    assert not rolled_out(deployment(**{**done, "readyReplicas": 1}))
    with_standby = deployment(**{**done, "readyReplicas": 1})
    with_standby["metadata"]["annotations"] = {"tigerex.dev/ready-replicas": "1"}
    assert rolled_out(with_standby)
    with_standby["status"]["readyReplicas"] = 0
    assert not rolled_out(with_standby)


def test_jobs_and_stuck_rollouts() -> None:
    failed = {"status": {"conditions": [{"type": "Failed", "status": "True"}]}}
    assert job_finished(failed) == "Failed"
    assert job_finished(None) == ""
    children = Children()
    stuck = services()[0]
    reason = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    children.observe({**stuck, "status": {"conditions": [reason]}}, deleted=False)
    assert rollout_stuck(children, owner().key, services()) == ["exchange"]


@given(st.integers(min_value=0, max_value=10**6))
@settings(max_examples=100)
def test_backoff_is_bounded(failures: int) -> None:
    assert 0.5 <= backoff_seconds(failures) <= BACKOFF_SECONDS_MAX


async def test_loop_survives_errors_and_wakes_at_once() -> None:
    wakeups, looks, failures = Wakeups(), [], []
    key = ("Tenant", "", "acme")
    alarm = wakeups.alarm(key)

    async def look() -> float | None:
        looks.append(len(looks))
        if len(looks) == 1:
            raise RuntimeError("once")
        return None

    async def failed(error: Exception, delay: float) -> None:
        failures.append((str(error), delay))
        wakeups.wake([key])

    going = lambda: len(looks) < 3  # noqa: E731
    loop = asyncio.create_task(keep_reconciled(alarm, going, look, failed, asyncio.Semaphore(1)))
    async with asyncio.timeout(5):
        while len(looks) < 2:  # noqa: ASYNC110 - what is looked at is a plain list
            await asyncio.sleep(0)
        wakeups.wake([key])
        while len(looks) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        wakeups.wake([key])
        await loop
    assert failures[0][0] == "once"
