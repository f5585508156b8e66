"""Wires the operator together for kopf: `kopf run --all-namespaces -m tigerex_operator.main`."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from typing import cast

import kopf
from kubernetes.aio import client, config

from tigerex_operator import leader
from tigerex_operator.apply.applier import Applier
from tigerex_operator.apply.children import Children
from tigerex_operator.apply.conditions import Verdict
from tigerex_operator.apply.objects import ApiObjects
from tigerex_operator.apply.wakeups import Wakeups
from tigerex_operator.builders.meta import MANAGED_BY
from tigerex_operator.clients.bots import BotsClient, BotView
from tigerex_operator.clients.channels import Channels, load_settings
from tigerex_operator.clients.tokens import TokenFiles
from tigerex_operator.clients.watcher import BotWatcher
from tigerex_operator.handlers import children, resources
from tigerex_operator.handlers.runtime import Runtime
from tigerex_operator.metrics import KINDS, observe_resources
from tigerex_operator.reconcile.cluster import ClusterKeys
from tigerex_operator.reconcile.context import (
    Body,
    Context,
    Inventory,
    condition_status,
    is_deleting,
)
from tigerex_operator.reconcile.orphans import OrphanedBots
from tigerex_operator.settings import OperatorSettings
from tigerex_platform.telemetry import setup_telemetry

FINALIZER = "tigerex.dev/finalizer"
PREFIX = "tigerex.dev"
# Streams end and start anew now and then, so that one that died without a word is noticed.
WATCH_SERVER_SECONDS = 300
WATCH_CLIENT_SECONDS = 330
CONNECT_SECONDS_MAX = 10
REQUEST_SECONDS_MAX = 30
LIST_PAGE = 500
RETRY_SECONDS = (1, 1, 2, 3, 5, 8, 13, 21)
CENSUS_SECONDS = 10.0


class NothingToRemember(kopf.DiffBaseStorage):
    """Resources are reconciled by level: nobody needs the spec that was handled last."""

    def fetch(self, *, body: kopf.Body) -> None:
        """Nothing."""

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: object) -> None:
        """Nothing is written onto the resources."""


def emit(body: Body, verdict: Verdict) -> None:
    """An event on the resource: what `kubectl describe` shows."""
    severity = "Warning" if verdict.degraded else "Normal"
    kopf.event(
        kopf.Body(cast("kopf.RawBody", body)),
        type=severity,
        reason=verdict.reason,
        message=verdict.message,
    )


def configure_kopf(settings: kopf.OperatorSettings) -> None:
    """Nothing is left on the resources but the finalizer; no stream lives, and no call waits, for
    ever.
    """
    settings.persistence.finalizer = FINALIZER
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=PREFIX)
    settings.persistence.diffbase_storage = NothingToRemember()
    settings.posting.reporting_component = MANAGED_BY
    settings.posting.event_name_prefix = "tigerex-"
    settings.peering.standalone = True
    settings.watching.server_timeout = WATCH_SERVER_SECONDS
    settings.watching.client_timeout = WATCH_CLIENT_SECONDS
    settings.watching.connect_timeout = CONNECT_SECONDS_MAX
    settings.watching.chunk_size = LIST_PAGE
    settings.networking.request_timeout = REQUEST_SECONDS_MAX
    settings.networking.connect_timeout = CONNECT_SECONDS_MAX
    settings.networking.error_backoffs = RETRY_SECONDS


def build_runtime(api: client.ApiClient, settings: OperatorSettings) -> Runtime:
    """One of each: the parts of the process, wired."""
    objects = ApiObjects(api)
    known, inventory = Children(), Inventory()
    channels = Channels(TokenFiles(objects, settings), settings)
    runtime: Runtime

    async def fetch(tenant: str) -> dict[str, BotView]:
        bots = BotsClient(await channels.bots(tenant))
        views = await bots.list_managed()
        await orphans.collect(tenant, views, bots)
        return views

    def changed(bot_id: str) -> None:
        runtime.bot_changed(bot_id)

    watcher = BotWatcher(lambda: tenants_with_bots(inventory), fetch, changed)
    context = Context(
        settings=settings,
        objects=objects,
        children=known,
        applier=Applier(objects, known),
        inventory=inventory,
        wakeups=Wakeups(),
        channels=channels,
        keys=ClusterKeys(objects),
        watcher=watcher,
        emit=emit,
    )
    runtime = Runtime(context)
    orphans = OrphanedBots(context)
    return runtime


def tenants_with_bots(inventory: Inventory) -> Iterable[str]:
    """Tenants whose bots are worth asking for: provisioned, and offering bots."""
    for tenant in inventory.of("Tenant"):
        offered = tenant["spec"].get("features", {}).get("bots", True)
        provisioned = "provisionedGeneration" in (tenant.get("status") or {})
        if offered and provisioned and not is_deleting(tenant):
            yield tenant["metadata"]["name"]


@kopf.on.startup()
async def start(settings: kopf.OperatorSettings, memo: kopf.Memo, **_: object) -> None:
    """Becomes the leader, then lets kopf watch. Nothing is watched or written before."""
    options = OperatorSettings.model_validate({})
    setup_telemetry(load_settings())
    for handler in logging.getLogger().handlers:
        handler.addFilter(without_kopf_objects)
    # One line for every event of every child is noise; what goes wrong is a warning.
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    configure_kopf(settings)
    children.select(settings)
    await load_credentials()
    memo.api = client.ApiClient()
    memo.tasks = []
    if options.leader_election:
        memo.election = leader.Election(ApiObjects(memo.api), options)
        await memo.election.acquire()
        renewal = memo.election.renew(leader.stop_process)
        memo.tasks.append(asyncio.create_task(renewal, name="leader election"))
    memo.runtime = build_runtime(memo.api, options)
    watcher = memo.runtime.context.watcher
    memo.tasks.append(asyncio.create_task(watcher.run(), name="bot watcher"))
    census = count_resources(memo.runtime.context)
    memo.tasks.append(asyncio.create_task(census, name="census"))


@kopf.on.cleanup()
async def stop(memo: kopf.Memo, **_: object) -> None:
    """Ends what `start` began, and gives the lease back."""
    for task in memo.get("tasks", []):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    if "runtime" in memo:
        await memo.runtime.context.channels.close_all()
    if "election" in memo:
        await memo.election.release()
    if "api" in memo:
        await memo.api.close()


def without_kopf_objects(record: logging.LogRecord) -> bool:
    """Takes off what kopf hangs onto its records for itself: live objects, not for JSON."""
    for name in ("settings", "k8s_skip", "k8s_ref"):
        record.__dict__.pop(name, None)
    return True


async def count_resources(context: Context) -> None:
    """Tells the metrics how many resources there are and how many are ready, until cancelled."""
    while True:
        bodies = [body for kind in KINDS for body in context.inventory.of(kind)]
        observe_resources(
            (body["kind"], condition_status(context.last_status(body), "Ready") == "True")
            for body in bodies
        )
        await asyncio.sleep(CENSUS_SECONDS)


async def load_credentials() -> None:
    """The pod's service account, or a kubeconfig outside a cluster."""
    try:
        config.load_incluster_config()  # type: ignore[no-untyped-call]
    except config.ConfigException:
        await config.load_kube_config()  # type: ignore[no-untyped-call]


resources.register()
children.register()
