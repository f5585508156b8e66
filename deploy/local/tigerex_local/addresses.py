"""The node's addresses, ports and names: one place, chosen to be in nobody's way.

Everything listens on the node's own address (a bridge that only this host reaches) or on 127.0.0.1.
"""

from typing import Final

NODE_NAME: Final = "tigerex-local"
NODE_ADDRESS: Final = "10.200.0.1"
POD_RANGE: Final = "10.244.0.0/24"
SERVICE_RANGE: Final = "10.96.0.0/16"
KUBERNETES_SERVICE: Final = "10.96.0.1"  # the first of SERVICE_RANGE, by Kubernetes' own rule
CLUSTER_DOMAIN: Final = "cluster.local"
SERVICE_ACCOUNT_ISSUER: Final = f"https://kubernetes.default.svc.{CLUSTER_DOMAIN}"

NODE_BRIDGE: Final = "tigerex-node"
POD_BRIDGE: Final = "tigerex-pods"

API_PORT: Final = 16443
ETCD_PORT: Final = 12379
ETCD_PEER_PORT: Final = 12380
KUBELET_PORT: Final = 10250
DNS_PORT: Final = 53
DNS_READY_PORT: Final = 18181
API_SERVER: Final = f"https://{NODE_ADDRESS}:{API_PORT}"

# (address, port) that must be free before the node starts.
LISTENERS: Final = (
    (NODE_ADDRESS, API_PORT),
    ("127.0.0.1", ETCD_PORT),
    ("127.0.0.1", ETCD_PEER_PORT),
    (NODE_ADDRESS, KUBELET_PORT),
    (NODE_ADDRESS, DNS_PORT),
    (NODE_ADDRESS, DNS_READY_PORT),
)
