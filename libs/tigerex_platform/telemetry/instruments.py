"""Instruments that know their declaration: name, unit, help and the labels they may carry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from opentelemetry import metrics as otel

_meter = otel.get_meter("tigerex")

NO_LABELS: Mapping[str, str] = {}
# The Prometheus exporter spells units out.
_UNIT_NAMES = {"s": "seconds", "By": "bytes", "1": "ratio"}


@dataclass(frozen=True)
class Instrument:
    """The declaration; `labels` are the only label names it takes, all of them required."""

    name: str
    unit: str
    help: str
    labels: tuple[str, ...] = ()

    suffix = ""

    @property
    def prometheus_name(self) -> str:
        """What the metric is called in queries (a histogram: without _bucket, _sum, _count)."""
        base = self.name.replace(".", "_")
        unit = "" if self.unit.startswith("{") else _UNIT_NAMES.get(self.unit, self.unit)
        unit_part = f"_{unit}" if unit and not base.endswith(f"_{unit}") else ""
        return f"{base}{unit_part}{self.suffix}"

    def check(self, labels: Mapping[str, str]) -> None:
        """Raises ValueError for a label too many or too few: both break queries silently."""
        if len(labels) != len(self.labels) or any(name not in labels for name in self.labels):
            raise ValueError(f"{self.name} takes the labels {self.labels}, not {sorted(labels)}")


@dataclass(frozen=True)
class Counter(Instrument):
    """Only grows."""

    suffix = "_total"
    _counter: otel.Counter = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_counter", _meter.create_counter(self.name, self.unit, self.help))

    def add(self, amount: float = 1, labels: Mapping[str, str] = NO_LABELS) -> None:
        self.check(labels)
        self._counter.add(amount, labels)


@dataclass(frozen=True)
class UpDownCounter(Instrument):
    """A number of things that come and go."""

    _counter: otel.UpDownCounter = field(init=False, repr=False)

    def __post_init__(self) -> None:
        counter = _meter.create_up_down_counter(self.name, self.unit, self.help)
        object.__setattr__(self, "_counter", counter)

    def add(self, amount: float, labels: Mapping[str, str] = NO_LABELS) -> None:
        self.check(labels)
        self._counter.add(amount, labels)


@dataclass(frozen=True)
class Gauge(Instrument):
    """What was measured last."""

    _gauge: otel._Gauge = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_gauge", _meter.create_gauge(self.name, self.unit, self.help))

    def set(self, value: float, labels: Mapping[str, str] = NO_LABELS) -> None:
        self.check(labels)
        self._gauge.set(value, labels)


@dataclass(frozen=True)
class Histogram(Instrument):
    """A distribution, over `buckets` in the instrument's unit."""

    buckets: Sequence[float] = ()
    _histogram: otel.Histogram = field(init=False, repr=False)

    def __post_init__(self) -> None:
        histogram = _meter.create_histogram(
            self.name,
            self.unit,
            self.help,
            explicit_bucket_boundaries_advisory=list(self.buckets) or None,
        )
        object.__setattr__(self, "_histogram", histogram)

    def record(self, value: float, labels: Mapping[str, str] = NO_LABELS) -> None:
        self.check(labels)
        self._histogram.record(value, labels)
