"""Trades, candles and how far the journal is in them."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Prices in ticks, quantities in lots, notionals in quote units, as the journal has them.
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
    PRIMARY KEY (market_id, trade_id)
)
"""

# A sum of notionals can exceed bigint.
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
    PRIMARY KEY (market_id, interval_s, open_time_ns)
)
"""

# Written with the rows: everything up to last_seq is in them.
PROGRESS = """
CREATE TABLE progress (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    last_seq bigint NOT NULL DEFAULT 0,
    time_ns bigint NOT NULL DEFAULT 0
)
"""

# For retention, which deletes the oldest of all markets.
INDEXES = (
    "CREATE INDEX trades_time ON trades USING brin (time_ns)",
    "CREATE INDEX candles_time ON candles (interval_s, open_time_ns)",
)


def upgrade() -> None:
    for statement in (TRADES, CANDLES, PROGRESS, *INDEXES):
        op.execute(statement)
    op.execute("INSERT INTO progress DEFAULT VALUES")


def downgrade() -> None:
    for table in ("progress", "candles", "trades"):
        op.execute(f"DROP TABLE {table}")
