"""What an error means for a resource: somebody must act, or it passes."""

import json

import aiohttp
from kubernetes.aio.client.exceptions import ApiException
from pydantic import ValidationError

from tigerex_operator.apply.conditions import Verdict, blocked, retrying
from tigerex_platform.errors import InvalidField, NotFound, TigerExError

MESSAGE_CHARS_MAX = 1000


def verdict_of(error: Exception) -> Verdict:
    """The conditions that tell of an error."""
    match error:
        case ValidationError():
            first = error.errors()[0]
            field = ".".join(str(part) for part in ("spec", *first["loc"]))
            return blocked("InvalidSpec", _cut(f"{field}: {first['msg']}; correct the field"))
        case InvalidField():
            return blocked("InvalidSpec", _cut(f"{error.message}; correct the field"))
        case NotFound():
            return blocked(f"Unknown{_camel(error.kind)}", _cut(error.message))
        case TigerExError(retryable=True):
            return retrying(_camel(error.code), _cut(f"{error.message}; trying again"))
        case TigerExError():
            return blocked(_camel(error.code), _cut(error.message))
        case ApiException():
            text = f"the API server answered {error.status}: {_api_message(error)}; trying again"
            return retrying("ApiServerRefused", _cut(text))
        case aiohttp.ClientError() | TimeoutError() | OSError():
            return retrying("Unreachable", _cut(f"{type(error).__name__}: {error}; trying again"))
        case _:
            text = f"unexpected {type(error).__name__}; the operator's log tells more; trying again"
            return retrying("InternalError", text)


def is_permanent(error: Exception) -> bool:
    """Whether trying the same again is of no use."""
    return not verdict_of(error).progressing


def _api_message(error: ApiException) -> str:
    try:
        return str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return str(error.reason)


def _camel(code: str) -> str:
    return "".join(part.capitalize() for part in code.replace("-", "_").split("_") if part)


def _cut(text: str) -> str:
    return text if len(text) <= MESSAGE_CHARS_MAX else text[: MESSAGE_CHARS_MAX - 1] + "…"
