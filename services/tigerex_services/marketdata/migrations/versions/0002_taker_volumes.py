"""What takers bought, in every candle; candles of an hour and of a day.

Both come from trades that may be pruned by now, so the rows are made again from the journal. The
table of progress gets another name: a process of the old build that still runs can then not write
how far it has come, nor anything else.
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
    op.execute("ALTER TABLE progress RENAME TO folded")


def downgrade() -> None:
    op.execute("ALTER TABLE folded RENAME TO progress")
    for column in COLUMNS:
        op.execute(f"ALTER TABLE candles DROP COLUMN {column}")
