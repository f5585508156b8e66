"""Bots, their trades and performance, the work on them, leases and checkpoints."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# What the owner wants (spec, desired_state) and what is known (status, figures). `revision` counts
# the changes that somebody has to act upon, `config_version` those for which a run has to end.
TRADING_BOTS = """
CREATE TABLE trading_bots (
    id uuid PRIMARY KEY,
    user_id bigint NOT NULL,
    user_name text NOT NULL,
    account_name text NOT NULL,
    bot_type text NOT NULL,
    name text NOT NULL,
    symbol text NOT NULL,
    config jsonb NOT NULL,
    isolation text NOT NULL CHECK (isolation IN ('shared', 'dedicated')),
    shard text NOT NULL,
    desired_state text NOT NULL CHECK (desired_state IN ('running', 'paused', 'stopped')),
    managed boolean NOT NULL,
    deleting boolean NOT NULL DEFAULT false,
    generation bigint NOT NULL DEFAULT 1,
    config_version bigint NOT NULL DEFAULT 1,
    observed_generation bigint NOT NULL DEFAULT 0,
    revision bigint NOT NULL DEFAULT 1,
    status text NOT NULL DEFAULT 'created',
    status_reason text NOT NULL DEFAULT '',
    outcome text NOT NULL DEFAULT '' CHECK (outcome IN ('', 'completed', 'failed')),
    investment numeric NOT NULL DEFAULT 0,
    cash numeric NOT NULL DEFAULT 0,
    position_base numeric NOT NULL DEFAULT 0,
    position_cost numeric NOT NULL DEFAULT 0,
    close_price numeric,
    past_profit numeric NOT NULL DEFAULT 0,
    total_profit numeric NOT NULL DEFAULT 0,
    total_trades bigint NOT NULL DEFAULT 0,
    closing_trades bigint NOT NULL DEFAULT 0,
    winning_trades bigint NOT NULL DEFAULT 0,
    win_rate numeric NOT NULL DEFAULT 0,
    peak_value numeric NOT NULL DEFAULT 0,
    max_drawdown numeric NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    stopped_at timestamptz
)
"""

# How far the work on a bot has come. Only the reconciler writes here, holding the row's lock, so
# its calls to the exchange never block those who change or read the bot.
BOT_RUNS = """
CREATE TABLE bot_runs (
    bot_id uuid PRIMARY KEY REFERENCES trading_bots (id) ON DELETE CASCADE,
    stage text NOT NULL DEFAULT 'idle',
    run bigint NOT NULL DEFAULT 0,
    run_version bigint NOT NULL DEFAULT 0,
    config jsonb,
    investment text NOT NULL DEFAULT '',
    quote_asset text NOT NULL DEFAULT '',
    funding_try integer NOT NULL DEFAULT 0,
    funding_account_id bigint NOT NULL DEFAULT 0,
    account_id bigint NOT NULL DEFAULT 0,
    epoch bigint NOT NULL DEFAULT 0,
    signal smallint NOT NULL DEFAULT 0,
    signalled boolean NOT NULL DEFAULT true,
    paused boolean NOT NULL DEFAULT false,
    fenced_for text NOT NULL DEFAULT '',
    start_seq bigint NOT NULL DEFAULT 0,
    collected_seq bigint NOT NULL DEFAULT 0,
    settled_revision bigint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    retry_at timestamptz NOT NULL DEFAULT now()
)
"""

BOT_TRADES = """
CREATE TABLE bot_trades (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bot_id uuid NOT NULL REFERENCES trading_bots (id) ON DELETE CASCADE,
    trade_id bigint NOT NULL,
    order_id bigint NOT NULL,
    symbol text NOT NULL,
    side text NOT NULL CHECK (side IN ('buy', 'sell')),
    price numeric NOT NULL,
    quantity numeric NOT NULL,
    profit_loss numeric NOT NULL,
    fee numeric NOT NULL,
    fee_asset text NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (bot_id, trade_id, order_id)
)
"""

BOT_PERFORMANCE = """
CREATE TABLE bot_performance (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bot_id uuid NOT NULL REFERENCES trading_bots (id) ON DELETE CASCADE,
    timestamp timestamptz NOT NULL,
    total_value numeric NOT NULL,
    profit_loss numeric NOT NULL,
    roi numeric NOT NULL,
    sharpe_ratio double precision,
    max_drawdown numeric NOT NULL,
    trades bigint NOT NULL,
    win_rate numeric NOT NULL,
    UNIQUE (bot_id, timestamp)
)
"""

CHECKPOINTS = """
CREATE TABLE checkpoints (
    bot_id uuid PRIMARY KEY REFERENCES trading_bots (id) ON DELETE CASCADE,
    start_seq bigint NOT NULL,
    seq bigint NOT NULL,
    state bytea NOT NULL,
    kernel_version integer NOT NULL,
    runner_id text NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT now()
)
"""

# The epoch counts the holders of a lease.
SHARD_LEASES = """
CREATE TABLE shard_leases (
    shard text PRIMARY KEY,
    runner_id text NOT NULL DEFAULT '',
    epoch bigint NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL DEFAULT '-infinity'
)
"""

RUNNERS = """
CREATE TABLE runners (
    runner_id text PRIMARY KEY,
    dedicated_bot text NOT NULL,
    seen_at timestamptz NOT NULL
)
"""

INDEXES = (
    "CREATE INDEX trading_bots_user ON trading_bots (user_name, id)",
    "CREATE INDEX trading_bots_status ON trading_bots (status)",
    "CREATE INDEX trading_bots_shard ON trading_bots (shard)",
    "CREATE INDEX bot_runs_due ON bot_runs (retry_at)",
    "CREATE INDEX bot_trades_bot ON bot_trades (bot_id, trade_id DESC)",
    "CREATE INDEX shard_leases_runner ON shard_leases (runner_id)",
)

SHARDS = 256  # of the shared bots; part of the data: a bot's row keeps the shard it hashes to


def upgrade() -> None:
    for statement in (
        TRADING_BOTS,
        BOT_RUNS,
        BOT_TRADES,
        BOT_PERFORMANCE,
        CHECKPOINTS,
        SHARD_LEASES,
        RUNNERS,
        *INDEXES,
    ):
        op.execute(statement)
    op.execute(
        "INSERT INTO shard_leases (shard)"  # noqa: S608 - a constant
        f" SELECT s::text FROM generate_series(0, {SHARDS - 1}) AS s"
    )


def downgrade() -> None:
    raise NotImplementedError("bots hold money: their tables are not dropped by a migration")
