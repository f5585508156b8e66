"""What the operator itself is told from outside; what it tells the tenants' processes is built from
it.
"""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class OperatorSettings(BaseSettings):
    """Read from `TIGEREX_OPERATOR_*`.

    The processes' own `Settings` are about one tenant; this is about all.
    """

    model_config = SettingsConfigDict(env_prefix="TIGEREX_OPERATOR_", frozen=True, extra="ignore")

    namespace: str = "tigerex-system"
    """Where the operator and its service account live."""
    service_account: str = "tigerex-operator"
    identity: str = "operator"
    """Unique for the pod: who holds the lease."""
    leader_election: bool = True

    image: str = "docker.io/local/tigerex:dev"
    image_pull_policy: str = Field("IfNotPresent", pattern=r"^(Always|IfNotPresent|Never)$")
    postgres_image: str = "postgres:15"
    redis_image: str = "redis:7"

    exchange_address: str = "exchange.{tenant}.svc:9090"
    """gRPC address of a tenant's exchange as the operator reaches it."""
    bots_address: str = "bots.{tenant}.svc:9090"
    token_folder: str = "/tmp/tokens"  # noqa: S105, S108 - an emptyDir of the operator's pod
    """Where minted tokens are kept for the length of their lives."""

    log_level: str = Field("INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")
    otlp_endpoint: str = ""
    """Handed to every process of every tenant."""
