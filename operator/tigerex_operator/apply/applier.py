"""Makes the cluster be what was built: applies what differs, deletes what is no longer wanted."""

from collections.abc import Iterable

from tigerex_operator.apply.children import Children, OwnerKey
from tigerex_operator.apply.objects import ApiObjects, identity
from tigerex_operator.builders.meta import APPLIED_HASH, Manifest, content_hash

HASH_LENGTH = 16


class Applier:
    """Level-based: what is as desired already is left alone, so an idle cluster sees no write."""

    def __init__(self, objects: ApiObjects, children: Children) -> None:
        self._objects = objects
        self._children = children

    async def apply(self, owner: OwnerKey, manifests: Iterable[Manifest]) -> list[Manifest]:
        """Applies those that differ from what stands; returns what was applied."""
        applied = []
        for manifest in manifests:
            wanted = stamped(manifest)
            kind, _, name = identity(wanted)
            if in_place(wanted, self._children.get(owner, kind, name)):
                continue
            live = await self._objects.apply(wanted)
            # Known at once: the watch stream may be a moment behind the next look.
            self._children.observe({**live, "kind": kind}, deleted=False)
            applied.append(wanted)
        return applied

    async def prune(self, owner: OwnerKey, manifests: Iterable[Manifest]) -> list[str]:
        """Deletes the owner's children that are not among the manifests; returns their names."""
        wanted = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests}
        pruned = []
        for child in self._children.of(owner):
            kind, namespace, name = identity(child)
            if (kind, name) in wanted or child["metadata"].get("deletionTimestamp"):
                continue
            if await self._objects.delete(kind, namespace, name, uid=child["metadata"]["uid"]):
                pruned.append(f"{kind}/{name}")
        return pruned


def stamped(manifest: Manifest) -> Manifest:
    """The manifest with the hash of itself as an annotation."""
    metadata = manifest["metadata"]
    annotations = {
        **metadata.get("annotations", {}),
        APPLIED_HASH: content_hash(manifest, HASH_LENGTH),
    }
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def in_place(wanted: Manifest, live: Manifest | None) -> bool:
    """Whether the live object has every field that we want, as we want it, and none we set before.

    The hash tells of fields that we set once and no longer do; the comparison of edits by others.
    """
    if live is None or live["metadata"].get("deletionTimestamp"):
        return False
    return _contains(live, wanted)


def _contains(live: object, wanted: object) -> bool:
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(
            key in live and _contains(live[key], value)
            for key, value in wanted.items()
            # The API server leaves empty maps out.
            if not (value == {} and key not in live)
        )
    if isinstance(wanted, list):
        return (
            isinstance(live, list)
            and len(live) == len(wanted)
            and all(_contains(have, want) for have, want in zip(live, wanted, strict=True))
        )
    return bool(live == wanted)
