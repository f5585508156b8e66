"""The objects that were built: what is edited or deleted by others comes back.

The API server sends only what carries our label, so neither our memory nor its work grows with
the rest of the cluster.
"""

import kopf

from tigerex_operator.apply.objects import CHILD_KINDS, TYPES
from tigerex_operator.builders.meta import MANAGED_BY, TENANT_LABEL
from tigerex_operator.handlers.runtime import Runtime

CHILD_SELECTOR = f"app.kubernetes.io/managed-by={MANAGED_BY}"


async def observe(body: kopf.Body, memo: kopf.Memo, **_: object) -> None:
    """Before anything else runs, and at every event."""
    runtime: Runtime = memo.runtime
    runtime.seen(body)


async def changed(type: str | None, body: kopf.Body, memo: kopf.Memo, **_: object) -> None:  # noqa: A002 - kopf's name
    """Every event of the watch streams."""
    runtime: Runtime = memo.runtime
    runtime.child_changed(body, deleted=type == "DELETED")


async def namespace_changed(name: str | None, memo: kopf.Memo, **_: object) -> None:
    """A namespace that is labelled for a tenant."""
    runtime: Runtime = memo.runtime
    runtime.namespace_changed(str(name))


def register() -> None:
    """Tells kopf of the handlers."""
    for kind in CHILD_KINDS:
        resource = _resource(kind)
        kopf.index(*resource, id=f"observe-{resource[2]}")(observe)
        kopf.on.event(*resource, id=f"changed-{resource[2]}")(changed)
    kopf.on.event("", "v1", "namespaces", id="changed-namespaces")(namespace_changed)


def select(settings: kopf.OperatorSettings) -> None:
    """Tells the API server of the labels."""
    for kind in CHILD_KINDS:
        settings.watching.label_selectors[_resource(kind)] = CHILD_SELECTOR
    settings.watching.label_selectors["", "v1", "namespaces"] = TENANT_LABEL


def _resource(kind: str) -> tuple[str, str, str]:
    group, _, version = TYPES[kind].api_version.rpartition("/")
    return group, version, TYPES[kind].plural
