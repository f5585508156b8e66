"""Snapshots of the state, and the journal's way into the archive."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# `seq`, `time_ns` and `hash` are those of the journal entry whose end the state is.
SNAPSHOTS = """
CREATE TABLE snapshots (
    seq bigint NOT NULL CHECK (seq > 0),
    kernel_version integer NOT NULL,
    time_ns bigint NOT NULL,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    size bigint NOT NULL,
    checksum bytea NOT NULL CHECK (length(checksum) = 32),
    made timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (seq, kernel_version)
)
"""

# A value of 4 MiB is compressed and fetched well; one of a whole snapshot is not.
SNAPSHOT_PARTS = """
CREATE TABLE snapshot_parts (
    seq bigint NOT NULL,
    kernel_version integer NOT NULL,
    part integer NOT NULL,
    data bytea COMPRESSION lz4 NOT NULL,
    PRIMARY KEY (seq, kernel_version, part),
    FOREIGN KEY (seq, kernel_version) REFERENCES snapshots ON DELETE CASCADE
)
"""

# What left the journal for a file: the chain from the hash before `first_seq` to `last_hash`.
SEGMENTS = """
CREATE TABLE archived_segments (
    first_seq bigint PRIMARY KEY,
    last_seq bigint NOT NULL UNIQUE CHECK (last_seq >= first_seq),
    first_prev_hash bytea NOT NULL CHECK (length(first_prev_hash) = 32),
    last_hash bytea NOT NULL CHECK (length(last_hash) = 32),
    file text NOT NULL,
    size bigint NOT NULL,
    checksum bytea NOT NULL CHECK (length(checksum) = 32),
    archived timestamptz NOT NULL DEFAULT now()
)
"""

# The one way out of the journal: its oldest entries, once a file has them, and never beyond what a
# snapshot covers. Every step is checked here again, beside the program that asks for it.
ARCHIVE = """
CREATE FUNCTION archive_segment(
    p_first bigint, p_last bigint, p_first_prev_hash bytea, p_last_hash bytea,
    p_file text, p_size bigint, p_checksum bytea, p_author text, p_request_id bytea
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    removed bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('tigerex-archive', 0));
    IF p_first <> (SELECT min(seq) FROM journal) THEN
        RAISE EXCEPTION 'entry % is not the oldest of the journal', p_first;
    END IF;
    IF p_first_prev_hash <> (SELECT prev_hash FROM journal WHERE seq = p_first)
        OR p_last_hash <> (SELECT hash FROM journal WHERE seq = p_last) THEN
        RAISE EXCEPTION 'the chain of entries % to % is another one', p_first, p_last;
    END IF;
    IF p_first <> 1 AND NOT EXISTS (
        SELECT FROM archived_segments
        WHERE last_seq = p_first - 1 AND last_hash = p_first_prev_hash
    ) THEN
        RAISE EXCEPTION 'no archived segment ends at entry %', p_first - 1;
    END IF;
    IF NOT EXISTS (
        SELECT FROM snapshots JOIN journal USING (seq, hash)
        WHERE seq > p_last AND seq = (
            SELECT min(seq) FROM snapshots
            WHERE kernel_version = (SELECT max(kernel_version) FROM snapshots)
        )
    ) THEN
        RAISE EXCEPTION 'no start could begin after entry %: there is no such snapshot', p_last;
    END IF;
    INSERT INTO archived_segments
        (first_seq, last_seq, first_prev_hash, last_hash, file, size, checksum)
    VALUES (p_first, p_last, p_first_prev_hash, p_last_hash, p_file, p_size, p_checksum);
    INSERT INTO audit (time_ns, author, method, reason, detail, request_id)
    VALUES (
        (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint, p_author, 'ArchiveSegment',
        'archival', format('entries %s to %s are in %s', p_first, p_last, p_file), p_request_id
    );
    DELETE FROM journal WHERE seq <= p_last;
    GET DIAGNOSTICS removed = ROW_COUNT;
    IF removed <> p_last - p_first + 1 THEN
        RAISE EXCEPTION '% entries would leave, % were expected', removed, p_last - p_first + 1;
    END IF;
    RETURN removed;
END $$
"""

# Row by row, so that no statement takes more than what is known to be in a file.
ARCHIVED_ONLY = """
CREATE FUNCTION refuse_unarchived() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM archived_segments WHERE first_seq <= OLD.seq AND last_seq >= OLD.seq
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'journal is append-only: entry % is not archived', OLD.seq;
END $$
"""


def upgrade() -> None:
    for statement in (SNAPSHOTS, SNAPSHOT_PARTS, SEGMENTS, ARCHIVE, ARCHIVED_ONLY):
        op.execute(statement)
    op.execute("DROP TRIGGER append_only ON journal")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON journal"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER archived_only BEFORE DELETE ON journal"
        " FOR EACH ROW EXECUTE FUNCTION refuse_unarchived()"
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON archived_segments"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    raise NotImplementedError("the journal is not dropped by a migration")
