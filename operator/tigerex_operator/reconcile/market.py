"""A Market: known to the exchange, in the state that was asked for, and kept alive by its feed."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from tigerex_operator.apply.conditions import Verdict, progressing, ready, retrying
from tigerex_operator.apply.readiness import rollout_stuck, waiting_for
from tigerex_operator.builders.market import build_feed
from tigerex_operator.clients.exchange import ExchangeClient, MarketView
from tigerex_operator.clients.limits import build_limits, differing
from tigerex_operator.models.market import MarketSpec
from tigerex_operator.reconcile.context import Body, Context, key_of, owner_of
from tigerex_operator.reconcile.failures import is_permanent, verdict_of
from tigerex_operator.reconcile.tenancy import (
    NoTenantError,
    Tenancy,
    find_tenancy,
    is_leaving,
    market_ready,
    symbol_of,
)
from tigerex_platform.errors import NotFound, Unavailable

# How often a market's state is read back: a feed halts its market when its capture ends.
STATE_SECONDS = 15.0
# Calls for the orders of a market that is delisted, of which each cancels a bounded number.
CANCEL_CALLS_MAX = 1_000

_SAID = {
    "Open": "the market takes orders",
    "Halted": "the market is halted: orders are refused, cancels are possible",
    "CancelOnly": "orders are refused, and those that are open can only be canceled",
    "Delisting": "the market takes no orders any more; its history stays",
}


class MarketReconciler:
    """Looks at one Market at a time."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def reconcile(self, body: Body) -> float | None:
        """One look. Returns the seconds until the next where no event will tell."""
        values: dict[str, Any] = dict(_kept(self._context.last_status(body)))
        try:
            spec = MarketSpec.model_validate(body["spec"])
            verdict = await self._advance(body, spec, values)
        except NoTenantError as absence:
            if absence.verdict.degraded:
                await self._context.applier.prune(owner_of(body).key, [])
                values.pop("marketId", None)
            verdict = absence.verdict
        except Exception as error:
            await self._write(body, verdict_of(error), values)
            if is_permanent(error):
                return None
            raise
        await self._write(body, verdict, values)
        return STATE_SECONDS if verdict.ready else None

    async def delete(self, body: Body) -> bool:
        """Halts the market, which keeps its history; at once done where the tenant goes as well."""
        namespace = body["metadata"]["namespace"]
        if await is_leaving(self._context, namespace):
            return True
        status = self._context.last_status(body)
        if "marketId" in status:
            tenancy = await find_tenancy(self._context, namespace)
            exchange = ExchangeClient(
                await self._context.channels.exchange(namespace), tenancy.scope
            )
            version = f"{body['metadata']['uid']}/deleted"
            reason = f"Market {body['metadata']['name']} deleted"
            with suppress(NotFound):
                await exchange.set_market_state(symbol_of(body), "Halted", version, reason)
        await self._context.applier.prune(owner_of(body).key, [])
        return True

    async def _advance(self, body: Body, spec: MarketSpec, values: dict[str, Any]) -> Verdict:
        owner, context, metadata = owner_of(body), self._context, body["metadata"]
        tenancy = await find_tenancy(context, owner.tenant)
        if tenancy.spec.suspended:
            await self._apply_feed(body, spec, tenancy)
            return Verdict(False, False, False, "TenantSuspended", "the tenant is suspended")
        symbol = symbol_of(body)
        values["symbol"] = symbol
        reason = f"Market {metadata['name']}"
        exchange = ExchangeClient(await context.channels.exchange(owner.tenant), tenancy.scope)
        generation = int(metadata["generation"])
        if values.get("appliedGeneration") == generation and "marketId" in values:
            market = await exchange.market(symbol)
        else:
            market = await _tell(exchange, symbol, spec, f"{owner.uid}/{generation}", reason)
            values["appliedGeneration"] = generation
        drift = ", ".join(differing(build_limits(spec), market.limits))
        values |= {
            "marketId": market.market_id,
            "state": market.state,
            "haltReason": market.halt_reason or None,
            "limitsDrift": drift or None,
        }
        feed = await self._apply_feed(body, spec, tenancy)
        if stuck := rollout_stuck(context.children, owner.key, feed):
            text = f"{stuck[0]} made no progress; see: kubectl -n {owner.tenant} describe pods"
            return retrying("RolloutStuck", text)
        if waiting := waiting_for(context.children, owner.key, feed):
            return progressing("WaitingForFeed", f"waiting for {', '.join(waiting)}")
        return verdict_for(market, drift)

    async def _apply_feed(
        self, body: Body, spec: MarketSpec, tenancy: Tenancy
    ) -> list[dict[str, Any]]:
        owner = owner_of(body)
        issuer, _ = await self._context.keys.read()
        feed = build_feed(
            owner, spec, self._context.settings, issuer, suspended=tenancy.spec.suspended
        )
        await self._context.applier.apply(owner.key, feed)
        await self._context.applier.prune(owner.key, feed)
        return feed

    async def _write(self, body: Body, verdict: Verdict, values: dict[str, Any]) -> None:
        known_before = market_ready(self._context, body)
        written = await self._context.status(body).write(body, verdict, values)
        if written and not known_before:
            self._wake_bots(body)

    def _wake_bots(self, body: Body) -> None:
        """Bots that named this market before it was there look again."""
        symbol = symbol_of(body)
        bots = self._context.inventory.of("TradingBot", body["metadata"]["namespace"])
        self._context.wakeups.wake(
            key_of(bot) for bot in bots if bot["spec"].get("market") == symbol
        )


async def _tell(
    exchange: ExchangeClient, symbol: str, spec: MarketSpec, version: str, reason: str
) -> MarketView:
    """Brings the market to what the spec says; limits first, so that none opens without them."""
    limits = build_limits(spec)
    market = await exchange.ensure_market(symbol, spec, reason)
    if differing(limits, market.limits):
        market = await exchange.set_market_limits(symbol, limits, version, reason)
    if market.state != spec.state:
        market = await exchange.set_market_state(symbol, spec.state, version, reason)
    if spec.state == "Delisting":
        for call in range(CANCEL_CALLS_MAX):
            if not await exchange.cancel_market_orders(symbol, f"{version}/{call}", reason):
                return market
        raise Unavailable(f"market {symbol} has more orders to cancel")
    return market


def verdict_for(market: MarketView, drift: str) -> Verdict:
    """What a market that the exchange has is said to be: `drift` names limits that differ."""
    if market.halt_reason:
        return ready(
            "CircuitBreaker",
            "a move of the price halted the market; to resume, set spec.state to Halted, then to "
            "Open, or call AdminService.SetMarketState",
        )
    if drift:
        return ready(
            "LimitsDiffer",
            f"the exchange has other limits than the spec, set by somebody else: {drift}; they "
            "are set again with the next change of the spec",
        )
    return ready(market.state, _SAID[market.state])


def _kept(status: Mapping[str, Any]) -> dict[str, Any]:
    names = ("symbol", "marketId", "state", "haltReason", "limitsDrift", "appliedGeneration")
    return {name: status[name] for name in names if name in status}
