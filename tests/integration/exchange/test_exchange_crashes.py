"""The real process dies at the worst moments, and nothing is lost or doubled."""

import asyncio
import signal
import time
from dataclasses import replace
from typing import Any

import pytest
from tests.integration.exchange.callers import refused
from tests.integration.exchange.site import Site
from tigerex.exchange.v1 import trading_pb2

from tigerex_platform.errors import TigerExError, Unauthenticated

pytestmark = pytest.mark.integration

WORKERS = 8
ATTEMPTS_MAX = 400


@pytest.mark.parametrize("point", ["before-commit", "after-commit"])
async def test_a_killed_exchange_answers_the_retry_once(site: Site, point: str) -> None:
    await site.place(site.maker, "sell", "60000", "1")
    request = site.place_request(site.taker, "buy", "60000", "0.25", client_order_id="once")
    await site.stop()
    seq = await site.journal_seq()
    await site.start(crash_at=f"{point}:{seq + 2}")
    # The leader's first tick is one entry; until the next one, a second later, the order is alone.
    await site.wait_for_seq(seq + 1)
    await site.attempt(request)
    await site.wait_dead()
    await site.start()
    answer = await site.trading(site.taker).PlaceOrder(request)
    assert answer.order.filled_quantity == "0.25"
    again = await site.trading(site.taker).PlaceOrder(request)
    assert again == answer
    assert await site.count_orders("once") == 1
    await site.check_sums()
    await site.check_verified()


async def test_crash_points_are_refused_outside_of_tests(site: Site) -> None:
    await site.stop()
    process = site.spawn({"TIGEREX_CRASH_AT": "before-commit:5"}, allow_crash=False)
    assert await asyncio.to_thread(process.wait, 30) != 0


class Load:
    """Workers that place order after order, repeating each one until it has an answer."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._stopping = False
        self._workers: list[asyncio.Task[None]] = []
        self.answers: dict[str, trading_pb2.PlaceOrderResponse] = {}

    async def __aenter__(self) -> "Load":
        self._workers = [asyncio.create_task(self._work(n)) for n in range(WORKERS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop when every order has its answer."""
        self._stopping = True
        await asyncio.gather(*self._workers)

    async def _work(self, worker: int) -> None:
        number = 0
        while not self._stopping:
            number += 1
            name = f"w{worker}-{number}"
            request = self._site.place_request(
                self._site.maker, "sell", "61000", "0.0001", client_order_id=name
            )
            self.answers[name] = await self._until_answered(request)

    async def _until_answered(
        self, request: trading_pb2.PlaceOrderRequest
    ) -> trading_pb2.PlaceOrderResponse:
        for _ in range(ATTEMPTS_MAX):
            try:
                return await self._site.trading(self._site.maker).PlaceOrder(request, timeout=5)
            except TigerExError as error:
                if not error.retryable:
                    raise
                await asyncio.sleep(0.1)
        raise AssertionError(f"no answer to {request.client_order_id}: {self._site.log()}")

    async def check(self) -> None:
        """Each order exists once, with the id that its answer said."""
        orders = await self._site.trading(self._site.maker).ListOpenOrders(
            trading_pb2.ListOpenOrdersRequest(account_id=self._site.maker.account_id)
        )
        listed = {order.client_order_id: order.order_id for order in orders.orders}
        assert len(orders.orders) == len(listed) == len(self.answers)
        assert listed == {name: answer.order.order_id for name, answer in self.answers.items()}
        await self._site.check_sums()
        await self._site.check_verified()


async def test_terminated_database_connections_under_load(site: Site) -> None:
    cut = 0
    async with Load(site) as load:
        for _ in range(5):
            await asyncio.sleep(0.3)
            cut += await site.terminate_backends()
    assert cut > 0
    assert site.process.poll() is None, "a dropped connection must not end the process"
    await load.check()


async def test_killed_postgresql_under_load(site: Site) -> None:
    async with site.supervised(), Load(site) as load:
        await asyncio.sleep(0.5)
        await asyncio.to_thread(site.database.server.kill)
        await asyncio.sleep(1.0)
        await asyncio.to_thread(site.database.server.start)
        await asyncio.sleep(1.0)
    await load.check()


async def test_killed_exchange_under_load(site: Site) -> None:
    async with site.supervised(), Load(site) as load:
        for _ in range(2):
            await asyncio.sleep(1.0)
            site.kill()
    await load.check()


async def test_the_second_host_takes_over_and_the_first_cannot_commit(site: Site) -> None:
    first = site.process
    before = await site.place(site.maker, "sell", "65000", "0.1")
    second = await site.start_second()
    await site.expect_standby()
    first.kill()
    await asyncio.to_thread(first.wait, 10)
    await site.switch_to(second)
    order = await site.place(site.taker, "buy", "65000", "0.1")
    assert order.order.filled_quantity == "0.1"
    assert order.seq > before.seq
    await site.check_sums()
    await site.check_verified()


async def test_a_request_whose_window_passed_in_the_queue_is_not_done(site: Site) -> None:
    """The journal stalls: what was signed for a shorter time must not come out of the queue."""
    until_ms = time.time_ns() // 1_000_000 + 1_000

    def placed(name: str, valid_until_ms: int) -> "asyncio.Task[Any]":
        caller = replace(site.as_gateway_for(site.maker), valid_until_ms=valid_until_ms)
        request = site.place_request(site.maker, "sell", "67000", "0.1", client_order_id=name)
        return asyncio.create_task(site.trading_of(caller).PlaceOrder(request))

    with site.database.connect() as blocker:
        blocker.execute("BEGIN")
        blocker.execute("LOCK TABLE exchange.journal IN ACCESS EXCLUSIVE MODE")
        # One commit in flight and one batch computed: what comes then waits in the queue.
        first = [placed(f"first-{n}", 0) for n in range(2)]
        await asyncio.sleep(0.5)
        late, patient = placed("late", until_ms), placed("patient", until_ms + 60_000)
        await asyncio.sleep(1.5)
        blocker.execute("ROLLBACK")
    with refused(Unauthenticated) as caught:
        await late
    assert caught.error.code == "TIMESTAMP_OUTSIDE_WINDOW"
    for order in await asyncio.gather(*first, patient):
        await site.cancel(site.maker, order.order.order_id)
    assert await site.count_orders("late") == 0
    assert await site.count_orders("patient") == 1
    await site.check_verified()


async def test_a_paused_leader_that_lost_its_lock_never_commits_again(site: Site) -> None:
    """The old process wakes up believing that it leads: the journal has moved on without it."""
    second = await site.start_second()
    site.process.send_signal(signal.SIGSTOP)
    await site.terminate_backends()
    old = site.process
    await site.switch_to(second)
    placed = await site.place(site.maker, "sell", "66000", "0.1")
    old.send_signal(signal.SIGCONT)
    assert await asyncio.to_thread(old.wait, 30) != 0
    again = await site.place(site.maker, "sell", "66001", "0.1")
    assert again.seq > placed.seq
    await site.check_sums()
    await site.check_verified()
