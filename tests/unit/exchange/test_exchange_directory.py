"""The directory names what events refer to, from events and from messages alike."""

import numpy as np
import pytest
from tigerex.exchange.v1 import types_pb2

from tigerex_core.records import (
    EVENT_WIDTH,
    WORLD_ACCOUNT,
    AccountKind,
    Event,
    EventKind,
    MarketState,
    Rows,
    pack_name,
)
from tigerex_platform.errors import InvalidField, NotFound
from tigerex_services.directory import Directory
from tigerex_services.instruments import MarketInfo

pytestmark = pytest.mark.unit


def event(kind: EventKind, name: str = "", **columns: int) -> list[int]:
    row = np.zeros(EVENT_WIDTH, dtype=np.int64)
    row[Event.KIND] = kind
    row[Event.NAME :] = pack_name(name)
    for column, value in columns.items():
        row[Event[column]] = value
    return list(row)


def some_events() -> Rows:
    return np.array(
        [
            event(EventKind.ASSET_CREATED, "BTC", ASSET=1, VALUE=8),
            event(EventKind.ASSET_CREATED, "USDT", ASSET=2, VALUE=6),
            event(
                EventKind.MARKET_CREATED, "btc-usdt", MARKET=1, ASSET=1, AUX=2, VALUE=10_000,
                ORDER_ID=10_000, PRICE=100_000_000, QUANTITY=1_000_000, AMOUNT=5_000_000,
            ),
            event(EventKind.USER_CREATED, "ada", VALUE=7, ACCOUNT=10),
            event(EventKind.ACCOUNT_CREATED, "main", VALUE=7, ACCOUNT=10, AUX=AccountKind.MAIN),
            event(EventKind.ACCOUNT_CREATED, "bot-1", VALUE=7, ACCOUNT=11, AUX=AccountKind.BOT),
            event(EventKind.EPOCH_ADVANCED, ACCOUNT=11, VALUE=3),
            event(EventKind.TICKED),
            event(EventKind.MARKET_STATE_SET, MARKET=1, VALUE=MarketState.HALTED),
        ]
    )  # fmt: skip


@pytest.fixture
def directory() -> Directory:
    directory = Directory()
    directory.apply(some_events())
    return directory


@pytest.fixture
def market(directory: Directory) -> MarketInfo:
    return directory.market("btc-usdt")


def test_names_and_ids(directory: Directory, market: MarketInfo) -> None:
    assert directory.asset("USDT").asset_id == 2
    assert market.base.code == "BTC"
    assert market.state is MarketState.HALTED
    assert directory.user("ada") == 7
    assert [account.name for account in directory.accounts(7)] == ["main", "bot-1"]
    assert directory.account(11).epoch == 3
    assert directory.account(WORLD_ACCOUNT).kind is AccountKind.SYSTEM
    with pytest.raises(NotFound):
        directory.market("eth-usdt")


def test_prices_and_quantities(market: MarketInfo) -> None:
    assert market.price_to_ticks("60000.1") == 6_000_010
    assert market.ticks_to_price(6_000_010) == "60000.1"
    assert market.quantity_to_lots("0.0001") == 1
    assert market.lots_to_quantity(15_000) == "1.5"
    # 60,000.1 USDT x 1.5 BTC = 90,000.15 USDT
    assert market.notional(6_000_010, 15_000) == 90_000_150_000


@pytest.mark.parametrize(
    ("convert", "text", "allowed"),
    [
        ("price_to_ticks", "1.005", "a multiple of the tick size 0.01"),
        ("price_to_ticks", "1.0000001", "at most 6 decimals"),
        ("quantity_to_lots", "0.00015", "a multiple of the lot size 0.0001"),
    ],
)
def test_too_many_decimals(market: MarketInfo, convert: str, text: str, allowed: str) -> None:
    with pytest.raises(InvalidField) as caught:
        getattr(market, convert)(text)
    assert caught.value.allowed == allowed


def test_messages_give_the_same(directory: Directory, market: MarketInfo) -> None:
    loaded = Directory()
    loaded.load(
        assets=[
            types_pb2.Asset(code="BTC", scale=8, asset_id=1),
            types_pb2.Asset(code="USDT", scale=6, asset_id=2),
        ],
        markets=[
            types_pb2.Market(
                symbol="btc-usdt", base_asset="BTC", quote_asset="USDT", tick_size="0.01",
                lot_size="0.0001", max_price="1000000", max_quantity="100", min_notional="5",
                state=types_pb2.MARKET_STATE_HALTED, market_id=1,
            )
        ],
        accounts=[
            types_pb2.Account(
                account_id=11, user_id=7, user="ada", name="bot-1", epoch=3,
                kind=types_pb2.ACCOUNT_KIND_BOT,
            )
        ],
    )  # fmt: skip
    assert loaded.market("btc-usdt") == market
    assert loaded.account(11) == directory.account(11)


def test_who_starts_without_accounts_passes_their_changes_by() -> None:
    events = np.zeros((3, EVENT_WIDTH), dtype=np.int64)
    events[:, Event.KIND] = (
        EventKind.ACCOUNT_CREATED,
        EventKind.ACCOUNT_SET,
        EventKind.EPOCH_ADVANCED,
    )
    events[:, Event.ACCOUNT] = 5
    events[:, Event.VALUE] = 1
    events[:, Event.AUX] = AccountKind.BOT
    directory = Directory()
    directory.apply(events)
    with pytest.raises(NotFound):
        directory.account(5)
