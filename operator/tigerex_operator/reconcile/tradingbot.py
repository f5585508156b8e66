"""A TradingBot: applied to the bots service, mirrored back, with a pod of its own where it wants
one.
"""

from collections.abc import Mapping
from time import monotonic
from typing import Any

from tigerex_operator.apply.conditions import Verdict, blocked, progressing, ready
from tigerex_operator.apply.readiness import waiting_for
from tigerex_operator.builders.bot import build_bot
from tigerex_operator.builders.meta import Manifest
from tigerex_operator.clients.bots import BotsClient, BotView, build_bot_spec
from tigerex_operator.models.tradingbot import AccountRef, TradingBotSpec
from tigerex_operator.reconcile.context import Body, Context, owner_of
from tigerex_operator.reconcile.failures import is_permanent, verdict_of
from tigerex_operator.reconcile.tenancy import (
    NoTenantError,
    Tenancy,
    find_tenancy,
    is_leaving,
    market_ready,
    symbol_of,
)
from tigerex_platform.errors import InvalidField

# Figures change with every trade; the resource says them at most this often.
FIGURES_SECONDS = 60.0
FIGURES = ("trades", "profitLoss", "totalValue")


class TradingBotReconciler:
    """Looks at one TradingBot at a time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._figures_at: dict[str, float] = {}

    async def reconcile(self, body: Body) -> float | None:
        """One look. Returns the seconds until figures that waited may be written."""
        values: dict[str, Any] = dict(_kept(self._context.last_status(body)))
        try:
            spec = TradingBotSpec.model_validate(body["spec"])
            view = await self._advance(body, spec)
        except NoTenantError as absence:
            if absence.verdict.degraded:
                await self._context.applier.prune(owner_of(body).key, [])
            await self._write(body, absence.verdict, {**values, "phase": "Pending"})
            return None
        except Exception as error:
            values["phase"] = "Failed" if is_permanent(error) else values.get("phase", "Pending")
            await self._write(body, verdict_of(error), values)
            if is_permanent(error):
                return None
            raise
        waiting = self._waiting_pods(body, spec)
        return await self._mirror(body, view, verdict_for(spec, view, waiting), values)

    async def delete(self, body: Body) -> bool:
        """Cancels its orders, returns its money, removes its pod.

        Where the tenant goes as well there is nobody to tell, and nothing to wait for.
        """
        namespace = body["metadata"]["namespace"]
        if not await is_leaving(self._context, namespace):
            tenant = self._context.inventory.tenant(namespace)
            if tenant and "provisionedGeneration" in self._context.last_status(tenant):
                await (await self._client(namespace)).delete(body["metadata"]["uid"])
        await self._context.applier.prune(owner_of(body).key, [])
        self._figures_at.pop(body["metadata"]["uid"], None)
        return True

    async def _advance(self, body: Body, spec: TradingBotSpec) -> BotView:
        owner, context = owner_of(body), self._context
        tenancy = await find_tenancy(context, owner.tenant)
        if "botId" in context.last_status(body):
            # Repaired whether or not the bots service answers; a refused bot never gets a pod.
            await self._apply_pod(body, spec, tenancy)
        if tenancy.spec.suspended:
            text = f"tenant {owner.tenant} is suspended"
            raise NoTenantError(Verdict(False, False, False, "TenantSuspended", text))
        self._require_market(body, spec)
        generation = int(body["metadata"]["generation"])
        view = context.watcher.view(owner.tenant, owner.uid)
        if view is None or view.generation != generation:
            account = _account(spec, tenancy)
            request = build_bot_spec(owner.name, spec, account.user, account.account)
            client = await self._client(owner.tenant)
            view = await client.apply(owner.uid, generation, request)
            context.watcher.learn(owner.tenant, view)
        await self._apply_pod(body, spec, tenancy)
        return view

    async def _apply_pod(self, body: Body, spec: TradingBotSpec, tenancy: Tenancy) -> None:
        owner = owner_of(body)
        pods = await self._pods(body, spec, suspended=tenancy.spec.suspended)
        await self._context.applier.apply(owner.key, pods)
        await self._context.applier.prune(owner.key, pods)

    async def _pods(self, body: Body, spec: TradingBotSpec, *, suspended: bool) -> list[Manifest]:
        issuer, _ = await self._context.keys.read()
        return build_bot(owner_of(body), spec, self._context.settings, issuer, suspended=suspended)

    def _waiting_pods(self, body: Body, spec: TradingBotSpec) -> list[str]:
        owner = owner_of(body)
        if spec.isolation != "dedicated":
            return []
        pod = {"kind": "Deployment", "metadata": {"name": f"bot-{owner.name}"}}
        return waiting_for(self._context.children, owner.key, [pod])

    def _require_market(self, body: Body, spec: TradingBotSpec) -> None:
        """Waits for a Market that is on its way.

        One that is not there is the service's to refuse.
        """
        for market in self._context.inventory.of("Market", body["metadata"]["namespace"]):
            if symbol_of(market) == spec.market and not market_ready(self._context, market):
                text = f"waiting for market {spec.market}"
                raise NoTenantError(progressing("WaitingForMarket", text))

    async def _mirror(
        self, body: Body, view: BotView, verdict: Verdict, values: dict[str, Any]
    ) -> float | None:
        """Writes phase and conditions at once, and figures when their time has come."""
        uid, now = body["metadata"]["uid"], monotonic()
        fresh = {
            "trades": view.trades,
            "profitLoss": view.profit_loss or None,
            "totalValue": view.total_value or None,
        }
        values |= {"phase": view.phase, "botId": view.bot_id, "runner": view.runner or None}
        due = self._figures_at.get(uid, -FIGURES_SECONDS) + FIGURES_SECONDS
        stale = any(values.get(name) != fresh[name] for name in FIGURES)
        if stale and now >= due:
            values |= fresh
            self._figures_at[uid] = now
        await self._write(body, verdict, values)
        return max(0.1, due - now) if stale and now < due else None

    async def _client(self, tenant: str) -> BotsClient:
        return BotsClient(await self._context.channels.bots(tenant))

    async def _write(self, body: Body, verdict: Verdict, values: Mapping[str, Any]) -> None:
        await self._context.status(body).write(body, verdict, values)


def verdict_for(spec: TradingBotSpec, view: BotView, waiting: list[str]) -> Verdict:
    """Ready when the bot is in the state that was asked for, or came to its end by itself."""
    if view.phase == "Failed":
        reason = view.reason or "the bots service gave no reason"
        return blocked("BotFailed", f"{reason}; change the spec, or delete the resource")
    if view.phase == "Completed":
        return ready("Completed", view.reason or "the bot has done all that it was asked for")
    if view.phase != spec.state or view.observed_generation < view.generation:
        return progressing(view.phase, view.reason or f"on its way to {spec.state}")
    if waiting and spec.state == "Running":
        return progressing("WaitingForPod", f"waiting for {', '.join(waiting)}")
    return ready(view.phase, f"the bot is {view.phase.lower()}")


def _account(spec: TradingBotSpec, tenancy: Tenancy) -> AccountRef:
    """The account to spend from: the one that is named, or the demo user's."""
    if spec.account_ref is not None:
        return spec.account_ref
    if tenancy.spec.demo_user is None:
        allowed = "a user of the tenant, since the tenant has no spec.demoUser to fall back to"
        raise InvalidField("spec.accountRef", "", allowed)
    return AccountRef(user=tenancy.spec.demo_user.name, account="main")


def _kept(status: Mapping[str, Any]) -> dict[str, Any]:
    names = ("phase", "botId", "runner", *FIGURES)
    return {name: status[name] for name in names if name in status}
