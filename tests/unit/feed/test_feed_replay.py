"""A capture's messages become orders that print its trades and never meet each other wrongly."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tigerex_core.records import Side
from tigerex_services.feed.capture import Quote, Trade
from tigerex_services.feed.intents import Cancel, Intent, Party, Place
from tigerex_services.feed.replay import Replay
from tigerex_services.feed.steps import ONE, Steps

pytestmark = pytest.mark.unit

STEPS = Steps("btc-usdt", ONE // 100, ONE // 1000, 10_000_000, 100_000, 0)


def quote(bid: str, bid_lots: int, ask: str, ask_lots: int, symbol: str = "BTCUSDT") -> Quote:
    lot = STEPS.lot_e8
    return Quote(
        1, symbol, round(float(bid) * ONE), bid_lots * lot, round(float(ask) * ONE), ask_lots * lot
    )


def trade(price: str, lots: int, side: Side) -> Trade:
    return Trade(1, "BTCUSDT", round(float(price) * ONE), lots * STEPS.lot_e8, side)


def described(intents: list[Intent]) -> list[tuple[object, ...]]:
    return [
        ("cancel", i.name.partition(".")[2])
        if isinstance(i, Cancel)
        else (i.party.value, i.side, i.price, i.quantity)
        for i in intents
    ]


def test_a_quote_is_placed_and_what_moved_is_replaced() -> None:
    replay = Replay(b"digest", STEPS)
    assert described(replay.apply(1, quote("100.00", 5, "100.01", 6))) == [
        ("maker", Side.BUY, 10_000, 5),
        ("maker", Side.SELL, 10_001, 6),
    ]
    assert described(replay.apply(2, quote("100.00", 5, "100.02", 6))) == [
        ("cancel", "1a"),
        ("maker", Side.SELL, 10_002, 6),
    ]
    assert replay.apply(3, quote("100.00", 5, "100.02", 6)) == []


def test_prices_between_ticks_are_rounded_apart() -> None:
    replay = Replay(b"digest", STEPS)
    assert described(replay.apply(1, quote("100.004", 5, "100.006", 6))) == [
        ("maker", Side.BUY, 10_000, 5),
        ("maker", Side.SELL, 10_001, 6),
    ]


def test_a_trade_at_the_quote_takes_from_it() -> None:
    replay = Replay(b"digest", STEPS)
    replay.apply(1, quote("100.00", 5, "100.01", 6))
    assert described(replay.apply(2, trade("100.01", 2, Side.BUY))) == [
        ("taker", Side.BUY, 10_001, 2)
    ]
    # What is left stands, so a quote of that size changes nothing.
    assert replay.apply(3, quote("100.00", 5, "100.01", 4)) == []


def test_a_quote_that_was_taken_whole_is_cancelled_since_a_user_may_have_filled_the_taker() -> None:
    replay = Replay(b"digest", STEPS)
    replay.apply(1, quote("100.00", 5, "100.01", 6))
    assert described(replay.apply(2, trade("100.01", 6, Side.BUY))) == [
        ("taker", Side.BUY, 10_001, 6)
    ]
    assert described(replay.apply(3, quote("100.00", 5, "100.02", 7))) == [
        ("cancel", "1a"),
        ("maker", Side.SELL, 10_002, 7),
    ]
    replay.apply(4, trade("100.02", 7, Side.BUY))
    assert described(replay.restore("4.77")) == [("maker", Side.BUY, 10_000, 5)]


def test_a_trade_away_from_the_quotes_moves_them_first() -> None:
    replay = Replay(b"digest", STEPS)
    replay.apply(1, quote("100.00", 5, "100.01", 6))
    assert described(replay.apply(2, trade("99.98", 2, Side.BUY))) == [
        ("cancel", "1a"),
        ("cancel", "1b"),
        ("maker", Side.SELL, 9_998, 2),
        ("taker", Side.BUY, 9_998, 2),
    ]
    assert described(replay.apply(3, quote("100.00", 5, "100.01", 6))) == [
        ("cancel", "2a"),
        ("maker", Side.BUY, 10_000, 5),
        ("maker", Side.SELL, 10_001, 6),
    ]


def test_a_trade_larger_than_the_quote_enlarges_it() -> None:
    replay = Replay(b"digest", STEPS)
    replay.apply(1, quote("100.00", 5, "100.01", 6))
    assert described(replay.apply(2, trade("100.00", 9, Side.SELL))) == [
        ("cancel", "1b"),
        ("maker", Side.BUY, 10_000, 9),
        ("taker", Side.SELL, 10_000, 9),
    ]


def test_less_than_a_lot_and_other_symbols_are_counted_not_sent() -> None:
    replay = Replay(b"digest", STEPS)
    assert described(replay.apply(1, quote("100.00", 0, "100.01", 6))) == [
        ("maker", Side.SELL, 10_001, 6)
    ]
    assert replay.apply(2, trade("100.00", 0, Side.SELL)) == []
    assert replay.apply(3, quote("1.00", 5, "2.00", 6, "ETHUSDT")) == []
    assert replay.skipped == {
        "quote_outside_limits": 1,
        "trade_outside_limits": 1,
        "other_symbol": 1,
    }


def test_restoring_places_what_stood_under_new_names_that_can_be_cancelled() -> None:
    replay = Replay(b"digest", STEPS)
    replay.apply(1, quote("100.00", 5, "100.01", 6))
    restored = replay.restore("1.77")
    assert described(restored) == [("maker", Side.BUY, 10_000, 5), ("maker", Side.SELL, 10_001, 6)]
    assert described(replay.clear()) == [("cancel", "1.77b"), ("cancel", "1.77a")]
    assert replay.clear() == []


def test_names_tell_their_line_to_their_own_capture_only() -> None:
    replay = Replay(b"digest", STEPS)
    [bid, _] = replay.apply(12, quote("100.00", 5, "100.01", 6))
    [restored, _] = replay.restore("12.99")
    assert isinstance(bid, Place)
    assert isinstance(restored, Place)
    assert replay.line_of(bid.name) == replay.line_of(restored.name) == 12
    assert Replay(b"other", STEPS).line_of(bid.name) == 0
    for name in ("", "s1.2", "grid-1", bid.name[:8], bid.name[:8] + "b"):
        assert replay.line_of(name) == 0


prices = st.integers(9_990, 10_010)
messages = st.one_of(
    st.tuples(prices, st.integers(1, 3), st.integers(0, 9), st.integers(0, 9)).map(
        lambda q: Quote(
            1,
            "X",
            q[0] * STEPS.tick_e8,
            q[2] * STEPS.lot_e8,
            (q[0] + q[1]) * STEPS.tick_e8,
            q[3] * STEPS.lot_e8,
        )
    ),
    st.tuples(prices, st.integers(0, 9), st.sampled_from(Side)).map(
        lambda t: Trade(1, "X", t[0] * STEPS.tick_e8, t[1] * STEPS.lot_e8, t[2])
    ),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(messages, max_size=40))
def test_every_trade_is_filled_by_the_maker_and_the_maker_never_meets_itself(
    sequence: list[Quote | Trade],
) -> None:
    replay = Replay(b"digest", STEPS)
    book: dict[str, list[object]] = {}
    keys: set[bytes] = set()
    for line, message in enumerate(sequence, 1):
        for intent in replay.apply(line, message):
            assert intent.key not in keys
            keys.add(intent.key)
            if isinstance(intent, Cancel):
                del book[intent.name]
            elif intent.party is Party.MAKER:
                book[intent.name] = [intent.side, intent.price, intent.quantity]
                bids = [o[1] for o in book.values() if o[0] is Side.BUY]
                asks = [o[1] for o in book.values() if o[0] is Side.SELL]
                assert len(bids) <= 1 >= len(asks)
                assert not (bids and asks) or bids[0] < asks[0]
            else:
                fill_exactly(book, intent)
    assert {i.name for i in replay.clear()} == set(book)


def fill_exactly(book: dict[str, list[object]], taker: Place) -> None:
    [order] = [o for o in book.values() if o[0] is not taker.side]
    assert order[1] == taker.price
    assert order[2] >= taker.quantity
    order[2] -= taker.quantity  # left in the book at 0, too: a user's order may get the fill
