"""Orders and fills as rows of their tables, and back."""

from collections.abc import Mapping
from typing import Any

from tigerex_core.order_life import CLOSED, OrderState
from tigerex_services.history.fold import KeptFill, KeptOrder
from tigerex_services.order_records import NO_TERMS, FillRecord, OrderRecord, Terms

# Names and types as the tables have them, in the order of the functions below.
ORDER_COLUMNS: Mapping[str, str] = {
    "account_id": "bigint",
    "market_id": "bigint",
    "order_id": "bigint",
    "ended_ns": "bigint",
    "created_ns": "bigint",
    "updated_ns": "bigint",
    "client_order_id": "text",
    "side": "smallint",
    "order_type": "smallint",
    "time_in_force": "smallint",
    "post_only": "boolean",
    "price": "bigint",
    "quantity": "bigint",
    "stop_price": "bigint",
    "trailing_bps": "bigint",
    "display": "bigint",
    "amount": "bigint",
    "expire_ns": "bigint",
    "self_trade": "smallint",
    "list_id": "bigint",
    "client_list_id": "text",
    "status": "smallint",
    "filled": "bigint",
    "filled_notional": "bigint",
    "prevented": "bigint",
    "visible": "bigint",
    "amendments": "bigint",
    "triggered_ns": "bigint",
    "triggered_price": "bigint",
    "end_reason": "smallint",
}
FILL_COLUMNS: Mapping[str, str] = {
    "account_id": "bigint",
    "market_id": "bigint",
    "trade_id": "bigint",
    "maker": "boolean",
    "time_ns": "bigint",
    "order_id": "bigint",
    "side": "smallint",
    "price": "bigint",
    "quantity": "bigint",
    "notional": "bigint",
    "fee": "bigint",
    "fee_asset": "bigint",
    "list_id": "bigint",
}
LIST_COLUMNS: Mapping[str, str] = {
    "account_id": "bigint",
    "list_id": "bigint",
    "market_id": "bigint",
    "client_list_id": "text",
    "limit_id": "bigint",
    "stop_id": "bigint",
    "created_ns": "bigint",
    "ended_ns": "bigint",
}
ORDERS, FILLS, LISTS = map(", ".join, (ORDER_COLUMNS, FILL_COLUMNS, LIST_COLUMNS))
ENDED_AT = list(ORDER_COLUMNS).index("ended_ns")


def order_row(kept: KeptOrder) -> tuple[Any, ...]:
    """The order as it is now."""
    order, terms = kept.record, kept.record.terms
    return (
        order.account,
        order.market,
        order.order_id,
        order.updated_ns if order.status in CLOSED else 0,
        order.created_ns,
        order.updated_ns,
        order.client_order_id,
        order.side,
        order.order_type,
        order.time_in_force,
        order.post_only,
        order.price,
        order.quantity,
        terms.stop_price,
        terms.trailing,
        terms.display,
        terms.amount,
        terms.expire_ns,
        terms.self_trade,
        terms.list_id,
        kept.client_list_id,
        int(order.status),
        order.filled,
        order.filled_notional,
        order.prevented,
        order.visible,
        order.amendments,
        order.triggered_ns,
        order.triggered_price,
        order.end_reason,
    )


def kept_order(**columns: Any) -> KeptOrder:  # noqa: ANN401 - whatever the row has
    """The order of a row."""
    del columns["ended_ns"]
    columns["account"], columns["market"] = columns.pop("account_id"), columns.pop("market_id")
    columns["trailing"] = columns.pop("trailing_bps")
    columns["status"] = OrderState(columns["status"])
    client_list_id = columns.pop("client_list_id")
    terms = Terms(**{name: columns.pop(name) for name in Terms.__slots__})
    record = OrderRecord(terms=NO_TERMS if terms == NO_TERMS else terms, **columns)
    return KeptOrder(record, client_list_id)


def fill_row(kept: KeptFill) -> tuple[object, ...]:
    return *kept.record, kept.list_id


def kept_fill(*columns: Any) -> KeptFill:  # noqa: ANN401 - whatever the row has
    """The fill of a row."""
    *fill, list_id = columns
    return KeptFill(FillRecord(*fill), list_id)
