"""Command rows as bytes: one builder for each kind of command.

A row is built once and joined with others into a batch, so bytes are cheaper than arrays here.
The host stamps TIME_NS when it closes the batch.
"""

import struct

from tigerex_core.records import COMMAND_WIDTH, NAME_BYTES, Command, CommandKind, MarketLimit

ROW_BYTES = COMMAND_WIDTH * 8
REQUEST_ID_BYTES = 16
NO_REQUEST = bytes(REQUEST_ID_BYTES)

_ROW = struct.Struct(f"<{Command.NAME}q{NAME_BYTES}s{NAME_BYTES}s{NAME_BYTES}s")
_HALVES = struct.Struct(">qq")


def split_id(value: bytes) -> tuple[int, int]:
    """The two big-endian int64 halves of a 16-byte id."""
    high, low = _HALVES.unpack(value)
    return high, low


def join_id(high: int, low: int) -> bytes:
    """The 16-byte id of two halves."""
    return _HALVES.pack(high, low)


def _row(
    kind: CommandKind,
    request_id: bytes,
    *,
    account: int = 0,
    epoch: int = 0,
    market: int = 0,
    order_id: int = 0,
    side: int = 0,
    order_type: int = 0,
    time_in_force: int = 0,
    post_only: int = 0,
    price: int = 0,
    quantity: int = 0,
    asset: int = 0,
    amount: int = 0,
    to_account: int = 0,
    value: int = 0,
    aux: int = 0,
    stop_price: int = 0,
    trailing: int = 0,
    display: int = 0,
    expire_ns: int = 0,
    self_trade: int = 0,
    name: str = "",
    other_name: str = "",
    list_name: str = "",
) -> bytes:
    high, low = _HALVES.unpack(request_id)
    return _ROW.pack(
        kind, 0, high, low, account, epoch, market, order_id, side, order_type, time_in_force,
        post_only, price, quantity, asset, amount, to_account, value, aux, stop_price, trailing,
        display, expire_ns, self_trade, name.encode("ascii"), other_name.encode("ascii"),
        list_name.encode("ascii"),
    )  # fmt: skip


TICK = _row(CommandKind.TICK, NO_REQUEST)


def create_asset(request_id: bytes, code: str, scale: int) -> bytes:
    return _row(CommandKind.CREATE_ASSET, request_id, name=code, value=scale)


def create_market(
    request_id: bytes,
    symbol: str,
    *,
    base: int,
    quote: int,
    tick: int,
    lot: int,
    max_price: int,
    max_quantity: int,
    min_notional: int,
) -> bytes:
    """Tick in quote units per whole base, lot in base units, limits in ticks, lots, quote units."""
    return _row(
        CommandKind.CREATE_MARKET,
        request_id,
        name=symbol,
        asset=base,
        aux=quote,
        value=tick,
        order_id=lot,
        price=max_price,
        quantity=max_quantity,
        amount=min_notional,
    )


def set_market_state(request_id: bytes, market: int, state: int) -> bytes:
    return _row(CommandKind.SET_MARKET_STATE, request_id, market=market, value=state)


def set_market_limit(request_id: bytes, market: int, limit: MarketLimit, amount: int) -> bytes:
    return _row(CommandKind.SET_MARKET_LIMIT, request_id, market=market, value=limit, amount=amount)


def set_fee_discount(request_id: bytes, asset: int, discount_ppm: int) -> bytes:
    """The asset in which fees can be paid (0: none) and the share that is then let off."""
    return _row(CommandKind.SET_FEE_DISCOUNT, request_id, asset=asset, amount=discount_ppm)


def set_fee_payment(request_id: bytes, account: int, *, discounted: bool) -> bytes:
    return _row(CommandKind.SET_FEE_PAYMENT, request_id, account=account, value=int(discounted))


def set_account(request_id: bytes, account: int, fee_tier: int, *, frozen: bool) -> bytes:
    return _row(
        CommandKind.SET_ACCOUNT, request_id, account=account, value=fee_tier, aux=int(frozen)
    )


def set_fee_tier(request_id: bytes, tier: int, maker_ppm: int, taker_ppm: int) -> bytes:
    return _row(CommandKind.SET_FEE_TIER, request_id, value=tier, amount=maker_ppm, aux=taker_ppm)


def create_user(request_id: bytes, name: str) -> bytes:
    return _row(CommandKind.CREATE_USER, request_id, name=name)


def create_account(request_id: bytes, user: int, kind: int, name: str) -> bytes:
    return _row(CommandKind.CREATE_ACCOUNT, request_id, value=user, aux=kind, name=name)


