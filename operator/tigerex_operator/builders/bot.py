"""What a TradingBot becomes in the cluster: a pod of its own where it asks for one."""

from tigerex_operator.builders.components import BOT
from tigerex_operator.builders.meta import Manifest, Owner
from tigerex_operator.builders.pods import build_role_pod
from tigerex_operator.builders.workloads import build_deployment
from tigerex_operator.models.tradingbot import TradingBotSpec
from tigerex_operator.settings import OperatorSettings


def build_bot(
    owner: Owner, spec: TradingBotSpec, settings: OperatorSettings, issuer: str, *, suspended: bool
) -> list[Manifest]:
    """A Deployment for a dedicated bot; nothing for a shared one, which lives in a runner."""
    if spec.isolation != "dedicated":
        return []
    name = f"bot-{owner.name}"
    pod = build_role_pod(
        owner, BOT, settings, issuer, ["runner", "--bot", owner.uid], instance=name
    )
    return [build_deployment(owner, BOT, name, pod, replicas=0 if suspended else 1)]
