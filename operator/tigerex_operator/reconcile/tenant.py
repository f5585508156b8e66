"""A Tenant, from an empty namespace to a running exchange, one stage after the other."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from kubernetes.aio.client.exceptions import ApiException

from tigerex_operator.apply.conditions import Verdict, blocked, progressing, ready, retrying
from tigerex_operator.apply.objects import is_status
from tigerex_operator.apply.readiness import job_finished, rollout_stuck, waiting_for
from tigerex_operator.builders import credentials
from tigerex_operator.builders import tenant as build
from tigerex_operator.builders.meta import TENANT_LABEL, Manifest, Owner
from tigerex_operator.models.tenant import TenantSpec
from tigerex_operator.reconcile.context import Body, Context, key_of, owner_of
from tigerex_operator.reconcile.failures import is_permanent, verdict_of
from tigerex_operator.reconcile.provision import Provisioner

NAMESPACE_POLL_SECONDS = 2.0
NAMESPACE_WAIT_SECONDS_MAX = 60.0


class NotAdoptedError(Exception):
    """The namespace is not this tenant's to use. Carries the verdict."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict


class TenantReconciler:
    """Looks at one Tenant at a time; keeps nothing but what the exchange was told already."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._provisioner = Provisioner(context)

    async def reconcile(self, body: Body) -> float | None:
        """One look. Returns the seconds until the next where no event will tell."""
        values: dict[str, Any] = dict(_kept(self._context.last_status(body)))
        try:
            spec = TenantSpec.model_validate(body["spec"])
            verdict = await self._advance(body, spec, values)
        except NotAdoptedError as refusal:
            values.pop("provisionedGeneration", None)
            verdict = refusal.verdict
        except Exception as error:
            await self._write(body, verdict_of(error), values)
            if is_permanent(error):
                return None
            raise
        await self._write(body, verdict, values)
        return NAMESPACE_POLL_SECONDS if verdict.reason == "NamespaceTerminating" else None

    async def delete(self, body: Body) -> bool:
        """Removes what the policy says; True when done, False when it must be called again.

        The policy is read without the rest of the spec, so that no mistake in there can keep a
        Tenant from being deleted.
        """
        owner = owner_of(body)
        await self._context.channels.close(owner.tenant)
        self._context.watcher.forget(owner.tenant)
        namespace = await self._context.objects.get("Namespace", "", owner.tenant)
        if namespace is None or not _is_ours(namespace, owner):
            return True
        if body["spec"].get("deletionPolicy", "Retain") == "Delete":
            return await self._delete_namespace(owner, namespace)
        await self._context.applier.prune(owner.key, [])
        return True

    async def _advance(self, body: Body, spec: TenantSpec, values: dict[str, Any]) -> Verdict:
        owner, context = owner_of(body), self._context
        namespace = await self._adopt(owner)
        values["namespace"] = owner.tenant
        issuer, jwks = await context.keys.read()
        foundation = build.build_foundation(owner, spec, context.settings, jwks)
        data = build.build_data(owner, spec, context.settings)
        services = build.build_services(owner, spec, context.settings, issuer)
        await context.applier.apply(owner.key, foundation)
        await self._create_secrets(owner)
        if spec.suspended:
            # Services first: they finish what they are doing while the database still answers.
            await context.applier.apply(owner.key, [*services, *data])
            await context.applier.prune(owner.key, [*foundation, *services, *data])
            return _not_ready("Suspended", "spec.suspended is true; all data is kept")
        await context.applier.apply(owner.key, data)
        if waiting := waiting_for(context.children, owner.key, data):
            return self._waiting(owner, data, "WaitingForData", waiting)
        job = build.build_migrate_job(owner, context.settings)
        await context.applier.apply(owner.key, [job])
        if (verdict := self._migration(owner, job)) is not None:
            return verdict
        await context.applier.apply(owner.key, services)
        await context.applier.prune(owner.key, [*foundation, *data, job, *services])
        exchange = [item for item in services if item["metadata"]["name"] == "exchange"]
        if waiting := waiting_for(context.children, owner.key, exchange):
            return self._waiting(owner, services, "WaitingForServices", waiting)
        await self._provisioner.provision(body, spec, namespace)
        values["provisionedGeneration"] = int(body["metadata"]["generation"])
        values["apiKeySecret"] = credentials.API_KEY_SECRET if spec.demo_user else None
        if waiting := waiting_for(context.children, owner.key, services):
            return self._waiting(owner, services, "WaitingForServices", waiting)
        return ready("Running", "the exchange is running")

    async def _adopt(self, owner: Owner) -> Manifest:
        """The tenant's namespace, which is made where there is none. Raises NotAdoptedError."""
        live = await self._context.objects.get("Namespace", "", owner.tenant)
        if live is not None and live["metadata"].get("deletionTimestamp"):
            text = f"namespace {owner.tenant} is being removed; it is made anew when it is gone"
            raise NotAdoptedError(progressing("NamespaceTerminating", text))
        if live is not None and not _is_ours(live, owner):
            text = (
                f"namespace {owner.tenant} exists and is not labelled for this tenant; to hand it "
                f"over: kubectl label namespace {owner.tenant} {TENANT_LABEL}={owner.tenant}"
            )
            raise NotAdoptedError(blocked("NamespaceNotAdopted", text))
        wanted = build.build_namespace(owner)
        if live is None or not _labelled(live, wanted):
            return await self._context.objects.apply(wanted)
        return live

    async def _create_secrets(self, owner: Owner) -> None:
        """Secrets that are missing. One that is there is never touched: data is locked with it."""
        for name in credentials.SECRET_NAMES:
            if await self._context.objects.get("Secret", owner.tenant, name) is None:
                secret = credentials.build_secret(owner, name, credentials.new_secret_data(name))
                try:
                    await self._context.objects.create(secret)
                except ApiException as error:
                    if not is_status(error, HTTPStatus.CONFLICT):
                        raise

    def _migration(self, owner: Owner, job: Manifest) -> Verdict | None:
        """None when the database has this image's schema."""
        name = job["metadata"]["name"]
        finished = job_finished(self._context.children.get(owner.key, "Job", name))
        if finished == "Complete":
            return None
        if finished == "Failed":
            text = (
                f"job {name} failed; read it with: kubectl -n {owner.tenant} logs job/{name}; "
                f"to run it again: kubectl -n {owner.tenant} delete job {name}"
            )
            return blocked("MigrationFailed", text)
        return progressing("Migrating", f"job {name} brings the database to this version's schema")

    def _waiting(
        self, owner: Owner, manifests: list[Manifest], reason: str, names: list[str]
    ) -> Verdict:
        if stuck := rollout_stuck(self._context.children, owner.key, manifests):
            text = (
                f"{', '.join(stuck)} made no progress for long; see: "
                f"kubectl -n {owner.tenant} describe pods"
            )
            return retrying("RolloutStuck", text)
        return progressing(reason, f"waiting for {', '.join(names)}")

    async def _delete_namespace(self, owner: Owner, namespace: Manifest) -> bool:
        if not namespace["metadata"].get("deletionTimestamp"):
            uid = namespace["metadata"]["uid"]
            await self._context.objects.delete("Namespace", "", owner.tenant, uid=uid)
        for _ in range(int(NAMESPACE_WAIT_SECONDS_MAX / NAMESPACE_POLL_SECONDS)):
            live = await self._context.objects.get("Namespace", "", owner.tenant)
            if live is None or live["metadata"]["uid"] != namespace["metadata"]["uid"]:
                return True
            await asyncio.sleep(NAMESPACE_POLL_SECONDS)
        return False

    async def _write(self, body: Body, verdict: Verdict, values: dict[str, Any]) -> None:
        values = {**values, "phase": _phase(verdict)}
        if await self._context.status(body).write(body, verdict, values):
            self._wake_dependents(body)

    def _wake_dependents(self, body: Body) -> None:
        name = body["metadata"]["name"]
        inventory = self._context.inventory
        for kind in ("Market", "TradingBot"):
            self._context.wakeups.wake(key_of(item) for item in inventory.of(kind, name))


def _is_ours(namespace: Manifest, owner: Owner) -> bool:
    labels = namespace["metadata"].get("labels") or {}
    return bool(labels.get(TENANT_LABEL) == owner.tenant)


def _labelled(live: Manifest, wanted: Manifest) -> bool:
    have = live["metadata"].get("labels") or {}
    return bool(wanted["metadata"]["labels"].items() <= have.items())


def _not_ready(reason: str, message: str) -> Verdict:
    return Verdict(ready=False, progressing=False, degraded=False, reason=reason, message=message)


def _phase(verdict: Verdict) -> str:
    if verdict.ready:
        return "Ready"
    if verdict.reason == "Suspended":
        return "Suspended"
    if verdict.degraded and not verdict.progressing:
        return "Failed"
    return "Provisioning"


def _kept(status: Mapping[str, Any]) -> dict[str, Any]:
    """What an earlier look found out and a later one, that gets less far, shall not lose."""
    names = ("namespace", "apiKeySecret", "provisionedGeneration")
    return {name: status[name] for name in names if name in status}
