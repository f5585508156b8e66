"""The Grafana dashboard as code: `python -m observability.dashboard` writes it.

What it shows is in `panels`; here is how Grafana wants it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from observability.panels import ROWS
from observability.queries import Panel

CHART = Path(__file__).parents[1] / "charts" / "tigerex"
OUTPUT = CHART / "observability" / "dashboards" / "tigerex.json"
GRID_WIDTH = 24
PANEL_HEIGHT = 7
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


def build() -> dict[str, Any]:
    """The dashboard as Grafana reads it."""
    return {
        "uid": "tigerex",
        "title": "TigerEx",
        "description": "One exchange from its journal to its edge.",
        "tags": ["tigerex"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"},
        "timezone": "browser",
        "templating": {"list": _variables()},
        "annotations": {"list": []},
        "panels": list(_panels()),
    }


def _variables() -> list[dict[str, Any]]:
    return [
        {
            "name": "datasource",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
            "current": {},
        },
        {
            "name": "tenant",
            "label": "Tenant",
            "type": "query",
            "datasource": DATASOURCE,
            "query": {"query": "label_values(up, tenant)", "refId": "tenant"},
            "refresh": 2,
            "includeAll": True,
            "allValue": ".*",
            "multi": True,
            "current": {"text": "All", "value": "$__all"},
        },
    ]


def _panels() -> Iterator[dict[str, Any]]:
    number, y = 0, 0
    for title, panels in ROWS.items():
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "panels": [],
            "gridPos": {"x": 0, "y": y, "w": GRID_WIDTH, "h": 1},
        }
        y += 1
        x = 0
        for panel in panels:
            if x + panel.width > GRID_WIDTH:
                x, y = 0, y + PANEL_HEIGHT
            number += 1
            position = {"x": x, "y": y, "w": panel.width, "h": PANEL_HEIGHT}
            yield _panel(number, panel, position)
            x += panel.width
        y += PANEL_HEIGHT


def _panel(number: int, panel: Panel, position: dict[str, int]) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit}
    if panel.minimum is not None:
        defaults["min"] = panel.minimum
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": position,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": DATASOURCE,
                "expr": query.expression,
                "legendFormat": query.legend,
            }
            for index, query in enumerate(panel.queries)
        ],
    }


def main() -> None:
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(build(), indent=2) + "\n")


if __name__ == "__main__":
    main()
