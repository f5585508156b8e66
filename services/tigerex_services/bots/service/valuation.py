"""What bots are worth: at the market's last price, kept for a moment, or as of their end."""

from contextlib import suppress
from decimal import Decimal
from typing import Final

from tigerex_platform.clock import Clock, SystemClock
from tigerex_platform.errors import TigerExError
from tigerex_services.bots.accounting import Valuation, value_at
from tigerex_services.bots.exchange_client import ExchangeClient
from tigerex_services.bots.model import BotRow

PRICES_KEPT_S: Final = 2.0


class LastPrices:
    """The markets' last prices, asked for at most every two seconds; old ones while it is away."""

    def __init__(self, exchange: ExchangeClient, clock: Clock | None = None) -> None:
        self._exchange = exchange
        self._clock = clock or SystemClock()
        self._prices: dict[str, Decimal] = {}
        self._asked_s = float("-inf")

    async def get(self) -> dict[str, Decimal]:
        """Price by symbol; without those markets that had no trade yet."""
        now_s = self._clock.monotonic_s()
        if now_s - self._asked_s > PRICES_KEPT_S:
            self._asked_s = now_s
            # A display's figure: the last known price is better than none.
            with suppress(TigerExError):
                self._prices = await self._exchange.last_prices()
        return self._prices


def valuation_of(bot: BotRow, price: Decimal | None) -> Valuation:
    """The bot's value at a price; a run that is over keeps the price of its end."""
    return value_at(
        bot.close_price if bot.close_price is not None else price,
        cash=bot.cash,
        base=bot.position_base,
        cost=bot.position_cost,
        investment=bot.investment,
        past_profit=bot.past_profit,
        peak_value=bot.peak_value,
        max_drawdown=bot.max_drawdown,
    )
