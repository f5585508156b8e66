"""`Tenant.spec`, field by field as in the resource's schema."""

from typing import Literal

from pydantic import Field

from tigerex_operator.models.common import AssetCode, Decimal, Model, UserName


class AssetSpec(Model):
    """An asset and the decimals of its smallest unit."""

    code: AssetCode
    scale: int = Field(ge=0, le=8)


class FeesSpec(Model):
    """Fees of tier 0 as fractions of the amount received."""

    maker: Decimal = "0.001"
    taker: Decimal = "0.001"


class FeeDiscountSpec(Model):
    """The asset in which fees are cheaper."""

    asset: AssetCode
    percent: Decimal


class BalanceSpec(Model):
    """What an account is credited with once."""

    asset: AssetCode
    amount: Decimal


class DemoUserSpec(Model):
    """A user made and funded with the exchange."""

    name: UserName = "demo"
    balances: tuple[BalanceSpec, ...]


class NodePortsSpec(Model):
    """Fixed node ports; None lets the cluster choose."""

    exchange: int | None = Field(None, ge=30000, le=32767)
    bots: int | None = Field(None, ge=30000, le=32767)
    marketdata: int | None = Field(None, ge=30000, le=32767)
    history: int | None = Field(None, ge=30000, le=32767)
    gateway: int | None = Field(None, ge=30000, le=32767)


class ExposeSpec(Model):
    """How the services are reached from outside the cluster."""

    type: Literal["ClusterIP", "NodePort"] = "ClusterIP"
    node_ports: NodePortsSpec | None = None


class StorageSpec(Model):
    """The database's volume."""

    size: str = "10Gi"
    class_name: str | None = None


class FeaturesSpec(Model):
    """Services that a tenant can do without."""

    bots: bool = True
    market_data: bool = True
    gateway: bool = True


class QuotaSpec(Model):
    """Upper bounds of the namespace."""

    cpu: str | None = None
    memory: str | None = None
    pods: int | None = Field(None, ge=1, le=10_000)


class TenantSpec(Model):
    """One branded exchange."""

    display_name: str | None = Field(None, min_length=1, max_length=64)
    deletion_policy: Literal["Retain", "Delete"] = "Retain"
    suspended: bool = False
    assets: tuple[AssetSpec, ...] = Field(min_length=1, max_length=64)
    fees: FeesSpec = FeesSpec()
    fee_discount: FeeDiscountSpec | None = None
    demo_user: DemoUserSpec | None = None
    expose: ExposeSpec = ExposeSpec()
    storage: StorageSpec | None = None
    runners: int = Field(1, ge=0, le=64)
    standby: bool = False
    features: FeaturesSpec = FeaturesSpec()
    quota: QuotaSpec | None = None
