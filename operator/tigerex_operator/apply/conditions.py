"""Conditions by the conventions of the Kubernetes API, from one verdict about a resource.

https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-
conventions.md
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Conditions = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is the case. `reason` is stable CamelCase, `message` says what to do where needed."""

    ready: bool
    progressing: bool
    degraded: bool
    reason: str
    message: str


def ready(reason: str, message: str) -> Verdict:
    """It is what its spec says."""
    return Verdict(ready=True, progressing=False, degraded=False, reason=reason, message=message)


def progressing(reason: str, message: str) -> Verdict:
    """It is on its way by itself."""
    return Verdict(ready=False, progressing=True, degraded=False, reason=reason, message=message)


def retrying(reason: str, message: str) -> Verdict:
    """Something is wrong that may pass; the operator keeps trying."""
    return Verdict(ready=False, progressing=True, degraded=True, reason=reason, message=message)


def blocked(reason: str, message: str) -> Verdict:
    """Something is wrong that somebody must change; the operator has stopped trying."""
    return Verdict(ready=False, progressing=False, degraded=True, reason=reason, message=message)


def build_conditions(
    verdict: Verdict, generation: int, previous: Sequence[Mapping[str, Any]], now: datetime
) -> Conditions:
    """Ready, Progressing and Degraded. A transition time moves only with its condition's status."""
    known = {condition["type"]: condition for condition in previous}
    return [
        _condition(name, value, verdict, generation, known.get(name, {}), now)
        for name, value in (
            ("Ready", verdict.ready),
            ("Progressing", verdict.progressing),
            ("Degraded", verdict.degraded),
        )
    ]


def changed(previous: Sequence[Mapping[str, Any]], verdict: Verdict) -> bool:
    """Whether the verdict is another one than the conditions tell: worth an event."""
    known = {condition["type"]: condition for condition in previous}
    ready_now = known.get("Ready", {})
    return (ready_now.get("status"), ready_now.get("reason")) != (
        _word(verdict.ready),
        verdict.reason,
    )


def _condition(
    name: str,
    value: bool,
    verdict: Verdict,
    generation: int,
    previous: Mapping[str, Any],
    now: datetime,
) -> dict[str, Any]:
    status = _word(value)
    since = previous.get("lastTransitionTime") if previous.get("status") == status else None
    return {
        "type": name,
        "status": status,
        "reason": verdict.reason,
        "message": verdict.message,
        "observedGeneration": generation,
        "lastTransitionTime": since or now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _word(value: bool) -> str:
    return "True" if value else "False"
