"""Markets as people and the operator make, limit, halt and end them."""

import json
from collections.abc import Mapping
from dataclasses import replace

from tigerex_core.records import MarketLimit, MarketState, Reason
from tigerex_platform.auth import Principal
from tigerex_platform.errors import Conflict, InvalidField
from tigerex_platform.ids import derive_request_id
from tigerex_services.directory import Directory
from tigerex_services.exchange import commands
from tigerex_services.exchange.service import checks
from tigerex_services.exchange.service.audited import Audited
from tigerex_services.instruments import FIRST_LIMITS, MarketInfo
from tigerex_services.market_limits import limit_of, show_limit, with_limits

EVERYBODY = 0  # instead of an account, in CANCEL_ALL


class MarketAdmin:
    """Decides about markets, their limits and states."""

    def __init__(self, audited: Audited) -> None:
        self._audited = audited

    @property
    def directory(self) -> Directory:
        """The committed names; raises Unavailable while this process does not lead."""
        return self._audited.directory

    async def ensure_market(
        self,
        principal: Principal,
        request_id: bytes,
        wanted: MarketInfo,
        limits: Mapping[MarketLimit, int],
        reason: str,
    ) -> MarketInfo:
        """The market of that symbol, made when there is none; other increments are refused.

        `limits` are those that the market then has. State and smallest notional of a market that
        exists are other methods' business.
        """
        check_market(wanted)
        market = self.directory.find_market(wanted.symbol)
        if market is None:
            row = commands.create_market(
                checks.request_id(request_id),
                wanted.symbol,
                base=wanted.base.asset_id,
                quote=wanted.quote.asset_id,
                tick=wanted.tick,
                lot=wanted.lot,
                max_price=wanted.max_price,
                max_quantity=wanted.max_quantity,
                min_notional=wanted.min_notional,
            )
            detail = describe_market(wanted)
            await self._audited.create(principal, "EnsureMarket", reason, detail, request_id, row)
            market = self.directory.market(wanted.symbol)
        if _increments(market) != _increments(wanted):
            message = (
                f"market {wanted.symbol} exists with {json.dumps(describe_market(market))};"
                " its increments and maxima cannot change"
            )
            raise Conflict("NAME_TAKEN", message, field="market")
        if not limits:
            return market
        limits_id = derive_request_id("market-limits", request_id)
        return await self.set_market_limits(principal, limits_id, market, limits, reason)

    async def set_market_limits(
        self,
        principal: Principal,
        request_id: bytes,
        market: MarketInfo,
        limits: Mapping[MarketLimit, int],
        reason: str,
    ) -> MarketInfo:
        """The market with these limits; those that it has already are not set again."""
        checks.request_id(request_id)
        checks.text("reason", reason, checks.REASON_CHARACTERS_MAX, required=True)
        if not limits:
            raise InvalidField("limits", "nothing", "at least one limit")
        changes = {
            which: amount for which, amount in limits.items() if limit_of(market, which) != amount
        }
        if not changes:
            return market
        after = with_limits(market, changes)
        detail = {
            "symbol": market.symbol,
            "limits": {
                which.name: [show_limit(market, which), show_limit(after, which)]
                for which in changes
            },
        }
        rows = [
            commands.set_market_limit(
                derive_request_id("market-limit", request_id, which),
                market.market_id,
                which,
                amount,
            )
            for which, amount in changes.items()
        ]
        await self._audited.command_each(
            principal, "SetMarketLimits", reason, detail, request_id, rows
        )
        return self.directory.market(market.symbol)

    async def set_market_state(
        self, principal: Principal, request_id: bytes, symbol: str, state: int, reason: str
    ) -> MarketInfo:
        if state not in tuple(MarketState):
            names = ", ".join(f"MARKET_STATE_{choice.name}" for choice in MarketState)
            raise InvalidField("state", state, names)
        market = self.directory.market(symbol)
        row = commands.set_market_state(checks.request_id(request_id), market.market_id, state)
        detail = {"symbol": symbol, "state": MarketState(state).name}
        await self._audited.command(principal, "SetMarketState", reason, detail, request_id, row)
        return self.directory.market(symbol)

    async def cancel_orders(
        self, principal: Principal, request_id: bytes, symbol: str, reason: str
    ) -> tuple[int, int, int]:
        """How many orders were canceled, how many are open still, and the last seq."""
        checks.request_id(request_id)
        market_id = self.directory.market(symbol).market_id
        order_ids, remaining, seq = await self._audited.cancel_in_parts(
            principal,
            "CancelMarketOrders",
            reason,
            {"symbol": symbol},
            request_id,
            lambda part_id: commands.cancel_all(
                part_id, account=EVERYBODY, epoch=0, market=market_id
            ),
        )
        return len(order_ids), remaining, seq


def _increments(market: MarketInfo) -> MarketInfo:
    """What of a market can never change."""
    return replace(
        market,
        market_id=0,
        min_notional=0,
        state=MarketState.OPEN,
        limits=FIRST_LIMITS,
        halt_reason=Reason.NONE,
    )


def check_market(market: MarketInfo) -> None:
    """Raises InvalidField for what would not make a market."""
    allowed = "1 to 32 of a-z, 0-9 and '-', starting with a letter or a digit"
    checks.match("market.symbol", market.symbol, checks.SYMBOL, allowed)
    if market.base == market.quote:
        raise InvalidField("market.quote_asset", market.quote.code, "another than the base asset")
    if market.tick * market.lot % 10**market.base.scale:
        raise InvalidField(
            "market.tick_size",
            market.quote.from_units(market.tick),
            f"with the lot size at most {market.quote.scale} decimals together",
        )
    for field, steps, text in (
        ("market.max_price", market.max_price, market.ticks_to_price(market.max_price)),
        (
            "market.max_quantity",
            market.max_quantity,
            market.lots_to_quantity(market.max_quantity),
        ),
    ):
        if steps == 0:
            raise InvalidField(field, text, "greater than zero")
    if market.notional(market.max_price, market.max_quantity) >= 2**62:
        raise InvalidField(
            "market.max_quantity",
            market.lots_to_quantity(market.max_quantity),
            f"max_price times max_quantity below {market.quote.from_units(2**62)}",
        )


def describe_market(market: MarketInfo) -> dict[str, object]:
    """What the audit record and errors say of a market."""
    return {
        "symbol": market.symbol,
        "base_asset": market.base.code,
        "quote_asset": market.quote.code,
        "tick_size": market.quote.from_units(market.tick),
        "lot_size": market.base.from_units(market.lot),
        "max_price": market.ticks_to_price(market.max_price),
        "max_quantity": market.lots_to_quantity(market.max_quantity),
        "min_notional": market.quote.from_units(market.min_notional),
    }
