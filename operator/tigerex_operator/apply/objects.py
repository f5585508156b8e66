"""The operator's hands: reads and writes of Kubernetes objects as plain dicts.

A thin layer over the official asynchronous client. Its typed classes would have to be built from
our manifests and read back into them; a path, a verb and a dict is all that is needed.
"""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from kubernetes.aio import client
from kubernetes.aio.client.exceptions import ApiException

from tigerex_operator.builders.meta import MANAGED_BY, Manifest

FIELD_MANAGER: Final = MANAGED_BY
REQUEST_SECONDS_MAX: Final = 30
LIST_PAGE: Final = 500
# The API server has its public keys in a format of their own only.
ACCEPTED: Final = "application/json, application/jwk-set+json"


@dataclass(frozen=True, slots=True)
class ResourceType:
    """Where objects of a kind live in the API."""

    api_version: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str, name: str = "", subresource: str = "") -> str:
        """The URL path of a collection, an object or a subresource."""
        prefix = "api" if "/" not in self.api_version else "apis"
        parts = [prefix, self.api_version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/" + "/".join(parts)


TYPES: Final[dict[str, ResourceType]] = {
    "Namespace": ResourceType("v1", "namespaces", namespaced=False),
    "Secret": ResourceType("v1", "secrets"),
    "ConfigMap": ResourceType("v1", "configmaps"),
    "Service": ResourceType("v1", "services"),
    "ServiceAccount": ResourceType("v1", "serviceaccounts"),
    "ResourceQuota": ResourceType("v1", "resourcequotas"),
    "Deployment": ResourceType("apps/v1", "deployments"),
    "StatefulSet": ResourceType("apps/v1", "statefulsets"),
    "Job": ResourceType("batch/v1", "jobs"),
    "PodDisruptionBudget": ResourceType("policy/v1", "poddisruptionbudgets"),
    "NetworkPolicy": ResourceType("networking.k8s.io/v1", "networkpolicies"),
    "Lease": ResourceType("coordination.k8s.io/v1", "leases"),
    "Tenant": ResourceType("tigerex.dev/v1alpha1", "tenants", namespaced=False),
    "Market": ResourceType("tigerex.dev/v1alpha1", "markets"),
    "TradingBot": ResourceType("tigerex.dev/v1alpha1", "tradingbots"),
}

# What the operator builds, watches and prunes. Not Namespaces and Secrets: data is never pruned.
CHILD_KINDS: Final = (
    "ConfigMap",
    "Deployment",
    "Job",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "ResourceQuota",
    "Service",
    "ServiceAccount",
    "StatefulSet",
)


def is_status(error: BaseException, status: HTTPStatus) -> bool:
    """Whether the API server answered with this status."""
    return isinstance(error, ApiException) and error.status == status


class ApiObjects:
    """Verbs on objects. Raises ApiException, aiohttp.ClientError and TimeoutError."""

    def __init__(self, api: client.ApiClient) -> None:
        self._api = api

    async def get(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """The object, or None where there is none."""
        try:
            return await self._call("GET", TYPES[kind].path(namespace, name))
        except ApiException as error:
            if is_status(error, HTTPStatus.NOT_FOUND):
                return None
            raise

    async def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply: our fields become ours and what we say, other people's stay theirs."""
        return await self._apply(manifest, "")

    async def apply_status(self, manifest: Manifest) -> Manifest:
        """Server-side apply of the status subresource; the uid makes it fail on a namesake."""
        return await self._apply(manifest, "status")

    async def create(self, manifest: Manifest) -> Manifest:
        """Creates, or raises ApiException 409 where it exists."""
        kind, namespace, _ = identity(manifest)
        query = [("fieldManager", FIELD_MANAGER)]
        return await self._call("POST", TYPES[kind].path(namespace), query, manifest)

    async def replace(self, manifest: Manifest) -> Manifest:
        """Replaces the version that the manifest names, or raises ApiException 409."""
        kind, namespace, name = identity(manifest)
        return await self._call("PUT", TYPES[kind].path(namespace, name), body=manifest)

    async def annotate(
        self, kind: str, namespace: str, name: str, annotations: dict[str, str]
    ) -> Manifest:
        """Sets annotations and leaves everything else alone."""
        return await self._call(
            "PATCH",
            TYPES[kind].path(namespace, name),
            [("fieldManager", FIELD_MANAGER)],
            {"metadata": {"annotations": annotations}},
            content_type="application/merge-patch+json",
        )

    async def delete(self, kind: str, namespace: str, name: str, *, uid: str = "") -> bool:
        """Deletes in the background; False where it is gone already, or replaced by a namesake."""
        body: Manifest = {"propagationPolicy": "Background"}
        if uid:
            body["preconditions"] = {"uid": uid}
        try:
            await self._call("DELETE", TYPES[kind].path(namespace, name), body=body)
        except ApiException as error:
            if is_status(error, HTTPStatus.NOT_FOUND) or is_status(error, HTTPStatus.CONFLICT):
                return False
            raise
        return True

    async def list_all(self, kind: str, namespace: str, selector: str) -> list[Manifest]:
        """All objects that the label selector matches, page by page."""
        items: list[Manifest] = []
        token = ""
        while True:
            query = [("labelSelector", selector), ("limit", str(LIST_PAGE)), ("continue", token)]
            page = await self._call("GET", TYPES[kind].path(namespace), query)
            items += page["items"]
            token = page["metadata"].get("continue", "")
            if not token:
                return items

    async def create_token(
        self, namespace: str, service_account: str, audience: str, seconds: int
    ) -> str:
        """A token of a service account for one audience only."""
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"audiences": [audience], "expirationSeconds": seconds},
        }
        path = TYPES["ServiceAccount"].path(namespace, service_account, "token")
        answer = await self._call("POST", path, body=body)
        return str(answer["status"]["token"])

    async def get_raw(self, path: str) -> Manifest:
        """A document of the API server that is no object, such as its public keys."""
        return await self._call("GET", path)

    async def _apply(self, manifest: Manifest, subresource: str) -> Manifest:
        kind, namespace, name = identity(manifest)
        return await self._call(
            "PATCH",
            TYPES[kind].path(namespace, name, subresource),
            [("fieldManager", FIELD_MANAGER), ("force", "true")],
            manifest,
            content_type="application/apply-patch+yaml",
        )

    async def _call(
        self,
        verb: str,
        path: str,
        query: list[tuple[str, str]] | None = None,
        body: Manifest | None = None,
        *,
        content_type: str = "application/json",
    ) -> Manifest:
        headers: dict[str, Any] = {"Accept": ACCEPTED, "Content-Type": content_type}
        serialized = await self._api.param_serialize(
            verb,
            path,
            query_params=query or [],
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
        )
        response = await self._api.call_api(*serialized, _request_timeout=REQUEST_SECONDS_MAX)
        content: bytes = await response.read()  # type: ignore[no-untyped-call]
        if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
            raise ApiException.from_response(
                http_resp=response, body=content.decode(errors="replace"), data=None
            )
        parsed: Manifest = json.loads(content)
        return parsed


def identity(manifest: Manifest) -> tuple[str, str, str]:
    """(kind, namespace or "", name)."""
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace", ""), metadata["name"]
