"""The fills of a bot in the exchange's events, as messages of the bots contract."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from google.protobuf.timestamp_pb2 import Timestamp
from tigerex.bots.v1 import bots_pb2 as pb

from tigerex_core.records import Event, EventKind, Rows, Side
from tigerex_quant.translate import fee_asset
from tigerex_services.instruments import AssetInfo, MarketInfo

NS_PER_S = 1_000_000_000
ZERO = Decimal(0)


AssetOf = Callable[[int], AssetInfo]
"""The asset of an id; raises KeyError."""


def fills_of(events: Rows, account: int) -> Rows:
    """The rows of a batch in which the account traded."""
    mine = (events[:, Event.ACCOUNT] == account) | (events[:, Event.OTHER_ACCOUNT] == account)
    fills: Rows = events[mine & (events[:, Event.KIND] == EventKind.TRADED)]
    return fills


def bot_trades(
    row: Rows, account: int, market: MarketInfo, asset_of: AssetOf
) -> Iterator[pb.BotTrade]:
    """One message for each side of a TRADED row that is the account's: usually one.

    `asset_of` is asked for the asset of a fee that is none of the market's. Trades in other markets
    are none of the bot's.
    """
    if row[Event.MARKET] != market.market_id:
        return
    if row[Event.OTHER_ACCOUNT] == account:
        yield _trade(row, market, asset_of, maker=True)
    if row[Event.ACCOUNT] == account:
        yield _trade(row, market, asset_of, maker=False)


def fee_assets(fills: Iterable[Rows]) -> set[int]:
    """Ids of the assets that the fees in TRADED rows were paid in."""
    return {int(row[column]) for row in fills for column in (Event.ASSET, Event.OTHER_ASSET)} - {0}


def split_fee(trade: pb.BotTrade, fee: Decimal) -> tuple[Decimal, Decimal]:
    """How much of a fill's fee came out of the base asset, and how much out of the quote asset."""
    if trade.fee_source == pb.FEE_SOURCE_OTHER:
        return ZERO, ZERO
    bought = trade.side == "buy"
    in_base = bought is not (trade.fee_source == pb.FEE_SOURCE_PAID)
    return (fee, ZERO) if in_base else (ZERO, fee)


def _trade(row: Rows, market: MarketInfo, asset_of: AssetOf, *, maker: bool) -> pb.BotTrade:
    taker_side = Side(int(row[Event.SIDE]))
    bought = (taker_side is Side.BUY) is not maker
    received, paid = (market.base, market.quote) if bought else (market.quote, market.base)
    fee_id = fee_asset(row, market.base.asset_id, market.quote.asset_id, maker=maker)
    taken_from = {
        received.asset_id: (received, pb.FEE_SOURCE_RECEIVED),
        paid.asset_id: (paid, pb.FEE_SOURCE_PAID),
    }
    asset, source = taken_from.get(fee_id) or (asset_of(fee_id), pb.FEE_SOURCE_OTHER)
    time_ns = int(row[Event.TIME_NS])
    return pb.BotTrade(
        trade_id=int(row[Event.TRADE_ID]),
        order_id=int(row[Event.OTHER_ORDER if maker else Event.ORDER_ID]),
        market=market.symbol,
        side="buy" if bought else "sell",
        price=market.ticks_to_price(int(row[Event.PRICE])),
        quantity=market.lots_to_quantity(int(row[Event.QUANTITY])),
        fee=asset.from_units(int(row[Event.VALUE if maker else Event.FEE])),
        fee_asset=asset.code,
        fee_source=source,
        at=Timestamp(seconds=time_ns // NS_PER_S, nanos=time_ns % NS_PER_S),
    )
