"""Which pods Prometheus is told to scrape, listed from an API server of this test."""

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tigerex_services.targets import list_pods, targets, write

pytestmark = pytest.mark.unit


def pod(name: str, ip: str | None, **changes: object) -> dict[str, object]:
    metadata = {
        "name": name,
        "namespace": "demo",
        "labels": {"app.kubernetes.io/name": "exchange", "tigerex.dev/tenant": "demo"},
        "annotations": changes.get("annotations", {}),
    }
    ports = changes.get("ports", [{"name": "metrics", "containerPort": 9464}])
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": "main"}, {"name": "side", "ports": ports}]},
        "status": {"phase": changes.get("phase", "Running")} | ({"podIP": ip} if ip else {}),
    }


def test_pods_with_a_metrics_port_are_targets_with_their_labels() -> None:
    assert targets([pod("b", "10.0.0.2"), pod("a", "10.0.0.1")]) == [
        {
            "targets": [f"10.0.0.{number}:9464"],
            "labels": {
                "namespace": "demo",
                "pod": name,
                "tenant": "demo",
                "component": "exchange",
            },
        }
        for number, name in ((1, "a"), (2, "b"))
    ]


@pytest.mark.parametrize(
    "ignored",
    [
        pod("no-address-yet", None),
        pod("finished", "10.0.0.1", phase="Succeeded"),
        pod("nothing-to-scrape", "10.0.0.1", ports=[{"name": "grpc", "containerPort": 9090}]),
        pod("told-not-to", "10.0.0.1", annotations={"prometheus.io/scrape": "false"}),
    ],
    ids=lambda each: each["metadata"]["name"],
)
def test_other_pods_are_not(ignored: dict[str, object]) -> None:
    assert targets([ignored]) == []


def test_annotations_name_another_port() -> None:
    annotations = {"prometheus.io/scrape": "true", "prometheus.io/port": "8000"}
    (group,) = targets([pod("a", "10.0.0.1", annotations=annotations, ports=[])])
    assert group["targets"] == ["10.0.0.1:8000"]


def test_the_file_is_replaced_only_when_it_differs(tmp_path: Path) -> None:
    path = tmp_path / "targets.json"
    groups = targets([pod("a", "10.0.0.1")])
    assert write(path, groups)
    assert not write(path, groups)
    assert write(path, [])
    assert json.loads(path.read_text()) == []


class _ApiServer(BaseHTTPRequestHandler):
    """Two pages of one pod each, for whoever shows the token."""

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        allowed = self.headers["Authorization"] == "Bearer secret"
        self.send_response(200 if allowed else 401)
        self.end_headers()
        second = query.get("continue") == ["more"]
        items = [pod("b", "10.0.0.2") if second else pod("a", "10.0.0.1")]
        metadata = {} if second else {"continue": "more"}
        self.wfile.write(json.dumps({"items": items, "metadata": metadata}).encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def api_server() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _ApiServer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)
    server.server_close()


def test_all_pages_are_read_with_the_mounted_token(api_server: str, tmp_path: Path) -> None:
    context = ssl.create_default_context()
    (tmp_path / "token").write_text("secret\n")
    names = [each["metadata"]["name"] for each in list_pods(api_server, context, tmp_path)]
    assert names == ["a", "b"]
    (tmp_path / "token").write_text("wrong")
    with pytest.raises(OSError, match="401"):
        list_pods(api_server, context, tmp_path)
