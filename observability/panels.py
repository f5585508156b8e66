"""What the dashboard shows: rows of panels, each with its unit and what to make of it."""

from observability.queries import (
    RATE,
    TENANT,
    Panel,
    Query,
    one,
    or_zero,
    pair,
    quantile,
    rate,
    value,
)

EXCHANGE = (
    Panel(
        "Commands",
        "Commands that the journal committed. Refused ones count: a refusal is an answer too.",
        "ops",
        one(rate("tigerex_exchange_commands_total", "outcome"), "{{outcome}}"),
    ),
    Panel(
        "Commit latency",
        "Time PostgreSQL takes to make a journal entry durable. Everything waits for it.",
        "s",
        pair("tigerex_exchange_commit_duration_seconds"),
    ),
    Panel(
        "Command latency",
        "From a command's arrival to its commit: queue, kernel and commit together.",
        "s",
        pair("tigerex_exchange_command_duration_seconds"),
    ),
    Panel(
        "Batch size",
        "Commands in one journal entry. It grows with load: that is how throughput scales.",
        "short",
        pair("tigerex_exchange_batch_size"),
        width=6,
    ),
    Panel(
        "Queue",
        "Commands that wait for their batch. "
        "It returns to zero between batches, or load is too high.",
        "short",
        one(value("tigerex_exchange_queue_length"), "waiting"),
        width=6,
    ),
    Panel(
        "Leader",
        "Processes that write the journal: exactly one for each tenant.",
        "short",
        one(value("tigerex_exchange_leader", "sum", "tenant"), "{{tenant}}"),
        kind="stat",
        width=4,
    ),
    Panel(
        "Trades",
        "Trades matched, by market.",
        "ops",
        one(rate("tigerex_exchange_trades_total", "market"), "{{market}}"),
    ),
)

STREAM = (
    Panel(
        "Stream lag",
        "Age of the newest event that each consumer has handled. The exchange ticks once a second, "
        "so a healthy one stays far below a second.",
        "s",
        one(value("tigerex_stream_lag_seconds", "max", "component"), "{{component}}"),
    ),
    Panel(
        "Not yet published",
        "Committed entries that Redis has not got. Consumers fill the gap from the journal.",
        "short",
        one(
            f"{value('tigerex_exchange_committed_seq', 'max', 'tenant')} - "
            f"{value('tigerex_exchange_published_seq', 'max', 'tenant')}",
            "{{tenant}}",
        ),
        minimum=None,
    ),
    Panel(
        "Backfilled",
        "Entries that consumers read from the journal because Redis lacked them.",
        "ops",
        one(or_zero(rate("tigerex_stream_backfilled_total")), "entries"),
    ),
)

BOTS = (
    Panel(
        "Bots by status",
        "Every bot that the bots service owns. Failed ones say why in their status.",
        "short",
        one(f"sum by (status) (max by (tenant, status) (tigerex_bots{{{TENANT}}}))", "{{status}}"),
    ),
    Panel(
        "Decision latency",
        "From the event that a bot decided at to its acknowledged order, by the exchange's times. "
        "The goal is a p99 below 50 ms.",
        "s",
        pair("tigerex_bot_decision_latency_seconds"),
    ),
    Panel(
        "Fills",
        "Fills of bots' orders, by type of bot.",
        "ops",
        one(rate("tigerex_bot_fills_total", "type"), "{{type}}"),
    ),
    Panel(
        "Orders of bots",
        "Orders that runners sent, by what became of them.",
        "ops",
        one(rate("tigerex_bot_orders_total", "outcome"), "{{outcome}}"),
        width=6,
    ),
    Panel(
        "Bots by runner",
        "Bots that each runner holds and that are up to date there.",
        "short",
        one(value("tigerex_runner_bots", "sum", "pod"), "{{pod}}"),
        width=6,
    ),
    Panel(
        "Leases lost",
        "Leases that ran out while their runner was busy or away, in the last hour.",
        "short",
        one(or_zero(f"sum(increase(tigerex_runner_leases_lost_total{{{TENANT}}}[1h]))"), "lost"),
        kind="stat",
        width=4,
    ),
    Panel(
        "Feed orders",
        "Orders of the markets' feeds, which keep a market alive.",
        "ops",
        one(rate("tigerex_feed_orders_total", "market, outcome"), "{{market}} {{outcome}}"),
    ),
)

