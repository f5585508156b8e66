"""What is built: pure, restricted, bounded, without a secret in sight."""

import json
from typing import Any

import pytest
from tests.support.operator_specs import (
    ISSUER,
    SETTINGS,
    UID,
    dca_bot,
    grid_bot,
    market,
    owner,
    tenant,
)

from tigerex_operator.builders import credentials
from tigerex_operator.builders.bot import build_bot
from tigerex_operator.builders.components import ALL, SERVICES, callers_of
from tigerex_operator.builders.market import build_feed
from tigerex_operator.builders.meta import OWNER_KIND_LABEL, OWNER_NAME_LABEL, Manifest
from tigerex_operator.builders.network import build_network_policies
from tigerex_operator.builders.tenant import (
    build_data,
    build_foundation,
    build_migrate_job,
    build_namespace,
    build_services,
)
from tigerex_operator.models import MarketSpec, TenantSpec, TradingBotSpec

pytestmark = pytest.mark.unit

JWKS = '{"keys": []}'
REPLAY = {"type": "replay", "replay": {"claimName": "captures", "path": "spot.gz"}}
SIMULATED = {"type": "simulated", "simulated": {"referencePrice": "60000"}}


def tenant_spec(**spec: Any) -> TenantSpec:
    return TenantSpec.model_validate(tenant(**spec)["spec"])


def feed(**spec: Any) -> list[Manifest]:
    parsed = MarketSpec.model_validate(market(**spec)["spec"])
    return build_feed(owner("Market", "btc-usdt"), parsed, SETTINGS, ISSUER, suspended=False)


def bot(resource: Manifest, *, suspended: bool = False) -> list[Manifest]:
    parsed = TradingBotSpec.model_validate(resource["spec"])
    return build_bot(owner("TradingBot", "dca"), parsed, SETTINGS, ISSUER, suspended=suspended)


def everything(**spec: Any) -> list[Manifest]:
    parsed = tenant_spec(**spec)
    return [
        *build_foundation(owner(), parsed, SETTINGS, JWKS),
        *build_data(owner(), parsed, SETTINGS),
        build_migrate_job(owner(), SETTINGS),
        *build_services(owner(), parsed, SETTINGS, ISSUER),
        *feed(feed=SIMULATED),
        *feed(feed=REPLAY),
        *bot(dca_bot(isolation="dedicated")),
    ]


def templates() -> list[Manifest]:
    return [item["spec"]["template"] for item in everything() if "template" in item.get("spec", {})]


