"""Checks that requests of several services share; each names field, value and what is allowed."""

import re

from tigerex_platform.errors import InvalidField
from tigerex_services.exchange.commands import NO_REQUEST, REQUEST_ID_BYTES
from tigerex_services.instruments import AssetInfo

USER_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
ACCOUNT_NAME = USER_NAME
ASSET_CODE = re.compile(r"[A-Z0-9]{1,16}")
SYMBOL = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
CLIENT_ORDER_ID = re.compile(r"[!-~]{0,40}")
REASON_CHARACTERS_MAX = 500
LABEL_CHARACTERS_MAX = 100

NAME_ALLOWED = "1 to 40 of a-z, 0-9, '-', '_' and '.', starting with a letter or a digit"


def request_id(value: bytes) -> bytes:
    return sixteen_bytes("request_id", value)


def sixteen_bytes(field: str, value: bytes) -> bytes:
    if len(value) != REQUEST_ID_BYTES or value == NO_REQUEST:
        raise InvalidField(field, value.hex(), f"{REQUEST_ID_BYTES} bytes, not all zero")
    return value


def match(field: str, value: str, pattern: re.Pattern[str], allowed: str) -> str:
    if not pattern.fullmatch(value):
        raise InvalidField(field, value, allowed)
    return value


def client_order_id(value: str, field: str = "client_order_id") -> str:
    return match(field, value, CLIENT_ORDER_ID, "at most 40 printable ASCII characters, no space")


def text(field: str, value: str, most: int, *, required: bool) -> str:
    if len(value) > most or (required and not value.strip()):
        raise InvalidField(field, value, f"{'1' if required else '0'} to {most} characters")
    return value


def within(field: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise InvalidField(field, value, f"{least} to {most}")
    return value


def positive_amount(asset: AssetInfo, amount: str, field: str = "amount") -> int:
    """Units of an amount that must be greater than zero."""
    units = asset.to_units(amount, field)
    if units == 0:
        raise InvalidField(field, amount, "greater than zero")
    return units
