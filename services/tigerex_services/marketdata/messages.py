"""From the fold's integers to messages with decimal strings."""

from collections.abc import Sequence

from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_core.records import Side
from tigerex_services.instruments import MarketInfo
from tigerex_services.marketdata.aggregates import AggregateTrade
from tigerex_services.marketdata.book import Book, Changes
from tigerex_services.marketdata.candles import Candle, Statistics, Trade

SIDE_NAME = {Side.BUY: "buy", Side.SELL: "sell"}


def trade_message(trade: Trade, market: MarketInfo) -> pb.Trade:
    return pb.Trade(
        market=market.symbol,
        trade_id=trade.trade_id,
        price=market.ticks_to_price(trade.price),
        quantity=market.lots_to_quantity(trade.quantity),
        taker_side=SIDE_NAME[Side(trade.taker_side)],
        time_ns=trade.time_ns,
    )


def aggregate_message(aggregate: AggregateTrade, market: MarketInfo) -> pb.AggregateTrade:
    return pb.AggregateTrade(
        market=market.symbol,
        aggregate_id=aggregate.aggregate_id,
        price=market.ticks_to_price(aggregate.price),
        quantity=market.lots_to_quantity(aggregate.quantity),
        first_trade_id=aggregate.first_trade_id,
        last_trade_id=aggregate.last_trade_id,
        taker_side=SIDE_NAME[Side(aggregate.taker_side)],
        time_ns=aggregate.time_ns,
    )


def candle_message(
    candle: Candle, market: MarketInfo, interval: pb.CandleInterval.ValueType, now_ns: int
) -> pb.Candle:
    price, quantity = market.ticks_to_price, market.lots_to_quantity
    amount = market.quote.from_units
    return pb.Candle(
        market=market.symbol,
        interval=interval,
        open_time_ns=candle.open_time_ns,
        open=price(candle.open),
        high=price(candle.high),
        low=price(candle.low),
        close=price(candle.close),
        volume=quantity(candle.volume),
        quote_volume=amount(candle.quote_volume),
        trades=candle.trades,
        closed=candle.closed(now_ns),
        taker_buy_volume=quantity(candle.taker_volume),
        taker_buy_quote_volume=amount(candle.taker_quote_volume),
        end_time_ns=candle.end_time_ns,
        last_trade_id=candle.last_trade_id,
    )


def statistics_message(of: Statistics, market: MarketInfo) -> pb.Statistics:
    found = pb.Statistics(
        market=market.symbol,
        open_time_ns=of.start_ns,
        close_time_ns=of.end_ns,
        volume="0",
        quote_volume="0",
    )
    if of.previous_close is not None:
        found.previous_close = market.ticks_to_price(of.previous_close)
    if of.last_quantity is not None:
        found.last_quantity = market.lots_to_quantity(of.last_quantity)
    if (candle := of.candle) is not None:
        found.open = market.ticks_to_price(candle.open)
        found.high = market.ticks_to_price(candle.high)
        found.low = market.ticks_to_price(candle.low)
        found.last = market.ticks_to_price(candle.close)
        found.volume = market.lots_to_quantity(candle.volume)
        found.quote_volume = market.quote.from_units(candle.quote_volume)
        found.trades = candle.trades
        found.first_trade_id = candle.last_trade_id - candle.trades + 1
        found.last_trade_id = candle.last_trade_id
    return found


def top_message(book: Book, market: MarketInfo) -> pb.TopOfBook:
    bid, ask = book.bids.best(), book.asks.best()
    return pb.TopOfBook(
        market=market.symbol,
        bid=_level(bid, market) if bid else None,
        ask=_level(ask, market) if ask else None,
        seq=book.seq,
        time_ns=book.time_ns,
    )


def depth_message(book: Book, market: MarketInfo, levels: int) -> pb.Depth:
    return pb.Depth(
        market=market.symbol,
        bids=_levels(book.bids.levels(levels), market),
        asks=_levels(book.asks.levels(levels), market),
        seq=book.seq,
        time_ns=book.time_ns,
    )


def changes_message(changes: Changes, book: Book, market: MarketInfo) -> pb.BookChanges:
    return pb.BookChanges(
        market=market.symbol,
        first_seq=changes.first_seq,
        last_seq=changes.last_seq,
        time_ns=book.time_ns,
        bids=_levels(changes.bids, market),
        asks=_levels(changes.asks, market),
    )


def _levels(levels: Sequence[tuple[int, int]], market: MarketInfo) -> list[pb.PriceLevel]:
    return [_level(level, market) for level in levels]


def _level(level: tuple[int, int], market: MarketInfo) -> pb.PriceLevel:
    price, lots = level
    return pb.PriceLevel(price=market.ticks_to_price(price), quantity=market.lots_to_quantity(lots))
