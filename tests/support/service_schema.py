"""Schemas of services in a real database, as `tigerex migrate` leaves them."""

from pathlib import Path

from tests.support.postgres import Database
from tests.support.tokens import TokenIssuer

import tigerex_services
from tigerex_platform.migrations import migrate
from tigerex_platform.settings import Settings


def migrations_of(service: str) -> Path:
    return Path(tigerex_services.__file__).parent / service / "migrations"


def admin_settings(issuer: TokenIssuer, database: Database, *services: str) -> Settings:
    """Settings to migrate with, and a password for the role of each service."""
    for service in services:
        database.role_password_file(service)
    return issuer.settings(
        "migrate",
        database_url=database.url,
        database_password_file=database.password_file,
        role_passwords_dir=database.role_passwords_dir,
    )


def migrate_services(issuer: TokenIssuer, database: Database, *services: str) -> None:
    histories = {service: migrations_of(service) for service in services}
    migrate(admin_settings(issuer, database, *services), histories)


def migrated(service: str, database: Database, issuer: TokenIssuer) -> Settings:
    """The service's settings; its schema is migrated twice: the second time changes nothing."""
    for _ in range(2):
        migrate_services(issuer, database, service)
    return issuer.settings(
        service,
        database_url=database.url_of(service),
        database_password_file=database.role_password_file(service),
    )
