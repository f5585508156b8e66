"""API keys that are proven by a public key and have no secret."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE api_keys ALTER COLUMN encrypted_secret DROP NOT NULL")
    op.execute(
        "ALTER TABLE api_keys ADD COLUMN public_key bytea CHECK (length(public_key) = 32),"
        " ADD CONSTRAINT one_proof CHECK (num_nonnulls(encrypted_secret, public_key) = 1)"
    )


def downgrade() -> None:
    raise NotImplementedError("keys without a secret would not work any more")