def advance_epoch(request_id: bytes, account: int, epoch: int, signal: int) -> bytes:
    return _row(CommandKind.ADVANCE_EPOCH, request_id, account=account, epoch=epoch, value=signal)


def transfer(request_id: bytes, source: int, target: int, asset: int, units: int) -> bytes:
    return _row(
        CommandKind.TRANSFER,
        request_id,
        account=source,
        to_account=target,
        asset=asset,
        amount=units,
    )


def reserve_transfer(
    request_id: bytes, transfer_id: bytes, source: int, target: int, asset: int, units: int
) -> bytes:
    high, low = split_id(transfer_id)
    return _row(
        CommandKind.RESERVE_TRANSFER,
        request_id,
        account=source,
        to_account=target,
        asset=asset,
        amount=units,
        value=high,
        aux=low,
    )


def post_transfer(request_id: bytes, transfer_id: bytes) -> bytes:
    high, low = split_id(transfer_id)
    return _row(CommandKind.POST_TRANSFER, request_id, value=high, aux=low)


def void_transfer(request_id: bytes, transfer_id: bytes) -> bytes:
    high, low = split_id(transfer_id)
    return _row(CommandKind.VOID_TRANSFER, request_id, value=high, aux=low)


def place_order(
    request_id: bytes,
    *,
    account: int,
    epoch: int,
    market: int,
    side: int,
    order_type: int,
    time_in_force: int,
    post_only: bool,
    price: int,
    quantity: int,
    client_order_id: str,
    decided_seq: int,
    amount: int = 0,
    stop_price: int = 0,
    trailing: int = 0,
    display: int = 0,
    expire_ns: int = 0,
    self_trade: int = 0,
) -> bytes:
    """Price (0 for an order at market) and stop price in ticks, quantity and display in lots,
    amount in quote units (then quantity is 0), trailing in basis points.
    """
    high, low = _HALVES.unpack(request_id)
    # The most frequent command: packed without the detour over `_row`.
    return _ROW.pack(
        CommandKind.PLACE_ORDER, 0, high, low, account, epoch, market, 0, side, order_type,
        time_in_force, post_only, price, quantity, 0, amount, 0, 0, decided_seq, stop_price,
        trailing, display, expire_ns, self_trade, client_order_id.encode("ascii"), b"", b"",
    )  # fmt: skip


def place_oco(
    request_id: bytes,
    *,
    account: int,
    epoch: int,
    market: int,
    side: int,
    quantity: int,
    price: int,
    display: int,
    client_order_id: str,
    stop_price: int,
    stop_limit_price: int,
    trailing: int,
    stop_client_order_id: str,
    client_list_id: str,
    self_trade: int,
    decided_seq: int,
) -> bytes:
    """Prices in ticks (`stop_limit_price` 0: a stop at market), quantities in lots."""
    return _row(
        CommandKind.PLACE_OCO,
        request_id,
        account=account,
        epoch=epoch,
        market=market,
        side=side,
        price=price,
        quantity=quantity,
        amount=stop_limit_price,
        aux=decided_seq,
        stop_price=stop_price,
        trailing=trailing,
        display=display,
        self_trade=self_trade,
        name=client_order_id,
        other_name=stop_client_order_id,
        list_name=client_list_id,
    )


def cancel_order(
    request_id: bytes, *, account: int, epoch: int, market: int, order_id: int, client_order_id: str
) -> bytes:
    """By order id, or by client order id where the order id is 0."""
    return _row(
        CommandKind.CANCEL_ORDER,
        request_id,
        account=account,
        epoch=epoch,
        market=market,
        order_id=order_id,
        name="" if order_id else client_order_id,
    )


def amend_order(
    request_id: bytes,
    *,
    account: int,
    epoch: int,
    market: int,
    order_id: int,
    client_order_id: str,
    quantity: int,
) -> bytes:
    """As `cancel_order`; the new quantity in lots, what is filled included."""
    return _row(
        CommandKind.AMEND_ORDER,
        request_id,
        account=account,
        epoch=epoch,
        market=market,
        order_id=order_id,
        quantity=quantity,
        name="" if order_id else client_order_id,
    )


def cancel_all(request_id: bytes, *, account: int, epoch: int, market: int) -> bytes:
    """The oldest open orders of an account in a market; account 0: of everybody."""
    return _row(CommandKind.CANCEL_ALL, request_id, account=account, epoch=epoch, market=market)