HTTP = "http_server_request_duration_seconds"
EDGE = (
    Panel(
        "API requests by route",
        "Requests at the gateway. What matches no route is one line.",
        "reqps",
        one(rate(f"{HTTP}_count", "http_route"), "{{http_route}}"),
    ),
    Panel(
        "API requests by status",
        "4xx: the caller has to change something. 5xx: we have.",
        "reqps",
        one(rate(f"{HTTP}_count", "http_response_status_code"), "{{http_response_status_code}}"),
    ),
    Panel(
        "API latency",
        "Duration of requests at the gateway. The goal is a p99 below 100 ms.",
        "s",
        pair(HTTP),
    ),
    Panel(
        "WebSocket clients",
        "Open sockets at the gateway.",
        "short",
        one(or_zero(value("tigerex_gateway_websocket_connections")), "sockets"),
        width=6,
    ),
    Panel(
        "WebSocket messages",
        "Messages handed to sockets, by channel.",
        "ops",
        one(or_zero(rate("tigerex_gateway_websocket_messages_total", "channel")), "{{channel}}"),
        width=6,
    ),
    Panel(
        "Market data messages",
        "Messages sent to subscribers of the market data service, by channel.",
        "ops",
        one(or_zero(rate("tigerex_marketdata_messages_total", "channel")), "{{channel}}"),
        width=6,
    ),
    Panel(
        "Subscriptions dropped",
        "Subscribers that fell behind and were ended, in the last hour.",
        "short",
        one(or_zero(f"sum(increase(tigerex_marketdata_dropped_total{{{TENANT}}}[1h]))"), "dropped"),
        kind="stat",
        width=6,
    ),
    Panel(
        "Followed accounts",
        "Streams of what happens to an account, and those ended in the last hour because their "
        "reader fell behind.",
        "short",
        (
            Query(or_zero(value("tigerex_history_followers")), "followers"),
            Query(
                or_zero(f"sum(increase(tigerex_history_dropped_total{{{TENANT}}}[1h]))"), "dropped"
            ),
        ),
        width=6,
    ),
    Panel(
        "Account updates",
        "Changes of orders and balances that followers were told of.",
        "ops",
        one(or_zero(rate("tigerex_history_updates_total")), "updates"),
        width=6,
    ),
)

RPC = "rpc_server_call_duration_seconds"
PROCESSES = (
    Panel(
        "Pods up",
        "Processes that answer Prometheus, by component.",
        "short",
        one(f'sum by (component) (up{{job="tigerex",{TENANT}}})', "{{component}}"),
    ),
    Panel(
        "Memory",
        "Resident memory of each process.",
        "bytes",
        one(value("process_resident_memory_bytes", "sum", "pod"), "{{pod}}"),
    ),
    Panel(
        "CPU",
        "Cores that each process keeps busy.",
        "short",
        one(rate("process_cpu_seconds_total", "pod"), "{{pod}}"),
    ),
    Panel(
        "gRPC calls",
        "Calls at all servers, by method.",
        "reqps",
        one(rate(f"{RPC}_count", "rpc_method"), "{{rpc_method}}"),
    ),
    Panel(
        "gRPC latency p99",
        "The slowest hundredth of the calls at each component.",
        "s",
        one(quantile(0.99, RPC, "component"), "{{component}}"),
    ),
    Panel(
        "Reconciliations",
        "The operator's looks at its resources. With nothing happening there are few.",
        "ops",
        one(
            f"sum by (kind, outcome) (rate(tigerex_operator_reconciles_total[{RATE}]))",
            "{{kind}} {{outcome}}",
        ),
    ),
)

ROWS: dict[str, tuple[Panel, ...]] = {
    "Exchange": EXCHANGE,
    "Event stream": STREAM,
    "Bots": BOTS,
    "Edge": EDGE,
    "Processes": PROCESSES,
}
