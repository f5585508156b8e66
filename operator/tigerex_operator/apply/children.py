"""What stands in the cluster already, by owner: filled from watch streams, never by asking."""

from collections.abc import Iterator, Mapping
from typing import Any

from tigerex_operator.apply.objects import CHILD_KINDS
from tigerex_operator.builders.meta import OWNER_KIND_LABEL, OWNER_NAME_LABEL, Manifest

OwnerKey = tuple[str, str, str]
ChildKey = tuple[str, str]


def owner_key(labels: Mapping[str, str], namespace: str) -> OwnerKey | None:
    """The owner that an object's labels name, or None where it is not a child of ours."""
    kind, name = labels.get(OWNER_KIND_LABEL, ""), labels.get(OWNER_NAME_LABEL, "")
    if not kind or not name:
        return None
    return (kind, "" if kind == "Tenant" else namespace, name)


class Children:
    """The newest known state of every child, by owner, kind and name."""

    def __init__(self) -> None:
        self._by_owner: dict[OwnerKey, dict[ChildKey, Manifest]] = {}

    def observe(self, body: Mapping[str, Any], *, deleted: bool) -> OwnerKey | None:
        """Takes one event of a watch stream in and returns whose child it is."""
        metadata = body["metadata"]
        key = owner_key(metadata.get("labels", {}), metadata.get("namespace", ""))
        kind = body.get("kind", "")
        if key is None or kind not in CHILD_KINDS:
            return None
        children = self._by_owner.setdefault(key, {})
        if deleted:
            children.pop((kind, metadata["name"]), None)
            if not children:
                del self._by_owner[key]
        else:
            children[kind, metadata["name"]] = dict(body)
        return key

    def get(self, owner: OwnerKey, kind: str, name: str) -> Manifest | None:
        """A child, or None where it does not stand."""
        return self._by_owner.get(owner, {}).get((kind, name))

    def of(self, owner: OwnerKey) -> Iterator[Manifest]:
        """All children of an owner."""
        return iter(list(self._by_owner.get(owner, {}).values()))
