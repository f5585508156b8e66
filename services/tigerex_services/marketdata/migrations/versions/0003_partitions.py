"""Tables in partitions, which retention drops whole; aggregate trades; more lengths of candles.

Rows are made again from the journal: those of aggregates have to be, and no old row needs moving.
The table of progress gets another name, as in 0002, so that a process of the old build writes
nothing more. The service makes partitions by itself, see `partitions`.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The time is in the keys because a partition is found by it; an id has only one time.
TRADES = """
CREATE TABLE trades (
    market_id bigint NOT NULL,
    trade_id bigint NOT NULL,
    price bigint NOT NULL,
    quantity bigint NOT NULL,
    notional bigint NOT NULL,
    taker_side smallint NOT NULL,
    time_ns bigint NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (market_id, trade_id, time_ns)
) PARTITION BY RANGE (time_ns)
"""

AGGREGATE_TRADES = """
CREATE TABLE aggregate_trades (
    market_id bigint NOT NULL,
    aggregate_id bigint NOT NULL,
    price bigint NOT NULL,
    quantity bigint NOT NULL,
    first_trade_id bigint NOT NULL,
    last_trade_id bigint NOT NULL,
    taker_side smallint NOT NULL,
    time_ns bigint NOT NULL,
    PRIMARY KEY (market_id, aggregate_id, time_ns)
) PARTITION BY RANGE (time_ns)
"""

# How far each market's aggregates are counted, whatever retention drops.
COUNTED = """
CREATE TABLE counted (
    market_id bigint PRIMARY KEY,
    aggregate_id bigint NOT NULL,
    trade_id bigint NOT NULL
)
"""

# A sum of notionals can exceed bigint. All is in the key's index: rows of one minute lie together
# in the table, those of one market in the index, and a page of history is of one market.
CANDLES = """
CREATE TABLE candles (
    market_id bigint NOT NULL,
    interval_s integer NOT NULL,
    open_time_ns bigint NOT NULL,
    open bigint NOT NULL,
    high bigint NOT NULL,
    low bigint NOT NULL,
    close bigint NOT NULL,
    volume numeric NOT NULL,
    quote_volume numeric NOT NULL,
    trades bigint NOT NULL,
    last_trade_id bigint NOT NULL,
    taker_volume numeric NOT NULL,
    taker_quote_volume numeric NOT NULL,
    PRIMARY KEY (market_id, interval_s, open_time_ns) INCLUDE (open, high, low, close, volume,
        quote_volume, trades, last_trade_id, taker_volume, taker_quote_volume)
) PARTITION BY LIST (interval_s)
"""
BY_TIME = {
    "candles_1s": 1,
    "candles_1m": 60,
    "candles_5m": 300,
    "candles_30m": 1_800,
    "candles_1h": 3_600,
    "candles_4h": 14_400,
}
FLAT = {
    "trades": "market_id, trade_id",
    "candles": "market_id, interval_s, open_time_ns",
}


def upgrade() -> None:
    op.execute("DROP TABLE trades, candles")
    for statement in (TRADES, AGGREGATE_TRADES, COUNTED, CANDLES):
        op.execute(statement)
    op.execute(
        "CREATE INDEX aggregate_trades_time ON aggregate_trades (market_id, time_ns, aggregate_id)"
    )
    for name, seconds in BY_TIME.items():
        op.execute(
            f"CREATE TABLE {name} PARTITION OF candles FOR VALUES IN ({seconds})"
            " PARTITION BY RANGE (open_time_ns)"
        )
    op.execute("CREATE TABLE candles_1d PARTITION OF candles FOR VALUES IN (86400)")
    op.execute("UPDATE folded SET last_seq = 0, time_ns = 0")
    op.execute("ALTER TABLE folded RENAME TO projected")


def downgrade() -> None:
    """The tables of 0002, empty: rows come from the journal."""
    for name, key in FLAT.items():
        op.execute(f"CREATE TABLE flat (LIKE {name})")
        op.execute(f"DROP TABLE {name}")
        op.execute(f"ALTER TABLE flat RENAME TO {name}")
        op.execute(f"ALTER TABLE {name} ADD PRIMARY KEY ({key})")
    op.execute("DROP TABLE aggregate_trades, counted")
    op.execute("CREATE INDEX trades_time ON trades USING brin (time_ns)")
    op.execute("CREATE INDEX candles_time ON candles (interval_s, open_time_ns)")
    op.execute("UPDATE projected SET last_seq = 0, time_ns = 0")
    op.execute("ALTER TABLE projected RENAME TO folded")
