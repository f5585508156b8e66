"""The table of the API: each call once, for the sync and the async client alike."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote, urlencode

from tigerex_client.models import accounts as accounts_model
from tigerex_client.models import bots as bots_model
from tigerex_client.models import market as market_model
from tigerex_client.models.market import Interval, Side
from tigerex_client.parsing import parse, parse_union

T = TypeVar("T")

ATTEMPT_S = 6.0  # the exchange gives up on its own services after 5 s
STOP_ATTEMPT_S = 17.0  # stopping a bot cancels its orders first: up to 15 s


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request and how its answer reads. `idempotency_key`: of a call that changes something."""

    method: str
    target: str
    read: Callable[[object], T]
    body: bytes = b""
    signed: bool = False
    idempotency_key: str | None = None
    attempt_s: float = ATTEMPT_S


def server_time() -> Call[market_model.ServerTime]:
    """The exchange's clock."""
    return Call("GET", "/api/v1/time", _of(market_model.ServerTime))


def markets() -> Call[tuple[market_model.Market, ...]]:
    """Every market with its increments, state and last price."""
    return Call("GET", "/api/v1/markets", _list("markets", market_model.Market))


def market(symbol: str) -> Call[market_model.Market]:
    """One market."""
    return Call("GET", _market(symbol), _of(market_model.Market))


def book(symbol: str, levels: int = 50) -> Call[market_model.Book]:
    """The best levels of both sides, at most 5,000."""
    return Call("GET", _market(symbol, "/book", levels=levels), _of(market_model.Book))


def top(symbol: str) -> Call[market_model.TopOfBook]:
    """Best bid and ask."""
    return Call("GET", _market(symbol, "/top"), _of(market_model.TopOfBook))


def trades(
    symbol: str, *, before: int = 0, limit: int = 100
) -> Call[tuple[market_model.Trade, ...]]:
    """Trades older than the id `before` (0: the newest), newest first, at most 1,000."""
    target = _market(symbol, "/trades", before=before, limit=limit)
    return Call("GET", target, _list("trades", market_model.Trade))


def candles(
    symbol: str,
    interval: Interval = "1m",
    *,
    start_ms: int = 0,
    end_ms: int = 0,
    limit: int = 500,
) -> Call[tuple[market_model.Candle, ...]]:
    """Candles that begin in [start, end) (0: now), the newest at most 1,000 of them, oldest first;
    intervals without a trade are left out.
    """
    target = _market(
        symbol, "/candles", interval=interval, start_ms=start_ms, end_ms=end_ms, limit=limit
    )
    return Call("GET", target, _list("candles", market_model.Candle))


def statistics(symbol: str, minutes: int = 1_440) -> Call[market_model.Statistics]:
    """What happened in the last so many minutes."""
    target = _market(symbol, "/statistics", minutes=minutes)
    return Call("GET", target, _of(market_model.Statistics))


def accounts() -> Call[tuple[accounts_model.Account, ...]]:
    """Your accounts with their balances, the bots' included."""
    return _read("/api/v1/accounts", _list("accounts", accounts_model.Account))


def place_order(
    market: str,
    side: Side,
    quantity: Decimal,
    *,
    price: Decimal | None = None,
    type: Literal["limit", "market"] = "limit",  # noqa: A002 - as the API calls it
    time_in_force: Literal["gtc", "ioc"] | None = None,
    post_only: bool = False,
    client_order_id: str | None = None,
    account: str = "main",
    idempotency_key: str | None = None,
) -> Call[accounts_model.PlacedOrder]:
    """Answered when the journal holds the order, with the fills it found at once."""
    body = {
        "market": market,
        "side": side,
        "type": type,
        "time_in_force": time_in_force,
        "post_only": post_only,
        "price": _decimal_text(price),
        "quantity": _decimal_text(quantity),
        "client_order_id": client_order_id,
        "account": account,
    }
    return _write("POST", "/api/v1/orders", _of(accounts_model.PlacedOrder), idempotency_key, body)


