"""What the gateway sends over its socket, held against the AsyncAPI document."""

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from tigerex_services.gateway.asyncapi import document


@cache
def _validator(name: str) -> Draft202012Validator:
    components = document()["components"]
    payload = components["messages"][name]["payload"]
    # References begin at the root of the document.
    return Draft202012Validator({"allOf": [payload], "components": components})


def check(message: Any) -> None:
    """Raises jsonschema.ValidationError, KeyError for a message that is not in the document."""
    is_data = message["type"] == "data"
    name = message["subscription"].partition(":")[0] if is_data else message["type"]
    _validator(name).validate(message)


def check_text(text: bytes) -> None:
    check(json.loads(text))
