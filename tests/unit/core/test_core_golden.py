"""Cases worked out by hand. Base and quote have scale 2; a lot is 10 base units, a lot at a tick 1
quote unit."""

import pytest
from tests.support.core_rows import (
    ADA,
    BASE,
    BOB,
    HOUSE,
    MARKET,
    MONEY,
    QUOTE,
    Row,
    cancel,
    command,
    exchange,
    kinds_of,
    limit,
    market,
    rows_of,
    totals,
    transfer,
)

from tigerex_core import Capacity, Core
from tigerex_core.records import (
    FEES_ACCOUNT,
    WORLD_ACCOUNT,
    Command,
    CommandKind,
    Event,
    EventKind,
    MarketState,
    Reason,
    Rows,
    Side,
    TimeInForce,
    pack_name,
    unpack_name,
)

pytestmark = pytest.mark.unit

BUY, SELL = Side.BUY, Side.SELL
ISSUED_MAX = 2**62 - 1


class Exchange:
    """A core with one market; checks after every step that money adds up and the state is sound."""

    def __init__(self, *, maker_ppm: int = 0, taker_ppm: int = 0) -> None:
        self.core = Core(Capacity.small())
        self.seq = 0
        self.send(*exchange().tolist())
        self.send(command(CommandKind.SET_FEE_TIER, amount=maker_ppm, aux=taker_ppm))

    def send(self, *commands: Row) -> Rows:
        self.seq += 1
        events = self.core.apply(rows_of(commands), self.seq)
        balances = {account: self.core.balances(account) for account in range(1, 7)}
        assert not any(totals(balances).values())
        assert self.core.check() == []
        return events

    def refused(self, row: Row) -> Reason:
        """Why the command is rejected; nothing may have changed."""
        before = self.core.digest()
        (event,) = self.send(row)
        assert event[Event.KIND] == EventKind.REJECTED
        assert self.core.digest() == before
        return Reason(event[Event.REASON])

    def has(self, account: int, asset: int) -> tuple[int, int]:
        return self.core.balances(account).get(asset, (0, 0))


def test_an_order_holds_what_it_needs_and_a_cancel_releases_it() -> None:
    site = Exchange()
    accepted, rested = site.send(limit(ADA, BUY, 100, 7, "mine", aux=3))
    assert accepted[Event.KIND] == EventKind.ORDER_ACCEPTED
    assert (accepted[Event.ASSET], accepted[Event.AMOUNT], accepted[Event.AUX]) == (QUOTE, 700, 3)
    assert accepted[Event.VALUE] == 1 + 16 * TimeInForce.GTC
    assert rested[Event.KIND] == EventKind.ORDER_RESTED
    assert site.has(ADA, QUOTE) == (MONEY - 700, 700)
    assert site.core.depth(MARKET, 5) == ([(100, 7)], [])
    (canceled,) = site.send(cancel(ADA, name="mine"))
    assert (canceled[Event.KIND], canceled[Event.REMAINING]) == (EventKind.ORDER_CANCELED, 7)
    assert unpack_name(canceled[Event.NAME :]) == "mine"
    assert site.has(ADA, QUOTE) == (MONEY, 0)


def test_price_improvement_is_released() -> None:
    site = Exchange()
    site.send(limit(BOB, SELL, 95, 4))
    accepted, traded, rested = site.send(limit(ADA, BUY, 100, 10))
    assert accepted[Event.AMOUNT] == 1_000
    assert (traded[Event.PRICE], traded[Event.AMOUNT], traded[Event.REMAINING]) == (95, 380, 0)
    assert rested[Event.REMAINING] == 6
    assert site.has(ADA, QUOTE) == (MONEY - 380 - 600, 600)
    assert site.has(ADA, BASE) == (MONEY + 40, 0)
    assert site.has(BOB, QUOTE) == (MONEY + 380, 0)
    assert site.has(BOB, BASE) == (MONEY - 40, 0)


def test_fees_are_rounded_up_and_paid_by_who_receives() -> None:
    site = Exchange(maker_ppm=1_000, taker_ppm=2_500)
    site.send(limit(BOB, SELL, 101, 1))
    _, traded = site.send(limit(ADA, BUY, 101, 1))
    assert traded[Event.FEE] == 1  # 10 base units * 0.25 % = 0.025
    assert traded[Event.VALUE] == 1  # 101 quote units * 0.1 % = 0.101
    assert site.has(FEES_ACCOUNT, BASE) == (1, 0)
    assert site.has(FEES_ACCOUNT, QUOTE) == (1, 0)
    assert site.has(ADA, BASE) == (MONEY + 9, 0)
    assert site.has(BOB, QUOTE) == (MONEY + 100, 0)
    site.send(limit(BOB, SELL, 1_000, 100))
    _, traded = site.send(market(ADA, BUY, 100))
    assert traded[Event.FEE] == 3  # 1,000 * 0.25 % = 2.5
    assert traded[Event.VALUE] == 100  # 100,000 * 0.1 %: exact, so not rounded


