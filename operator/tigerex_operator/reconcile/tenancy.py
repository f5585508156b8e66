"""What a Market or a TradingBot must know of the Tenant whose namespace it is in."""

from dataclasses import dataclass

from tigerex_operator.apply.conditions import Verdict, blocked, progressing
from tigerex_operator.models.tenant import TenantSpec
from tigerex_operator.reconcile.context import Body, Context, condition_status


@dataclass(frozen=True, slots=True)
class Tenancy:
    """A tenant that can be worked with."""

    spec: TenantSpec
    scope: str
    """Uid of the namespace: as old as the tenant's data."""


class NoTenantError(Exception):
    """There is no tenant to work with. Carries the verdict."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict


async def find_tenancy(context: Context, namespace: str) -> Tenancy:
    """The living, provisioned tenant of a namespace. Raises NoTenantError and ApiException."""
    body = context.inventory.tenant(namespace)
    if body is None:
        text = (
            f"namespace {namespace} belongs to no tenant; create a Tenant named {namespace}, "
            "or move this resource to the namespace of one"
        )
        raise NoTenantError(blocked("TenantNotFound", text))
    if "provisionedGeneration" not in context.last_status(body):
        raise NoTenantError(progressing("WaitingForTenant", f"waiting for tenant {namespace}"))
    live = await context.objects.get("Namespace", "", namespace)
    if live is None or live["metadata"].get("deletionTimestamp"):
        raise NoTenantError(progressing("WaitingForTenant", f"waiting for namespace {namespace}"))
    return Tenancy(TenantSpec.model_validate(body["spec"]), str(live["metadata"]["uid"]))


async def is_leaving(context: Context, namespace: str) -> bool:
    """Whether nobody is left to tell: the tenant or its namespace is gone, or on its way out.

    A resource that is deleted along with its tenant must not wait for services that went first.
    """
    if context.inventory.tenant(namespace) is None:
        return True
    live = await context.objects.get("Namespace", "", namespace)
    return live is None or bool(live["metadata"].get("deletionTimestamp"))


def market_ready(context: Context, market: Body) -> bool:
    """Whether the exchange has the market of a Market resource."""
    return condition_status(context.last_status(market), "Ready") == "True" or (
        "marketId" in context.last_status(market)
    )


def symbol_of(market: Body) -> str:
    """The symbol of a Market resource."""
    return str(market["spec"].get("symbol") or market["metadata"]["name"])
