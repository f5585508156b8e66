"""What people and the operator do: idempotent, audited, refused by field when wrong."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.integration.exchange.callers import Caller, refused
from tests.integration.exchange.site import Site, rid
from tigerex.exchange.v1 import accounts_pb2, admin_pb2, markets_pb2, trading_pb2, types_pb2

from tigerex_platform.errors import (
    Conflict,
    InvalidField,
    NotFound,
    PermissionDenied,
    Refused,
    TigerExError,
    Unauthenticated,
)

pytestmark = pytest.mark.integration
# Tests that share an exchange share its connections, and so its event loop.
MODULE_LOOP = pytest.mark.asyncio(loop_scope="module")


def asset_request(code: str, scale: int, **other: object) -> admin_pb2.EnsureAssetRequest:
    return admin_pb2.EnsureAssetRequest(
        request_id=rid(), asset=types_pb2.Asset(code=code, scale=scale), reason="test", **other
    )


async def test_ensuring_twice_changes_nothing(site: Site) -> None:
    first = await site.admin.EnsureAsset(asset_request("ETH", 8))
    again = await site.admin.EnsureAsset(asset_request("ETH", 8))
    assert first == again
    with refused(Conflict):
        await site.admin.EnsureAsset(asset_request("ETH", 6))

    user = admin_pb2.EnsureUserRequest(request_id=rid(), name="eve", reason="test")
    made = await site.admin.EnsureUser(user)
    user.request_id = rid()
    assert await site.admin.EnsureUser(user) == made
    assert made.main_account.name == "main"

    market = admin_pb2.EnsureMarketRequest(
        request_id=rid(), market=site.market_message(), reason="test"
    )
    same = await site.admin.EnsureMarket(market)
    assert same.market.symbol == "btc-usdt"
    market.market.tick_size = "0.1"
    with refused(Conflict):
        await site.admin.EnsureMarket(market)


async def test_a_repeated_deposit_credits_once(site: Site) -> None:
    request = admin_pb2.DepositRequest(
        request_id=rid(), account_id=site.maker.account_id, asset="USDT", amount="5.5",
        reason="test",
    )  # fmt: skip
    before = (await site.balances(site.maker)).get("USDT", ("0", "0"))[0]
    seqs = {(await site.admin.Deposit(request)).seq for _ in range(3)}
    assert len(seqs) == 1
    after = (await site.balances(site.maker))["USDT"][0]
    assert float(after) - float(before) == pytest.approx(5.5)
    await site.check_sums()


async def test_everything_is_audited(site: Site) -> None:
    request = admin_pb2.DepositRequest(
        request_id=rid(), account_id=site.maker.account_id, asset="USDT", amount="1",
        reason="a goodwill credit",
    )  # fmt: skip
    await site.admin.Deposit(request)
    await site.admin.Deposit(request)
    page = await site.admin.ListAuditRecords(admin_pb2.ListAuditRecordsRequest(limit=10))
    records = [record for record in page.records if record.reason == "a goodwill credit"]
    assert len(records) == 1, "a repetition is recorded once"
    assert records[0].author == "internal:operator"
    assert records[0].method == "Deposit"
    assert '"amount": "1"' in records[0].detail
    older = await site.admin.ListAuditRecords(
        admin_pb2.ListAuditRecordsRequest(before_id=page.records[-1].id, limit=500)
    )
    assert all(record.id < page.records[-1].id for record in older.records)


async def test_api_keys_live_and_die(site: Site) -> None:
    request = admin_pb2.CreateApiKeyRequest(
        request_id=rid(), user="maker", permissions=["read"], label="laptop", reason="test"
    )
    made = await site.admin.CreateApiKey(request)
    assert await site.admin.CreateApiKey(request) == made, "a retry gets the same key"
    kept = await site.admin_of(Caller("gateway")).LookupApiKey(
        admin_pb2.LookupApiKeyRequest(key=made.key)
    )
    assert kept.user == "maker"
    assert made.secret.encode() not in kept.encrypted_secret
    assert await site.stored_secret(made.key) == kept.encrypted_secret

    caller = site.with_key(made.key, made.secret)
    listed = await site.accounts_of(caller).ListAccounts(accounts_pb2.ListAccountsRequest())
    assert {account.user for account in listed.accounts} == {"maker"}
    with refused(PermissionDenied) as caught:
        await site.trading_of(caller).PlaceOrder(
            site.place_request(site.maker, "sell", "60000", "0.1")
        )
    assert "trade" in caught.error.message

    await site.admin.RevokeApiKey(
        admin_pb2.RevokeApiKeyRequest(request_id=rid(), key=made.key, reason="test")
    )
    with refused(Unauthenticated):
        await site.accounts_of(caller).ListAccounts(accounts_pb2.ListAccountsRequest())
    with refused(NotFound):
        await site.admin_of(Caller("gateway")).LookupApiKey(
            admin_pb2.LookupApiKeyRequest(key=made.key)
        )
    request.label = "another"
    with refused(Conflict):
        await site.admin.CreateApiKey(request)


async def test_an_api_key_with_a_public_key_has_no_secret(site: Site) -> None:
    private = Ed25519PrivateKey.generate()
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    request = admin_pb2.CreateApiKeyRequest(
        request_id=rid(),
        user="maker",
        permissions=["read"],
        label="laptop",
        reason="test",
        public_key=pem.decode(),
    )
    made = await site.admin.CreateApiKey(request)
    assert made.secret == ""
    assert await site.admin.CreateApiKey(request) == made, "a retry gets the same key"
    kept = await site.admin_of(Caller("gateway")).LookupApiKey(
        admin_pb2.LookupApiKeyRequest(key=made.key)
    )
    assert kept.public_key == private.public_key().public_bytes_raw()
    assert kept.encrypted_secret == b""
    for secret in ("", "guessed"):
        with refused(Unauthenticated) as caught:
            caller = site.with_key(made.key, secret)
            await site.accounts_of(caller).ListAccounts(accounts_pb2.ListAccountsRequest())
        assert caught.error.code == "WRONG_KIND_OF_API_KEY"
    other = Ed25519PrivateKey.generate().public_key()
    pem = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    request.public_key = pem.decode()
    with refused(Conflict):
        await site.admin.CreateApiKey(request)
    request.public_key = ""
    with refused(Conflict):
        await site.admin.CreateApiKey(request)


async def test_users_cannot_administer(site: Site) -> None:
    for caller in (site.maker.api_key, site.as_gateway_for(site.maker)):
        with refused(PermissionDenied):
            await site.admin_of(caller).Deposit(
                admin_pb2.DepositRequest(
                    request_id=rid(),
                    account_id=site.maker.account_id,
                    asset="USDT",
                    amount="1000000",
                    reason="wish",
                )
            )
    await site.check_sums()


async def test_a_halted_market_takes_cancels_only(site: Site) -> None:
    order = await site.place(site.maker, "sell", "60000", "0.1")
    halt = admin_pb2.SetMarketStateRequest(
        request_id=rid(), symbol="btc-usdt", state=types_pb2.MARKET_STATE_HALTED, reason="test"
    )
    answer = await site.admin.SetMarketState(halt)
    assert answer.market.state == types_pb2.MARKET_STATE_HALTED
    with refused(Refused) as caught:
        await site.place(site.taker, "buy", "60000", "0.1")
    assert caught.error.code == "MARKET_HALTED"
    await site.cancel(site.maker, order.order.order_id)
    await site.check_sums()


async def test_transfers_in_one_and_in_two_phases(site: Site) -> None:
    accounts = site.accounts
    bot = await accounts.EnsureAccount(
        accounts_pb2.EnsureAccountRequest(
            request_id=rid(), user="maker", name="bot-1", kind=types_pb2.ACCOUNT_KIND_BOT
        )
    )
    bot_id, main_id = bot.account.account_id, site.maker.account_id
    move = accounts_pb2.TransferRequest(
        request_id=rid(), from_account_id=main_id, to_account_id=bot_id, asset="BTC", amount="1"
    )
    assert await accounts.Transfer(move) == await accounts.Transfer(move)
    transfer_id = rid()
    reserve = accounts_pb2.ReserveTransferRequest(
        request_id=rid(), transfer_id=transfer_id, from_account_id=bot_id, to_account_id=main_id,
        asset="BTC", amount="0.4",
    )  # fmt: skip
    await accounts.ReserveTransfer(reserve)
    assert (await site.balances_of(bot_id))["BTC"] == ("0.6", "0.4")
    post = accounts_pb2.PostTransferRequest(request_id=rid(), transfer_id=transfer_id)
    assert await accounts.PostTransfer(post) == await accounts.PostTransfer(post)
    assert (await site.balances_of(bot_id))["BTC"] == ("0.6", "0")
    with refused(TigerExError):
        await accounts.VoidTransfer(
            accounts_pb2.VoidTransferRequest(request_id=rid(), transfer_id=transfer_id)
        )
    await site.check_sums()
    await site.check_verified()


async def test_an_older_epoch_is_fenced(site: Site) -> None:
    await site.accounts.AdvanceEpoch(
        accounts_pb2.AdvanceEpochRequest(
            request_id=rid(),
            account_id=site.maker.account_id,
            epoch=5,
            signal=accounts_pb2.SIGNAL_TAKEOVER,
        )
    )
    request = site.place_request(site.maker, "sell", "60000", "0.1")
    request.epoch = 4
    with refused(Refused) as caught:
        await site.trading(site.maker).PlaceOrder(request)
    assert caught.error.code == "STALE_EPOCH"
    fresh = trading_pb2.PlaceOrderRequest()
    fresh.CopyFrom(request)
    fresh.request_id, fresh.epoch = rid(), 5
    await site.trading(site.maker).PlaceOrder(fresh)
    await site.check_sums()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"symbol": "BTC/USDT"}, "market.symbol"),
        ({"tick_size": "0"}, "market.tick_size"),
        ({"tick_size": "0.0000001"}, "market.tick_size"),
        ({"lot_size": "0.00000001"}, "market.tick_size"),  # with the tick: too fine a notional
        ({"lot_size": "-1"}, "market.lot_size"),
        ({"quote_asset": "BTC"}, "market.quote_asset"),
        ({"max_price": "0"}, "market.max_price"),
        ({"max_quantity": "9999999999"}, "market.max_quantity"),
        ({"min_notional": "x"}, "market.min_notional"),
    ],
    ids=str,
)
@MODULE_LOOP
async def test_bad_markets_are_refused_by_field(
    shared_site: Site, change: dict[str, str], field: str
) -> None:
    market = shared_site.market_message()
    market.symbol = "other"
    for name, value in change.items():
        setattr(market, name, value)
    with refused(InvalidField) as caught:
        await shared_site.admin.EnsureMarket(
            admin_pb2.EnsureMarketRequest(request_id=rid(), market=market, reason="test")
        )
    assert caught.error.field == field
    listed = await shared_site.markets.ListMarkets(markets_pb2.ListMarketsRequest())
    assert [found.symbol for found in listed.markets] == ["btc-usdt"]


@pytest.mark.parametrize(
    ("request_message", "method", "field"),
    [
        (admin_pb2.SetFeeTierRequest(tier=0, maker_fee="-0.1", taker_fee="0", reason="x"),
         "SetFeeTier", "maker_fee"),
        (admin_pb2.SetFeeTierRequest(tier=0, maker_fee="0", taker_fee="0.2", reason="x"),
         "SetFeeTier", "taker_fee"),
        (admin_pb2.SetFeeTierRequest(tier=16, maker_fee="0", taker_fee="0", reason="x"),
         "SetFeeTier", "tier"),
        (admin_pb2.SetFeeTierRequest(tier=1, maker_fee="0", taker_fee="0"),
         "SetFeeTier", "reason"),
        (admin_pb2.EnsureUserRequest(name="Bad Name", reason="x"), "EnsureUser", "name"),
        (admin_pb2.CreateApiKeyRequest(user="maker", permissions=["root"], reason="x"),
         "CreateApiKey", "permissions"),
        (admin_pb2.CreateApiKeyRequest(user="maker", reason="x"), "CreateApiKey", "permissions"),
        (admin_pb2.CreateApiKeyRequest(user="maker", reason="x", permissions=["read"],
                                       public_key="-----BEGIN PUBLIC KEY-----"),
         "CreateApiKey", "public_key"),
        (admin_pb2.DepositRequest(account_id=1, asset="USDT", amount="1", reason="x"),
         "Deposit", "account_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
@MODULE_LOOP
async def test_bad_admin_calls_are_refused_by_field(
    shared_site: Site, request_message: admin_pb2.DepositRequest, method: str, field: str
) -> None:
    request_message.request_id = rid()
    with refused(InvalidField) as caught:
        await getattr(shared_site.admin, method)(request_message)
    assert caught.error.field == field


@MODULE_LOOP
async def test_a_message_beyond_the_bound_is_refused(shared_site: Site) -> None:
    with refused(TigerExError) as caught:
        await shared_site.admin.EnsureUser(
            admin_pb2.EnsureUserRequest(request_id=rid(), name="x" * 10_000_000, reason="x")
        )
    assert caught.error.code in {"TOO_LARGE", "RESOURCE_EXHAUSTED"}
