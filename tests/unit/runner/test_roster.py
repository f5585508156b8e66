"""Events reach the bots that they concern, and nobody else; who is deposed does nothing more."""

import numpy as np
import pytest
from tests.support.runner_bots import MARKET_ID, running_bot
from tigerex.bots.v1 import bots_pb2

from tigerex_core.records import EVENT_WIDTH, Event, EventKind, Rows
from tigerex_quant import kernel as k
from tigerex_quant.kernel import Ints
from tigerex_services.runner.bot import RunningBot
from tigerex_services.runner.roster import Roster
from tigerex_services.stream import Batch

pytestmark = pytest.mark.unit

SECOND = 1_000_000_000


class Ear:
    def __init__(self) -> None:
        self.intents: list[tuple[int, int]] = []

    def on_intents(self, bot: RunningBot, intents: Ints, event: Ints) -> None:
        self.intents.append((bot.account_id, len(intents)))

    def on_order_event(self, bot: RunningBot, event: Ints) -> None:
        pass


def row(kind: EventKind, time_ns: int = SECOND, **columns: int) -> Rows:
    values = np.zeros(EVENT_WIDTH, dtype=np.int64)
    values[Event.KIND] = kind
    values[Event.TIME_NS] = time_ns
    for name, value in columns.items():
        values[Event[name.upper()]] = value
    return values


def signal(account: int, epoch: int, signal: int) -> Rows:
    return row(EventKind.EPOCH_ADVANCED, account=account, value=epoch, aux=signal)


def trade(price: int, market: int = MARKET_ID) -> Rows:
    return row(
        EventKind.TRADED, account=90, other_account=91, market=market, price=price, quantity=1,
        side=1,
    )  # fmt: skip


def batch(seq: int, *rows: Rows) -> Batch:
    return Batch(seq, SECOND, np.array(rows, dtype=np.int64).reshape(-1, EVENT_WIDTH))


def test_a_trade_starts_those_that_wait_for_a_price_only() -> None:
    ear = Ear()
    roster = Roster(ear, 0)
    bots = [running_bot(account) for account in (11, 12)]
    roster.add(bots)
    roster.apply(batch(1, signal(11, 1, 2)))
    roster.apply(batch(2, trade(121, market=MARKET_ID + 1), trade(121)))
    # Two buy orders and the initial purchase, of the started bot.
    assert ear.intents == [(11, 3)]
    assert bots[1].fold.status == k.IDLE
    assert roster.seq == 2
    assert bots[0].outbox[0][k.I_EPOCH] == 1


def test_a_take_over_by_somebody_else_drops_the_bot() -> None:
    roster = Roster(Ear(), 0)
    bot = running_bot(11, epoch=1)
    roster.add([bot])
    roster.apply(batch(1, signal(11, 1, 2)))
    roster.apply(batch(2, signal(11, 2, 3)))  # a pause is not a take-over
    assert not bot.dropped
    assert bot.fold.epoch == 2
    roster.apply(batch(3, signal(11, 3, 1)))
    assert bot.dropped
    roster.apply(batch(4, trade(121)))
    assert not bot.outbox


def test_our_own_take_over_changes_the_epoch_of_later_intents() -> None:
    roster = Roster(Ear(), 0)
    bot = running_bot(11, epoch=2)
    roster.add([bot])
    roster.apply(batch(1, signal(11, 1, 2)))
    roster.apply(batch(2, signal(11, 2, 1)))
    roster.apply(batch(3, trade(121)))
    assert {int(intent[k.I_EPOCH]) for intent in bot.outbox} == {2}


def test_what_a_bot_has_seen_is_not_given_again() -> None:
    roster = Roster(Ear(), 0)
    bot = running_bot(11, start_seq=5)
    roster.add([bot])
    roster.apply(batch(4, signal(11, 1, 2)))
    assert bot.fold.status == k.IDLE
    roster.apply(batch(5, signal(11, 1, 2)))
    assert bot.fold.status == k.STARTING


def test_a_tick_wakes_only_whose_time_has_come() -> None:
    ear = Ear()
    roster = Roster(ear, 0)
    bot = running_bot(11)
    roster.add([bot])
    roster.apply(batch(1, signal(11, 1, 2)))
    roster.apply(batch(2, trade(121)))
    refused = row(EventKind.REJECTED, account=11, reason=26)
    refused[Event.NAME :] = np.frombuffer(
        f"{bot.short_id}-2-1".encode().ljust(40, b"\0"), dtype="<i8"
    )
    roster.apply(batch(3, refused))
    assert len(ear.intents) == 1
    roster.apply(batch(4, row(EventKind.TICKED, 2 * SECOND)))
    assert len(ear.intents) == 1
    roster.apply(batch(5, row(EventKind.TICKED, 3 * SECOND)))
    assert ear.intents[-1] == (11, 1)
    roster.apply(batch(6, row(EventKind.TICKED, 9 * SECOND)))
    assert len(ear.intents) == 2


def test_fills_are_kept_for_the_report_also_of_orders_the_strategy_does_not_know() -> None:
    roster = Roster(Ear(), 0)
    bot = running_bot(11)
    roster.add([bot])
    fill = row(
        EventKind.TRADED, account=90, other_account=11, other_order=4, market=MARKET_ID,
        trade_id=7, price=121, quantity=3, side=1, value=2,
    )  # fmt: skip
    roster.apply(batch(1, fill))
    (kept,) = bot.trades
    assert (kept.trade_id, kept.order_id, kept.side, kept.price) == (7, 4, "sell", "12.1")
    assert (kept.quantity, kept.fee, kept.fee_asset) == ("0.03", "0.002", "QUOTE")


def test_a_fee_in_another_asset_is_told_with_its_asset() -> None:
    roster = Roster(Ear(), 0)
    bot = running_bot(11)
    roster.add([bot])
    fill = row(
        EventKind.TRADED, account=11, order_id=5, other_account=90, market=MARKET_ID, trade_id=7,
        price=121, quantity=3, side=1, fee=25, asset=9, value=2, other_asset=2,
    )  # fmt: skip
    elsewhere = fill.copy()
    elsewhere[Event.MARKET] = MARKET_ID + 1  # somebody trades by hand with the bot's account
    roster.apply(batch(1, fill, elsewhere))
    (kept,) = bot.trades
    assert (kept.fee, kept.fee_asset) == ("0.25", "TGX")
    assert kept.fee_source == bots_pb2.FEE_SOURCE_OTHER


def test_a_prevented_trade_reaches_both_sides() -> None:
    roster = Roster(ear := Ear(), 0)
    bots = [running_bot(account) for account in (11, 12)]
    roster.add(bots)
    heard: list[tuple[int, int]] = []
    ear.on_order_event = lambda bot, event: heard.append(  # type: ignore[method-assign]
        (bot.account_id, int(event[k.E_REMAINING]))
    )
    prevented = row(
        EventKind.SELF_TRADE_PREVENTED, account=11, order_id=5, other_account=12, other_order=4,
        market=MARKET_ID, side=1, price=121, quantity=3, remaining=2, aux=0,
    )  # fmt: skip
    roster.apply(batch(1, prevented))
    assert sorted(heard) == [(11, 0), (12, 2)]
    assert not bots[0].trades
