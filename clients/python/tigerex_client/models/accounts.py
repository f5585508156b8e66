"""Your accounts, balances and orders."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tigerex_client.models.market import Side
from tigerex_client.parsing import UnixNs

AccountKind = Literal["main", "bot", "earn", "escrow", "house", "system"]
OrderStatus = Literal[
    "new", "waiting", "partially-filled", "filled", "canceled", "expired", "expired-in-match"
]
OrderType = Literal[
    "limit", "market", "stop-loss", "stop-loss-limit", "take-profit", "take-profit-limit"
]
TimeInForce = Literal["gtc", "ioc", "fok", "gtd"]


@dataclass(frozen=True, slots=True)
class Balance:
    """`held`: reserved by open orders and pending transfers."""

    asset: str
    available: Decimal
    held: Decimal


@dataclass(frozen=True, slots=True)
class Account:
    account_id: int
    name: str
    kind: AccountKind
    frozen: bool
    balances: tuple[Balance, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """`price` is None for an order at market; `filled_notional` is in quote asset."""

    order_id: int
    client_order_id: str | None
    account_id: int
    market: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    post_only: bool
    price: Decimal | None
    quantity: Decimal
    filled_quantity: Decimal
    filled_notional: Decimal
    status: OrderStatus
    created_at_ns: UnixNs | None


@dataclass(frozen=True, slots=True)
class Fill:
    trade_id: int
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool


@dataclass(frozen=True, slots=True)
class PastFill:
    """`side` is the account's; `notional` is price times quantity, in quote asset."""

    trade_id: int
    order_id: int
    market: str
    side: Side
    price: Decimal
    quantity: Decimal
    notional: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool
    time_ns: UnixNs


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """With what it traded at once; journal entry `seq` holds it."""

    order: Order
    fills: tuple[Fill, ...]
    seq: int
    time_ns: UnixNs


@dataclass(frozen=True, slots=True)
class CanceledOrder:
    order: Order
    seq: int
    time_ns: UnixNs


@dataclass(frozen=True, slots=True)
class Orders:
    """Open orders as of journal entry `seq`."""

    orders: tuple[Order, ...]
    seq: int
