"""The operator's own measurements, by the instruments of the platform's registry."""

from collections import Counter
from collections.abc import Iterable

from tigerex_platform.telemetry.metrics import (
    OPERATOR_RECONCILE_DURATION,
    OPERATOR_RECONCILES,
    OPERATOR_RESOURCES,
)

KINDS = ("Tenant", "Market", "TradingBot")
READINESS = ("true", "false")


def observe_reconcile(kind: str, outcome: str, seconds: float) -> None:
    """One look at a resource: how it ended and how long it took."""
    OPERATOR_RECONCILES.add(1, {"kind": kind, "outcome": outcome})
    OPERATOR_RECONCILE_DURATION.record(seconds, {"kind": kind})


def observe_resources(resources: Iterable[tuple[str, bool]]) -> None:
    """How many resources there are: (kind, ready) of each."""
    counts = Counter((kind, "true" if ready else "false") for kind, ready in resources)
    for kind in KINDS:
        for ready in READINESS:
            OPERATOR_RESOURCES.set(counts[kind, ready], {"kind": kind, "ready": ready})
