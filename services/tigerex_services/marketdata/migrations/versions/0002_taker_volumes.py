"""What takers bought, in every candle; candles of an hour and of a day.

Both come from trades that may be pruned by now, so the rows are made again from the journal.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COLUMNS = ("taker_volume", "taker_quote_volume")


def upgrade() -> None:
    for column in COLUMNS:
        op.execute(f"ALTER TABLE candles ADD COLUMN {column} numeric NOT NULL DEFAULT 0")
    op.execute("TRUNCATE trades, candles")
    op.execute("UPDATE progress SET last_seq = 0, time_ns = 0")


def downgrade() -> None:
    for column in COLUMNS:
        op.execute(f"ALTER TABLE candles DROP COLUMN {column}")