def cancel_order(
    order_id: int, *, account: str = "main", idempotency_key: str | None = None
) -> Call[accounts_model.CanceledOrder]:
    """Takes the rest of the order off the book and releases what it held."""
    target = _target(f"/api/v1/orders/{order_id:d}", account=account)
    return _write("DELETE", target, _of(accounts_model.CanceledOrder), idempotency_key)


def order(order_id: int, *, account: str = "main") -> Call[accounts_model.Order]:
    """One order of one of your accounts."""
    return _read(
        _target(f"/api/v1/orders/{order_id:d}", account=account), _of(accounts_model.Order)
    )


def orders(market: str | None = None, *, account: str = "main") -> Call[accounts_model.Orders]:
    """Open orders of one account, of one market or of all."""
    return _read(
        _target("/api/v1/orders", market=market, account=account), _of(accounts_model.Orders)
    )


def past_orders(
    market: str,
    *,
    account: str = "main",
    from_id: int = 0,
    start_ms: int = 0,
    end_ms: int = 0,
    limit: int = 500,
) -> Call[tuple[accounts_model.Order, ...]]:
    """Orders of any status, oldest first, at most 1,000: from an id or a time on, else the newest;
    a moment after it happened.
    """
    target = _target(
        "/api/v1/history/orders",
        market=market,
        account=account,
        from_id=from_id,
        start_ms=start_ms,
        end_ms=end_ms,
        limit=limit,
    )
    return _read(target, _list("orders", accounts_model.Order))


def past_fills(
    market: str,
    *,
    account: str = "main",
    order_id: int = 0,
    from_id: int = 0,
    start_ms: int = 0,
    end_ms: int = 0,
    limit: int = 500,
) -> Call[tuple[accounts_model.PastFill, ...]]:
    """What an account traded, of one order or (0) of all, oldest first, at most 1,000: from a
    trade's id or a time on, else the newest; a moment after it happened.
    """
    target = _target(
        "/api/v1/history/fills",
        market=market,
        account=account,
        order_id=order_id,
        from_id=from_id,
        start_ms=start_ms,
        end_ms=end_ms,
        limit=limit,
    )
    return _read(target, _list("fills", accounts_model.PastFill))


def bot_types() -> Call[tuple[bots_model.BotType, ...]]:
    """What kinds of bots there are, and what each wants to be told."""
    return _read("/api/v1/bots/types", _list("types", bots_model.BotType))


def create_bot(
    name: str,
    market: str,
    config: bots_model.BotConfig,
    *,
    account: str = "main",
    start: bool = False,
    idempotency_key: str | None = None,
) -> Call[bots_model.Bot]:
    """Creates a bot, and starts it where `start` is true. Money moves at the start, not before."""
    body = _bot_body(name, config) | {"market": market, "account": account, "start": start}
    return _write(
        "POST", "/api/v1/bots/create", _of(bots_model.Bot), idempotency_key, body, STOP_ATTEMPT_S
    )


def bots(*, page_size: int = 100, page_token: str = "") -> Call[bots_model.Bots]:
    """Your bots, page by page."""
    target = _target("/api/v1/bots/list", page_size=page_size, page_token=page_token or None)
    return _read(target, _of(bots_model.Bots))


def bot(bot_id: str) -> Call[bots_model.Bot]:
    """One bot with its configuration, status and performance."""
    return _read(_bot(bot_id), _of(bots_model.Bot))


def change_bot(
    bot_id: str, name: str, config: bots_model.BotConfig, *, idempotency_key: str | None = None
) -> Call[bots_model.Bot]:
    """Replaces name and configuration; market and account stay."""
    return _write(
        "PUT",
        _bot(bot_id),
        _of(bots_model.Bot),
        idempotency_key,
        _bot_body(name, config),
        STOP_ATTEMPT_S,
    )


def delete_bot(bot_id: str, *, idempotency_key: str | None = None) -> Call[None]:
    """Stops it first: orders are cancelled and the money goes back where it came from."""
    return _write("DELETE", _bot(bot_id), _nothing, idempotency_key, attempt_s=STOP_ATTEMPT_S)


