"""Keeps API keys and the audit record; a key and its audit row are written together."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

AUDIT_PAGE_MAX = 500

_KEY_COLUMNS = (
    "key, user_name, user_id, permissions, label, encrypted_secret, public_key, request_id, author,"
    " revoked_ns"
)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One row of api_keys, with a secret or a public key; `revoked_ns` is None while it works."""

    key: str
    user_name: str
    user_id: int
    permissions: list[str]
    label: str
    encrypted_secret: bytes | None
    public_key: bytes | None
    request_id: bytes
    author: str
    revoked_ns: int | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What somebody asked for; the request id links it to the journal."""

    time_ns: int
    author: str
    method: str
    reason: str
    detail: str
    request_id: bytes


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An entry with the number it was kept under."""

    id: int
    time_ns: int
    author: str
    method: str
    reason: str
    detail: str


class AdminStorage:
    """Rows of api_keys and audit."""

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool

    async def record(self, entry: AuditEntry) -> None:
        """Keep an audit entry; the repetition of a request is recorded once."""
        async with self._pool.connection() as connection:
            await _record(connection, entry)

    async def audit_page(self, before_id: int, limit: int) -> list[AuditRecord]:
        """The newest records with an id below `before_id` (0: of all), newest first."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(AuditRecord))
            await cursor.execute(
                "SELECT id, time_ns, author, method, reason, detail FROM audit"
                " WHERE %(before)s = 0 OR id < %(before)s ORDER BY id DESC LIMIT %(limit)s",
                {"before": before_id, "limit": limit},
            )
            page: list[AuditRecord] = await cursor.fetchall()
            return page

    async def create_key(self, key: StoredKey, audit: AuditEntry) -> StoredKey:
        """Keep a key, or return the one that the same request id made before."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(
                f"INSERT INTO api_keys ({_KEY_COLUMNS})"  # noqa: S608 - constants only
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
                " ON CONFLICT (request_id) DO NOTHING",
                (
                    key.key,
                    key.user_name,
                    key.user_id,
                    key.permissions,
                    key.label,
                    key.encrypted_secret,
                    key.public_key,
                    key.request_id,
                    key.author,
                    key.revoked_ns,
                ),
            )
            await _record(connection, audit)
            cursor = connection.cursor(row_factory=class_row(StoredKey))
            await cursor.execute(
                f"SELECT {_KEY_COLUMNS} FROM api_keys WHERE request_id = %s",  # noqa: S608
                (key.request_id,),
            )
            kept: StoredKey | None = await cursor.fetchone()
            if kept is None:
                raise psycopg.IntegrityError("an API key vanished within its transaction")
            return kept

    async def revoke_key(self, key: str, now_ns: int, audit: AuditEntry) -> bool:
        """True when there is such a key; it does not work any more."""
        async with self._pool.connection() as connection, connection.transaction():
            cursor = await connection.execute(
                "UPDATE api_keys SET revoked_ns = coalesce(revoked_ns, %s) WHERE key = %s",
                (now_ns, key),
            )
            if cursor.rowcount == 0:
                return False
            await _record(connection, audit)
            return True

    async def find_key(self, key: str) -> StoredKey | None:
        """The key unless it is revoked or unknown."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(StoredKey))
            await cursor.execute(
                f"SELECT {_KEY_COLUMNS} FROM api_keys"  # noqa: S608 - constants only
                " WHERE key = %s AND revoked_ns IS NULL",
                (key,),
            )
            found: StoredKey | None = await cursor.fetchone()
            return found


async def _record(connection: psycopg.AsyncConnection[Any], entry: AuditEntry) -> None:
    await connection.execute(
        "INSERT INTO audit (time_ns, author, method, reason, detail, request_id)"
        " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (request_id, method, author) DO NOTHING",
        (
            entry.time_ns,
            entry.author,
            entry.method,
            entry.reason,
            entry.detail,
            entry.request_id,
        ),
    )
