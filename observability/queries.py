"""Queries and panels of the dashboard, and the few forms that most of them have."""

from dataclasses import dataclass

# Variables of Grafana: the chosen tenants, and four scrapes or the step, whichever is longer.
TENANT = 'tenant=~"$tenant"'
RATE = "$__rate_interval"


@dataclass(frozen=True, slots=True)
class Query:
    expression: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: str = "timeseries"
    width: int = 8
    minimum: float | None = 0


def rate(metric: str, by: str = "", where: str = "") -> str:
    """Events a second of a counter, summed."""
    labels = f"{TENANT},{where}" if where else TENANT
    return f"sum{f' by ({by}) ' if by else ''}(rate({metric}{{{labels}}}[{RATE}]))"


def quantile(q: float, metric: str, by: str = "", where: str = "") -> str:
    """A quantile of a histogram over the last moments."""
    groups = f"le, {by}" if by else "le"
    return f"histogram_quantile({q}, {rate(f'{metric}_bucket', groups, where)})"


def value(metric: str, function: str = "sum", by: str = "") -> str:
    """What gauges say now."""
    return f"{function}{f' by ({by}) ' if by else ''}({metric}{{{TENANT}}})"


def pair(metric: str) -> tuple[Query, ...]:
    """The usual two quantiles of a histogram."""
    return Query(quantile(0.5, metric), "p50"), Query(quantile(0.99, metric), "p99")


def one(expression: str, legend: str = "") -> tuple[Query, ...]:
    return (Query(expression, legend),)


def or_zero(expression: str) -> str:
    """A counter that has not counted yet has no series: none is zero."""
    return f"{expression} or vector(0)"
