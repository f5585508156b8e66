"""What core and reference once disagreed about, each as short as it could be made."""

import pytest
from tests.support.core_pair import CorePair
from tests.support.core_random import start
from tests.support.core_rows import BOB, HOUSE, MARKET, command, limit, market

from tigerex_core.records import (
    Command,
    CommandKind,
    Event,
    EventKind,
    MarketState,
    OrderType,
    Side,
)

pytestmark = pytest.mark.unit


def test_a_stop_that_an_opening_lets_run_answers_no_request() -> None:
    site = CorePair(start())
    stop = limit(BOB, Side.SELL, 0, 1, stop_price=95)
    stop[Command.ORDER_TYPE] = OrderType.STOP_LOSS
    halted = command(
        CommandKind.SET_MARKET_STATE, market=MARKET, value=MarketState.HALTED, request_lo=1
    )
    opened = command(
        CommandKind.SET_MARKET_STATE, market=MARKET, value=MarketState.OPEN, request_lo=2
    )
    # the trade at 100 fires nothing; the one at 95 fires the stop, whose trade would be too far off
    site.send(
        limit(HOUSE, Side.BUY, 100, 1),
        market(BOB, Side.SELL, 1),
        stop,
        limit(HOUSE, Side.BUY, 95, 1),
        limit(HOUSE, Side.BUY, 94, 3),
    )
    site.send(market(BOB, Side.SELL, 2))
    site.send(halted)
    events = site.send(opened)
    assert [event[Event.KIND] for event in events][:2] == [
        EventKind.MARKET_STATE_SET,
        EventKind.ORDER_TRIGGERED,
    ]
    assert [event[Event.REQUEST_LO] for event in events][:2] == [2, 0]
