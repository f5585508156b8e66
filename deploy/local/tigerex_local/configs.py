"""The configuration files of the node's components, rendered as text.

JSON is valid YAML, so what Kubernetes reads is written from plain data.
"""

import json
from pathlib import Path

from tigerex_local import addresses
from tigerex_local.cgroups import CGROUP
from tigerex_local.layout import Layout

MAX_PODS = 240  # fits in POD_RANGE
DNS_CACHE_S = 5  # short: a Service made a moment ago should be found


def containerd(layout: Layout, pause_image: str) -> str:
    """restrict_oom_score_adj: without CAP_SYS_RESOURCE runc cannot lower a sandbox's
    oom_score_adj and fails.

    The network namespaces live under the state folder, so that they are ours to find and to lose.
    """
    return f"""version = 2
root = "{layout.state}/containerd"
state = "{layout.run}/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
[grpc]
  address = "{layout.containerd_socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause_image}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      Root = "{layout.run}/runc"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{layout.config}/cni"
"""


def cni(layout: Layout) -> str:
    """One bridge for all pods. Masquerading is ours (`network`): the plugin's own leaves chains
    behind.
    """
    bridge = {
        "type": "bridge",
        "bridge": addresses.POD_BRIDGE,
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "dataDir": f"{layout.run}/ipam",
            "ranges": [[{"subnet": addresses.POD_RANGE}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    document = {"cniVersion": "0.4.0", "name": "tigerex", "plugins": [bridge]}
    return json.dumps(document, indent=1)


def kubelet(layout: Layout) -> str:
    """failCgroupV1: this kubelet refuses hosts with cgroup v1 otherwise.

    Nothing is evicted or collected before the disk is really full: this is someone's own machine.
    """
    document = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": addresses.NODE_ADDRESS,
        "port": addresses.KUBELET_PORT,
        "healthzPort": 0,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{layout.pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{layout.pki}/kubelet.crt",
        "tlsPrivateKeyFile": f"{layout.pki}/kubelet.key",
        "clusterDNS": [addresses.NODE_ADDRESS],
        "clusterDomain": addresses.CLUSTER_DOMAIN,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{CGROUP}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{layout.containerd_socket}",
        "resolvConf": f"{layout.config}/resolv.conf",
        "podLogsDir": f"{layout.logs}/pods",
        "volumePluginDir": f"{layout.state}/kubelet/volume-plugins",
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
        },
        "imageGCHighThresholdPercent": 100,
        "maxPods": MAX_PODS,
        "syncFrequency": "10s",
    }
    return json.dumps(document, indent=1)


def corefile(layout: Layout) -> str:
    return f""".:{addresses.DNS_PORT} {{
  bind {addresses.NODE_ADDRESS}
  errors
  ready {addresses.NODE_ADDRESS}:{addresses.DNS_READY_PORT}
  kubernetes {addresses.CLUSTER_DOMAIN} in-addr.arpa {{
    kubeconfig {layout.config}/coredns.kubeconfig
    ttl {DNS_CACHE_S}
  }}
  forward . {layout.config}/resolv.conf
  cache {DNS_CACHE_S}
}}
"""


def resolv_conf(candidates: tuple[Path, ...]) -> str:
    """The host's resolvers as a pod can use them: the first file that names one that is not
    loopback.

    A host whose only resolver is a stub on loopback gives an empty file: names of the cluster
    still resolve.
    """
    for file in candidates:
        if not file.exists():
            continue
        lines = [line for line in file.read_text().splitlines() if line.startswith("nameserver")]
        servers = [
            line.split()[1] for line in lines if not line.split()[1].startswith(("127.", "::1"))
        ]
        if servers:
            return "".join(f"nameserver {server}\n" for server in servers)
    return ""
