"""The one registry of metrics: everything that any process measures is declared here.

Names follow OpenTelemetry's semantic conventions where there is one (rpc.*, http.*, db.*), else
`tigerex.<part>.<what>`. Labels are bounded: names of methods, routes, states and markets, never of
users, orders or keys.
"""

from tigerex_platform.telemetry.instruments import (
    Counter,
    Gauge,
    Histogram,
    Instrument,
    UpDownCounter,
)

# Boundaries in seconds; 1-2.5-5 steps, finest where the promises are (50 ms and 100 ms).
LATENCY_BUCKETS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
)  # fmt: skip
SIZE_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

# gRPC, both ends
RPC_SERVER_DURATION = Histogram(
    "rpc.server.call.duration", "s", "Duration of gRPC calls at the server",
    ("rpc.method", "rpc.response.status_code"), LATENCY_BUCKETS,
)  # fmt: skip
RPC_CLIENT_DURATION = Histogram(
    "rpc.client.call.duration", "s", "Duration of gRPC calls at the client, with retries",
    ("rpc.method", "rpc.response.status_code"), LATENCY_BUCKETS,
)  # fmt: skip

# Exchange host
EXCHANGE_COMMANDS = Counter(
    "tigerex.exchange.commands", "{command}", "Committed commands", ("kind", "outcome")
)
EXCHANGE_BATCH_SIZE = Histogram(
    "tigerex.exchange.batch.size", "{command}", "Commands in one journal entry", (), SIZE_BUCKETS
)
EXCHANGE_COMMIT_DURATION = Histogram(
    "tigerex.exchange.commit.duration", "s", "Time to commit a journal entry", (), LATENCY_BUCKETS
)
EXCHANGE_COMMAND_DURATION = Histogram(
    "tigerex.exchange.command.duration", "s", "From a command's arrival to its commit", (),
    LATENCY_BUCKETS,
)  # fmt: skip
EXCHANGE_COMMITTED_SEQ = Gauge(
    "tigerex.exchange.committed.seq", "{entry}", "Seq of the newest committed journal entry"
)
EXCHANGE_QUEUE_LENGTH = Gauge(
    "tigerex.exchange.queue.length", "{command}", "Commands that wait for their batch"
)
EXCHANGE_LEADER = Gauge(
    "tigerex.exchange.leader", "{leader}", "1 while this process writes the journal, else 0"
)
EXCHANGE_PUBLISHED_SEQ = Gauge(
    "tigerex.exchange.published.seq", "{entry}", "Seq of the newest entry published to the stream"
)
EXCHANGE_RECOVERY_DURATION = Histogram(
    "tigerex.exchange.recovery.duration", "s", "Time to rebuild the state at the start", (),
    LATENCY_BUCKETS,
)  # fmt: skip
# kernel: in the core; protobuf: between messages and rows; commit: waiting for PostgreSQL, which
# overlaps with the rest.
EXCHANGE_WORK_DURATION = Counter(
    "tigerex.exchange.work.duration", "s", "Time spent on commands, by part", ("part",)
)
EXCHANGE_RATE_LIMITED = Counter(
    "tigerex.exchange.rate.limited", "{request}", "Requests refused because their caller asks too"
    " often", ("caller", "quota"),
)  # fmt: skip
EXCHANGE_STREAMS = UpDownCounter("tigerex.exchange.streams", "{stream}", "Open command streams")
EXCHANGE_TRADES = Counter("tigerex.exchange.trades", "{trade}", "Trades matched", ("market",))

# Event stream, at each consumer
STREAM_LAG = Gauge("tigerex.stream.lag", "s", "Age of the newest handled entry of the event stream")
STREAM_SEQ = Gauge("tigerex.stream.seq", "{entry}", "Seq of the newest handled entry")
STREAM_BACKFILLED = Counter(
    "tigerex.stream.backfilled", "{entry}", "Entries read from the journal to close a gap"
)

# Bots and runners
BOTS = Gauge("tigerex.bots", "{bot}", "Bots by status", ("status",))
BOT_DECISION_LATENCY = Histogram(
    "tigerex.bot.decision.latency", "s",
    "From the event that a bot decided at to its acknowledged order, by the exchange's times", (),
    LATENCY_BUCKETS,
)  # fmt: skip
BOT_ORDERS = Counter("tigerex.bot.orders", "{order}", "Orders sent by bots", ("type", "outcome"))
BOT_FILLS = Counter("tigerex.bot.fills", "{fill}", "Fills of bots' orders", ("type",))
RUNNER_BOTS = Gauge("tigerex.runner.bots", "{bot}", "Bots held by this runner")
RUNNER_SHARDS = Gauge("tigerex.runner.shards", "{shard}", "Leased shards of this runner")
RUNNER_LEASES_LOST = Counter("tigerex.runner.leases.lost", "{lease}", "Leases lost to time")

# Feeds
FEED_ORDERS = Counter(
    "tigerex.feed.orders", "{order}", "Orders of a market's feed", ("market", "outcome")
)
FEED_LINES_SKIPPED = Counter(
    "tigerex.feed.lines.skipped", "{line}", "Lines of a capture that could not be read",
    ("market", "reason"),
)  # fmt: skip

# Market data
MARKETDATA_SUBSCRIBERS = UpDownCounter(
    "tigerex.marketdata.subscribers", "{subscriber}", "Open subscriptions"
)
MARKETDATA_DROPPED = Counter(
    "tigerex.marketdata.dropped", "{subscriber}", "Subscriptions ended because they fell behind"
)
MARKETDATA_MESSAGES = Counter(
    "tigerex.marketdata.messages", "{message}", "Messages sent to subscribers", ("channel",)
)

# History
HISTORY_FOLLOWERS = UpDownCounter("tigerex.history.followers", "{follower}", "Followed accounts")
HISTORY_DROPPED = Counter(
    "tigerex.history.dropped", "{follower}", "Followers ended because they fell behind"
)
HISTORY_UPDATES = Counter("tigerex.history.updates", "{update}", "Updates sent to followers")

# Gateway
HTTP_SERVER_DURATION = Histogram(
    "http.server.request.duration", "s", "Duration of HTTP requests at the gateway",
    ("http.request.method", "http.route", "http.response.status_code"), LATENCY_BUCKETS,
)  # fmt: skip
GATEWAY_WEBSOCKETS = UpDownCounter(
    "tigerex.gateway.websocket.connections", "{connection}", "Open WebSocket connections"
)
GATEWAY_WEBSOCKET_MESSAGES = Counter(
    "tigerex.gateway.websocket.messages", "{message}", "Messages sent over WebSockets", ("channel",)
)

# Operator
OPERATOR_RECONCILES = Counter(
    "tigerex.operator.reconciles", "{reconcile}", "Reconciliations", ("kind", "outcome")
)
OPERATOR_RECONCILE_DURATION = Histogram(
    "tigerex.operator.reconcile.duration", "s", "Duration of reconciliations", ("kind",),
    LATENCY_BUCKETS,
)  # fmt: skip
OPERATOR_RESOURCES = Gauge(
    "tigerex.operator.resources", "{resource}", "Custom resources by readiness", ("kind", "ready")
)

REGISTRY: tuple[Instrument, ...] = tuple(
    item for item in list(globals().values()) if isinstance(item, Instrument)
)
"""All of the above, for dashboards, alerts and their tests."""