def test_better_prices_first_then_older_orders() -> None:
    site = Exchange()
    for price, lots in ((101, 1), (100, 2), (100, 3), (99, 4)):
        site.send(limit(BOB, SELL, price, lots))
    events = site.send(limit(ADA, BUY, 100, 8))
    traded = [(int(e[Event.OTHER_ORDER]), int(e[Event.QUANTITY])) for e in events[1:]]
    assert traded == [(4, 4), (2, 2), (3, 2)]
    assert [int(e[Event.TRADE_ID]) for e in events[1:]] == [1, 2, 3]
    assert site.core.depth(MARKET, 5) == ([], [(100, 1), (101, 1)])


def test_a_market_buy_takes_what_the_money_pays_for() -> None:
    site = Exchange()
    site.send(transfer(ADA, BOB, QUOTE, MONEY - 1_050))
    site.send(limit(BOB, SELL, 100, 8), limit(BOB, SELL, 120, 50))
    accepted, first, second, expired = site.send(market(ADA, BUY, 30))
    assert (accepted[Event.ASSET], accepted[Event.AMOUNT]) == (QUOTE, 0)
    assert (first[Event.QUANTITY], second[Event.QUANTITY]) == (8, 2)  # 800, then 240 of 250 left
    assert expired[Event.KIND] == EventKind.ORDER_EXPIRED
    assert (expired[Event.REMAINING], expired[Event.REASON]) == (20, Reason.INSUFFICIENT_BALANCE)
    assert site.has(ADA, QUOTE) == (10, 0)
    site.send(transfer(ADA, BOB, QUOTE, 10))
    assert site.refused(market(ADA, BUY, 1)) is Reason.INSUFFICIENT_BALANCE


def test_a_market_sell_expires_when_the_book_is_empty() -> None:
    site = Exchange()
    site.send(limit(BOB, BUY, 100, 3))
    events = site.send(market(ADA, SELL, 5))
    assert kinds_of(events) == [
        EventKind.ORDER_ACCEPTED,
        EventKind.TRADED,
        EventKind.ORDER_EXPIRED,
    ]
    assert (events[2][Event.REMAINING], events[2][Event.REASON]) == (2, Reason.NONE)
    assert site.has(ADA, BASE) == (MONEY - 30, 0)


def test_immediate_or_cancel_never_rests() -> None:
    site = Exchange()
    site.send(limit(BOB, SELL, 100, 3))
    *_, expired = site.send(limit(ADA, BUY, 100, 5, time_in_force=TimeInForce.IOC))
    assert (expired[Event.KIND], expired[Event.REMAINING]) == (EventKind.ORDER_EXPIRED, 2)
    assert site.has(ADA, QUOTE) == (MONEY - 300, 0)
    assert site.core.depth(MARKET, 5) == ([], [])


def test_post_only_rests_or_is_refused() -> None:
    site = Exchange()
    site.send(limit(BOB, SELL, 100, 3))
    assert site.refused(limit(ADA, BUY, 100, 1, post_only=1)) is Reason.WOULD_TAKE
    events = site.send(limit(ADA, BUY, 99, 1, post_only=1))
    assert kinds_of(events) == [EventKind.ORDER_ACCEPTED, EventKind.ORDER_RESTED]


def test_an_older_epoch_is_fenced_off() -> None:
    site = Exchange()
    site.send(limit(ADA, BUY, 90, 1))
    site.send(command(CommandKind.ADVANCE_EPOCH, account=ADA, epoch=5, value=2))
    assert site.refused(limit(ADA, BUY, 90, 1, epoch=4)) is Reason.STALE_EPOCH
    assert site.refused(limit(ADA, BUY, 90, 1)) is Reason.STALE_EPOCH
    assert site.refused(cancel(ADA, 1, epoch=4)) is Reason.STALE_EPOCH
    again = command(CommandKind.ADVANCE_EPOCH, account=ADA, epoch=5)
    assert site.refused(again) is Reason.STALE_EPOCH
    assert len(site.send(limit(ADA, BUY, 90, 1, epoch=5))) == 2
    assert len(site.send(cancel(ADA, 1))) == 1


