"""What the node adds to the host's network: two bridges, a few iptables rules, three kernel
settings.

All of it is found again by name, and the settings' old values are kept in a file, so that `down`
can take everything back whatever happened in between.
"""

import json
import re
import socket
from collections.abc import Iterable
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from tigerex_local import addresses
from tigerex_local.command import run
from tigerex_local.errors import CommandError, LocalError
from tigerex_local.layout import Layout

OUR_CHAINS: Final = "TIGEREX-"
KUBERNETES_CHAINS: Final = "KUBE-"
SETTINGS: Final = {
    "net/ipv4/ip_forward": "1",
    "net/ipv4/conf/all/route_localnet": "1",
    "net/bridge/bridge-nf-call-iptables": "1",
}
# Set by the kubelet on its own, and taken back with ours.
KUBELET_SETTINGS: Final = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
)
PROC_SYS: Final = Path("/proc/sys")
BOOT_ID: Final = PROC_SYS / "kernel/random/boot_id"

_RULES: Final = f"""*nat
:TIGEREX-NAT - [0:0]
-A TIGEREX-NAT -s {addresses.POD_RANGE} ! -d {addresses.POD_RANGE} -j MASQUERADE
COMMIT
*filter
:TIGEREX-FORWARD - [0:0]
-A TIGEREX-FORWARD -i {addresses.POD_BRIDGE} -j ACCEPT
-A TIGEREX-FORWARD -o {addresses.POD_BRIDGE} -j ACCEPT
COMMIT
"""
_JUMPS: Final = (("nat", "POSTROUTING", "TIGEREX-NAT"), ("filter", "FORWARD", "TIGEREX-FORWARD"))


def prepare(layout: Layout) -> None:
    """Makes the node's network; doing it again changes nothing."""
    _save_settings(layout)
    for name, value in SETTINGS.items():
        if (PROC_SYS / name).exists():
            (PROC_SYS / name).write_text(value)
    if not _device_exists(addresses.NODE_BRIDGE):
        # A bridge without ports carries the node's address: not every kernel has dummy devices.
        run("ip", "link", "add", addresses.NODE_BRIDGE, "type", "bridge")
    run("ip", "address", "replace", f"{addresses.NODE_ADDRESS}/32", "dev", addresses.NODE_BRIDGE)
    run("ip", "link", "set", addresses.NODE_BRIDGE, "up")
    # What no rule of kube-proxy translates (yet) goes nowhere, instead of out by the default route.
    run("ip", "route", "replace", addresses.SERVICE_RANGE, "dev", addresses.NODE_BRIDGE)
    run("iptables-restore", "--noflush", stdin=_RULES)
    for table, chain, target in _JUMPS:
        try:
            run("iptables", "-t", table, "-C", chain, "-j", target)
        except CommandError:
            run("iptables", "-t", table, "-I", chain, "1", "-j", target)


def remove(layout: Layout) -> None:
    """Takes everything back, from whatever state. The node's processes must be gone."""
    for family in ("iptables", "ip6tables"):
        script = removal_script(run(f"{family}-save"))
        if script:
            run(f"{family}-restore", "--noflush", stdin=script)
    for device in (*_pod_links(), addresses.POD_BRIDGE, addresses.NODE_BRIDGE):
        if _device_exists(device):
            _delete(device)
    _restore_settings(layout)


def _pod_links() -> list[str]:
    """The pods' links on the bridge: the kernel takes its time to remove those of ended pods."""
    if not _device_exists(addresses.POD_BRIDGE):
        return []
    links = json.loads(run("ip", "-json", "link", "show", "master", addresses.POD_BRIDGE) or "[]")
    return [link["ifname"] for link in links]


def _delete(device: str) -> None:
    try:
        run("ip", "link", "delete", device)
    except CommandError:
        if _device_exists(device):  # else the kernel was faster
            raise


def is_prepared(layout: Layout) -> bool:
    """Whether this boot's network has been changed for the node."""
    return _saved_settings(layout) is not None


