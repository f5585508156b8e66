"""Why something is not up yet: what the pods of a namespace say, in a line each."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from tigerex_local.errors import CommandError
from tigerex_local.kubectl import Kubectl

LOG_LINES: Final = 15
_ON_ITS_WAY: Final = ("ContainerCreating", "PodInitializing")


def find_troubles(pods: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Pod name -> what is wrong with it, for the pods that are more than just on their way."""
    found: dict[str, str] = {}
    for pod in pods:
        for container in pod["status"].get("containerStatuses", []):
            reason = container["state"].get("waiting", {}).get("reason", "")
            again = container["restartCount"]
            if reason and reason not in _ON_ITS_WAY:
                found[pod["metadata"]["name"]] = reason
            elif again and not container["ready"]:
                found[pod["metadata"]["name"]] = f"restarted {again} times"
        for condition in pod["status"].get("conditions", []):
            if condition.get("reason") == "Unschedulable":
                found[pod["metadata"]["name"]] = condition.get("message", "Unschedulable")
    return found


def summary(kubectl: Kubectl, namespace: str) -> str:
    """`exchange-1 (CrashLoopBackOff)`, or nothing."""
    found = find_troubles(kubectl.get("pods", f"--namespace={namespace}")["items"])
    return ", ".join(f"{pod} ({reason})" for pod, reason in sorted(found.items()))


def report(kubectl: Kubectl, namespace: str) -> str:
    """All pods, and the last lines of those in trouble."""
    parts = [kubectl("get", "pods", f"--namespace={namespace}")]
    for pod in sorted(find_troubles(kubectl.get("pods", f"--namespace={namespace}")["items"])):
        options = (
            f"--namespace={namespace}",
            f"--tail={LOG_LINES}",
            "--all-containers",
            "--prefix",
        )
        try:
            parts.append(kubectl("logs", pod, *options))
        except CommandError as error:
            parts.append(str(error))
    return "\n".join(parts)
