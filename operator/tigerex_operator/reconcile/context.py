"""What the reconcilers share: one of each for the process."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tigerex_operator.apply.applier import Applier
from tigerex_operator.apply.children import Children, OwnerKey
from tigerex_operator.apply.objects import ApiObjects
from tigerex_operator.apply.status import EventSink, StatusWriter
from tigerex_operator.apply.wakeups import Wakeups
from tigerex_operator.builders.meta import Owner
from tigerex_operator.clients.channels import Channels
from tigerex_operator.clients.watcher import BotWatcher
from tigerex_operator.reconcile.cluster import ClusterKeys
from tigerex_operator.settings import OperatorSettings

Body = Mapping[str, Any]


class Inventory:
    """The resources themselves, as the watch streams tell them."""

    def __init__(self) -> None:
        self._bodies: dict[OwnerKey, Body] = {}
        self._by_uid: dict[str, OwnerKey] = {}

    def observe(self, body: Body, *, deleted: bool) -> OwnerKey:
        """Takes one event in and returns the resource's key."""
        key = key_of(body)
        uid = body["metadata"]["uid"]
        if deleted:
            self._bodies.pop(key, None)
            self._by_uid.pop(uid, None)
        else:
            self._bodies[key] = dict(body)
            self._by_uid[uid] = key
        return key

    def key(self, uid: str) -> OwnerKey | None:
        """The key of the resource with this uid."""
        return self._by_uid.get(uid)

    def get(self, kind: str, namespace: str, name: str) -> Body | None:
        """A resource, or None where there is none."""
        return self._bodies.get((kind, namespace, name))

    def of(self, kind: str, namespace: str = "") -> Iterator[Body]:
        """Resources of a kind, of all namespaces where none is named."""
        for (known, where, _), body in list(self._bodies.items()):
            if known == kind and (not namespace or where == namespace):
                yield body

    def tenant(self, name: str) -> Body | None:
        """The living Tenant of a namespace; None where there is none or it is on its way out."""
        body = self.get("Tenant", "", name)
        return None if body is None or is_deleting(body) else body


@dataclass(slots=True)
class Context:
    """Ports to the cluster and the tenants, and what is known of both."""

    settings: OperatorSettings
    objects: ApiObjects
    children: Children
    applier: Applier
    inventory: Inventory
    wakeups: Wakeups
    channels: Channels
    keys: ClusterKeys
    watcher: BotWatcher
    emit: EventSink
    _writers: dict[str, StatusWriter] = field(default_factory=dict)

    def status(self, body: Body) -> StatusWriter:
        """The resource's own writer of status."""
        uid = body["metadata"]["uid"]
        if uid not in self._writers:
            self._writers[uid] = StatusWriter(self.objects, body["kind"], self.emit)
        return self._writers[uid]

    def forget(self, body: Body) -> None:
        """The resource is gone."""
        self._writers.pop(body["metadata"]["uid"], None)
        self.wakeups.forget(key_of(body))

    def last_status(self, body: Body) -> Mapping[str, Any]:
        """The newest status: what this process wrote last, or what the resource says."""
        last = self.status(body).last
        return last if last is not None else dict(body.get("status") or {})


def key_of(body: Body) -> OwnerKey:
    """(kind, namespace or "", name)."""
    metadata = body["metadata"]
    return (body["kind"], metadata.get("namespace") or "", metadata["name"])


def is_deleting(body: Body) -> bool:
    """Whether somebody has deleted the resource already."""
    return bool(body["metadata"].get("deletionTimestamp"))


def owner_of(body: Body) -> Owner:
    """The resource as the owner of what is built for it."""
    kind, namespace, name = key_of(body)
    return Owner(
        kind=kind,
        name=name,
        uid=body["metadata"]["uid"],
        tenant=namespace or name,
        namespaced=bool(namespace),
    )


def condition_status(body_status: Mapping[str, Any], name: str) -> str:
    """`True`, `False`, or "" where the condition is not there."""
    for condition in body_status.get("conditions", []):
        if condition["type"] == name:
            return str(condition["status"])
    return ""
