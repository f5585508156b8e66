"""Accounts, orders, order lists, fills and how far the journal is in them.

What is open stands in the partition `_open` of its table, under the time 0; the service makes a
partition for each month that something ends in.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ACCOUNTS = """
CREATE TABLE accounts (
    account_id bigint PRIMARY KEY,
    user_id bigint NOT NULL,
    user_name text NOT NULL,
    name text NOT NULL,
    kind smallint NOT NULL
)
"""

# Prices in ticks, quantities in lots, amounts in quote units, as the journal has them.
ORDERS = """
CREATE TABLE orders (
    account_id bigint NOT NULL,
    market_id bigint NOT NULL,
    order_id bigint NOT NULL,
    ended_ns bigint NOT NULL,
    created_ns bigint NOT NULL,
    updated_ns bigint NOT NULL,
    client_order_id text NOT NULL,
    side smallint NOT NULL,
    order_type smallint NOT NULL,
    time_in_force smallint NOT NULL,
    post_only boolean NOT NULL,
    price bigint NOT NULL,
    quantity bigint NOT NULL,
    stop_price bigint NOT NULL,
    trailing_bps bigint NOT NULL,
    display bigint NOT NULL,
    amount bigint NOT NULL,
    expire_ns bigint NOT NULL,
    self_trade smallint NOT NULL,
    list_id bigint NOT NULL,
    client_list_id text NOT NULL,
    status smallint NOT NULL,
    filled bigint NOT NULL,
    filled_notional bigint NOT NULL,
    prevented bigint NOT NULL,
    visible bigint NOT NULL,
    amendments bigint NOT NULL,
    triggered_ns bigint NOT NULL,
    triggered_price bigint NOT NULL,
    end_reason smallint NOT NULL,
    PRIMARY KEY (account_id, market_id, order_id, ended_ns)
) PARTITION BY RANGE (ended_ns)
"""
ORDER_LISTS = """
CREATE TABLE order_lists (
    account_id bigint NOT NULL,
    list_id bigint NOT NULL,
    market_id bigint NOT NULL,
    client_list_id text NOT NULL,
    limit_id bigint NOT NULL,
    stop_id bigint NOT NULL,
    created_ns bigint NOT NULL,
    ended_ns bigint NOT NULL,
    PRIMARY KEY (account_id, list_id, ended_ns)
) PARTITION BY RANGE (ended_ns)
"""
# An account that trades with itself has both sides.
FILLS = """
CREATE TABLE fills (
    account_id bigint NOT NULL,
    market_id bigint NOT NULL,
    trade_id bigint NOT NULL,
    maker boolean NOT NULL,
    time_ns bigint NOT NULL,
    order_id bigint NOT NULL,
    side smallint NOT NULL,
    price bigint NOT NULL,
    quantity bigint NOT NULL,
    notional bigint NOT NULL,
    fee bigint NOT NULL,
    fee_asset bigint NOT NULL,
    list_id bigint NOT NULL,
    PRIMARY KEY (account_id, market_id, trade_id, maker, time_ns)
) PARTITION BY RANGE (time_ns)
"""
OPEN = (
    "CREATE TABLE orders_open PARTITION OF orders FOR VALUES FROM (0) TO (1)",
    "CREATE TABLE order_lists_open PARTITION OF order_lists FOR VALUES FROM (0) TO (1)",
)
INDEXES = (
    "CREATE INDEX orders_created ON orders (account_id, market_id, created_ns, order_id)",
    "CREATE INDEX order_lists_created ON order_lists (account_id, created_ns, list_id)",
    "CREATE INDEX fills_order ON fills (account_id, market_id, order_id, trade_id, maker)",
    "CREATE INDEX fills_time ON fills (account_id, market_id, time_ns, trade_id, maker)",
)

# Written with the rows: everything up to last_seq is in them.
FOLDED = """
CREATE TABLE folded (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    last_seq bigint NOT NULL DEFAULT 0,
    time_ns bigint NOT NULL DEFAULT 0
)
"""


def upgrade() -> None:
    for statement in (ACCOUNTS, ORDERS, ORDER_LISTS, FILLS, *OPEN, *INDEXES, FOLDED):
        op.execute(statement)
    op.execute("INSERT INTO folded DEFAULT VALUES")


def downgrade() -> None:
    for table in ("folded", "fills", "order_lists", "orders", "accounts"):
        op.execute(f"DROP TABLE {table}")
