"""The API page: the OpenAPI document as one plain HTML page, without scripts or foreign hosts; and
the AsyncAPI document beside it.
"""

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse

from tigerex_services.gateway import asyncapi

router = APIRouter(include_in_schema=False)

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#1b1f24}
h2{margin-top:2.5rem;border-bottom:1px solid #d0d7de}code,pre{font:13px ui-monospace,monospace}
pre{background:#f6f8fa;padding:.8rem;overflow:auto;white-space:pre-wrap}
details{border:1px solid #d0d7de;border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}
summary{cursor:pointer}table{border-collapse:collapse}
td,th{text-align:left;padding:.2rem .8rem .2rem 0;vertical-align:top}
.m{display:inline-block;min-width:4rem;font-weight:700}.s{color:#57606a}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}pre{background:#161b22}
details,h2{border-color:#30363d}a{color:#79c0ff}.s{color:#8b949e}}
"""


@router.get("/asyncapi.json")
async def socket_document() -> JSONResponse:
    return JSONResponse(asyncapi.document())


@router.get("/docs")
async def page(request: Request) -> HTMLResponse:
    return HTMLResponse(render(request.app.openapi()))


def render(document: dict[str, Any]) -> str:
    """The whole page."""
    title = escape(document["info"]["title"])
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        f"<meta name=viewport content='width=device-width'><title>{title} API</title>"
        f"<style>{STYLE}</style><h1>{title} API</h1>"
        f"<pre>{escape(document['info']['description'])}</pre>"
        "<p>Machine readable: <a href=/openapi.json>openapi.json</a>; of the WebSocket "
        "<a href=/asyncapi.json>asyncapi.json</a>.</p>" + "".join(_groups(document)) + "</html>"
    )


def _groups(document: dict[str, Any]) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"<h2>{escape(tag['name'])}</h2><p>{escape(tag['description'])}</p>"
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if tag["name"] in operation["tags"]:
                    yield _operation(method.upper(), path, operation, document)


def _operation(method: str, path: str, operation: dict[str, Any], document: dict[str, Any]) -> str:
    signed = " · signed" if operation.get("security") else ""
    parts = [f"<p>{escape(operation.get('description', ''))}</p>"]
    rows = [
        f"<tr><td><code>{escape(each['name'])}</code><td class=s>{each['in']}"
        f"{', required' if each.get('required') else ''}"
        f"<td>{escape(_describe(each))}"
        for each in operation.get("parameters", [])
    ]
    if rows:
        parts.append(f"<table>{''.join(rows)}</table>")
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content:
        parts.append(f"<p>Body:</p>{_schema(content['schema'], document)}")
    for status, response in operation["responses"].items():
        parts.append(f"<p><b>{status}</b> {escape(response['description'])}</p>")
        schema = response.get("content", {}).get("application/json", {}).get("schema")
        if schema:
            parts.append(_schema(schema, document))
    return (
        f"<details><summary><span class=m>{method}</span> <code>{escape(path)}</code> "
        f"{escape(operation['summary'])}<span class=s>{signed}</span></summary>"
        f"{''.join(parts)}</details>"
    )


def _describe(parameter: dict[str, Any]) -> str:
    schema = parameter["schema"]
    text = str(parameter.get("description") or schema.get("description") or "")
    limits = [
        f"{name} {schema[name]}" for name in ("minimum", "maximum", "default") if name in schema
    ]
    return " · ".join(part for part in (text, ", ".join(limits)) if part)


def _schema(schema: dict[str, Any], document: dict[str, Any]) -> str:
    """A schema as indented JSON, with what it refers to put in its place one level deep."""
    text = json.dumps(_resolved(schema, document), indent=1, ensure_ascii=False)
    return f"<pre>{escape(text)}</pre>"


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name:
        found: dict[str, Any] = document["components"]["schemas"][name]
        return found
    if "oneOf" in schema:
        return {"oneOf": [_resolved(each, document) for each in schema["oneOf"]]}
    return schema
