"""At most one operator acts: the holder of a Lease.

Why a Lease and not kopf's peering: peering needs a resource type of its own, writes to it all the
time, and two peers of one priority stop each other; a Lease is what the cluster's own controllers
use. The Deployment's strategy Recreate keeps a second pod from starting in the ordinary case; the
Lease holds where it cannot: a node that lost its network and still runs the old pod.

Written here because the client library's own election (37.0) cannot create its lock and ends at
the first refused connection. The rules are client-go's: who holds the lease renews it; others take
it when they saw it unchanged, by their own clock, for its whole duration; every write names the
version it is based on, so of two only one succeeds.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import aiohttp
from kubernetes.aio.client.exceptions import ApiException

from tigerex_operator.apply.objects import ApiObjects
from tigerex_operator.builders.meta import Manifest
from tigerex_operator.settings import OperatorSettings

LEASE_NAME = "tigerex-operator"
# A restart of the API server fits into the renewal's deadline, a new leader into a minute.
LEASE_SECONDS = 30
RENEW_SECONDS_MAX = 20.0
RETRY_SECONDS = 3.0

LOG = logging.getLogger(__name__)

Failures = (ApiException, aiohttp.ClientError, TimeoutError, OSError)


class Election:
    """One candidate."""

    def __init__(
        self,
        objects: ApiObjects,
        settings: OperatorSettings,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._objects = objects
        self._namespace = settings.namespace
        self._identity = settings.identity
        self._clock = clock
        self._seen: tuple[str, float] = ("", clock())

    async def acquire(self) -> None:
        """Waits, for as long as it takes, until this process holds the lease."""
        while not await self._attempt():  # noqa: ASYNC110 - the lease lives in the API server
            await asyncio.sleep(RETRY_SECONDS)
        LOG.info("%s holds the lease", self._identity)

    async def renew(self, lost: Callable[[], None]) -> None:
        """Renews the lease until that failed for RENEW_SECONDS_MAX; then calls `lost`."""
        renewed = self._clock()
        while self._clock() - renewed < RENEW_SECONDS_MAX:
            await asyncio.sleep(RETRY_SECONDS)
            if await self._attempt():
                renewed = self._clock()
        LOG.error("the lease is lost: another operator may act now, this one ends")
        lost()

    async def release(self) -> None:
        """Gives the lease back at an orderly end, so that the next operator need not wait."""
        try:
            lease = await self._objects.get("Lease", self._namespace, LEASE_NAME)
            if lease is not None and lease["spec"].get("holderIdentity") == self._identity:
                await self._write(lease, "")
        except Failures as error:
            LOG.info("the lease ends by itself: %s", error)

    async def _attempt(self) -> bool:
        """Takes or renews the lease; False where another has it or the API server is away."""
        try:
            lease = await self._objects.get("Lease", self._namespace, LEASE_NAME)
            if lease is None:
                await self._objects.create(self._manifest({}, self._identity))
                return True
            if not self._may_take(lease):
                return False
            await self._write(lease, self._identity)
        except Failures as error:
            LOG.warning("the lease cannot be read or written: %s", error)
            return False
        return True

    def _may_take(self, lease: Manifest) -> bool:
        holder = lease["spec"].get("holderIdentity") or ""
        version = lease["metadata"]["resourceVersion"]
        if version != self._seen[0]:
            self._seen = (version, self._clock())
        expired = self._clock() - self._seen[1] > lease["spec"].get("leaseDurationSeconds", 0)
        return holder in ("", self._identity) or expired

    async def _write(self, lease: Manifest, holder: str) -> None:
        await self._objects.replace(self._manifest(lease, holder))

    def _manifest(self, lease: Manifest, holder: str) -> Manifest:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        before: dict[str, Any] = lease.get("spec", {})
        changes = before.get("holderIdentity") != holder
        metadata = {"name": LEASE_NAME, "namespace": self._namespace}
        if lease:
            metadata["resourceVersion"] = lease["metadata"]["resourceVersion"]
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": LEASE_SECONDS,
                "renewTime": now,
                "acquireTime": now if changes else before.get("acquireTime", now),
                "leaseTransitions": int(before.get("leaseTransitions", 0)) + int(changes),
            },
        }


def stop_process() -> None:
    """Ends this process in order; its pod starts another one."""
    os.kill(os.getpid(), signal.SIGTERM)
