"""Tenant, Market and TradingBot: the same four handlers each.

The index fills the inventory before anything else runs; the event wakes; the daemon is the loop of
a resource; the deletion runs under the finalizer, also for what was deleted while we were away.
"""

import kopf

from tigerex_operator.handlers.runtime import Runtime
from tigerex_operator.models import API_GROUP
from tigerex_operator.reconcile.context import is_deleting

VERSION = "v1alpha1"
PLURALS = ("tenants", "markets", "tradingbots")
# The loop ends by itself when told; it is cancelled where a call keeps it longer than this.
STOP_SECONDS_MAX = 5.0


async def observe(body: kopf.Body, memo: kopf.Memo, **_: object) -> None:
    """Before anything else runs, and at every event."""
    runtime: Runtime = memo.runtime
    runtime.seen(body)


async def changed(type: str | None, body: kopf.Body, memo: kopf.Memo, **_: object) -> None:  # noqa: A002 - kopf's name
    """Every event of the watch stream."""
    runtime: Runtime = memo.runtime
    runtime.resource_changed(body, deleted=type == "DELETED")


async def keep(body: kopf.Body, stopped: kopf.DaemonStopped, memo: kopf.Memo, **_: object) -> None:
    """From the first sight of a resource to its deletion."""
    runtime: Runtime = memo.runtime
    await runtime.keep(body, lambda: not stopped and not is_deleting(body), stopped.wait())


async def delete(body: kopf.Body, memo: kopf.Memo, **_: object) -> None:
    """Under the finalizer."""
    runtime: Runtime = memo.runtime
    await runtime.delete(body)


def register() -> None:
    """Tells kopf of the handlers of the three kinds."""
    for plural in PLURALS:
        kopf.index(API_GROUP, VERSION, plural, id=f"observe-{plural}")(observe)
        kopf.on.event(API_GROUP, VERSION, plural, id=f"changed-{plural}")(changed)
        kopf.daemon(
            API_GROUP,
            VERSION,
            plural,
            id=f"keep-{plural}",
            cancellation_backoff=1.0,
            cancellation_timeout=STOP_SECONDS_MAX,
        )(keep)
        kopf.on.delete(API_GROUP, VERSION, plural, id="delete")(delete)
