"""The schemas say what everything means, and the operator's models say the same, field by field."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from tigerex_operator.models import MarketSpec, TenantSpec, TradingBotSpec

pytestmark = pytest.mark.contract

FOLDER = Path(__file__).parents[2] / "charts" / "tigerex-crds" / "templates"
MODELS: dict[str, type[BaseModel]] = {
    "Tenant": TenantSpec,
    "Market": MarketSpec,
    "TradingBot": TradingBotSpec,
}


def definitions() -> dict[str, dict[str, Any]]:
    """The definitions by kind."""
    loaded = [yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))]
    return {item["spec"]["names"]["kind"]: item for item in loaded}


def schema(kind: str) -> dict[str, Any]:
    """The schema of a kind."""
    return definitions()[kind]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def walk(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field below a node with its path."""
    for name, child in node.get("properties", {}).items():
        yield f"{path}.{name}", child
        yield from walk(child, f"{path}.{name}")
    if "items" in node:
        yield from walk(node["items"], f"{path}[]")


@pytest.mark.parametrize("kind", MODELS)
def test_every_field_is_described(kind: str) -> None:
    missing = [
        path
        for path, node in walk(schema(kind))
        if path != ".metadata" and not str(node.get("description", "")).strip()
    ]
    assert missing == []


@pytest.mark.parametrize("kind", MODELS)
def test_every_field_is_bounded_and_typed(kind: str) -> None:
    """What a user may send has a bound; by it the API server bounds the cost of the rules."""
    unbounded = []
    for path, node in walk(schema(kind)["properties"]["spec"]):
        if node["type"] == "string" and not ({"maxLength", "enum"} & node.keys()):
            unbounded.append(path)
        if node["type"] == "array" and "maxItems" not in node:
            unbounded.append(path)
        if node["type"] == "integer" and not {"minimum", "maximum"} & node.keys():
            unbounded.append(path)
    assert unbounded == []


@pytest.mark.parametrize("kind", MODELS)
def test_nothing_unknown_is_kept(kind: str) -> None:
    def nodes(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict):
            yield node
            for child in node.values():
                yield from nodes(child)
        if isinstance(node, list):
            for child in node:
                yield from nodes(child)

    keys = {key for node in nodes(schema(kind)) for key in node}
    assert "x-kubernetes-preserve-unknown-fields" not in keys
    assert "additionalProperties" not in keys


@pytest.mark.parametrize("kind", MODELS)
def test_rules_name_the_field_and_what_is_allowed(kind: str) -> None:
    def rules(node: Any) -> Iterator[dict[str, str]]:
        if isinstance(node, dict):
            yield from node.get("x-kubernetes-validations", [])
            for child in node.values():
                yield from rules(child)

    for rule in rules(schema(kind)):
        assert rule["message"].startswith(("spec.", "metadata.")), rule
        assert len(rule["message"].split()) > 3, rule


@pytest.mark.parametrize("kind", MODELS)
def test_models_and_schemas_agree(kind: str) -> None:
    assert list(differences(MODELS[kind], schema(kind)["properties"]["spec"], "spec")) == []


@pytest.mark.parametrize("kind", MODELS)
def test_resource_has_the_conveniences(kind: str) -> None:
    version = definitions()[kind]["spec"]["versions"][0]
    assert version["subresources"] == {"status": {}}
    assert definitions()[kind]["spec"]["names"]["shortNames"]
    status = schema(kind)["properties"]["status"]["properties"]
    assert {"conditions", "observedGeneration"} <= status.keys()


def test_bots_are_listed_as_users_expect() -> None:
    columns = definitions()["TradingBot"]["spec"]["versions"][0]["additionalPrinterColumns"]
    shown = [column["name"] for column in columns if not column.get("priority")]
    assert shown == ["Type", "Market", "Phase", "Trades", "P&L", "Age"]


def differences(model: type[BaseModel], node: dict[str, Any], path: str) -> Iterator[str]:
    """Where a model and a schema say different things of names, need, defaults, choices, bounds."""
    fields = {info.alias or name: info for name, info in model.model_fields.items()}
    properties = node["properties"]
    if fields.keys() != properties.keys():
        yield f"{path}: {sorted(fields.keys() ^ properties.keys())}"
    for name in fields.keys() & properties.keys():
        info, child, where = fields[name], properties[name], f"{path}.{name}"
        if info.is_required() != (name in node.get("required", [])):
            yield f"{where}: required"
        default = info.default
        if isinstance(default, BaseModel):
            default = {}
        if not info.is_required() and default != child.get("default"):
            yield f"{where}: default {default!r} and {child.get('default')!r}"
        yield from of_type(info.annotation, info.metadata, child, where)


def of_type(annotation: Any, metadata: list[Any], node: dict[str, Any], path: str) -> Iterator[str]:
    """Differences of one field's type."""
    inner = [item for item in get_args(annotation) if item is not type(None)]
    if get_origin(annotation) is Literal:
        if list(get_args(annotation)) != node.get("enum"):
            yield f"{path}: enum"
    elif get_origin(annotation) is tuple:
        yield from of_type(get_args(annotation)[0], [], node["items"], f"{path}[]")
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from differences(annotation, node, path)
    elif inner and type(None) in get_args(annotation):
        yield from of_type(inner[0], metadata, node, path)
    elif annotation is int:
        bounds = {"minimum": None, "maximum": None}
        for item in metadata:
            bounds["minimum"] = (
                getattr(item, "ge", None) if hasattr(item, "ge") else bounds["minimum"]
            )
            bounds["maximum"] = (
                getattr(item, "le", None) if hasattr(item, "le") else bounds["maximum"]
            )
        if bounds["minimum"] is not None and bounds["minimum"] != node.get("minimum"):
            yield f"{path}: minimum"
        if bounds["maximum"] is not None and bounds["maximum"] != node.get("maximum", 2**31 - 1):
            yield f"{path}: maximum"
