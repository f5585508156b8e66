"""A market's limits as the filters of Binance's exchangeInfo."""

from tigerex.exchange.v1 import types_pb2

from tigerex_services.gateway.binance.orders import Json, decimal

ICEBERG_PARTS_MAX = 100
TRAILING_BPS = (1, 9_999)
NO_LIMIT = ("", "0")
UNBOUNDED = "9223372036854775807"
ORDERS_MAX = 2**31 - 1  # where the market has no limit
MULTIPLIERS = (
    "bid_multiplier_up",
    "bid_multiplier_down",
    "ask_multiplier_up",
    "ask_multiplier_down",
)


def filters(market: types_pb2.Market) -> list[Json]:
    """Every filter that the market has."""
    limits = market.limits
    found: list[Json] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": decimal(limits.min_price or market.tick_size),
            "maxPrice": decimal(market.max_price),
            "tickSize": decimal(market.tick_size),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": decimal(limits.min_quantity or market.lot_size),
            "maxQty": decimal(market.max_quantity),
            "stepSize": decimal(market.lot_size),
        },
        {"filterType": "ICEBERG_PARTS", "limit": ICEBERG_PARTS_MAX},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": decimal(limits.min_quantity or market.lot_size),
            "maxQty": decimal(_or(limits.max_market_quantity, market.max_quantity)),
            "stepSize": decimal(market.lot_size),
        },
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": TRAILING_BPS[0],
            "maxTrailingAboveDelta": TRAILING_BPS[1],
            "minTrailingBelowDelta": TRAILING_BPS[0],
            "maxTrailingBelowDelta": TRAILING_BPS[1],
        },
        _notional(limits),
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": limits.max_orders or ORDERS_MAX},
        {
            "filterType": "MAX_NUM_ALGO_ORDERS",
            "maxNumAlgoOrders": limits.max_stop_orders or ORDERS_MAX,
        },
    ]
    if any(getattr(limits, name) not in NO_LIMIT for name in MULTIPLIERS):
        found.append(_percent_price(limits))
    if limits.max_iceberg_orders:
        found.append(
            {
                "filterType": "MAX_NUM_ICEBERG_ORDERS",
                "maxNumIcebergOrders": limits.max_iceberg_orders,
            }
        )
    if limits.max_position not in NO_LIMIT:
        found.append({"filterType": "MAX_POSITION", "maxPosition": decimal(limits.max_position)})
    return found


def _notional(limits: types_pb2.MarketLimits) -> Json:
    at_market = limits.notional_of_market_orders
    return {
        "filterType": "NOTIONAL",
        "minNotional": decimal(limits.min_notional),
        "applyMinToMarket": at_market,
        "maxNotional": decimal(_or(limits.max_notional, UNBOUNDED)),
        "applyMaxToMarket": at_market,
        "avgPriceMins": 0,  # by the last price
    }


def _percent_price(limits: types_pb2.MarketLimits) -> Json:
    return {
        "filterType": "PERCENT_PRICE_BY_SIDE",
        "bidMultiplierUp": _or(limits.bid_multiplier_up, UNBOUNDED),
        "bidMultiplierDown": limits.bid_multiplier_down or "0",
        "askMultiplierUp": _or(limits.ask_multiplier_up, UNBOUNDED),
        "askMultiplierDown": limits.ask_multiplier_down or "0",
        "avgPriceMins": 0,
    }


def _or(limit: str, otherwise: str) -> str:
    """The limit, or what holds where there is none."""
    return otherwise if limit in NO_LIMIT else limit