def test_a_transfer_in_two_phases() -> None:
    site = Exchange()
    key = {"value": 7, "aux": 9}
    reserve = transfer(ADA, BOB, QUOTE, 300, **key)
    reserve[Command.KIND] = CommandKind.RESERVE_TRANSFER
    site.send(reserve)
    assert site.has(ADA, QUOTE) == (MONEY - 300, 300)
    assert site.refused(reserve) is Reason.TRANSFER_EXISTS
    (posted,) = site.send(command(CommandKind.POST_TRANSFER, **key))
    assert (posted[Event.ACCOUNT], posted[Event.OTHER_ACCOUNT]) == (ADA, BOB)
    assert site.has(ADA, QUOTE) == (MONEY - 300, 0)
    assert site.has(BOB, QUOTE) == (MONEY + 300, 0)
    post = command(CommandKind.POST_TRANSFER, **key)
    assert site.refused(post) is Reason.UNKNOWN_TRANSFER
    site.send(reserve)
    site.send(command(CommandKind.VOID_TRANSFER, **key))
    assert site.has(ADA, QUOTE) == (MONEY - 300, 0)


def test_too_much_is_refused_not_wrapped() -> None:
    site = Exchange()
    left = ISSUED_MAX - 2 * MONEY
    deposit = transfer(WORLD_ACCOUNT, ADA, QUOTE, left + 1)
    assert site.refused(deposit) is Reason.OVERFLOW
    site.send(transfer(WORLD_ACCOUNT, ADA, QUOTE, left))
    assert site.refused(transfer(WORLD_ACCOUNT, ADA, QUOTE, 1)) is Reason.OVERFLOW
    assert site.refused(limit(HOUSE, BUY, 100, 1)) is Reason.OVERFLOW
    huge = exchange(price_max=2**62)[2].tolist()
    huge[Command.NAME : Command.OTHER_NAME] = pack_name("huge").tolist()
    assert site.refused(huge) is Reason.OVERFLOW
    assert site.refused(transfer(ADA, BOB, QUOTE, 2**63 - 1)) is Reason.INSUFFICIENT_BALANCE


def test_a_house_account_may_owe() -> None:
    site = Exchange()
    site.send(limit(HOUSE, SELL, 100, 50))
    assert site.has(HOUSE, BASE) == (-500, 500)
    site.send(market(ADA, BUY, 50))
    assert site.has(HOUSE, BASE) == (-500, 0)
    assert site.has(HOUSE, QUOTE) == (5_000, 0)
    site.send(limit(BOB, SELL, 200, 100), market(HOUSE, BUY, 100))
    assert site.has(HOUSE, QUOTE) == (5_000 - 20_000, 0)


def test_an_account_may_trade_with_itself() -> None:
    site = Exchange(maker_ppm=10_000, taker_ppm=10_000)
    site.send(limit(ADA, SELL, 100, 5), limit(ADA, BUY, 110, 5))
    assert site.has(ADA, QUOTE) == (MONEY - 5, 0)
    assert site.has(ADA, BASE) == (MONEY - 1, 0)


def test_fills_of_one_command_are_bounded() -> None:
    site = Exchange()
    for _ in range(3):
        site.send(*[limit(BOB, SELL, 100, 1) for _ in range(200)])
    events = site.send(limit(ADA, BUY, 100, 600))
    assert kinds_of(events).count(EventKind.TRADED) == 256
    assert events[-1][Event.KIND] == EventKind.ORDER_EXPIRED
    assert (events[-1][Event.REMAINING], events[-1][Event.REASON]) == (344, Reason.CAPACITY)
    assert site.core.depth(MARKET, 1) == ([], [(100, 344)])
    assert site.has(ADA, QUOTE) == (MONEY - 25_600, 0)


def test_many_events_do_not_overrun_the_buffer() -> None:
    site = Exchange()
    for _ in range(18):
        site.send(*[limit(BOB, SELL, 1, 1) for _ in range(200)])
    events = site.send(*[limit(ADA, BUY, 1, 250) for _ in range(20)])
    assert kinds_of(events).count(EventKind.TRADED) == 3_600
    assert sorted(set(events[:, Event.COMMAND].tolist())) == list(range(20))