def removal_script(saved: str) -> str:
    """For the output of iptables-save: the iptables-restore input that removes our and
    Kubernetes' chains.

    Rules and chains of anyone else are not named in it, and so stay as they are.
    """
    script: list[str] = []
    for table, body in re.findall(r"^\*(\w+)\n(.*?)^COMMIT$", saved, re.MULTILINE | re.DOTALL):
        chains = re.findall(rf"^:((?:{OUR_CHAINS}|{KUBERNETES_CHAINS})\S+)", body, re.MULTILINE)
        if not chains:
            continue
        rules = re.findall(r"^-A (\S+) (.*)$", body, re.MULTILINE)
        jumps = [
            f"-D {chain} {rule}"
            for chain, rule in rules
            if chain not in chains and set(rule.split()) & set(chains)
        ]
        flushes = [f"-F {chain}" for chain in chains]
        deletions = [f"-X {chain}" for chain in chains]
        script += [f"*{table}", *jumps, *flushes, *deletions, "COMMIT"]
    return "\n".join(script) + "\n" if script else ""


def refuse_foreign_cluster(layout: Layout) -> None:
    """Raises LocalError when a Kubernetes that is not ours uses this host's network."""
    if not is_prepared(layout) and f":{KUBERNETES_CHAINS}" in run("iptables-save"):
        raise LocalError(
            "this host already runs a Kubernetes node (iptables has its KUBE- chains): name its "
            "kubeconfig context in TIGEREX_KUBE_CONTEXT to use it, or stop it first"
        )
    overlap = overlapping_route(json.loads(run("ip", "-json", "-4", "route", "show")))
    if overlap:
        raise LocalError(
            f"the network {overlap} of this host overlaps the node's {addresses.POD_RANGE} or "
            f"{addresses.SERVICE_RANGE}: use another cluster by TIGEREX_KUBE_CONTEXT"
        )


def overlapping_route(routes: Iterable[dict[str, str]]) -> str:
    """The first route of someone else's device into our ranges, or an empty string."""
    ours = [
        IPv4Network(text)
        for text in (addresses.POD_RANGE, addresses.SERVICE_RANGE, f"{addresses.NODE_ADDRESS}/32")
    ]
    for route in routes:
        destination = route.get("dst", "default")
        if destination == "default" or route.get("dev") in (
            addresses.POD_BRIDGE,
            addresses.NODE_BRIDGE,
        ):
            continue
        if any(IPv4Network(destination, strict=False).overlaps(own) for own in ours):
            return destination
    return ""


def refuse_taken_ports() -> None:
    """Raises LocalError when a port the node needs is taken; the node's addresses must exist."""
    for address, port in addresses.LISTENERS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                raise LocalError(
                    f"{address}:{port} is taken by another process: stop it (`ss -ltnp` names "
                    "it), or use another cluster by TIGEREX_KUBE_CONTEXT"
                ) from error


def _device_exists(name: str) -> bool:
    return Path("/sys/class/net", name).exists()


def _settings_file(layout: Layout) -> Path:
    return layout.state / "host-settings.json"


def _saved_settings(layout: Layout) -> dict[str, str] | None:
    """The host's own values as they were before the node; None when the node has changed nothing.

    A file from before the last boot says nothing about this one.
    """
    try:
        saved = json.loads(_settings_file(layout).read_text())
    except (OSError, ValueError):
        return None
    values: dict[str, str] = saved["values"]
    return values if saved["boot"] == BOOT_ID.read_text() else None


def _save_settings(layout: Layout) -> None:
    if is_prepared(layout):  # by a start that was never taken back: those are the host's own values
        return
    names = (*SETTINGS, *KUBELET_SETTINGS)
    values = {name: (PROC_SYS / name).read_text() for name in names if (PROC_SYS / name).exists()}
    file = _settings_file(layout)
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps({"boot": BOOT_ID.read_text(), "values": values}))
    fresh.replace(file)


def _restore_settings(layout: Layout) -> None:
    for name, value in (_saved_settings(layout) or {}).items():
        path = PROC_SYS / name
        if path.exists() and path.read_text() != value:
            path.write_text(value)
    _settings_file(layout).unlink(missing_ok=True)
