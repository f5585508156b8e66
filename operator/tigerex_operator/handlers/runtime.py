"""What the handlers share: the loop of each resource, its end, and who is told of an event."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Protocol

import kopf

from tigerex_operator.apply.conditions import Verdict
from tigerex_operator.apply.wakeups import RECONCILES_AT_ONCE_MAX, keep_reconciled
from tigerex_operator.metrics import observe_reconcile
from tigerex_operator.reconcile.context import Body, Context, is_deleting, key_of
from tigerex_operator.reconcile.failures import verdict_of
from tigerex_operator.reconcile.market import MarketReconciler
from tigerex_operator.reconcile.tenancy import NoTenantError
from tigerex_operator.reconcile.tenant import TenantReconciler
from tigerex_operator.reconcile.tradingbot import TradingBotReconciler

DELETE_RETRY_SECONDS = 5.0

LOG = logging.getLogger(__name__)


class Reconciler(Protocol):
    """One look at a resource, and its end."""

    async def reconcile(self, body: Body) -> float | None: ...

    async def delete(self, body: Body) -> bool: ...


class Runtime:
    """Everything that lives as long as the process."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._slots = asyncio.Semaphore(RECONCILES_AT_ONCE_MAX)
        self._locks: dict[str, asyncio.Lock] = {}
        self._reconcilers: dict[str, Reconciler] = {
            "Tenant": TenantReconciler(context),
            "Market": MarketReconciler(context),
            "TradingBot": TradingBotReconciler(context),
        }

    def seen(self, body: Body) -> None:
        """A resource or a child of one stands in the cluster.

        This comes before `resource_changed`, also of the same event, which needs to know what was
        there before: only a resource's first sight counts here.
        """
        if body["kind"] in self._reconcilers:
            if self.context.inventory.get(*key_of(body)) is None:
                self.context.inventory.observe(body, deleted=False)
        else:
            self.context.children.observe(body, deleted=False)

    def resource_changed(self, body: Body, *, deleted: bool) -> None:
        """A resource of ours changed: it looks again, and so does what depends on it."""
        before = self.context.inventory.get(*key_of(body))
        key = self.context.inventory.observe(body, deleted=deleted)
        if deleted:
            self.context.forget(body)
            self._locks.pop(body["metadata"]["uid"], None)
        elif before is None or _asks_anew(before, body):
            self.context.wakeups.wake([key])
        if body["kind"] == "Tenant" and (deleted or before is None or is_deleting(body)):
            self._wake_namespace(body["metadata"]["name"])

    def child_changed(self, body: Body, *, deleted: bool) -> None:
        """A child came, changed or went: its owner looks again."""
        if (owner := self.context.children.observe(body, deleted=deleted)) is not None:
            self.context.wakeups.wake([owner])

    def namespace_changed(self, name: str) -> None:
        """A tenant's namespace changed: everything in it looks again."""
        self.context.wakeups.wake([("Tenant", "", name)])
        self._wake_namespace(name)

    async def keep(self, body: Body, going: Callable[[], bool], stopped: Awaitable[object]) -> None:
        """The life of a resource, until somebody deletes it or the process ends."""
        key, uid, kind = key_of(body), body["metadata"]["uid"], body["kind"]
        reconciler = self._reconcilers[kind]
        alarm = self.context.wakeups.alarm(key)

        async def look() -> float | None:
            async with self._lock(uid):
                current = self.context.inventory.get(*key)
                if current is None or is_deleting(current):
                    return None
                started = perf_counter()
                try:
                    delay = await reconciler.reconcile(current)
                except BaseException:
                    observe_reconcile(kind, "error", perf_counter() - started)
                    raise
                observe_reconcile(kind, "ok", perf_counter() - started)
                return delay

        async def failed(error: Exception, delay: float) -> None:
            verdict = verdict_of(error)
            exception = error if verdict.reason == "InternalError" else None
            LOG.warning(
                "%s %s: %s: %s; again in %.1f s", kind, "/".join(key[1:]).strip("/"),
                verdict.reason, verdict.message, delay, exc_info=exception,
            )  # fmt: skip

        ending = asyncio.create_task(_ring_when(stopped, alarm))
        try:
            await keep_reconciled(alarm, going, look, failed, self._slots)
        finally:
            ending.cancel()

    async def delete(self, body: Body) -> None:
        """The end of a resource. Raises kopf.TemporaryError until everything is done.

        Never a permanent error: that would let the resource go with its money still in orders.
        """
        async with self._lock(body["metadata"]["uid"]):
            try:
                done = await self._reconcilers[body["kind"]].delete(dict(body))
            except NoTenantError as absence:
                raise kopf.TemporaryError(str(absence), delay=DELETE_RETRY_SECONDS) from absence
            except Exception as error:
                verdict = verdict_of(error)
                await self._tell_deleting(body, verdict)
                text = f"{verdict.reason}: {verdict.message}"
                raise kopf.TemporaryError(text, delay=DELETE_RETRY_SECONDS) from error
            if not done:
                raise kopf.TemporaryError("not all is removed yet", delay=DELETE_RETRY_SECONDS)

    async def _tell_deleting(self, body: Body, verdict: Verdict) -> None:
        """As far as the API server takes it: a status must not stand in the way of the deletion."""
        values = {**self.context.last_status(body), "phase": "Deleting"}
        values.pop("conditions", None)
        if body["kind"] == "Market":
            values.pop("phase")
        try:
            await self.context.status(body).write(body, verdict, values)
        except Exception as error:  # noqa: BLE001
            LOG.debug("status of a deleted resource: %s", error)

    def bot_changed(self, bot_id: str) -> None:
        """The bots service says something new of a bot."""
        if (key := self.context.inventory.key(bot_id)) is not None:
            self.context.wakeups.wake([key])

    def _wake_namespace(self, name: str) -> None:
        for kind in ("Market", "TradingBot"):
            self.context.wakeups.wake(
                key_of(body) for body in self.context.inventory.of(kind, name)
            )

    def _lock(self, uid: str) -> asyncio.Lock:
        return self._locks.setdefault(uid, asyncio.Lock())


async def _ring_when(stopped: Awaitable[object], alarm: asyncio.Event) -> None:
    """The end of the process is a reason to look up, too: the loop ends by itself."""
    await stopped
    alarm.set()


def _asks_anew(before: Body, after: Body) -> bool:
    """Whether somebody wants something else; a status is ours to write, and no reason to look."""
    return before["metadata"]["generation"] != after["metadata"]["generation"] or (
        before["metadata"]["uid"] != after["metadata"]["uid"] or is_deleting(after)
    )
