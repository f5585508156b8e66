"""The blocking client."""

import time
from collections.abc import Callable
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


def _blocking(build: Callable[P, Call[T]]) -> "Callable[Concatenate[Client, P], T]":
    def method(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return client.send(build(*args, **kwargs))

    method.__name__, method.__doc__ = build.__name__, build.__doc__
    return method


class Client:
    """Calls an exchange and waits. For many threads: httpx shares connections safely.

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
        self._http = httpx.Client(base_url=self.flow.url, limits=LIMITS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """Any call of `tigerex_client.calls`."""
        return self._drive(self.flow.run(call))

    def correct_clock(self) -> None:
        """Measures the exchange's time; a refused timestamp does so by itself."""
        self._drive(self.flow.correct_clock())

    def _drive(self, steps: Steps[T]) -> T:
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                value: T = done.value
                return value
            outcome = self._do(step)

    def _do(self, step: Step) -> Outcome:
        if not isinstance(step, Send):
            time.sleep(step.seconds)
            return None
        ends_s = time.monotonic() + step.timeout_s
        try:
            with self._http.stream(
                step.method,
                step.target,
                headers=dict(step.headers),
                content=step.body,
                timeout=step.timeout_s,
            ) as response:
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > ANSWER_BYTES_MAX:
                        raise too_large(step)
                    if time.monotonic() > ends_s:  # httpx's own bound holds for each read
                        return NoAnswer(f"{step.method} {step.target}: no answer in time")
        except httpx.TransportError as error:
            return NoAnswer(f"{step.method} {step.target}: {error!r}")
        return Answer(response.status_code, response.headers, bytes(body))

    server_time = _blocking(calls.server_time)
    markets = _blocking(calls.markets)
    market = _blocking(calls.market)
    book = _blocking(calls.book)
    top = _blocking(calls.top)
    trades = _blocking(calls.trades)
    candles = _blocking(calls.candles)
    statistics = _blocking(calls.statistics)
    accounts = _blocking(calls.accounts)
    place_order = _blocking(calls.place_order)
    cancel_order = _blocking(calls.cancel_order)
    order = _blocking(calls.order)
    orders = _blocking(calls.orders)
    past_orders = _blocking(calls.past_orders)
    past_fills = _blocking(calls.past_fills)
    bot_types = _blocking(calls.bot_types)
    create_bot = _blocking(calls.create_bot)
    bots = _blocking(calls.bots)
    bot = _blocking(calls.bot)
    change_bot = _blocking(calls.change_bot)
    delete_bot = _blocking(calls.delete_bot)
    start_bot = _blocking(calls.start_bot)
    pause_bot = _blocking(calls.pause_bot)
    stop_bot = _blocking(calls.stop_bot)
    bot_performance = _blocking(calls.bot_performance)
    bot_trades = _blocking(calls.bot_trades)
