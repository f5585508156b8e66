"""The one class of settings, read from `TIGEREX_*` environment variables. Secrets are files, never
variables.
"""

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ENV_PREFIX = "TIGEREX_"


class SettingError(ValueError):
    """A setting is missing or wrong; the message names its variable and what is allowed."""


class Settings(BaseSettings):
    """What a process is told from outside. Every process reads the same class and uses its part of
    it.
    """

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="ignore")

    tenant: str = Field("", pattern=r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$")
    """The tenant and its namespace; empty for processes of no tenant (the operator)."""
    service: str = Field("", pattern=r"^[a-z0-9-]*$")
    """The process's own role: names its database schema and its telemetry."""

    database_url: str = ""
    """`postgresql://user@host:port/dbname`, without a password."""
    database_password_file: Path | None = None
    role_passwords_dir: Path | None = None
    """For `tigerex migrate`: one file a service, named like it, holding its database role's
    password.
    """
    redis_url: str = ""
    """`redis://host:port/0`, without a password."""
    redis_password_file: Path | None = None

    exchange_address: str = "exchange:9090"
    bots_address: str = "bots:9090"
    marketdata_address: str = "marketdata:9090"
    history_address: str = "history:9090"
    grpc_listen: str = "0.0.0.0:9090"
    http_listen: str = "0.0.0.0:8080"
    metrics_listen: str = "0.0.0.0:9464"

    token_file: Path | None = None
    """The process's projected service-account token, audience `tigerex:<tenant>`."""
    token_issuer: str = "https://kubernetes.default.svc.cluster.local"  # noqa: S105 - a name
    token_jwks_url: str = "https://kubernetes.default.svc/openid/v1/jwks"  # noqa: S105 - a name
    token_jwks_file: Path | None = None
    """Public keys from a file instead of the cluster, where there is none."""
    operator_subject: str = "system:serviceaccount:tigerex-system:tigerex-operator"
    secret_key_file: Path | None = None
    """Fernet key under which API secrets are encrypted."""
    archive_dir: Path | None = None
    """Where the exchange's journal segments that left the database are, and go to."""

    user_commands_per_s: int = Field(200, ge=0)
    """Orders, cancels and transfers that an API key, or a user at the gateway, may send; each
    command of a batch counts. 0: no bound.
    """
    user_commands_burst: int = Field(2_000, ge=512)
    """At once; at least one full batch of the heaviest commands."""
    user_reads_per_s: int = Field(100, ge=0)
    user_reads_burst: int = Field(1_000, ge=16)
    service_commands_per_s: int = Field(0, ge=0)
    """The same for each role of the exchange's own services, whose batches the queue bounds."""
    service_commands_burst: int = Field(100_000, ge=512)
    service_reads_per_s: int = Field(0, ge=0)
    service_reads_burst: int = Field(10_000, ge=16)

    log_level: str = Field("INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")
    otlp_endpoint: str = ""
    """gRPC endpoint of an OpenTelemetry collector; empty: traces are not exported."""

    @field_validator("database_url", "redis_url")
    @classmethod
    def _no_password(cls, url: str) -> str:
        authority = url.partition("://")[2].partition("/")[0]
        user_info = authority.rpartition("@")[0]
        if ":" in user_info:
            raise ValueError("must not contain a password; give it in the password file")
        return url

    @property
    def token_audience(self) -> str:
        """The audience that a token must name to be accepted here."""
        return f"tigerex:{self.tenant}"

    def require(self, *names: str) -> None:
        """Raise SettingError naming the variables of those settings that are empty."""
        missing = [f"{ENV_PREFIX}{name.upper()}" for name in names if not getattr(self, name)]
        if missing:
            raise SettingError(f"missing setting: set {', '.join(missing)}")

    def secret(self, name: str) -> str:
        """The content of the file that a setting names. Raises SettingError."""
        self.require(name)
        try:
            return read_secret(Path(getattr(self, name)))
        except OSError as error:
            raise SettingError(f"{ENV_PREFIX}{name.upper()}: cannot be read: {error}") from error


def read_secret(path: Path) -> str:
    """The content of a mounted secret file without the newline that editors add. Raises OSError."""
    return path.read_text(encoding="utf-8").rstrip("\r\n")
