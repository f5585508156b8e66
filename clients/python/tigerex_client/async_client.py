"""The client for asyncio."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

import httpx

from tigerex_client import calls
from tigerex_client.calls import Call
from tigerex_client.errors import NoAnswer
from tigerex_client.flow import DEADLINE_S, Answer, Flow, Outcome, Send, Step, Steps
from tigerex_client.http import ANSWER_BYTES_MAX, LIMITS, too_large
from tigerex_client.signing import Credentials

P = ParamSpec("P")
T = TypeVar("T")


def _awaited(
    build: Callable[P, Call[T]],
) -> "Callable[Concatenate[AsyncClient, P], Awaitable[T]]":
    async def method(client: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await client.send(build(*args, **kwargs))

    method.__name__, method.__doc__ = build.__name__, build.__doc__
    return method


class AsyncClient:
    """Calls an exchange from one event loop.

    Every call raises Refused (by its kind), NoAnswer, InvalidAnswer or MissingCredentials.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials | None = None,
        *,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self.flow = Flow(url, credentials, deadline_s=deadline_s)
        self._http = httpx.AsyncClient(base_url=self.flow.url, limits=LIMITS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """Any call of `tigerex_client.calls`."""
        return await self._drive(self.flow.run(call))

    async def correct_clock(self) -> None:
        """Measures the exchange's time; a refused timestamp does so by itself."""
        await self._drive(self.flow.correct_clock())

    async def _drive(self, steps: Steps[T]) -> T:
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                value: T = done.value
                return value
            outcome = await self._do(step)

    async def _do(self, step: Step) -> Outcome:
        if not isinstance(step, Send):
            await asyncio.sleep(step.seconds)
            return None
        try:
            async with (
                asyncio.timeout(step.timeout_s),
                self._http.stream(
                    step.method,
                    step.target,
                    headers=dict(step.headers),
                    content=step.body,
                    timeout=step.timeout_s,
                ) as response,
            ):
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > ANSWER_BYTES_MAX:
                        raise too_large(step)
        except (httpx.TransportError, TimeoutError) as error:
            return NoAnswer(f"{step.method} {step.target}: {error!r}")
        return Answer(response.status_code, response.headers, bytes(body))

    server_time = _awaited(calls.server_time)
    markets = _awaited(calls.markets)
    market = _awaited(calls.market)
    book = _awaited(calls.book)
    top = _awaited(calls.top)
    trades = _awaited(calls.trades)
    candles = _awaited(calls.candles)
    statistics = _awaited(calls.statistics)
    accounts = _awaited(calls.accounts)
    place_order = _awaited(calls.place_order)
    cancel_order = _awaited(calls.cancel_order)
    order = _awaited(calls.order)
    orders = _awaited(calls.orders)
    past_orders = _awaited(calls.past_orders)
    past_fills = _awaited(calls.past_fills)
    bot_types = _awaited(calls.bot_types)
    create_bot = _awaited(calls.create_bot)
    bots = _awaited(calls.bots)
    bot = _awaited(calls.bot)
    change_bot = _awaited(calls.change_bot)
    delete_bot = _awaited(calls.delete_bot)
    start_bot = _awaited(calls.start_bot)
    pause_bot = _awaited(calls.pause_bot)
    stop_bot = _awaited(calls.stop_bot)
    bot_performance = _awaited(calls.bot_performance)
    bot_trades = _awaited(calls.bot_trades)
