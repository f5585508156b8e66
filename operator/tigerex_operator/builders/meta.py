"""Names and labels that every built object carries: by them children are found, pruned and
selected.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]

MANAGED_BY = "tigerex-operator"
PART_OF = "tigerex"
TENANT_LABEL = "tigerex.dev/tenant"
OWNER_KIND_LABEL = "tigerex.dev/owner-kind"
OWNER_NAME_LABEL = "tigerex.dev/owner-name"
# Hash of the manifest that was applied last: tells a field that we no longer set from one that we
# never did.
APPLIED_HASH = "tigerex.dev/applied-hash"
# Of a workload: how many ready replicas make it stand; all of them when absent.
READY_REPLICAS = "tigerex.dev/ready-replicas"


@dataclass(frozen=True, slots=True)
class Owner:
    """The resource that an object is built for."""

    kind: str
    name: str
    uid: str
    tenant: str
    """The tenant, which is also the namespace of everything that is built."""
    namespaced: bool = True

    @property
    def key(self) -> tuple[str, str, str]:
        """(kind, namespace or "", name), as handlers know the resource."""
        return (self.kind, self.tenant if self.namespaced else "", self.name)


def labels(owner: Owner, component: str, instance: str = "") -> dict[str, str]:
    """Labels of an object; `instance` is the workload's name where a component has several."""
    return {
        "app.kubernetes.io/name": component,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/instance": instance or component,
        "app.kubernetes.io/part-of": PART_OF,
        "app.kubernetes.io/managed-by": MANAGED_BY,
        TENANT_LABEL: owner.tenant,
        OWNER_KIND_LABEL: owner.kind,
        OWNER_NAME_LABEL: owner.name,
    }


def selector(owner: Owner, component: str, instance: str = "") -> dict[str, str]:
    """The labels that select a workload's pods; they never change over its life."""
    return {
        "app.kubernetes.io/name": component,
        "app.kubernetes.io/instance": instance or component,
        TENANT_LABEL: owner.tenant,
    }


def build_object(
    api_version: str,
    kind: str,
    owner: Owner,
    name: str,
    component: str,
    content: Manifest,
    *,
    instance: str = "",
) -> Manifest:
    """An object in the tenant's namespace.

    Children of namespaced resources also carry an owner reference, so that the cluster removes them
    when the
    operator is away. A Tenant's children do not: what `Retain` keeps must outlive it.
    """
    metadata: Manifest = {
        "name": name,
        "namespace": owner.tenant,
        "labels": labels(owner, component, instance),
    }
    if owner.namespaced:
        metadata["ownerReferences"] = [_owner_reference(owner)]
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}


def content_hash(content: object, length: int = 10) -> str:
    """Short name of a content: equal contents, equal names."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _owner_reference(owner: Owner) -> Manifest:
    return {
        "apiVersion": "tigerex.dev/v1alpha1",
        "kind": owner.kind,
        "name": owner.name,
        "uid": owner.uid,
        "controller": True,
    }
