"""The real capture against the real core, twice: the same trades, and money that adds up."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from tests.support.market_core import MarketCore

from tigerex_core.records import COMMAND_WIDTH, Event, EventKind, Rows, Side
from tigerex_services.feed.capture import Message, Trade, parse_line
from tigerex_services.feed.capture_file import digest_of, read_lines
from tigerex_services.feed.lockstep import Lockstep
from tigerex_services.feed.replay import Replay
from tigerex_services.feed.steps import steps_of

pytestmark = pytest.mark.unit

CAPTURE = Path(__file__).parents[4] / "shared/data/btcusdt-spot-ws-20240808.gz"
needs_capture = pytest.mark.skipif(
    not CAPTURE.exists(), reason=f"the recorded capture {CAPTURE} is not on this machine"
)
GRID_TICKS = 1_000  # 10 USDT
GRID_LOTS = 100


def messages(count: int | None) -> list[tuple[int, Message]]:
    return [(line, parse_line(text)) for line, text in islice(read_lines(CAPTURE), count)]


def replayed(recorded: list[tuple[int, Message]], *, grid: bool) -> MarketCore:
    world = MarketCore()
    steps = steps_of(world.market)
    lockstep = Lockstep(
        world.core,
        Replay(digest_of(CAPTURE), steps),
        world.house,
        world.market.market_id,
        seq=world.seq,
        time_ns=world.time_ns,
    )
    respond = Flipper(world) if grid else None
    if respond:
        world.apply(*respond.first_orders(recorded))
        lockstep = Lockstep(
            world.core,
            Replay(digest_of(CAPTURE), steps),
            world.house,
            world.market.market_id,
            seq=world.seq,
            time_ns=world.time_ns,
        )
    for events in lockstep.run(recorded, respond):
        world.keep(events)
    return world


class Flipper:
    """The plainest grid: each fill is answered on the other side, one step away."""

    def __init__(self, world: MarketCore) -> None:
        self._world = world

    def first_orders(self, recorded: list[tuple[int, Message]]) -> list[Rows]:
        first = next(m for _, m in recorded if isinstance(m, Trade))
        middle = first.price_e8 // 10**6 // GRID_TICKS * GRID_TICKS
        world = self._world
        return [
            world.order(world.ada, side, middle + sign * step * GRID_TICKS, GRID_LOTS)
            for side, sign in ((Side.BUY, -1), (Side.SELL, 1))
            for step in range(1, 6)
        ]

    def __call__(self, events: Rows) -> Rows | None:
        world = self._world
        orders = []
        for row in events[events[:, Event.KIND] == EventKind.TRADED]:
            if row[Event.OTHER_ACCOUNT] != world.ada or row[Event.REMAINING]:
                continue
            side = Side(int(row[Event.SIDE]))  # the taker's: the user's next one
            step = GRID_TICKS if side is Side.SELL else -GRID_TICKS
            orders.append(world.order(world.ada, side, int(row[Event.PRICE]) + step, GRID_LOTS))
        return np.array(orders).reshape(-1, COMMAND_WIDTH) if orders else None


@needs_capture
def test_the_capture_gives_its_own_trades_twice() -> None:
    recorded = messages(6_000)
    first, second = (replayed(recorded, grid=False) for _ in range(2))
    assert first.trades() == second.trades()
    assert first.core.digest() == second.core.digest()
    steps = steps_of(first.market)
    expected = [
        (m.price_e8 // steps.tick_e8, steps.lots(m.quantity_e8), m.taker_side)
        for _, m in recorded
        if isinstance(m, Trade)
    ]
    assert [trade[1:4] for trade in first.trades()] == expected
    assert {trade[4:] for trade in first.trades()} == {(first.house.taker, first.house.maker)}
    first.check_sound()


@needs_capture
def test_a_grid_of_ten_usdt_trades_for_real_and_the_same_twice() -> None:
    recorded = messages(None)
    first, second = (replayed(recorded, grid=True) for _ in range(2))
    assert first.trades() == second.trades()
    assert first.core.digest() == second.core.digest()
    fills = [trade for trade in first.trades() if first.ada in trade[4:]]
    assert len(fills) >= 10
    # What the user filled instead of the maker leaves nothing behind that could print later.
    rest = iter([(m.price_e8 // 10**6, m.taker_side) for _, m in recorded if isinstance(m, Trade)])
    others = [trade for trade in first.trades() if first.ada not in trade[4:]]
    assert all((trade[1], trade[3]) in rest for trade in others)
    first.check_sound()


def test_sending_a_line_again_changes_nothing() -> None:
    world = MarketCore()
    line = (
        b'1700000100000000000 {"u":1,"s":"BTCUSDT","b":"61000.00","B":"1.5",'
        b'"a":"61000.01","A":"2.5"}'
    )
    runs = []
    for _ in range(2):
        lockstep = Lockstep(
            world.core,
            Replay(b"digest", steps_of(world.market)),
            world.house,
            world.market.market_id,
            seq=world.seq,
            time_ns=world.time_ns,
        )
        [events] = lockstep.run([(7, parse_line(line))])
        world.keep(events)
        runs.append(events[:, Event.KIND].tolist())
    assert set(runs[1]) == {EventKind.DUPLICATE}
    bids, asks = world.core.depth(world.market.market_id, 5)
    assert (bids, asks) == ([(6_100_000, 150_000)], [(6_100_001, 250_000)])
    world.check_sound()
