"""What a Market becomes in the cluster: the feed that keeps it alive."""

import json

from tigerex_operator.builders.components import FEED
from tigerex_operator.builders.meta import Manifest, Owner
from tigerex_operator.builders.pods import build_role_pod
from tigerex_operator.builders.workloads import build_deployment
from tigerex_operator.models.market import MarketSpec
from tigerex_operator.settings import OperatorSettings

CAPTURE_FOLDER = "/capture"


def build_feed(
    owner: Owner, spec: MarketSpec, settings: OperatorSettings, issuer: str, *, suspended: bool
) -> list[Manifest]:
    """One Deployment where the market has a feed.

    The feed's settings are one JSON document in its environment.
    """
    if spec.feed is None or spec.feed_type == "none":
        return []
    symbol = spec.symbol or owner.name
    feed = spec.feed.model_dump(mode="json", by_alias=True, exclude_none=True)
    name = f"feed-{owner.name}"
    mounts: list[Manifest] = []
    volumes: list[Manifest] = []
    if spec.feed.replay is not None:
        claim = {"claimName": spec.feed.replay.claim_name, "readOnly": True}
        mounts = [{"name": "capture", "mountPath": CAPTURE_FOLDER, "readOnly": True}]
        volumes = [{"name": "capture", "persistentVolumeClaim": claim}]
        feed["replay"]["path"] = f"{CAPTURE_FOLDER}/{spec.feed.replay.path}"
    pod = build_role_pod(
        owner,
        FEED,
        settings,
        issuer,
        ["feed", "--market", symbol],
        instance=name,
        env={"TIGEREX_FEED": json.dumps({"symbol": symbol, **feed}, sort_keys=True)},
        mounts=mounts,
        volumes=volumes,
    )
    return [build_deployment(owner, FEED, name, pod, replicas=0 if suspended else 1)]
