"""Dashboard and alerts: complete, up to date, and about metrics that exist."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from observability.dashboard import GRID_WIDTH, build

from tigerex_platform.telemetry.instruments import Histogram
from tigerex_platform.telemetry.metrics import REGISTRY

pytestmark = pytest.mark.unit

OBSERVABILITY = Path(__file__).parents[3] / "charts" / "tigerex" / "observability"
RULES = OBSERVABILITY / "alerts" / "tigerex.rules.yaml"
DASHBOARD = build()
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
# Made by Prometheus itself and by its Python client in every process.
GIVEN = {"up", "process_resident_memory_bytes", "process_cpu_seconds_total"}
# What the client makes of the labels of a declaration, and what scraping adds.
TARGET_LABELS = {"tenant", "component", "pod", "namespace", "job", "instance", "le"}
METRIC = re.compile(r"\b(?:up|[a-z][a-z0-9]*(?:_[a-z0-9]+)+)\b(?=\s*[{\[\s)]|$)")
FUNCTIONS = re.compile(r"\b(?:by|on|ignoring|group_left|group_right)\s*\([^)]*\)")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> list[str]:
    queries = [target["expr"] for panel in PANELS for target in panel["targets"]]
    return queries + [rule["expr"] for rule in alerts()]


def exported() -> dict[str, set[str]]:
    """Labels by series name, as the exporter writes what the registry declares."""
    names: dict[str, set[str]] = {name: set() for name in GIVEN}
    for instrument in REGISTRY:
        labels = {label.replace(".", "_") for label in instrument.labels}
        suffixes = ("_bucket", "_sum", "_count") if isinstance(instrument, Histogram) else ("",)
        for suffix in suffixes:
            names[instrument.prometheus_name + suffix] = labels
    return names


def metrics_in(expression: str) -> Iterator[str]:
    without_labels = FUNCTIONS.sub("", re.sub(r"\{[^}]*\}", "{}", expression))
    for name in METRIC.findall(without_labels):
        if name not in {"histogram_quantile", "group_left", "min_over_time"}:
            yield name


@pytest.mark.parametrize("expression", expressions())
def test_every_metric_and_label_is_in_the_registry(expression: str) -> None:
    known = exported()
    names = list(metrics_in(expression))
    assert names, "no metric found"
    for name in names:
        assert name in known
    allowed = TARGET_LABELS.union(*(known[name] for name in names))
    used = set(MATCHER.findall(expression))
    for group in re.findall(r"\bby \(([^)]*)\)", expression):
        used |= {label.strip() for label in group.split(",")}
    assert used <= allowed


def test_names_are_told_apart_from_functions_and_labels() -> None:
    expression = (
        'sum by (http_route) (rate(a_total{tenant=~"$tenant"}[$__rate_interval])) / min_over_time('
        "b_seconds[1m]) or max by (tenant) (up offset 1m)"
    )
    assert list(metrics_in(expression)) == ["a_total", "b_seconds", "up"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_every_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    assert len(panel["description"]) > 20
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["targets"]
    assert panel["datasource"]["uid"] == "${datasource}"


def test_panels_have_their_own_place_and_id() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= GRID_WIDTH
        cells = {
            (place["x"] + dx, place["y"] + dy)
            for dx in range(place["w"])
            for dy in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    titles = [panel["title"] for panel in PANELS]
    assert len(set(titles)) == len(titles)


def test_every_alert_says_what_to_do_and_is_tested() -> None:
    tests = yaml.safe_load((OBSERVABILITY / "alerts" / "tigerex.test.yaml").read_text())
    cases = [case for test in tests["tests"] for case in test["alert_rule_test"]]
    fired = {case["alertname"] for case in cases if case["exp_alerts"]}
    for rule in alerts():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]
        assert rule["alert"] in fired


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "alerts/tigerex.rules.yaml"),
        ("test", "rules", "alerts/tigerex.test.yaml"),
        ("check", "config", "--syntax-only", "prometheus/prometheus.yaml"),
    ],
    ids=" ".join,
)
def test_promtool_accepts(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        ["promtool", *arguments],
        cwd=OBSERVABILITY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