def find(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    return next(m for m in manifests if (m["kind"], m["metadata"]["name"]) == (kind, name))


def test_there_are_pods_to_check() -> None:
    assert len(templates()) == 12


@pytest.mark.parametrize(
    "template", templates(), ids=lambda t: t["metadata"]["labels"]["app.kubernetes.io/instance"]
)
def test_every_pod_is_restricted(template: Manifest) -> None:
    """The restricted level of the Pod Security Standards, and a read-only root on top."""
    spec = template["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    allowed = {"name", "emptyDir", "projected", "persistentVolumeClaim"}
    assert all(volume.keys() <= allowed for volume in spec["volumes"])
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize(
    "template", templates(), ids=lambda t: t["metadata"]["labels"]["app.kubernetes.io/instance"]
)
def test_every_pod_is_bounded_and_probed(template: Manifest) -> None:
    for volume in template["spec"]["volumes"]:
        if "emptyDir" in volume:
            assert "sizeLimit" in volume["emptyDir"], volume
    for container in template["spec"]["containers"]:
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert "memory" in container["resources"]["limits"]
        if container["name"] != "migrate":
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()


@pytest.mark.parametrize(
    "template", templates(), ids=lambda t: t["metadata"]["labels"]["app.kubernetes.io/instance"]
)
def test_no_secret_in_environment_or_arguments(template: Manifest) -> None:
    for container in template["spec"]["containers"]:
        assert "envFrom" not in container
        for variable in container.get("env", []):
            assert variable.keys() == {"name", "value"}
            if "PASSWORD" in variable["name"] or "TOKEN_FILE" in variable["name"]:
                assert variable["value"].startswith("/run/secrets/")


@pytest.mark.parametrize("component", SERVICES, ids=lambda c: c.name)
def test_tokens_are_for_this_tenant_only(component: Any) -> None:
    services = build_services(owner(), tenant_spec(), SETTINGS, ISSUER)
    pod = find(services, "Deployment", component.name)["spec"]["template"]["spec"]
    sources = next(v for v in pod["volumes"] if v["name"] == "credentials")["projected"]["sources"]
    tokens = [
        source["serviceAccountToken"] for source in sources if "serviceAccountToken" in source
    ]
    assert tokens == [{"audience": "tigerex:acme", "expirationSeconds": 3600, "path": "token"}]


def test_only_those_who_need_a_credential_get_it() -> None:
    services = build_services(owner(), tenant_spec(), SETTINGS, ISSUER)
    text = {c.name: json.dumps(find(services, "Deployment", c.name)) for c in SERVICES}
    assert '"secret-key"' not in text["runner"]
    assert '"db-exchange"' in text["exchange"]
    others = [value for name, value in text.items() if name != "exchange"]
    assert not any('"db-exchange"' in value for value in others)
    assert all("postgres-admin" not in value for value in text.values())


def test_children_name_their_owner_and_tenants_children_outlive_it() -> None:
    for manifest in everything():
        labels = manifest["metadata"]["labels"]
        assert labels[OWNER_KIND_LABEL] in ("Tenant", "Market", "TradingBot")
        assert labels[OWNER_NAME_LABEL]
        owned = "ownerReferences" in manifest["metadata"]
        assert owned == (labels[OWNER_KIND_LABEL] != "Tenant")


def test_building_twice_gives_the_same() -> None:
    assert everything() == everything()


def test_namespace_admits_restricted_pods_only_and_is_nobodys_child() -> None:
    labels = build_namespace(owner())["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert labels["tigerex.dev/tenant"] == "acme"
    assert OWNER_KIND_LABEL not in labels


def test_another_image_is_another_migration() -> None:
    other = SETTINGS.model_copy(update={"image": "docker.io/local/tigerex:next"})
    first, second = build_migrate_job(owner(), SETTINGS), build_migrate_job(owner(), other)
    assert first["metadata"]["name"] != second["metadata"]["name"]
    assert build_migrate_job(owner(), SETTINGS)["metadata"]["name"] == first["metadata"]["name"]


def test_node_ports_are_those_that_were_asked_for() -> None:
    expose = {"type": "NodePort", "nodePorts": {"exchange": 30090}}
    services = build_services(owner(), tenant_spec(expose=expose), SETTINGS, ISSUER)
    exchange = find(services, "Service", "exchange")["spec"]
    assert (exchange["type"], exchange["ports"][0]["nodePort"]) == ("NodePort", 30090)
    assert "nodePort" not in find(services, "Service", "gateway")["spec"]["ports"][0]
    closed = build_services(owner(), tenant_spec(), SETTINGS, ISSUER)
    assert find(closed, "Service", "exchange")["spec"]["type"] == "ClusterIP"


def test_suspended_means_no_pod() -> None:
    spec = tenant_spec(suspended=True, runners=3)
    manifests = [
        *build_data(owner(), spec, SETTINGS),
        *build_services(owner(), spec, SETTINGS, ISSUER),
    ]
    replicas = [
        m["spec"]["replicas"] for m in manifests if m["kind"] in ("Deployment", "StatefulSet")
    ]
    assert set(replicas) == {0}


def test_runners_and_features() -> None:
    spec = tenant_spec(runners=3, features={"gateway": False, "marketData": False})
    services = build_services(owner(), spec, SETTINGS, ISSUER)
    names = {m["metadata"]["name"] for m in services}
    assert names == {"exchange", "bots", "runner"}
    assert find(services, "Deployment", "runner")["spec"]["replicas"] == 3


def test_a_standby_waits_beside_the_exchange_alone() -> None:
    services = build_services(owner(), tenant_spec(standby=True), SETTINGS, ISSUER)
    exchange = find(services, "Deployment", "exchange")
    assert exchange["spec"]["replicas"] == 2
    assert exchange["metadata"]["annotations"] == {"tigerex.dev/ready-replicas": "1"}
    # The one at work could not be moved otherwise: the other is never ready beside it.
    budgets = {
        m["metadata"]["name"]: m["spec"]["maxUnavailable"]
        for m in services
        if m["kind"] == "PodDisruptionBudget"
    }
    others = ("bots", "runner", "marketdata", "history", "gateway")
    assert budgets == {"exchange": 2} | dict.fromkeys(others, 1)
    assert find(services, "Deployment", "bots")["spec"]["replicas"] == 1
    suspended = build_services(owner(), tenant_spec(standby=True, suspended=True), SETTINGS, ISSUER)
    assert find(suspended, "Deployment", "exchange")["spec"]["replicas"] == 0


def test_singletons_never_overlap() -> None:
    services = build_services(owner(), tenant_spec(), SETTINGS, ISSUER)
    for component in SERVICES:
        strategy = find(services, "Deployment", component.name)["spec"]["strategy"]["type"]
        assert strategy == ("Recreate" if component.singleton else "RollingUpdate")


def test_network_lets_through_what_the_table_says_and_nothing_else() -> None:
    policies = {
        p["metadata"]["name"]: p["spec"]
        for p in build_network_policies(owner(), SETTINGS, open_to_all=False)
    }
    assert policies["default-deny"]["podSelector"] == {}
    assert "ingress" not in policies["default-deny"]
    for component in ALL:
        allowed = {
            peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
            for rule in policies[component.name].get("egress", [])
            for peer in rule["to"]
        }
        assert allowed == set(component.calls)
    callers = {
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
        for peer in policies["postgres"]["ingress"][0]["from"]
    }
    assert callers == {*callers_of("postgres"), "migrate"}
    assert "egress" not in policies["postgres"]


def test_quota_only_where_asked() -> None:
    with_quota = build_foundation(
        owner(), tenant_spec(quota={"cpu": "4", "pods": 50}), SETTINGS, JWKS
    )
    assert find(with_quota, "ResourceQuota", "tenant")["spec"]["hard"] == {
        "requests.cpu": "4",
        "pods": "50",
    }
    assert not any(
        m["kind"] == "ResourceQuota"
        for m in build_foundation(owner(), tenant_spec(), SETTINGS, JWKS)
    )


def test_feed_gets_its_settings_as_one_document() -> None:
    deployment = find(feed(feed=SIMULATED), "Deployment", "feed-btc-usdt")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    settings = json.loads(next(v["value"] for v in container["env"] if v["name"] == "TIGEREX_FEED"))
    assert settings["symbol"] == "btc-usdt"
    assert settings["simulated"]["referencePrice"] == "60000"
    assert container["args"] == ["feed", "--market", "btc-usdt"]
    assert feed() == []
    assert feed(feed={"type": "none"}) == []


def test_replay_mounts_its_volume_for_reading() -> None:
    pod = find(feed(feed=REPLAY), "Deployment", "feed-btc-usdt")["spec"]["template"]["spec"]
    claim = next(v for v in pod["volumes"] if v["name"] == "capture")["persistentVolumeClaim"]
    assert claim == {"claimName": "captures", "readOnly": True}
    env = {v["name"]: v["value"] for v in pod["containers"][0]["env"]}
    assert json.loads(env["TIGEREX_FEED"])["replay"]["path"] == "/capture/spot.gz"


def test_dedicated_bot_is_a_runner_of_its_own() -> None:
    (deployment,) = bot(dca_bot(isolation="dedicated"))
    pod = deployment["spec"]["template"]["spec"]
    assert deployment["metadata"]["name"] == "bot-dca"
    assert pod["containers"][0]["args"] == ["runner", "--bot", UID]
    assert pod["serviceAccountName"] == "runner"
    assert bot(grid_bot()) == []


def test_secrets_are_random_and_redis_sees_a_hash_only() -> None:
    first, second = (credentials.new_secret_data("redis") for _ in range(2))
    assert first["password"] != second["password"]
    assert first["password"] not in first["users.acl"]
    assert len(credentials.new_secret_data("secret-key")["key"]) == 44
    assert credentials.new_secret_data("db-exchange").keys() == {"password"}
