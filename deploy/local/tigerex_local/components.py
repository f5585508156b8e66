"""The node's components as data: what runs, in which order, and when it counts as ready."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tigerex_local import addresses
from tigerex_local.layout import Layout


@dataclass(frozen=True, slots=True)
class Component:
    """One process. `ready` is an https URL that answers 200, a unix socket, or empty: it runs."""

    name: str
    arguments: tuple[str, ...]
    ready: str = ""


# In this order they start, a stage when all before it are ready.
STAGES: Final = (
    ("containerd", "etcd"),
    ("kube-apiserver",),
    ("kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "coredns"),
)
# In this order they stop. Without etcd the API server does not end on SIGTERM, so it goes first;
# containerd goes last, when nothing asks it for containers any more.
STOP_ORDER: Final = (
    "kubelet",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "coredns",
    "kube-apiserver",
    "etcd",
    "containerd",
)


def components(layout: Layout, binaries: Path) -> dict[str, Component]:
    """Every component by name."""
    made = (
        _containerd(layout),
        _etcd(layout, binaries),
        _apiserver(layout, binaries),
        _controller_manager(layout, binaries),
        _scheduler(layout, binaries),
        _kubelet(layout, binaries),
        _kube_proxy(layout, binaries),
        _coredns(layout, binaries),
    )
    return {component.name: component for component in made}


def _containerd(layout: Layout) -> Component:
    return Component(
        name="containerd",
        arguments=("containerd", "--config", f"{layout.config}/containerd.toml"),
        ready=f"unix:{layout.containerd_socket}",
    )


def _etcd(layout: Layout, binaries: Path) -> Component:
    """Without fsync: a killed process loses nothing, and a power cut may cost this local
    cluster's objects.
    """
    client = f"https://127.0.0.1:{addresses.ETCD_PORT}"
    peer = f"http://127.0.0.1:{addresses.ETCD_PEER_PORT}"
    return Component(
        name="etcd",
        arguments=(
            f"{binaries}/etcd",
            f"--data-dir={layout.state}/etcd",
            "--name=local",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=local={peer}",
            "--client-cert-auth",
            f"--trusted-ca-file={layout.pki}/ca.crt",
            f"--cert-file={layout.pki}/etcd.crt",
            f"--key-file={layout.pki}/etcd.key",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ),
    )


def _apiserver(layout: Layout, binaries: Path) -> Component:
    pki = layout.pki
    return Component(
        name="kube-apiserver",
        arguments=(
            f"{binaries}/kube-apiserver",
            f"--bind-address={addresses.NODE_ADDRESS}",
            f"--secure-port={addresses.API_PORT}",
            f"--advertise-address={addresses.NODE_ADDRESS}",
            f"--service-cluster-ip-range={addresses.SERVICE_RANGE}",
            f"--etcd-servers=https://127.0.0.1:{addresses.ETCD_PORT}",
            f"--etcd-cafile={pki}/ca.crt",
            f"--etcd-certfile={pki}/etcd.crt",
            f"--etcd-keyfile={pki}/etcd.key",
            f"--tls-cert-file={pki}/apiserver.crt",
            f"--tls-private-key-file={pki}/apiserver.key",
            f"--client-ca-file={pki}/ca.crt",
            f"--kubelet-client-certificate={pki}/kubelet-client.crt",
            f"--kubelet-client-key={pki}/kubelet-client.key",
            f"--kubelet-certificate-authority={pki}/ca.crt",
            "--kubelet-preferred-address-types=InternalIP",
            # Projected service-account tokens: signed here, verified by anyone with the JWKS at
            # /openid/v1/jwks.
            f"--service-account-issuer={addresses.SERVICE_ACCOUNT_ISSUER}",
            f"--service-account-jwks-uri={addresses.SERVICE_ACCOUNT_ISSUER}/openid/v1/jwks",
            f"--service-account-key-file={pki}/service-account.pub",
            f"--service-account-signing-key-file={pki}/service-account.key",
            # Aggregated APIs (metrics-server) trust the front proxy's certificate.
            f"--requestheader-client-ca-file={pki}/ca.crt",
            "--requestheader-allowed-names=front-proxy",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={pki}/front-proxy.crt",
            f"--proxy-client-key-file={pki}/front-proxy.key",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            "--profiling=false",
        ),
        ready=f"{addresses.API_SERVER}/readyz",
    )


def _controller_manager(layout: Layout, binaries: Path) -> Component:
    return Component(
        name="kube-controller-manager",
        arguments=(
            f"{binaries}/kube-controller-manager",
            f"--kubeconfig={layout.config}/controller-manager.kubeconfig",
            f"--service-account-private-key-file={layout.pki}/service-account.key",
            f"--root-ca-file={layout.pki}/ca.crt",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            "--secure-port=0",
            f"--cluster-cidr={addresses.POD_RANGE}",
            "--profiling=false",
            f"--flex-volume-plugin-dir={layout.state}/kubelet/volume-plugins",
            # Faster than the defaults: on one node a lost pod is worth noticing at once.
            "--node-monitor-grace-period=20s",
        ),
    )


def _scheduler(layout: Layout, binaries: Path) -> Component:
    return Component(
        name="kube-scheduler",
        arguments=(
            f"{binaries}/kube-scheduler",
            f"--kubeconfig={layout.config}/scheduler.kubeconfig",
            "--leader-elect=false",
            "--secure-port=0",
            "--profiling=false",
        ),
    )


def _kubelet(layout: Layout, binaries: Path) -> Component:
    return Component(
        name="kubelet",
        arguments=(
            f"{binaries}/kubelet",
            f"--config={layout.config}/kubelet.json",
            f"--kubeconfig={layout.config}/kubelet.kubeconfig",
            f"--hostname-override={addresses.NODE_NAME}",
            f"--node-ip={addresses.NODE_ADDRESS}",
            f"--root-dir={layout.state}/kubelet",
        ),
    )


def _kube_proxy(layout: Layout, binaries: Path) -> Component:
    """NodePorts answer at 127.0.0.1, and nowhere else: this is someone's own machine."""
    return Component(
        name="kube-proxy",
        arguments=(
            f"{binaries}/kube-proxy",
            f"--kubeconfig={layout.config}/kube-proxy.kubeconfig",
            f"--hostname-override={addresses.NODE_NAME}",
            f"--cluster-cidr={addresses.POD_RANGE}",
            "--proxy-mode=iptables",
            "--iptables-localhost-nodeports=true",
            "--nodeport-addresses=127.0.0.0/8",
            "--iptables-min-sync-period=100ms",
            "--healthz-bind-address=",
            "--metrics-bind-address=",
            # Leave the host's connection tracking limits alone.
            "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0s",
            "--conntrack-tcp-timeout-close-wait=0s",
        ),
    )


def _coredns(layout: Layout, binaries: Path) -> Component:
    return Component(
        name="coredns",
        arguments=(f"{binaries}/coredns", "-conf", f"{layout.config}/Corefile"),
    )
