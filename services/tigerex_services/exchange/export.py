"""Journal entries for people and other programs: commands and events by name, in decimals.

One JSON object a command or event. A column whose meaning depends on the kind in a way that no
reader would guess stays a number, under the name that `records` explains.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

import numpy as np

from tigerex_core.records import (
    COMMAND_WIDTH,
    NAME_WORDS,
    Command,
    CommandKind,
    Event,
    EventKind,
    OrderType,
    Reason,
    Rows,
    Side,
    TimeInForce,
    unpack_name,
)
from tigerex_services.directory import Directory
from tigerex_services.exchange.entry import JournalEntry
from tigerex_services.instruments import MarketInfo
from tigerex_services.stream import FIRST_VERSION, rows_of

FIRST_COMMAND_WIDTH = 24  # of kernel version 1

_NAMES = ("NAME", "OTHER_NAME", "LIST_NAME")
_ENUMS: dict[str, type[IntEnum]] = {
    "SIDE": Side,
    "ORDER_TYPE": OrderType,
    "TIME_IN_FORCE": TimeInForce,
    "REASON": Reason,
}
_ACCOUNTS = ("ACCOUNT", "OTHER_ACCOUNT", "TO_ACCOUNT")
_ASSETS = ("ASSET", "OTHER_ASSET")
_PRICES = ("PRICE", "STOP_PRICE")
_LOTS = ("QUANTITY", "REMAINING", "VISIBLE", "DISPLAY")
_OF_ORDERS = {
    *(CommandKind.PLACE_ORDER, CommandKind.AMEND_ORDER, CommandKind.PLACE_OCO),
}
_OF_TRADES = {EventKind.TRADED, EventKind.SELF_TRADE_PREVENTED}
_EVENTS_OF_ORDERS = {
    *_OF_TRADES,
    *(EventKind.ORDER_ACCEPTED, EventKind.ORDER_RESTED, EventKind.ORDER_EXPIRED),
    *(EventKind.ORDER_CANCELED, EventKind.ORDER_TRIGGERED, EventKind.ORDER_AMENDED),
    EventKind.ORDER_FILLED,
}
_MONEY = {
    *(EventKind.TRANSFERRED, EventKind.TRANSFER_RESERVED, EventKind.TRANSFER_POSTED),
    *(EventKind.TRANSFER_VOIDED, EventKind.ORDER_ACCEPTED),
}
_MONEY_COMMANDS = {CommandKind.TRANSFER, CommandKind.RESERVE_TRANSFER}


def command_rows(entry: JournalEntry) -> Rows:
    """The commands of an entry in today's columns."""
    words = np.frombuffer(entry.commands, dtype="<i8")
    if entry.kernel_version != FIRST_VERSION:
        return words.reshape(-1, COMMAND_WIDTH)
    old = words.reshape(-1, FIRST_COMMAND_WIDTH)
    rows = np.zeros((len(old), COMMAND_WIDTH), np.int64)
    rows[:, : Command.STOP_PRICE] = old[:, : Command.STOP_PRICE]
    rows[:, Command.NAME : Command.NAME + NAME_WORDS] = old[:, Command.STOP_PRICE :]
    return rows


def export_entry(entry: JournalEntry, directory: Directory) -> Iterator[dict[str, Any]]:
    """Its commands, each followed by its events; the directory hears of the names on the way."""
    events = rows_of(entry.events, entry.kernel_version)
    directory.apply(events)
    about = {
        "seq": entry.seq,
        "time": datetime.fromtimestamp(entry.time_ns / 1e9, UTC).isoformat(),
        "kernel_version": entry.kernel_version,
    }
    causes = events[:, Event.COMMAND]
    for at, command in enumerate(command_rows(entry)):
        yield about | {"command": _command(command, directory)}
        for event in events[causes == at]:
            yield about | {"event": _event(event, directory)}


