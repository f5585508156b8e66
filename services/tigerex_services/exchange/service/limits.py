"""How often a caller may ask: a token bucket for commands and one for reads, for each principal.

A bucket is kept as the time at which it will be full again (the generic cell rate algorithm), one
integer that needs no clock tick to refill. API keys have a bucket each, and so has each user that
the gateway acts for; the exchange's own services share one by role, at first without a bound: the
queue's bound holds them back, and a feed or a runner that is refused can only ask again.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from tigerex_platform.auth import Principal
from tigerex_platform.clock import Clock
from tigerex_platform.errors import RateLimited
from tigerex_platform.settings import Settings
from tigerex_platform.telemetry import metrics
from tigerex_services.exchange.wire.batch import OCO_WEIGHT

SECOND_NS = 1_000_000_000
# Of all callers together. A forgotten bucket counts as full: only who holds more keys than this
# could gain by it.
BUCKETS_MAX = 65_536

COMMANDS, READS = "commands", "reads"
CANCEL_ALL_WEIGHT = 16  # up to 256 cancels in one command
LIST_WEIGHT = 4  # answers of many messages

_TRADING = "/tigerex.exchange.v1.TradingService/"
_ACCOUNTS = "/tigerex.exchange.v1.AccountService/"
_COMMAND_WEIGHTS = {
    f"{_TRADING}PlaceOrder": 1,
    f"{_TRADING}CancelOrder": 1,
    f"{_TRADING}AmendOrder": 1,
    f"{_TRADING}PlaceOco": OCO_WEIGHT,
    f"{_TRADING}CancelAll": CANCEL_ALL_WEIGHT,
    f"{_ACCOUNTS}EnsureAccount": 1,
    f"{_ACCOUNTS}Transfer": 1,
}
_READ_WEIGHTS = {
    f"{_TRADING}ListOpenOrders": LIST_WEIGHT,
    "/tigerex.exchange.v1.MarketService/GetBook": LIST_WEIGHT,
}
# Their requests are bytes, of which the servicer knows what they weigh.
SUBMIT_BATCH, SUBMIT_STREAM = f"{_TRADING}SubmitBatch", f"{_TRADING}SubmitStream"
BATCHES = frozenset({SUBMIT_BATCH, SUBMIT_STREAM})


@dataclass(frozen=True, slots=True)
class Quota:
    """So many a second, and so many at once; 0 a second: no bound."""

    per_s: int
    burst: int


@dataclass(frozen=True, slots=True)
class Quotas:
    """What one kind of caller may do."""

    commands: Quota
    reads: Quota


class RateLimits:
    """The buckets of every caller; the server's limiter."""

    def __init__(
        self, users: Quotas, services: Quotas, clock: Clock, buckets_max: int = BUCKETS_MAX
    ) -> None:
        self._users = users
        self._services = services
        self._clock = clock
        self._buckets_max = buckets_max
        self._full_ns: OrderedDict[tuple[str, str, str], int] = OrderedDict()

    @classmethod
    def from_settings(cls, settings: Settings, clock: Clock) -> "RateLimits":
        users = Quotas(
            Quota(settings.user_commands_per_s, settings.user_commands_burst),
            Quota(settings.user_reads_per_s, settings.user_reads_burst),
        )
        services = Quotas(
            Quota(settings.service_commands_per_s, settings.service_commands_burst),
            Quota(settings.service_reads_per_s, settings.service_reads_burst),
        )
        return cls(users, services, clock)

    def admit(self, principal: Principal, method: str, request: Any, /) -> None:  # noqa: ANN401
        """Take what the call weighs out of its caller's bucket. Raises RateLimited."""
        if isinstance(request, bytes):
            return  # the servicer asks again, when it has read them
        quotas = self._users if principal.limited_to_user else self._services
        name = COMMANDS if method in BATCHES or method in _COMMAND_WEIGHTS else READS
        quota = quotas.commands if name == COMMANDS else quotas.reads
        if quota.per_s:
            # What weighs more than the bucket holds is refused for its size, by the servicer.
            weight = min(quota.burst, weight_of(method, request))
            wait_ns = self._take((principal.name, principal.user, name), quota, weight)
            if wait_ns:
                raise _refusal(principal, name, quota, wait_ns)

    def _take(self, bucket: tuple[str, str, str], quota: Quota, weight: int) -> int:
        """0 when the bucket held the weight, else the nanoseconds until it will."""
        now_ns = int(self._clock.monotonic_s() * SECOND_NS)
        full_ns = max(self._full_ns.get(bucket, 0), now_ns)
        full_ns += _up(weight * SECOND_NS, quota.per_s)  # rounded up: never more than the quota
        wait_ns = full_ns - now_ns - _up(quota.burst * SECOND_NS, quota.per_s)
        if wait_ns > 0:
            return wait_ns
        self._full_ns[bucket] = full_ns
        self._full_ns.move_to_end(bucket)
        if len(self._full_ns) > self._buckets_max:
            self._full_ns.popitem(last=False)
        return 0


def _up(number: int, divisor: int) -> int:
    return -(-number // divisor)


def weight_of(method: str, request: Any) -> int:  # noqa: ANN401 - a message of the method
    """A batch weighs what its commands weigh one by one."""
    if method in BATCHES:
        return max(1, int(request.weight))
    return _COMMAND_WEIGHTS.get(method) or _READ_WEIGHTS.get(method, 1)


def _refusal(principal: Principal, name: str, quota: Quota, wait_ns: int) -> RateLimited:
    kind = principal.kind if principal.kind == "external" or not principal.user else "user"
    metrics.EXCHANGE_RATE_LIMITED.add(1, {"caller": kind, "quota": name})
    who = f"user:{principal.user}" if principal.user else f"service:{principal.name}"
    return RateLimited(
        f"more than {quota.per_s} {name} a second beyond the {quota.burst} that are allowed at"
        f" once; try again in {wait_ns / SECOND_NS:.3f} s",
        retry_after_s=max(wait_ns / SECOND_NS, 0.001),
        subject=who,
    )
