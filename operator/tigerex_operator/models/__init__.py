"""The specs of the three resources as immutable values."""

from tigerex_operator.models.common import API_GROUP, API_VERSION
from tigerex_operator.models.market import MarketSpec
from tigerex_operator.models.tenant import TenantSpec
from tigerex_operator.models.tradingbot import TradingBotSpec

__all__ = ["API_GROUP", "API_VERSION", "MarketSpec", "TenantSpec", "TradingBotSpec"]
