# ruff: noqa: E501 - a table is read by its rows
"""A real API server refuses what the rules forbid, in words that name the field and what is
allowed.
"""

import copy
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.apiserver import ControlPlane, control_plane
from tests.support.operator_specs import dca_bot, grid_bot, market, tenant

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("plane")) as running:
        folder = ROOT / "charts" / "tigerex-crds" / "templates"
        running.apply(*(yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yaml"))))
        assert running.kubectl("create", "namespace", "acme").returncode == 0
        answer = running.kubectl(
            "wait", "crd", "--all", "--for=condition=Established", "--timeout=30s"
        )
        assert answer.returncode == 0, answer.stderr
        deadline = time.monotonic() + 30
        while running.kubectl("get", "tenants,markets,tradingbots", "-A").returncode:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield running


def changed(resource: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one field set, or taken away where the value is None."""
    result = copy.deepcopy(resource)
    *parents, last = path.split(".")
    node = result
    for name in parents:
        node = node[int(name)] if isinstance(node, list) else node.setdefault(name, {})
    if value is None:
        node.pop(last, None)
    else:
        node[last] = value
    return result


DEMO = {"name": "demo", "balances": [{"asset": "USDT", "amount": "100"}]}
SIMULATED = {"type": "simulated", "simulated": {"referencePrice": "60000"}}
BRANDING = {
    "primaryColor": "#0a1B2c",
    "logo": "data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=",
    "links": [{"title": "Terms", "url": "https://acme.example/terms?of=use&now"}],
}
FILTERS = {
    "minPrice": "0.01",
    "minQuantity": "0.00001",
    "minNotional": "5",
    "maxNotional": "5",
    "applyToMarketOrders": True,
    "maxMarketQuantity": "10",
    "maxOrders": 200,
    "maxStopOrders": 5,
    "maxIcebergOrders": 10,
    "maxPosition": "100",
    "percentPrice": {"bidUp": "1", "bidDown": "0.2", "askUp": "1000", "askDown": "1"},
}
BAD: list[tuple[str, dict[str, Any], str, Any, str]] = [
    ("upper below lower", grid_bot(), "spec.spotGrid.upperPrice", "58000", "spec.spotGrid.upperPrice must be greater than spec.spotGrid.lowerPrice"),
    ("upper equals lower", grid_bot(), "spec.spotGrid.upperPrice", "59000.00", "spec.spotGrid.upperPrice must be greater"),
    ("one level", grid_bot(), "spec.spotGrid.levels", 1, "spec.spotGrid.levels"),
    ("too many levels", grid_bot(), "spec.spotGrid.levels", 201, "spec.spotGrid.levels"),
    ("too many decimals", grid_bot(), "spec.spotGrid.investment", "1.123456789", "spec.spotGrid.investment must be a plain decimal above 0 with at most 8 decimals"),
    ("negative", grid_bot(), "spec.spotGrid.investment", "-5", "spec.spotGrid.investment must be"),
    ("zero", grid_bot(), "spec.spotGrid.lowerPrice", "0", "spec.spotGrid.lowerPrice must be"),
    ("exponent", grid_bot(), "spec.spotGrid.lowerPrice", "5e4", "spec.spotGrid.lowerPrice must be"),
    ("number instead of text", grid_bot(), "spec.spotGrid.lowerPrice", 59000, "spec.spotGrid.lowerPrice"),
    ("no settings", grid_bot(), "spec.spotGrid", None, "spec.spotGrid is required where spec.type is spot-grid"),
    ("settings of another type", grid_bot(), "spec.dca", dca_bot()["spec"]["dca"], "spec.dca is required where spec.type is dca, and not allowed otherwise"),
    ("unknown type", grid_bot(), "spec.type", "martingale", 'supported values: "spot-grid", "dca"'),
    ("unknown field", grid_bot(), "spec.leverage", 3, 'unknown field "spec.leverage"'),
    ("interval of zero", dca_bot(), "spec.dca.intervalSeconds", 0, "spec.dca.intervalSeconds"),
    ("bad user", dca_bot(), "spec.accountRef", {"user": "A B"}, "spec.accountRef.user must be"),
    ("long name", dca_bot(), "metadata.name", "b" * 51, "metadata.name must be 1 to 50"),
    ("negative fee", tenant(), "spec.fees", {"maker": "-0.001"}, "spec.fees.maker must be a decimal fraction from 0 to 0.1"),
    ("huge fee", tenant(), "spec.fees", {"taker": "0.2"}, "spec.fees.taker must be a decimal fraction from 0 to 0.1"),
    ("scale of nine", tenant(), "spec.assets.0.scale", 9, "spec.assets[0].scale"),
    ("no assets", tenant(), "spec.assets", [], "spec.assets"),
    ("lower case asset", tenant(), "spec.assets.0.code", "btc", "code must be 2 to 16 upper case letters"),
    ("balance of no asset", tenant(), "spec.demoUser", {"balances": [{"asset": "ETH", "amount": "1"}]}, "spec.demoUser.balances must name assets of spec.assets only"),
    ("port without node port", tenant(), "spec.expose", {"nodePorts": {"exchange": 30090}}, "spec.expose.nodePorts is allowed only where spec.expose.type is NodePort"),
    ("port out of range", tenant(), "spec.expose", {"type": "NodePort", "nodePorts": {"exchange": 80}}, "spec.expose.nodePorts.exchange"),
    ("the cluster's namespace", tenant(), "metadata.name", "kube-system", "metadata.name must not be"),
    ("colour by name", tenant(), "spec.branding", {"primaryColor": "red"}, "spec.branding.primaryColor must be a colour as #RRGGBB"),
    ("colour with more behind it", tenant(), "spec.branding", {"primaryColor": "#fff;x:"}, "spec.branding.primaryColor"),
    ("logo from elsewhere", tenant(), "spec.branding", {"logo": "https://acme.example/logo.png"}, "spec.branding.logo must be a data URI"),
    ("logo that is a page", tenant(), "spec.branding", {"logo": "data:text/html;base64,PGI+"}, "spec.branding.logo must be a data URI"),
    ("logo that ends early", tenant(), "spec.branding", {"logo": "data:image/png;base64,abcde"}, "spec.branding.logo must be a data URI"),
    ("huge logo", tenant(), "spec.branding", {"logo": "data:image/png;base64," + "A" * 32_768}, "spec.branding.logo"),
    ("link with a script", tenant(), "spec.branding", {"links": [{"title": "x", "url": "javascript:alert(1)"}]}, "spec.branding.links[].url must begin with https://"),
    ("link without a title", tenant(), "spec.branding", {"links": [{"title": "", "url": "https://acme.example"}]}, "spec.branding.links[0].title"),
    ("nine links", tenant(), "spec.branding", {"links": [{"title": "x", "url": "https://acme.example"}] * 9}, "spec.branding.links"),
    ("tiny volume", tenant(), "spec.storage", {"size": "1Mi"}, "spec.storage.size must be a quantity of at least 1Gi"),
    ("same assets", market(), "spec.quoteAsset", "BTC", "spec.quoteAsset must be another asset"),
    ("zero tick", market(), "spec.tickSize", "0", "spec.tickSize must be"),
    ("nine decimals", market(), "spec.lotSize", "0.000000001", "spec.lotSize must be"),
    ("max below tick", market(), "spec.maxPrice", "0.001", "spec.maxPrice must not be below spec.tickSize"),
    ("min price above max", market(), "spec.filters", {"minPrice": "1000001"}, "spec.filters.minPrice must not be above spec.maxPrice"),
    ("min quantity above max", market(), "spec.filters", {"minQuantity": "1000.1"}, "spec.filters.minQuantity must not be above spec.maxQuantity"),
    ("max notional below min", market(), "spec.filters", {"minNotional": "10", "maxNotional": "9.99"}, "spec.filters.maxNotional must not be below spec.filters.minNotional"),
    ("nothing to apply", market(), "spec.filters", {"applyToMarketOrders": True}, "spec.filters.applyToMarketOrders needs spec.filters.minNotional"),
    ("no market quantity", market(), "spec.filters", {"maxMarketQuantity": "0"}, "spec.filters.maxMarketQuantity must be a plain decimal above 0"),
    ("negative position", market(), "spec.filters", {"maxPosition": "-1"}, "spec.filters.maxPosition must be a plain decimal above 0"),
    ("no orders", market(), "spec.filters", {"maxOrders": 0}, "spec.filters.maxOrders"),
    ("too many stops", market(), "spec.filters", {"maxStopOrders": 1_000_001}, "spec.filters.maxStopOrders"),
    ("icebergs as text", market(), "spec.filters", {"maxIcebergOrders": "5"}, "spec.filters.maxIcebergOrders"),
    ("unknown filter", market(), "spec.filters", {"minSize": "1"}, 'unknown field "spec.filters.minSize"'),
    ("percent price of nothing", market(), "spec.filters", {"percentPrice": {}}, "spec.filters.percentPrice"),
    ("bids up below the price", market(), "spec.filters", {"percentPrice": {"bidUp": "0.9"}}, "spec.filters.percentPrice.bidUp must be a plain decimal from 1 to 1000"),
    ("asks down above the price", market(), "spec.filters", {"percentPrice": {"askDown": "1.01"}}, "spec.filters.percentPrice.askDown must be a plain decimal above 0 and at most 1"),
    ("seven decimals", market(), "spec.filters", {"percentPrice": {"askUp": "1.0000001"}}, "spec.filters.percentPrice.askUp must be a plain decimal"),
    ("breaker of nothing", market(), "spec.circuitBreaker", {"windowSeconds": 60}, "spec.circuitBreaker.movePercent"),
    ("breaker of zero", market(), "spec.circuitBreaker", {"movePercent": "0"}, "spec.circuitBreaker.movePercent must be a plain decimal above 0 and below 100"),
    ("breaker of a hundred", market(), "spec.circuitBreaker", {"movePercent": "100"}, "spec.circuitBreaker.movePercent must be"),
    ("window of two days", market(), "spec.circuitBreaker", {"movePercent": "10", "windowSeconds": 172_800}, "spec.circuitBreaker.windowSeconds"),
    ("unknown prevention", market(), "spec.selfTradePrevention", "Punish", "spec.selfTradePrevention"),
    ("unknown state", market(), "spec.state", "Closed", "spec.state"),
    ("discount in no asset", tenant(), "spec.feeDiscount", {"asset": "TGX", "percent": "25"}, "spec.feeDiscount.asset must be one of spec.assets"),
    ("discount of zero", tenant(), "spec.feeDiscount", {"asset": "USDT", "percent": "0"}, "spec.feeDiscount.percent must be a plain decimal above 0 and at most 100"),
    ("discount of more than all", tenant(), "spec.feeDiscount", {"asset": "USDT", "percent": "100.1"}, "spec.feeDiscount.percent must be"),
    ("feed without settings", market(), "spec.feed", {"type": "replay"}, "spec.feed.replay is required where spec.feed.type is replay"),
    ("path out of the volume", market(), "spec.feed", {"type": "replay", "replay": {"claimName": "c", "path": "../x"}}, "spec.feed.replay.path must be relative"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("resource", "path", "value", "message"), [row[1:] for row in BAD], ids=[row[0] for row in BAD]
)
def test_bad_input_is_refused(
    plane: ControlPlane, resource: dict[str, Any], path: str, value: Any, message: str
) -> None:
    answer = plane.kubectl("create", "-f", "-", stdin=json.dumps(changed(resource, path, value)))
    assert answer.returncode != 0
    assert message in answer.stderr, answer.stderr
    assert "Traceback" not in answer.stderr
    assert plane.get("tenants,markets,tradingbots", "-A")["items"] == []


FROZEN: list[tuple[dict[str, Any], str, Any, str]] = [
    (grid_bot(), "spec.market", "eth-usdt", "spec.market is immutable"),
    (grid_bot(accountRef={"user": "demo"}), "spec.accountRef.user", "eve", "spec.accountRef is immutable"),
    (grid_bot(), "spec.accountRef", {"user": "eve"}, "spec.accountRef is immutable"),
    (grid_bot(), "spec.isolation", "dedicated", "spec.isolation is immutable"),
    (market(), "spec.tickSize", "0.1", "spec.tickSize is immutable"),
    (market(), "spec.lotSize", "0.1", "spec.lotSize is immutable"),
    (market(), "spec.baseAsset", "ETH", "spec.baseAsset is immutable"),
    (market(state="Delisting"), "spec.state", "Open", "spec.state stays Delisting"),
    (tenant(), "spec.assets.0.scale", 6, "spec.assets[].scale is immutable"),
    (tenant(), "spec.assets", [{"code": "USDT", "scale": 8}], "spec.assets must keep every asset"),
    (tenant(storage={"size": "2Gi"}), "spec.storage.size", "3Gi", "spec.storage.size is immutable"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("resource", "path", "value", "message"), FROZEN, ids=[row[3] for row in FROZEN]
)
def test_what_is_fixed_stays(
    plane: ControlPlane, resource: dict[str, Any], path: str, value: Any, message: str
) -> None:
    plane.apply(resource)
    kind = resource["kind"].lower()
    where = ["-n", "acme"] if kind != "tenant" else []
    try:
        text = json.dumps(changed(resource, path, value))
        answer = plane.kubectl("replace", "-f", "-", stdin=text)
        assert answer.returncode != 0
        assert message in answer.stderr, answer.stderr
    finally:
        plane.kubectl(*where, "delete", kind, resource["metadata"]["name"], "--timeout=20s")


GOOD = [
    tenant(demoUser=DEMO, fees={"maker": "0", "taker": "0.1"}),
    tenant(branding=BRANDING),
    tenant(branding={}),
    market(feed=SIMULATED),
    market(feed={"type": "none"}),
    market(filters=FILTERS, circuitBreaker={"movePercent": "99.9999"}, state="CancelOnly"),
    tenant(feeDiscount={"asset": "BTC", "percent": "100"}),
    grid_bot(accountRef={"user": "demo"}, isolation="dedicated"),
    dca_bot(state="Paused"),
]


@pytest.mark.parametrize("resource", GOOD, ids=lambda item: item["kind"])
def test_good_input_is_taken(plane: ControlPlane, resource: dict[str, Any]) -> None:
    answer = plane.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(resource))
    assert answer.returncode == 0, answer.stderr


def test_samples_are_taken(plane: ControlPlane) -> None:
    plane.kubectl("create", "namespace", "demo")
    for path in sorted((ROOT / "deploy" / "samples").glob("*.yaml")):
        answer = plane.kubectl("create", "--dry-run=server", "-f", str(path))
        assert answer.returncode == 0, answer.stderr


def test_explain_tells_units(plane: ControlPlane) -> None:
    answer = plane.kubectl("explain", "tradingbot.spec.spotGrid.lowerPrice")
    assert "quote asset per base asset" in answer.stdout