def test_a_request_is_answered_once() -> None:
    site = Exchange()
    order = limit(ADA, BUY, 90, 1, request_hi=1, request_lo=2)
    site.send(order)
    first = site.seq
    (duplicate,) = site.send(order)
    assert (duplicate[Event.KIND], duplicate[Event.VALUE]) == (EventKind.DUPLICATE, first)
    other = limit(ADA, BUY, 91, 1, request_hi=1, request_lo=2)
    assert site.refused(other) is Reason.REQUEST_ID_REUSED


def test_the_window_forgets_the_oldest() -> None:
    core = Core(Capacity(window=2, assets=1, markets=1, users=1, accounts=4, balances=2, orders=1))
    ticks = [command(CommandKind.TICK, request_lo=request) for request in (1, 2, 2, 3, 2, 1)]
    kinds = kinds_of(core.apply(rows_of(ticks), 1))
    ticked, duplicate = EventKind.TICKED, EventKind.DUPLICATE
    assert kinds == [ticked, ticked, duplicate, ticked, duplicate, ticked]
    assert core.check() == []


def test_a_halted_market_takes_cancels_only() -> None:
    site = Exchange()
    site.send(limit(ADA, BUY, 90, 1))
    halt = command(CommandKind.SET_MARKET_STATE, market=MARKET, value=MarketState.HALTED)
    site.send(halt)
    assert site.refused(limit(ADA, BUY, 90, 1)) is Reason.MARKET_HALTED
    assert kinds_of(site.send(cancel(ADA, 1))) == [EventKind.ORDER_CANCELED]


def test_time_never_runs_backwards() -> None:
    core = Core(Capacity.small())
    ticks = [command(CommandKind.TICK, time_ns=time_ns) for time_ns in (5, 3, 9)]
    assert core.apply(rows_of(ticks), 1)[:, Event.TIME_NS].tolist() == [5, 5, 9]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"side": 3}, Reason.INVALID_SIDE),
        ({"order_type": 0}, Reason.INVALID_ORDER_TYPE),
        ({"order_type": 7}, Reason.INVALID_ORDER_TYPE),
        ({"time_in_force": 5}, Reason.INVALID_TIME_IN_FORCE),
        ({"post_only": 2}, Reason.INVALID_TIME_IN_FORCE),
        ({"post_only": 1, "time_in_force": 2}, Reason.INVALID_TIME_IN_FORCE),
        ({"price": 0}, Reason.INVALID_PRICE),
        ({"price": 1_001}, Reason.INVALID_PRICE),
        ({"quantity": 0}, Reason.INVALID_QUANTITY),
        ({"quantity": 1_001}, Reason.INVALID_QUANTITY),
        ({"account": 99}, Reason.UNKNOWN_ACCOUNT),
        ({"account": WORLD_ACCOUNT}, Reason.ACCOUNT_CANNOT_TRADE),
        ({"market": 2}, Reason.UNKNOWN_MARKET),
        ({"epoch": -1}, Reason.STALE_EPOCH),
        ({"name": 0x07}, Reason.INVALID_NAME),
        ({"price": 1_000, "quantity": 1_000, "side": 1}, None),
        ({"price": 1_000, "quantity": 1_000, "side": 1, "account": BOB}, None),
    ],
)
def test_each_column_of_an_order_is_checked(change: dict[str, int], reason: Reason | None) -> None:
    site = Exchange()
    row = limit(ADA, BUY, 100, 1)
    for column, value in change.items():
        row[Command[column.upper()]] = value
    if reason is None:
        assert kinds_of(site.send(row))[0] == EventKind.ORDER_ACCEPTED
    else:
        assert site.refused(row) is reason


def test_a_client_order_id_is_unique_among_open_orders() -> None:
    site = Exchange()
    site.send(limit(ADA, BUY, 90, 1, "x"), limit(BOB, BUY, 90, 1, "x"))
    assert site.refused(limit(ADA, BUY, 80, 1, "x")) is Reason.CLIENT_ORDER_ID_TAKEN
    found = site.core.find_order(ADA, name=pack_name("x"))
    assert found is not None
    assert found == site.core.find_order(ADA, order_id=found.order_id)
    assert site.core.open_orders(ADA) == [found]
    assert site.core.find_order(BOB, order_id=found.order_id) is None
    site.send(cancel(ADA, name="x"))
    assert len(site.send(limit(ADA, BUY, 80, 1, "x"))) == 2


def test_a_broken_state_is_noticed() -> None:
    site = Exchange()
    site.core.apply(rows_of([limit(ADA, BUY, 90, 1)]), 9)
    site.core._state.ledger.balances[3, 2] += 1
    faults = site.core.check()
    assert any("sum to 1" in fault for fault in faults)
