"""What the caller's accounts did."""

from typing import Annotated

from pydantic import Field

from tigerex_services.gateway.models.accounts import AccountQuery, Fill, Order
from tigerex_services.gateway.models.common import (
    Answer,
    DecimalString,
    Id,
    Symbol,
    Timestamp,
    UnixMillis,
)
from tigerex_services.gateway.models.market import SideName

LIMIT_MAX = 1_000


class PastOrders(Answer):
    orders: list[Order] = Field(description="Oldest first.")


class PastFill(Fill):
    market: Symbol
    order_id: int
    side: SideName = Field(description="The account's.")
    notional: DecimalString = Field(description="Price times quantity, in quote asset.")
    time: Timestamp


class PastFills(Answer):
    fills: list[PastFill] = Field(description="Oldest first.")


class HistoryQuery(AccountQuery):
    market: Symbol
    from_id: Annotated[
        Id, Field(description="Page on with the last id plus one; 0: the newest, or from start_ms.")
    ] = 0
    start_ms: UnixMillis = 0
    end_ms: Annotated[UnixMillis, Field(description="Exclusive; 0: now.")] = 0
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = 500


class FillsQuery(HistoryQuery):
    order_id: Annotated[Id, Field(description="Of this order only; 0: of all.")] = 0
