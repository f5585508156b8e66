"""The caller's accounts, balances and orders."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tigerex_services.gateway.models.common import (
    CLIENT_ORDER_ID_PATTERN,
    AccountName,
    Answer,
    Body,
    DecimalString,
    Query,
    Symbol,
    Timestamp,
)
from tigerex_services.gateway.models.market import SideName

OrderStatusName = Literal[
    "new",
    "waiting",
    "partially-filled",
    "filled",
    "canceled",
    "expired",
    "expired-in-match",
]
OrderTypeName = Literal[
    "limit", "market", "stop-loss", "stop-loss-limit", "take-profit", "take-profit-limit"
]
TimeInForceName = Literal["gtc", "ioc", "fok", "gtd"]
AccountKindName = Literal["main", "bot", "earn", "escrow", "house", "system"]

ClientOrderId = Annotated[
    str,
    StringConstraints(pattern=CLIENT_ORDER_ID_PATTERN),
    Field(
        description="Your own name for the order: 1 to 40 printable ASCII characters, "
        "unique among the account's open orders.",
        examples=["my-order-1"],
    ),
]


class Balance(Answer):
    asset: str = Field(examples=["USDT"])
    available: str = Field(description="Decimal string; free to use.", examples=["1000.5"])
    held: str = Field(
        description="Decimal string; reserved by open orders and pending transfers.",
        examples=["0"],
    )


class Account(Answer):
    account_id: int
    name: str = Field(examples=["main"])
    kind: AccountKindName
    frozen: bool
    balances: list[Balance]


class Accounts(Answer):
    accounts: list[Account]


class Order(Answer):
    order_id: int
    client_order_id: str | None
    account_id: int
    market: Symbol
    side: SideName
    type: OrderTypeName
    time_in_force: TimeInForceName
    post_only: bool
    price: DecimalString | None = Field(description="Null for an order at market.")
    quantity: DecimalString
    filled_quantity: DecimalString
    filled_notional: DecimalString = Field(
        description="Sum of price times quantity over the fills, in quote asset."
    )
    status: OrderStatusName
    created_at: Timestamp | None


class Fill(Answer):
    trade_id: int
    price: DecimalString
    quantity: DecimalString
    fee: DecimalString
    fee_asset: str
    maker: bool


class PlacedOrder(Answer):
    order: Order
    fills: list[Fill]
    seq: int = Field(description="Journal entry that holds the order.")
    time: Timestamp


class CanceledOrder(Answer):
    order: Order
    seq: int
    time: Timestamp


class Orders(Answer):
    orders: list[Order]
    seq: int = Field(description="Journal entry that the list reflects.")


class NewOrder(Body):
    market: Symbol
    side: SideName
    type: Literal["limit", "market"] = "limit"
    time_in_force: Literal["gtc", "ioc"] | None = Field(
        default=None, description="Limit orders: gtc when absent. Market orders: ioc."
    )
    post_only: bool = Field(default=False, description="Refused rather than matched at once.")
    price: DecimalString | None = Field(
        default=None, description="In quote asset; for limit orders.", examples=["60000.00"]
    )
    quantity: DecimalString = Field(description="In base asset.", examples=["0.001"])
    client_order_id: ClientOrderId | None = None
    account: AccountName = "main"


class AccountQuery(Query):
    account: AccountName = "main"


class OrdersQuery(AccountQuery):
    market: Symbol | None = None
