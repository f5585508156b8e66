"""Who calls an exchange in a test, and how a refusal is expected."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc

from tigerex_platform.errors import TigerExError, from_rpc_error

CALL_DEADLINE_S = 10.0


@dataclass(frozen=True)
class Caller:
    """Who calls: a role, a role for a user, or an API key."""

    role: str = ""
    user: str = ""
    key: str = ""
    secret: str = ""
    valid_until_ms: int = 0  # of a request that the gateway got signed


OPERATOR = Caller("operator")
BOTS = Caller("bots")
FOLLOWER = Caller("marketdata")


@dataclass(frozen=True)
class User:
    """A user with its main account and an API key that may do everything."""

    name: str
    account_id: int
    api_key: Caller


class Caught:
    """What `refused` caught."""

    error: Any = None


@contextmanager
def refused(kind: type[TigerExError]) -> Iterator[Caught]:
    """The body must be refused with this error of ours, and tell no stack trace."""
    caught = Caught()
    try:
        yield caught
    except TigerExError as error:
        caught.error = error
    assert isinstance(caught.error, kind), f"{type(caught.error).__name__}: {caught.error}"
    assert "Traceback" not in caught.error.message


class Calls:
    """A stub whose errors are ours, rebuilt from the status."""

    def __init__(self, stub: Any, metadata: tuple[tuple[str, str], ...]) -> None:
        self._stub = stub
        self._metadata = metadata

    def __getattr__(self, method: str) -> Any:
        async def call(request: Any, timeout: float = CALL_DEADLINE_S) -> Any:  # noqa: ASYNC109
            try:
                return await getattr(self._stub, method)(
                    request, timeout=timeout, metadata=self._metadata
                )
            except grpc.aio.AioRpcError as error:
                raise from_rpc_error(error) from None

        return call
