"""What owners may ask of their bots."""

import asyncio
import re
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from google.protobuf import json_format
from tigerex.bots.v1 import bots_pb2 as pb

from tigerex_platform.auth import Principal
from tigerex_platform.clock import Clock
from tigerex_platform.errors import Conflict, InvalidField, NotFound, PermissionDenied, Unavailable
from tigerex_platform.ids import REQUEST_ID_BYTES, derive_request_id
from tigerex_services.bot_config import bot_type, kernel_config
from tigerex_services.bots.exchange_client import ExchangeClient
from tigerex_services.bots.model import BotRow, Desired, Isolation, shard_of
from tigerex_services.bots.service.reconciler import Reconciler
from tigerex_services.bots.storage.bots import BotStorage, NewBot
from tigerex_services.bots.storage.performance import PerformanceStorage, Point
from tigerex_services.bots.storage.trades import KeptTrade, TradeStorage

PAGE_DEFAULT: Final = 100
PAGE_MAX: Final = 500
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}")
MAIN_ACCOUNT: Final = "main"
DELETE_WAIT_S: Final = 4.0  # below the callers' deadline of 5 s
DELETE_POLL_S: Final = 0.05

_DESIRED: Final = {
    pb.DESIRED_STATE_RUNNING: Desired.RUNNING,
    pb.DESIRED_STATE_PAUSED: Desired.PAUSED,
    pb.DESIRED_STATE_STOPPED: Desired.STOPPED,
}
_ISOLATION: Final = {
    pb.ISOLATION_UNSPECIFIED: Isolation.SHARED,
    pb.ISOLATION_SHARED: Isolation.SHARED,
    pb.ISOLATION_DEDICATED: Isolation.DEDICATED,
}


@dataclass(frozen=True, slots=True)
class Stores:
    """Where the service keeps things."""

    bots: BotStorage
    trades: TradeStorage
    performance: PerformanceStorage


