"""A service's schema in a real database, brought up to date as the service's own role has it."""

from pathlib import Path

from tests.support.postgres import Database
from tests.support.tokens import TokenIssuer

import tigerex_services
from tigerex_platform.migrations import migrate
from tigerex_platform.settings import Settings


def migrations_of(service: str) -> Path:
    return Path(tigerex_services.__file__).parent / service / "migrations"


def migrated(service: str, database: Database, issuer: TokenIssuer) -> Settings:
    """The service's settings; its schema is migrated twice: the second time changes nothing."""
    role_file = database.role_password_file(service)
    admin = issuer.settings(
        "migrate",
        database_url=database.url,
        database_password_file=database.password_file,
        role_passwords_dir=database.role_passwords_dir,
    )
    for _ in range(2):
        migrate(admin, {service: migrations_of(service)})
    return issuer.settings(
        service, database_url=database.url_of(service), database_password_file=role_file
    )
