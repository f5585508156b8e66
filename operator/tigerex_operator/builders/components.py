"""The one table of what a tenant consists of.

Deployments, services, network rules and disruption budgets derive from it.
"""

from dataclasses import dataclass
from typing import Literal

GRPC_PORT = 9090
HTTP_PORT = 8080
METRICS_PORT = 9464
POSTGRES_PORT = 5432
REDIS_PORT = 6379

Feature = Literal["", "bots", "market_data", "gateway"]


@dataclass(frozen=True, slots=True)
class Component:
    """A role of the one image, and what it needs."""

    name: str
    calls: tuple[str, ...]
    """Components whose servers it calls; the network lets it reach these and nothing else."""
    database: bool = False
    """Owns a schema, with a role and a password of its own."""
    secret_key: bool = False
    """Checks external callers' signatures, for which it opens API secrets."""
    serves: tuple[str, int] | None = ("grpc", GRPC_PORT)
    """Name and port of its Service; None where nobody calls it."""
    http: bool = False
    exposable: bool = False
    """May be given a node port."""
    operator_calls: bool = False
    singleton: bool = False
    """At most one at a time: the old pod goes before the new one comes."""
    feature: Feature = ""
    identity: str = ""
    """Service account, which is the role among the services; the component's name when empty."""
    cpu_millis: int = 50
    memory_mib: int = 160
    memory_limit_mib: int = 512


EXCHANGE = Component(
    "exchange", ("postgres", "redis"), database=True, secret_key=True, exposable=True,
    operator_calls=True, singleton=True, cpu_millis=200, memory_mib=384, memory_limit_mib=2048,
)  # fmt: skip
BOTS = Component(
    "bots", ("postgres", "exchange"), database=True, secret_key=True, exposable=True,
    operator_calls=True, feature="bots",
)  # fmt: skip
RUNNER = Component(
    "runner", ("redis", "exchange", "bots"), serves=None, feature="bots",
    cpu_millis=100, memory_mib=256, memory_limit_mib=1024,
)  # fmt: skip
MARKETDATA = Component(
    "marketdata", ("postgres", "redis", "exchange"), database=True, secret_key=True, exposable=True,
    singleton=True, feature="market_data", memory_mib=192, memory_limit_mib=1024,
)  # fmt: skip
HISTORY = Component(
    "history", ("postgres", "redis", "exchange"), database=True, secret_key=True, exposable=True,
    singleton=True, feature="gateway", memory_mib=192, memory_limit_mib=1024,
)  # fmt: skip
GATEWAY = Component(
    "gateway", ("redis", "exchange", "bots", "marketdata", "history"), secret_key=True,
    exposable=True, serves=("http", HTTP_PORT), http=True, feature="gateway",
)  # fmt: skip

# One for each market and one for each dedicated bot; built for the Market and the TradingBot, not
# for the Tenant.
FEED = Component("feed", ("exchange",), serves=None, singleton=True)
BOT = Component(
    "bot", ("redis", "exchange", "bots"), serves=None, singleton=True, feature="bots",
    identity="runner",
    cpu_millis=20, memory_mib=192, memory_limit_mib=512,
)  # fmt: skip

SERVICES = (EXCHANGE, BOTS, RUNNER, MARKETDATA, HISTORY, GATEWAY)
ALL = (*SERVICES, FEED, BOT)
DATABASE_SERVICES = tuple(component.name for component in ALL if component.database)


def callers_of(name: str) -> tuple[str, ...]:
    """Names of the components that call `name`."""
    return tuple(component.name for component in ALL if name in component.calls)