class BotService:
    """Decides about bots; the reconciler acts."""

    def __init__(
        self, stores: Stores, exchange: ExchangeClient, reconciler: Reconciler, clock: Clock
    ) -> None:
        self._stores = stores
        self._exchange = exchange
        self._reconciler = reconciler
        self._clock = clock

    async def create(self, principal: Principal, request_id: bytes, spec: pb.BotSpec) -> BotRow:
        """A bot of the caller's user; it starts when its desired state says so."""
        _check_request_id(request_id)
        user = _user(principal, spec.user)
        bot_id = UUID(bytes=derive_request_id("bot", user, request_id), version=4)
        desired = _DESIRED.get(spec.desired_state, Desired.STOPPED)
        wanted = await self._checked(spec, bot_id, user, desired, managed=False, generation=1)
        kept, created = await self._stores.bots.insert(wanted)
        if not created and not _same(kept, wanted):
            raise Conflict(
                "REQUEST_ID_REUSED",
                "this request id was used with other content; choose a new one",
                field="request_id",
            )
        self._reconciler.notify()
        return kept

    async def apply(self, bot_id: UUID, generation: int, spec: pb.BotSpec) -> BotRow:
        """The bot of a resource becomes what the resource says; repeating it changes nothing."""
        if generation < 1:
            raise InvalidField("generation", generation, "1 or more")
        if not spec.user:
            raise InvalidField("spec.user", "", "the user whose money the bot spends")
        kept = await self._stores.bots.find(bot_id)
        if kept is not None and kept.generation >= generation and not kept.deleting:
            return kept
        desired = _DESIRED.get(spec.desired_state, Desired.RUNNING)
        wanted = await self._checked(
            spec, bot_id, spec.user, desired, managed=True, generation=generation
        )
        kept, created = await self._stores.bots.insert(wanted)
        if not created:
            _check_unchanged(kept, wanted)
            kept = _living(await self._stores.bots.apply(wanted), bot_id)
        self._reconciler.notify()
        return kept

    async def get(self, principal: Principal, bot_id: UUID) -> BotRow:
        """The caller's bot; what is not the caller's is not there."""
        bot = await self._stores.bots.find(bot_id)
        if bot is None or (principal.limited_to_user and bot.user_name != principal.user):
            raise NotFound("bot", bot_id)
        return bot

    async def page(
        self, principal: Principal, user: str, token: str, size: int
    ) -> tuple[list[BotRow], str]:
        """A page of bots and the token of the next one, empty at the end."""
        limit = _page_size(size)
        if principal.limited_to_user:
            user = _user(principal, user)
        after = _uuid("page_token", token) if token else None
        bots = await self._stores.bots.page(user, after, limit)
        return bots, str(bots[-1].id) if len(bots) == limit else ""

    async def update(
        self, principal: Principal, request_id: bytes, bot_id: UUID, spec: pb.BotSpec
    ) -> BotRow:
        """Another name or configuration; a running bot is stopped and started with it."""
        _check_request_id(request_id)
        bot = await self._changeable(principal, bot_id)
        wanted = await self._checked(
            _filled(spec, bot),
            bot_id,
            bot.user_name,
            Desired(bot.desired_state),
            managed=False,
            generation=bot.generation,
        )
        _check_unchanged(bot, wanted)
        if (bot.name, bot.config, bot.bot_type) == (wanted.name, wanted.config, wanted.bot_type):
            return bot
        changed = await self._stores.bots.change_spec(
            bot_id, name=wanted.name, config=wanted.config, bot_type=wanted.bot_type
        )
        self._reconciler.notify()
        return _living(changed, bot_id)

    async def set_desired_state(
        self, principal: Principal, request_id: bytes, bot_id: UUID, state: int
    ) -> BotRow:
        """Start, pause or stop it."""
        _check_request_id(request_id)
        desired = _DESIRED.get(state)  # type: ignore[call-overload]
        if desired is None:
            raise InvalidField("desired_state", state, "RUNNING, PAUSED or STOPPED")
        await self._changeable(principal, bot_id)
        bot = await self._stores.bots.set_desired(bot_id, desired)
        self._reconciler.notify()
        return _living(bot, bot_id)

    async def delete(self, principal: Principal, bot_id: UUID, *, managed: bool) -> None:
        """Stop it, give its money back and remove it; returns when that is done.

        Raises Unavailable when it takes longer: it goes on, and the call can be repeated.
        """
        if managed:
            if principal.limited_to_user:
                raise PermissionDenied("managed is for the operator")
            if await self._stores.bots.find(bot_id) is None:
                return
        else:
            await self._changeable(principal, bot_id)
        await self._stores.bots.mark_deleting(bot_id)
        self._reconciler.notify()
        give_up_s = self._clock.monotonic_s() + DELETE_WAIT_S
        while await self._stores.bots.find(bot_id) is not None:
            if self._clock.monotonic_s() > give_up_s:
                raise Unavailable(
                    "the bot is being stopped and removed; repeat the call", code="STOPPING"
                )
            await asyncio.sleep(DELETE_POLL_S)

    async def trades(
        self, principal: Principal, bot_id: UUID, before_trade_id: int, size: int
    ) -> list[KeptTrade]:
        """The bot's fills, newest first."""
        await self.get(principal, bot_id)
        return await self._stores.trades.page(bot_id, before_trade_id, _page_size(size))

    async def performance(self, principal: Principal, bot_id: UUID, size: int) -> list[Point]:
        """The bot's figures once a minute, newest first."""
        await self.get(principal, bot_id)
        return await self._stores.performance.page(bot_id, _page_size(size))

    async def _changeable(self, principal: Principal, bot_id: UUID) -> BotRow:
        bot = await self.get(principal, bot_id)
        if bot.managed:
            raise Conflict(
                "MANAGED_BY_RESOURCE",
                "the bot belongs to a TradingBot resource; change or delete that instead",
                field="bot_id",
            )
        return bot

    async def _checked(
        self,
        spec: pb.BotSpec,
        bot_id: UUID,
        user: str,
        desired: Desired,
        *,
        managed: bool,
        generation: int,
    ) -> NewBot:
        """The row of a spec in which everything that can be checked now is right."""
        if not NAME.fullmatch(spec.name):
            allowed = "1 to 63 letters, digits, spaces, '.', '_' or '-', not beginning with a sign"
            raise InvalidField("spec.name", spec.name, allowed)
        if spec.isolation not in _ISOLATION:
            raise InvalidField("spec.isolation", spec.isolation, "SHARED or DEDICATED")
        name = bot_type(spec.config)
        market = await self._exchange.market(spec.market)
        if market is None:
            raise InvalidField("spec.market", spec.market, "the symbol of a market of the exchange")
        kernel_config(spec.config, market)
        account_name = spec.account or MAIN_ACCOUNT
        user_id = await self._user_id(user, account_name)
        isolation = _ISOLATION[spec.isolation]
        return NewBot(
            id=bot_id,
            user_id=user_id,
            user_name=user,
            account_name=account_name,
            bot_type=name,
            name=spec.name,
            symbol=spec.market,
            config=json_format.MessageToDict(spec.config, preserving_proto_field_name=True),
            isolation=isolation,
            shard=shard_of(bot_id, isolation),
            desired_state=desired,
            managed=managed,
            generation=generation,
        )

    async def _user_id(self, user: str, account_name: str) -> int:
        try:
            account = await self._exchange.find_account(user, account_name)
        except NotFound:
            raise InvalidField("spec.user", user, "a user of the exchange") from None
        if account is None:
            raise InvalidField("spec.account", account_name, f"an account of user {user}")
        return account.user_id


