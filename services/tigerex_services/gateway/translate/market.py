"""Market data: protobuf → JSON models."""

from collections.abc import Mapping

from tigerex.exchange.v1 import types_pb2
from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_services.gateway.books import Book, Changes, Level
from tigerex_services.gateway.models import market as model
from tigerex_services.gateway.translate.values import (
    inverse,
    optional,
    optional_time_text,
    time_text,
)

INTERVALS: Mapping[pb.CandleInterval.ValueType, model.Interval] = {
    pb.CANDLE_INTERVAL_1S: "1s",
    pb.CANDLE_INTERVAL_1M: "1m",
    pb.CANDLE_INTERVAL_3M: "3m",
    pb.CANDLE_INTERVAL_5M: "5m",
    pb.CANDLE_INTERVAL_15M: "15m",
    pb.CANDLE_INTERVAL_30M: "30m",
    pb.CANDLE_INTERVAL_1H: "1h",
    pb.CANDLE_INTERVAL_2H: "2h",
    pb.CANDLE_INTERVAL_4H: "4h",
    pb.CANDLE_INTERVAL_6H: "6h",
    pb.CANDLE_INTERVAL_8H: "8h",
    pb.CANDLE_INTERVAL_12H: "12h",
    pb.CANDLE_INTERVAL_1D: "1d",
    pb.CANDLE_INTERVAL_3D: "3d",
    pb.CANDLE_INTERVAL_1W: "1w",
    pb.CANDLE_INTERVAL_1MO: "1M",
}
INTERVAL_NUMBERS = inverse(INTERVALS)

MARKET_STATES: Mapping[types_pb2.MarketState.ValueType, model.MarketStateName] = {
    types_pb2.MARKET_STATE_OPEN: "open",
    types_pb2.MARKET_STATE_HALTED: "halted",
    types_pb2.MARKET_STATE_CANCEL_ONLY: "cancel-only",
    types_pb2.MARKET_STATE_DELISTING: "delisting",
}


SELF_TRADE_MODES: Mapping[types_pb2.SelfTradeMode.ValueType, model.SelfTradeName] = {
    types_pb2.SELF_TRADE_MODE_UNSPECIFIED: "none",
    types_pb2.SELF_TRADE_MODE_NONE: "none",
    types_pb2.SELF_TRADE_MODE_EXPIRE_TAKER: "expire-taker",
    types_pb2.SELF_TRADE_MODE_EXPIRE_MAKER: "expire-maker",
    types_pb2.SELF_TRADE_MODE_EXPIRE_BOTH: "expire-both",
    types_pb2.SELF_TRADE_MODE_DECREMENT: "decrement",
}
NS_PER_S = 1e9
NO_LIMIT = ("", "0")


def side_name(text: str) -> model.SideName:
    """Checks what another service wrote as a plain string."""
    if text == "buy":
        return "buy"
    if text == "sell":
        return "sell"
    raise ValueError(f"an upstream service answered with the side {text!r}")


def market(message: types_pb2.Market) -> model.Market:
    return model.Market(
        symbol=message.symbol,
        base_asset=message.base_asset,
        quote_asset=message.quote_asset,
        tick_size=message.tick_size,
        lot_size=message.lot_size,
        max_price=message.max_price,
        max_quantity=message.max_quantity,
        min_notional=message.min_notional or "0",
        state=MARKET_STATES[message.state],
        halt_reason=optional(message.halt_reason),
        last_price=optional(message.last_price),
        filters=_filters(message.limits) if message.HasField("limits") else None,
        circuit_breaker=_circuit_breaker(message.limits),
        self_trade_prevention=SELF_TRADE_MODES[message.limits.self_trade_mode],
    )


def _filters(limits: types_pb2.MarketLimits) -> model.Filters:
    return model.Filters(
        min_price=limits.min_price,
        min_quantity=limits.min_quantity,
        min_notional=_limit(limits.min_notional),
        max_notional=_limit(limits.max_notional),
        applies_to_market_orders=limits.notional_of_market_orders,
        max_market_quantity=_limit(limits.max_market_quantity),
        max_orders=limits.max_orders or None,
        max_stop_orders=limits.max_stop_orders or None,
        max_iceberg_orders=limits.max_iceberg_orders or None,
        max_position=_limit(limits.max_position),
        bid_multiplier_up=_limit(limits.bid_multiplier_up),
        bid_multiplier_down=_limit(limits.bid_multiplier_down),
        ask_multiplier_up=_limit(limits.ask_multiplier_up),
        ask_multiplier_down=_limit(limits.ask_multiplier_down),
    )


def _circuit_breaker(limits: types_pb2.MarketLimits) -> model.CircuitBreaker | None:
    if limits.breaker_move in NO_LIMIT:
        return None
    seconds = limits.breaker_window_ns / NS_PER_S
    return model.CircuitBreaker(move=limits.breaker_move, window_seconds=seconds)


def _limit(text: str) -> str | None:
    """The exchange says "no limit" with a zero."""
    return None if text in NO_LIMIT else text


def trade(message: pb.Trade) -> model.Trade:
    return model.Trade(
        market=message.market,
        trade_id=message.trade_id,
        price=message.price,
        quantity=message.quantity,
        taker_side=side_name(message.taker_side),
        time=time_text(message.time_ns),
    )


def candle(message: pb.Candle) -> model.Candle:
    return model.Candle(
        market=message.market,
        interval=INTERVALS[message.interval],
        open_time=time_text(message.open_time_ns),
        open=message.open,
        high=message.high,
        low=message.low,
        close=message.close,
        volume=message.volume,
        quote_volume=message.quote_volume,
        trades=message.trades,
        closed=message.closed,
    )


def level(message: pb.PriceLevel) -> model.Level:
    return model.Level(price=message.price, quantity=message.quantity)


def book(message: pb.Depth) -> model.Book:
    return model.Book(
        market=message.market,
        bids=[level(row) for row in message.bids],
        asks=[level(row) for row in message.asks],
        seq=message.seq,
        time=optional_time_text(message.time_ns),
    )


def top(message: pb.TopOfBook) -> model.TopOfBook:
    return model.TopOfBook(
        market=message.market,
        bid=level(message.bid) if message.HasField("bid") else None,
        ask=level(message.ask) if message.HasField("ask") else None,
        seq=message.seq,
        time=optional_time_text(message.time_ns),
    )


def changes(found: Changes) -> model.BookChanges:
    return model.BookChanges(
        market=found.market,
        first_update_id=found.first_seq,
        last_update_id=found.last_seq,
        time=optional_time_text(found.time_ns),
        bids=_levels(found.bids),
        asks=_levels(found.asks),
    )


def book_of(market: str, found: Book, levels: int) -> model.Book:
    return model.Book(
        market=market,
        bids=_levels(found.bids.best(levels)),
        asks=_levels(found.asks.best(levels)),
        seq=found.seq,
        time=optional_time_text(found.time_ns),
    )


def top_of(market: str, found: Book) -> model.TopOfBook:
    bids, asks = _levels(found.bids.best(1)), _levels(found.asks.best(1))
    return model.TopOfBook(
        market=market,
        bid=bids[0] if bids else None,
        ask=asks[0] if asks else None,
        seq=found.seq,
        time=optional_time_text(found.time_ns),
    )


def _levels(levels: list[Level]) -> list[model.Level]:
    return [model.Level(price=price, quantity=quantity) for price, quantity in levels]
