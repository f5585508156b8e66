"""The AsyncAPI document: valid by the specification, and whole."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from tests.support.gateway_client import Client

from tigerex_services.gateway.websocket.messages import ChannelName

pytestmark = pytest.mark.unit


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


@pytest.mark.filterwarnings("ignore:Field name .schema.:UserWarning")
async def test_the_document_is_valid_and_whole(client: Client) -> None:
    from asyncapi3.models.asyncapi import AsyncAPI3  # warns when it is loaded

    document = (await client.http.get("/asyncapi.json")).json()
    AsyncAPI3.model_validate(document)
    for reference in references(document):
        found: Any = document
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    (channel,) = document["channels"].values()
    assert channel["address"] == "/api/v1/ws"
    used = {
        each["$ref"].rpartition("/")[2]
        for operation in document["operations"].values()
        for each in (*operation["messages"], *operation.get("reply", {}).get("messages", ()))
    }
    assert used == set(channel["messages"]) == set(document["components"]["messages"])
    assert set(get_args(ChannelName)) <= used
    assert {"subscribe", "unsubscribe", "auth", "ping"} <= used
    page = await client.http.get("/docs")
    assert "/asyncapi.json" in page.text