def _user(principal: Principal, name: str) -> str:
    """The user a request is about; an empty name means the caller's own."""
    if principal.limited_to_user:
        if name and name != principal.user:
            raise PermissionDenied(f"user {name!r} is not the caller's own")
        return principal.user
    if not name:
        raise InvalidField("spec.user", "", "the user whose money the bot spends")
    return name


def _filled(spec: pb.BotSpec, bot: BotRow) -> pb.BotSpec:
    """The spec with what it leaves open as it is."""
    filled = pb.BotSpec()
    filled.CopyFrom(spec)
    filled.name = spec.name or bot.name
    filled.market = spec.market or bot.symbol
    filled.account = spec.account or bot.account_name
    if not spec.isolation:
        dedicated = bot.isolation == Isolation.DEDICATED
        filled.isolation = pb.ISOLATION_DEDICATED if dedicated else pb.ISOLATION_SHARED
    if spec.config.WhichOneof("config") is None:
        json_format.ParseDict(bot.config, filled.config)
    return filled


def _check_unchanged(bot: BotRow, wanted: NewBot) -> None:
    for field, old, new in (
        ("spec.market", bot.symbol, wanted.symbol),
        ("spec.user", bot.user_name, wanted.user_name),
        ("spec.account", bot.account_name, wanted.account_name),
        ("spec.isolation", bot.isolation, wanted.isolation),
    ):
        if old != new:
            raise InvalidField(field, new, f"{old}: it does not change; make another bot instead")


def _same(kept: BotRow, wanted: NewBot) -> bool:
    """Whether a repeated request asks for what it asked for the first time."""
    if kept.generation != wanted.generation:
        return True  # it has been changed since
    first = NewBot(**{name: getattr(kept, name) for name in NewBot.__slots__})
    return first == replace(wanted, desired_state=kept.desired_state)


def _living(bot: BotRow | None, bot_id: UUID) -> BotRow:
    if bot is None:
        raise NotFound("bot", bot_id)
    return bot


def _check_request_id(value: bytes) -> None:
    if len(value) != REQUEST_ID_BYTES:
        raise InvalidField("request_id", f"{len(value)} bytes", f"{REQUEST_ID_BYTES} bytes")


def _page_size(size: int) -> int:
    if not 0 <= size <= PAGE_MAX:
        raise InvalidField("page_size", size, f"1 to {PAGE_MAX}, or 0 for {PAGE_DEFAULT}")
    return size or PAGE_DEFAULT


def _uuid(field: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidField(field, text, "a UUID") from None