def _command(row: Rows, directory: Directory) -> dict[str, Any]:
    kind = int(row[Command.KIND])
    told = _columns(row, Command, _kind(CommandKind, kind), directory)
    market = _market(directory, int(row[Command.MARKET]))
    if market and kind in _OF_ORDERS:
        _in_decimals(told, row, Command, market)
    if kind in _MONEY_COMMANDS:
        _amount(told, "amount", row[Command.ASSET], row[Command.AMOUNT], directory)
    return told


def _event(row: Rows, directory: Directory) -> dict[str, Any]:
    kind = int(row[Event.KIND])
    told = _columns(row, Event, _kind(EventKind, kind), directory)
    market = _market(directory, int(row[Event.MARKET]))
    if market and kind in _EVENTS_OF_ORDERS:
        _in_decimals(told, row, Event, market)
    if kind in _MONEY:
        _amount(told, "amount", row[Event.ASSET], row[Event.AMOUNT], directory)
    if market and kind in _OF_TRADES:
        told["amount"] = market.quote.from_units(int(row[Event.AMOUNT]))
        buys = row[Event.SIDE] == Side.BUY
        received = (market.base, market.quote) if buys else (market.quote, market.base)
        taker, maker = (asset.asset_id for asset in received)
        _amount(told, "fee", row[Event.ASSET] or taker, row[Event.FEE], directory)
        if kind == EventKind.TRADED:
            told.pop("value", None)
            owed = row[Event.OTHER_ASSET] or maker
            _amount(told, "maker_fee", owed, row[Event.VALUE], directory)
    return told


def _columns(row: Rows, columns: type[IntEnum], kind: str, directory: Directory) -> dict[str, Any]:
    """What is not zero, by the columns' names."""
    told: dict[str, Any] = {"kind": kind}
    for column in columns:
        name, value = column.name, int(row[column])
        if name in ("KIND", "TIME_NS", "COMMAND") or not value:
            continue
        told[name.lower()] = value
        if name in _NAMES:
            told[name.lower()] = _name(row[column : column + NAME_WORDS])
        elif name in _ENUMS:
            told[name.lower()] = _kind(_ENUMS[name], value)
        elif name in _ACCOUNTS:
            told[name.lower()] = account_name(directory, value)
        elif name in _ASSETS:
            told[name.lower()] = asset_code(directory, value)
        elif name == "MARKET" and (market := _market(directory, value)):
            told["market"] = market.symbol
    return told


def _in_decimals(
    told: dict[str, Any], row: Rows, columns: type[IntEnum], market: MarketInfo
) -> None:
    for name, column in columns.__members__.items():
        value = int(row[column])
        if value and name in _PRICES:
            told[name.lower()] = market.ticks_to_price(value)
        elif value and name in _LOTS:
            told[name.lower()] = market.lots_to_quantity(value)


def _amount(
    told: dict[str, Any], name: str, asset_id: int, units: int, directory: Directory
) -> None:
    for asset in directory.assets():
        if asset.asset_id == asset_id and units:
            told[name] = f"{asset.from_units(int(units))} {asset.code}"


def account_name(directory: Directory, account_id: int) -> str | int:
    """`user/account`, the name of a system's account, or the id of an unknown one."""
    account = directory.find_account(account_id)
    if account is None:
        return account_id
    return f"{account.user}/{account.name}" if account.user else account.name


def asset_code(directory: Directory, asset_id: int) -> str | int:
    """Its code, or the id of an unknown one."""
    return next((a.code for a in directory.assets() if a.asset_id == asset_id), asset_id)


def _market(directory: Directory, market_id: int) -> MarketInfo | None:
    return next((m for m in directory.markets() if m.market_id == market_id), None)


def _kind(kinds: type[IntEnum], value: int) -> str:
    return kinds(value).name if value in set(kinds) else str(value)


def _name(words: Rows) -> str:
    """A name; of a rejected command it can be anything."""
    try:
        return unpack_name(words)
    except UnicodeDecodeError:
        return words.astype("<i8").tobytes().hex()
