"""The cluster itself: pods, names, volumes, node ports, metrics."""

import json
import socket
import time
import urllib.request
from typing import Any

import pytest

from tigerex_local.errors import CommandError
from tigerex_local.kubectl import Kubectl
from tigerex_local.progress import wait_until

pytestmark = pytest.mark.e2e

IMAGE = "docker.io/library/debian:bookworm-slim"
POD_TIMEOUT_S = 90.0


def pod(name: str, script: str, **spec: Any) -> dict[str, Any]:
    """A pod under the strictest rules that runs a shell script to its end."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "fsGroup": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "main",
                    "image": IMAGE,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["bash", "-euc", script],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    **spec.pop("container", {}),
                }
            ],
            **spec,
        },
    }


def create(cluster: Kubectl, namespace: str, *objects: dict[str, Any]) -> None:
    document = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    cluster("apply", f"--namespace={namespace}", "--filename=-", stdin=json.dumps(document))


def finish(cluster: Kubectl, namespace: str, name: str) -> str:
    """What the pod said, once it has ended well."""
    phase = ""

    def ended() -> bool:
        nonlocal phase
        phase = cluster.get("pod", name, f"--namespace={namespace}")["status"]["phase"]
        return phase in ("Succeeded", "Failed")

    wait_until(f"end of pod {name}", ended, timeout_s=POD_TIMEOUT_S)
    logs = cluster("logs", f"--namespace={namespace}", name)
    assert phase == "Succeeded", logs
    return logs


def test_a_restricted_pod_runs_and_finds_names(cluster: Kubectl, namespace: str) -> None:
    cluster("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    script = (
        "id -u; getent hosts kubernetes.default.svc.cluster.local; getent hosts kubernetes.default"
    )
    create(cluster, namespace, pod("names", script))
    assert finish(cluster, namespace, "names").split()[0] == "10001"


def test_pods_are_held_to_the_level_of_their_namespace(cluster: Kubectl, namespace: str) -> None:
    cluster("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    rooted = pod("rooted", "id")
    rooted["spec"]["securityContext"]["runAsNonRoot"] = False
    with pytest.raises(CommandError, match="violates PodSecurity"):
        create(cluster, namespace, rooted)


def test_a_volume_is_bound_and_keeps_what_is_written(cluster: Kubectl, namespace: str) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "16Mi"}},
        },
    }
    mounted = {
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        "container": {"volumeMounts": [{"name": "data", "mountPath": "/data"}]},
    }
    create(cluster, namespace, claim, pod("writer", "echo kept > /data/file", **mounted))
    finish(cluster, namespace, "writer")
    create(cluster, namespace, pod("reader", "cat /data/file", **mounted))
    assert finish(cluster, namespace, "reader").strip() == "kept"
    found = cluster.get("pvc", "data", f"--namespace={namespace}")
    assert found["status"]["phase"] == "Bound"


def test_a_node_port_answers_at_loopback(cluster: Kubectl, namespace: str) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "echo"},
        "spec": {"type": "NodePort", "selector": {"app": "echo"}, "ports": [{"port": 8080}]},
    }
    perl = (
        "use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 5, "
        "ReuseAddr => 1); while (my $c = $s->accept) { print $c qq(hello\\n); close $c }"
    )
    create(cluster, namespace, service, pod("echo", f"exec perl -e '{perl}'"))
    ports = cluster.get("service", "echo", f"--namespace={namespace}")["spec"]["ports"]

    def answers() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", ports[0]["nodePort"]), timeout=2) as link:
                return link.recv(16) == b"hello\n"
        except OSError:
            return False

    wait_until("an answer at the node port", answers, timeout_s=POD_TIMEOUT_S)


def test_a_deleted_namespace_goes(cluster: Kubectl) -> None:
    cluster("create", "namespace", "e2e-short-lived")
    cluster("delete", "namespace", "e2e-short-lived", "--timeout=60s", timeout_s=70)


def test_metrics_are_served(cluster: Kubectl) -> None:
    def figures() -> bool:
        try:
            return "%" in cluster("top", "nodes", "--no-headers")
        except CommandError:
            return False

    wait_until("metrics of the node", figures, timeout_s=90, poll_s=2)


def test_tokens_can_be_verified_by_published_keys(cluster: Kubectl) -> None:
    """What the services rely on: the issuer, and keys for the tokens that it signs."""
    import jwt

    discovery = json.loads(cluster("get", "--raw", "/.well-known/openid-configuration"))
    keys = jwt.PyJWKSet.from_dict(json.loads(cluster("get", "--raw", "/openid/v1/jwks")))
    token = cluster("create", "token", "default", "--audience=tigerex:test").strip()
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience="tigerex:test")
    assert claims["iss"] == discovery["issuer"]
    assert claims["sub"] == "system:serviceaccount:default:default"


def test_the_api_is_not_open_to_strangers(cluster: Kubectl) -> None:
    server = cluster(
        "config", "view", "--minify", "--output=jsonpath={.clusters[0].cluster.server}"
    )
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{server}/api/v1/secrets", timeout=5, context=context)
    assert refused.value.code in (401, 403)


def test_time_does_not_stand_still(cluster: Kubectl) -> None:
    """The kubelet renews its lease: the node is not merely remembered as Ready."""
    name = cluster.get("nodes")["items"][0]["metadata"]["name"]

    def renewed() -> str:
        lease = cluster.get("lease", name, "--namespace=kube-node-lease")
        return str(lease["spec"]["renewTime"])

    before = renewed()
    started = time.monotonic()
    wait_until("a renewed lease", lambda: renewed() != before, timeout_s=30, poll_s=1)
    assert time.monotonic() - started < 30
