"""Specs of the three resources for tests, as somebody would apply them."""

from typing import Any

from tigerex_operator.builders.meta import Owner
from tigerex_operator.settings import OperatorSettings

Manifest = dict[str, Any]

SETTINGS = OperatorSettings(image="docker.io/local/tigerex:test")
ISSUER = "https://issuer.test"
UID = "11111111-2222-3333-4444-555555555555"


def tenant(name: str = "acme", **spec: Any) -> Manifest:
    """A small Tenant."""
    base = {"assets": [{"code": "BTC", "scale": 8}, {"code": "USDT", "scale": 8}]}
    return _resource("Tenant", name, "", {**base, **spec})


def market(name: str = "btc-usdt", namespace: str = "acme", **spec: Any) -> Manifest:
    """A Market without a feed."""
    base = {
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "tickSize": "0.01",
        "lotSize": "0.00001",
        "maxPrice": "1000000",
        "maxQuantity": "1000",
    }
    return _resource("Market", name, namespace, {**base, **spec})


def grid_bot(name: str = "grid", namespace: str = "acme", **spec: Any) -> Manifest:
    """A shared spot grid."""
    grid = {"lowerPrice": "59000", "upperPrice": "61000", "levels": 21, "investment": "10000"}
    base = {"market": "btc-usdt", "type": "spot-grid", "spotGrid": grid}
    return _resource("TradingBot", name, namespace, {**base, **spec})


def dca_bot(name: str = "dca", namespace: str = "acme", **spec: Any) -> Manifest:
    """A shared DCA bot."""
    dca = {"amount": "50", "intervalSeconds": 10, "maxPurchases": 100}
    return _resource(
        "TradingBot", name, namespace, {"market": "btc-usdt", "type": "dca", "dca": dca, **spec}
    )


def owner(kind: str = "Tenant", name: str = "acme", tenant_name: str = "acme") -> Owner:
    """The owner of built objects."""
    return Owner(kind=kind, name=name, uid=UID, tenant=tenant_name, namespaced=kind != "Tenant")


def _resource(kind: str, name: str, namespace: str, spec: Manifest) -> Manifest:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {"apiVersion": "tigerex.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
