"""Tells Prometheus which pods to scrape: `python -m tigerex_services.targets FILE`.

A sidecar of Prometheus. It lists TigerEx's pods every few seconds and writes them as a file of
`file_sd_configs`, which every build of Prometheus can read; Debian's has no Kubernetes discovery.
Only the standard library is used, so that it costs a few megabytes. While the API server is away,
the file stays as it is and Prometheus goes on with the targets it knows.
"""

import json
import logging
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

logger = logging.getLogger(__name__)

SELECTOR = "app.kubernetes.io/part-of=tigerex"
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
PAUSE_S = 5.0
CALL_TIMEOUT_S = 10.0
PAGE_PODS = 500
PAGES_MAX = 40
METRICS_PORT_NAME = "metrics"
SCRAPE_ANNOTATION = "prometheus.io/scrape"
PORT_ANNOTATION = "prometheus.io/port"
ENDED_PHASES = frozenset({"Succeeded", "Failed"})

Pod = dict[str, Any]


def targets(pods: list[Pod]) -> list[dict[str, Any]]:
    """One group for each pod that has something to scrape, in the order of their names."""
    groups = []
    for pod in pods:
        address = _address(pod)
        if address is None:
            continue
        metadata = pod["metadata"]
        labels = metadata.get("labels", {})
        groups.append(
            {
                "targets": [address],
                "labels": {
                    "namespace": metadata["namespace"],
                    "pod": metadata["name"],
                    "tenant": labels.get("tigerex.dev/tenant", ""),
                    "component": labels.get("app.kubernetes.io/name", ""),
                },
            }
        )
    return sorted(groups, key=lambda group: (group["labels"]["namespace"], group["labels"]["pod"]))


def _address(pod: Pod) -> str | None:
    """ip:port of the container port "metrics", or of the port that the annotations name."""
    status = pod.get("status", {})
    ip = status.get("podIP")
    annotations = pod["metadata"].get("annotations", {})
    wanted = annotations.get(SCRAPE_ANNOTATION)
    if not ip or status.get("phase") in ENDED_PHASES or wanted == "false":
        return None
    if wanted == "true" and PORT_ANNOTATION in annotations:
        return f"{ip}:{annotations[PORT_ANNOTATION]}"
    for container in pod["spec"]["containers"]:
        for port in container.get("ports", []):
            if port.get("name") == METRICS_PORT_NAME:
                return f"{ip}:{port['containerPort']}"
    return None


def list_pods(server: str, context: ssl.SSLContext, account: Path = ACCOUNT) -> list[Pod]:
    """Every pod of TigerEx in all namespaces. Raises OSError, ValueError."""
    return [pod for page in _pages(server, context, account) for pod in page]


def _pages(server: str, context: ssl.SSLContext, account: Path) -> Iterator[list[Pod]]:
    token = (account / "token").read_text().strip()  # rotated: read every time
    following = ""
    for _ in range(PAGES_MAX):
        query = {"labelSelector": SELECTOR, "limit": str(PAGE_PODS)}
        if following:
            query["continue"] = following
        request = urllib.request.Request(  # noqa: S310 - the scheme is ours
            f"{server}/api/v1/pods?{urlencode(query)}",
            headers={"Authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(  # noqa: S310
            request, timeout=CALL_TIMEOUT_S, context=context
        ) as response:
            answer = json.load(response)
        yield answer["items"]
        following = answer["metadata"].get("continue", "")
        if not following:
            return


def write(path: Path, groups: list[dict[str, Any]]) -> bool:
    """Replaces the file at once where its content differs; whether it did."""
    text = json.dumps(groups, indent=1)
    if path.exists() and path.read_text() == text:
        return False
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    temporary.replace(path)
    return True


def main(arguments: list[str]) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if len(arguments) != 1:
        logger.error("usage: python -m tigerex_services.targets FILE.json")
        return 2
    path = Path(arguments[0])
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    server = f"https://{f'[{host}]' if ':' in host else host}:{port}"
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    while True:
        try:
            groups = targets(list_pods(server, context))
            if write(path, groups):
                logger.info("%d pods to scrape", len(groups))
        except (OSError, ValueError, KeyError) as error:
            logger.warning("the pods cannot be listed, the file stays as it is: %s", error)
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
