"""Writes a resource's status, and only where it says something new."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tigerex_operator.apply.conditions import Verdict, build_conditions, changed
from tigerex_operator.apply.objects import TYPES, ApiObjects
from tigerex_operator.builders.meta import Manifest

EventSink = Callable[[Mapping[str, Any], Verdict], None]


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


@dataclass(slots=True)
class StatusWriter:
    """The status of one resource, as last written or seen."""

    objects: ApiObjects
    kind: str
    emit: EventSink
    now: Callable[[], datetime] = utc_now
    _last: dict[str, Any] | None = field(default=None, init=False)

    async def write(
        self, body: Mapping[str, Any], verdict: Verdict, values: Mapping[str, Any]
    ) -> bool:
        """Writes conditions and values; False where the resource says all that already.

        What this process wrote last counts more than the body, which comes by a watch stream and
        may be a moment behind.
        """
        previous = self._last if self._last is not None else dict(body.get("status") or {})
        metadata = body["metadata"]
        generation = int(metadata["generation"])
        before = previous.get("conditions", [])
        status = {
            **{name: value for name, value in values.items() if value is not None},
            "observedGeneration": generation,
            "conditions": build_conditions(verdict, generation, before, self.now()),
        }
        if status == previous:
            return False
        await self.objects.apply_status(self._manifest(metadata, status))
        self._last = status
        if changed(before, verdict):
            self.emit(body, verdict)
        return True

    @property
    def last(self) -> dict[str, Any] | None:
        """What this process wrote last; None before."""
        return self._last

    def _manifest(self, metadata: Mapping[str, Any], status: dict[str, Any]) -> Manifest:
        manifest: Manifest = {
            "apiVersion": TYPES[self.kind].api_version,
            "kind": self.kind,
            "metadata": {"name": metadata["name"], "uid": metadata["uid"]},
            "status": status,
        }
        if metadata.get("namespace"):
            manifest["metadata"]["namespace"] = metadata["namespace"]
        return manifest
