"""Keeps fills, each once, and the position that they add up to."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from tigerex_services.bots.accounting import ZERO, Position
from tigerex_services.bots.storage.database import Connection, one, several


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill of a bot's order, as it is reported.

    `base_fee` and `quote_fee` are what the fee took from the investment: one of them or none.
    """

    trade_id: int
    order_id: int
    symbol: str
    side: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    base_fee: Decimal
    quote_fee: Decimal
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KeptTrade:
    """A fill with its profit, in quote asset."""

    trade_id: int
    order_id: int
    symbol: str
    side: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    created_at: datetime
    profit_loss: Decimal


@dataclass(frozen=True, slots=True)
class _Figures:
    cash: Decimal
    position_base: Decimal
    position_cost: Decimal
    total_profit: Decimal
    closing_trades: int
    winning_trades: int


class TradeStorage:
    """Rows of bot_trades."""

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool

    async def record(self, bot_id: UUID, trades: list[Trade]) -> int:
        """Keep fills in the order in which they happened; returns how many were new.

        Fills of a bot that is gone are nobody's: 0.
        """
        async with self._pool.connection() as connection, connection.transaction():
            return await record_trades(connection, bot_id, trades)

    async def page(self, bot_id: UUID, before_trade_id: int, limit: int) -> list[KeptTrade]:
        """Fills older than a trade id (0: all), newest first."""
        async with self._pool.connection() as connection:
            return await several(
                connection,
                KeptTrade,
                "SELECT trade_id, order_id, symbol, side, price, quantity, fee, fee_asset,"
                " created_at, profit_loss FROM bot_trades"
                " WHERE bot_id = %s AND (%s = 0 OR trade_id < %s)"
                " ORDER BY trade_id DESC, order_id DESC LIMIT %s",
                bot_id,
                before_trade_id,
                before_trade_id,
                limit,
            )


async def record_trades(connection: Connection, bot_id: UUID, trades: list[Trade]) -> int:
    """As TradeStorage.record, in the caller's transaction."""
    figures = await one(
        connection,
        _Figures,
        "SELECT cash, position_base, position_cost, total_profit, closing_trades, winning_trades"
        " FROM trading_bots WHERE id = %s FOR UPDATE",
        bot_id,
    )
    if figures is None:
        return 0
    fresh = await _unknown(connection, bot_id, trades)
    position = Position(
        figures.cash,
        figures.position_base,
        figures.position_cost,
        figures.total_profit,
        figures.closing_trades,
        figures.winning_trades,
    )
    rows = []
    for trade in fresh:
        profit = ZERO
        fees = {"base_fee": trade.base_fee, "quote_fee": trade.quote_fee}
        if trade.side == "buy":
            position = position.buy(trade.price, trade.quantity, **fees)
        else:
            position, profit = position.sell(trade.price, trade.quantity, **fees)
        rows.append(
            (
                bot_id,
                trade.trade_id,
                trade.order_id,
                trade.symbol,
                trade.side,
                trade.price,
                trade.quantity,
                profit,
                trade.fee,
                trade.fee_asset,
                trade.created_at,
            )
        )
    if not rows:
        return 0
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO bot_trades (bot_id, trade_id, order_id, symbol, side, price, quantity,"
            " profit_loss, fee, fee_asset, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            rows,
        )
    await connection.execute(
        "UPDATE trading_bots SET cash = %s, position_base = %s, position_cost = %s,"
        " total_profit = %s, closing_trades = %s, winning_trades = %s, win_rate = %s,"
        " total_trades = total_trades + %s, updated_at = now() WHERE id = %s",
        (
            position.cash,
            position.base,
            position.cost,
            position.profit,
            position.closing_trades,
            position.winning_trades,
            position.win_rate,
            len(rows),
            bot_id,
        ),
    )
    return len(rows)


async def _unknown(connection: Connection, bot_id: UUID, trades: list[Trade]) -> list[Trade]:
    """Those that are not kept yet; the bot's row is locked, so nobody else adds any."""
    cursor = await connection.execute(
        "SELECT trade_id, order_id FROM bot_trades WHERE bot_id = %s AND trade_id = ANY(%s)",
        (bot_id, [t.trade_id for t in trades]),
    )
    seen = {(int(row[0]), int(row[1])) for row in await cursor.fetchall()}
    fresh = []
    for trade in trades:
        key = (trade.trade_id, trade.order_id)
        if key not in seen:
            seen.add(key)
            fresh.append(trade)
    return fresh
