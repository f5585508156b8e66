"""What a Tenant's exchange must know: assets, fees, the demo user with money and a key."""

import json
from http import HTTPStatus

from kubernetes.aio.client.exceptions import ApiException

from tigerex_operator.apply.objects import is_status
from tigerex_operator.builders.credentials import (
    API_KEY_SECRET,
    CREDITED_ANNOTATION,
    build_secret,
)
from tigerex_operator.builders.meta import Manifest
from tigerex_operator.clients.exchange import ExchangeClient
from tigerex_operator.models.tenant import DemoUserSpec, TenantSpec
from tigerex_operator.reconcile.context import Body, Context, owner_of


class Provisioner:
    """Tells the exchange what the spec says: at every change, and after every restart of this
    process.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._done: dict[str, tuple[str, int]] = {}

    async def provision(self, body: Body, spec: TenantSpec, namespace: Manifest) -> None:
        """Raises TigerExError. Repeating it changes nothing."""
        metadata = body["metadata"]
        name, reason = metadata["name"], f"Tenant {metadata['name']}"
        namespace_uid = str(namespace["metadata"]["uid"])
        version = (namespace_uid, int(metadata["generation"]))
        secret = await self._api_key_secret(body) if spec.demo_user else None
        told = self._done.get(metadata["uid"]) == version
        if told and (spec.demo_user is None or secret is not None):
            return
        exchange = ExchangeClient(await self._context.channels.exchange(name), namespace_uid)
        existing, discount = await exchange.known_assets()
        for asset in spec.assets:
            if asset.code not in existing:
                await exchange.ensure_asset(asset, reason)
        change = f"{metadata['uid']}/{metadata['generation']}"
        await exchange.set_fees(spec.fees, change, reason)
        if spec.fee_discount is not None or discount.asset:
            await exchange.set_fee_discount(spec.fee_discount, change, reason)
        if spec.demo_user is not None:
            account_id = await exchange.ensure_user(spec.demo_user.name, reason)
            if secret is None:
                await self._create_api_key(body, spec.demo_user.name, exchange, reason)
            await self._credit(namespace, spec.demo_user, account_id, exchange, reason)
        self._done[metadata["uid"]] = version

    async def _credit(
        self,
        namespace: Manifest,
        user: DemoUserSpec,
        account_id: int,
        exchange: ExchangeClient,
        reason: str,
    ) -> None:
        """Credits each asset once in the life of the data, which is the namespace's life.

        The namespace keeps the record, written after each credit: the exchange remembers a request
        id for long, but not for ever.
        """
        annotations = namespace["metadata"].get("annotations") or {}
        credited: dict[str, str] = json.loads(annotations.get(CREDITED_ANNOTATION, "{}"))
        for balance in user.balances:
            if balance.asset in credited:
                continue
            await exchange.credit_once(user.name, account_id, balance.asset, balance.amount, reason)
            credited[balance.asset] = balance.amount
            record = {CREDITED_ANNOTATION: json.dumps(credited, sort_keys=True)}
            await self._context.objects.annotate(
                "Namespace", "", namespace["metadata"]["name"], record
            )

    async def _api_key_secret(self, body: Body) -> Manifest | None:
        return await self._context.objects.get("Secret", owner_of(body).tenant, API_KEY_SECRET)

    async def _create_api_key(
        self, body: Body, user: str, exchange: ExchangeClient, reason: str
    ) -> None:
        key, value = await exchange.create_api_key(user, reason)
        manifest = build_secret(owner_of(body), API_KEY_SECRET, {"key": key, "secret": value})
        try:
            await self._context.objects.create(manifest)
        except ApiException as error:
            if not is_status(error, HTTPStatus.CONFLICT):
                raise
