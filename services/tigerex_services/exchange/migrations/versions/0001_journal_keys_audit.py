"""The journal, API keys and the audit record."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Rows of int64 are mostly zeros: lz4 shrinks them to a fraction and costs next to nothing.
JOURNAL = """
CREATE TABLE journal (
    seq bigint PRIMARY KEY CHECK (seq > 0),
    format_version smallint NOT NULL,
    kernel_version integer NOT NULL,
    time_ns bigint NOT NULL,
    commands bytea COMPRESSION lz4 NOT NULL,
    events bytea COMPRESSION lz4 NOT NULL,
    prev_hash bytea NOT NULL CHECK (length(prev_hash) = 32),
    hash bytea NOT NULL CHECK (length(hash) = 32)
)
"""

API_KEYS = """
CREATE TABLE api_keys (
    key text PRIMARY KEY,
    user_name text NOT NULL,
    user_id bigint NOT NULL,
    permissions text[] NOT NULL,
    label text NOT NULL,
    encrypted_secret bytea NOT NULL,
    request_id bytea NOT NULL UNIQUE,
    author text NOT NULL,
    revoked_ns bigint
)
"""

AUDIT = """
CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    time_ns bigint NOT NULL,
    author text NOT NULL,
    method text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    request_id bytea NOT NULL,
    UNIQUE (request_id, method, author)
)
"""

# What is written stays as it is: a mistake in a program must not rewrite history.
APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$
"""


def upgrade() -> None:
    for statement in (JOURNAL, API_KEYS, AUDIT, APPEND_ONLY):
        op.execute(statement)
    for table in ("journal", "audit"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    raise NotImplementedError("the journal is not dropped by a migration")