def start_bot(bot_id: str, *, idempotency_key: str | None = None) -> Call[bots_model.Bot]:
    """Moves the investment into the bot's account, or resumes a paused bot."""
    return _control(bot_id, "start", idempotency_key)


def pause_bot(bot_id: str, *, idempotency_key: str | None = None) -> Call[bots_model.Bot]:
    """Cancels its open orders and keeps its money."""
    return _control(bot_id, "pause", idempotency_key)


def stop_bot(bot_id: str, *, idempotency_key: str | None = None) -> Call[bots_model.Bot]:
    """Cancels its orders and gives the money back."""
    return _control(bot_id, "stop", idempotency_key)


def bot_performance(bot_id: str, *, limit: int = 100) -> Call[tuple[bots_model.Performance, ...]]:
    """Value, profit and ratios of the bot at points in time, at most 500."""
    target = _target(_bot(bot_id) + "/performance", limit=limit)
    return _read(target, _list("points", bots_model.Performance))


def bot_trades(
    bot_id: str, *, before: int = 0, limit: int = 100
) -> Call[tuple[bots_model.BotTrade, ...]]:
    """The bot's fills older than the id `before` (0: the newest), newest first, at most 500."""
    target = _target(_bot(bot_id) + "/trades", before=before, limit=limit)
    return _read(target, _list("trades", bots_model.BotTrade))


def _read(target: str, read: Callable[[object], T]) -> Call[T]:
    return Call("GET", target, read, signed=True)


def _write(
    method: str,
    target: str,
    read: Callable[[object], T],
    idempotency_key: str | None,
    body: Mapping[str, object] | None = None,
    attempt_s: float = ATTEMPT_S,
) -> Call[T]:
    sent = {name: value for name, value in (body or {}).items() if value is not None}
    return Call(
        method,
        target,
        read,
        body=json.dumps(sent, separators=(",", ":")).encode() if sent else b"",
        signed=True,
        idempotency_key=idempotency_key or uuid.uuid4().hex,
        attempt_s=attempt_s,
    )


def _control(bot_id: str, verb: str, idempotency_key: str | None) -> Call[bots_model.Bot]:
    target = f"{_bot(bot_id)}/{verb}"
    return _write("POST", target, _of(bots_model.Bot), idempotency_key, attempt_s=STOP_ATTEMPT_S)


def _of(form: type[T]) -> Callable[[object], T]:
    return lambda value: parse(form, value)


def _list(name: str, form: type[T]) -> Callable[[object], tuple[T, ...]]:
    """The rows of an answer that is nothing but a named list."""
    hint: Any = tuple[form, ...]  # type: ignore[valid-type]

    def read(value: object) -> tuple[T, ...]:
        rows = value.get(name) if isinstance(value, dict) else None
        found: tuple[T, ...] = parse_union(hint, rows)
        return found

    return read


def _nothing(value: object) -> None:
    """Of an answer without a body."""


def _target(path: str, **query: str | int | None) -> str:
    given = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def _market(symbol: str, path: str = "", **query: str | int) -> str:
    return _target(f"/api/v1/markets/{quote(symbol, safe='')}{path}", **query)


def _bot(bot_id: str) -> str:
    return f"/api/v1/bots/{quote(bot_id, safe='')}"


def _bot_body(name: str, config: bots_model.BotConfig) -> dict[str, object]:
    kind = "spot-grid" if isinstance(config, bots_model.SpotGridConfig) else "dca"
    values = {each.name: getattr(config, each.name) for each in fields(config)}
    wire = {
        key: _decimal_text(value) if isinstance(value, Decimal) else value
        for key, value in values.items()
        if value is not None
    }
    return {"type": kind, "name": name, "config": wire}


def _decimal_text(value: Decimal | None) -> str | None:
    """As the API spells it. Raises TypeError for what is not exact, ValueError for no number."""
    if value is None:
        return None
    if not isinstance(value, Decimal):
        raise TypeError(f"{value!r} is a {type(value).__name__}; allowed: a Decimal")
    if not value.is_finite():
        raise ValueError(f"{value} is not a number; allowed: a finite Decimal")
    return format(value, "f")
