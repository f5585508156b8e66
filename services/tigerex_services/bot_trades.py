"""The fills of a bot in the exchange's events, as messages of the bots contract."""

from collections.abc import Iterator

from google.protobuf.timestamp_pb2 import Timestamp
from tigerex.bots.v1 import bots_pb2 as pb

from tigerex_core.records import Event, EventKind, Rows, Side
from tigerex_services.directory import MarketInfo

NS_PER_S = 1_000_000_000


def fills_of(events: Rows, account: int) -> Rows:
    """The rows of a batch in which the account traded."""
    mine = (events[:, Event.ACCOUNT] == account) | (events[:, Event.OTHER_ACCOUNT] == account)
    fills: Rows = events[mine & (events[:, Event.KIND] == EventKind.TRADED)]
    return fills


def bot_trades(row: Rows, account: int, market: MarketInfo) -> Iterator[pb.BotTrade]:
    """One message for each side of a TRADED row that is the account's: usually one."""
    if row[Event.OTHER_ACCOUNT] == account:
        yield _trade(row, market, maker=True)
    if row[Event.ACCOUNT] == account:
        yield _trade(row, market, maker=False)


def _trade(row: Rows, market: MarketInfo, *, maker: bool) -> pb.BotTrade:
    taker_side = Side(int(row[Event.SIDE]))
    bought = (taker_side is Side.BUY) is not maker
    received = market.base if bought else market.quote
    time_ns = int(row[Event.TIME_NS])
    return pb.BotTrade(
        trade_id=int(row[Event.TRADE_ID]),
        order_id=int(row[Event.OTHER_ORDER if maker else Event.ORDER_ID]),
        market=market.symbol,
        side="buy" if bought else "sell",
        price=market.ticks_to_price(int(row[Event.PRICE])),
        quantity=market.lots_to_quantity(int(row[Event.QUANTITY])),
        fee=received.from_units(int(row[Event.VALUE if maker else Event.FEE])),
        fee_asset=received.code,
        at=Timestamp(seconds=time_ns // NS_PER_S, nanos=time_ns % NS_PER_S),
    )
