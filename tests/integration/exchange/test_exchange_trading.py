"""Orders over gRPC by both kinds of caller, with the real core, PostgreSQL and Redis."""

import pytest
from tests.integration.exchange.callers import refused
from tests.integration.exchange.site import Site, rid
from tigerex.exchange.v1 import accounts_pb2, trading_pb2, types_pb2

from tigerex_platform.errors import Conflict, InvalidField, NotFound, PermissionDenied, Refused

pytestmark = pytest.mark.integration
# Tests that share an exchange share its connections, and so its event loop.
MODULE_LOOP = pytest.mark.asyncio(loop_scope="module")


async def test_an_order_rests_fills_and_cancels(site: Site) -> None:
    maker, taker = site.maker, site.taker
    sell = await site.place(maker, "sell", "60000", "0.5", client_order_id="ask-1")
    assert sell.order.status == types_pb2.ORDER_STATUS_NEW
    assert sell.order.client_order_id == "ask-1"

    buy = await site.place(taker, "buy", "60001", "0.2")
    assert buy.order.status == types_pb2.ORDER_STATUS_FILLED
    [fill] = buy.fills
    # The taker pays the maker's price, and 0.2 % of what it receives.
    assert (fill.price, fill.quantity, fill.fee_asset) == ("60000", "0.2", "BTC")
    assert fill.fee == "0.0004"
    assert buy.order.filled_notional == "12000"

    found = await site.trading(maker).GetOrder(
        trading_pb2.GetOrderRequest(account_id=maker.account_id, client_order_id="ask-1")
    )
    assert found.order.filled_quantity == "0.2"
    assert found.order.status == types_pb2.ORDER_STATUS_PARTIALLY_FILLED

    canceled = await site.cancel(maker, sell.order.order_id)
    assert canceled.order.status == types_pb2.ORDER_STATUS_CANCELED
    assert canceled.order.filled_quantity == "0.2"
    balances = await site.balances(maker)
    assert all(held == "0" for _, held in balances.values())
    await site.check_sums()


async def test_both_kinds_of_caller_see_their_own_only(site: Site) -> None:
    """An API key, and the gateway acting for the same user, are limited alike."""
    order = await site.place(site.maker, "sell", "70000", "0.1")
    for caller in (site.maker.api_key, site.as_gateway_for(site.maker)):
        trading = site.trading_of(caller)
        listed = await trading.ListOpenOrders(
            trading_pb2.ListOpenOrdersRequest(account_id=site.maker.account_id)
        )
        assert [o.order_id for o in listed.orders] == [order.order.order_id]
    for caller in (site.taker.api_key, site.as_gateway_for(site.taker)):
        trading, accounts = site.trading_of(caller), site.accounts_of(caller)
        with refused(PermissionDenied):
            await trading.ListOpenOrders(
                trading_pb2.ListOpenOrdersRequest(account_id=site.maker.account_id)
            )
        with refused(PermissionDenied):
            await trading.CancelOrder(
                trading_pb2.CancelOrderRequest(
                    request_id=rid(),
                    account_id=site.maker.account_id,
                    order_id=order.order.order_id,
                )
            )
        with refused(PermissionDenied):
            await accounts.GetBalances(
                accounts_pb2.GetBalancesRequest(account_id=site.maker.account_id)
            )
        with refused(PermissionDenied):
            await accounts.Transfer(
                accounts_pb2.TransferRequest(
                    request_id=rid(),
                    from_account_id=site.maker.account_id,
                    to_account_id=site.taker.account_id,
                    asset="BTC",
                    amount="1",
                )
            )
        with refused(PermissionDenied):
            await accounts.EnsureAccount(
                accounts_pb2.EnsureAccountRequest(
                    request_id=rid(), name="mint", kind=types_pb2.ACCOUNT_KIND_HOUSE
                )
            )
    # Somebody else's order through an account of one's own is not found.
    with refused(NotFound):
        await site.cancel(site.taker, order.order.order_id)
    await site.check_sums()


async def test_a_repeated_request_gets_the_first_answer(site: Site) -> None:
    await site.place(site.maker, "sell", "60000", "1")
    request = site.place_request(site.taker, "buy", "60000", "0.3")
    first = await site.trading(site.taker).PlaceOrder(request)
    again = await site.trading(site.taker).PlaceOrder(request)
    assert again == first

    changed = trading_pb2.PlaceOrderRequest()
    changed.CopyFrom(request)
    changed.quantity = "0.4"
    with refused(Conflict) as caught:
        await site.trading(site.taker).PlaceOrder(changed)
    assert caught.error.code == "REQUEST_ID_REUSED"

    await site.restart()
    assert await site.trading(site.taker).PlaceOrder(request) == first
    with refused(Conflict):
        await site.trading(site.taker).PlaceOrder(changed)
    await site.check_sums()


async def test_a_refusal_is_repeated_too(site: Site) -> None:
    request = site.place_request(site.taker, "buy", "60000", "99")
    for _ in range(2):
        with refused(Refused) as caught:
            await site.trading(site.taker).PlaceOrder(request)
        assert caught.error.code == "INSUFFICIENT_BALANCE"
        assert caught.error.field == "account_id"


async def test_a_batch_answers_each_command_on_its_own(site: Site) -> None:
    places = [
        site.place_request(site.maker, "sell", "61000", "0.1"),
        site.place_request(site.maker, "sell", "61000", "99"),  # not covered
        site.place_request(site.maker, "sell", "61000.001", "0.1"),  # too fine
        site.place_request(site.taker, "buy", "61000", "0.1"),  # not the caller's account
    ]
    commands = [trading_pb2.BatchCommand(place=place) for place in places]
    answer = await site.trading(site.maker).SubmitBatch(
        trading_pb2.SubmitBatchRequest(commands=commands)
    )
    kinds = [result.WhichOneof("result") for result in answer.results]
    assert kinds == ["placed", "refused", "refused", "refused"]
    assert [result.refused.reason for result in answer.results[1:]] == [
        "INSUFFICIENT_BALANCE",
        "INVALID_FIELD",
        "PERMISSION_DENIED",
    ]
    assert answer.results[2].refused.field == "price"
    await site.check_sums()


async def test_a_market_order_takes_and_the_rest_expires(site: Site) -> None:
    await site.place(site.maker, "sell", "60000", "0.1")
    request = site.place_request(site.taker, "buy", "", "0.3")
    request.type = types_pb2.ORDER_TYPE_MARKET
    answer = await site.trading(site.taker).PlaceOrder(request)
    assert answer.order.status == types_pb2.ORDER_STATUS_EXPIRED
    assert answer.order.filled_quantity == "0.1"
    assert answer.order.price == ""
    await site.check_sums()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"request_id": b""}, "request_id"),
        ({"request_id": bytes(16)}, "request_id"),
        ({"price": "60000.001"}, "price"),
        ({"price": "-1"}, "price"),
        ({"price": "6e4"}, "price"),
        ({"price": "0"}, "price"),
        ({"price": ""}, "price"),
        ({"price": "99999999"}, "price"),
        ({"quantity": "0.00001"}, "quantity"),
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "-0.1"}, "quantity"),
        ({"quantity": "100000"}, "quantity"),
        ({"side": 0}, "side"),
        ({"type": 0}, "type"),
        ({"side": 7}, "side"),
        ({"time_in_force": types_pb2.TIME_IN_FORCE_IOC, "post_only": True}, "time_in_force"),
        ({"client_order_id": "x" * 41}, "client_order_id"),
        ({"client_order_id": "ü"}, "client_order_id"),
        ({"epoch": -1}, "epoch"),
        ({"decided_seq": -1}, "decided_seq"),
        ({"type": types_pb2.ORDER_TYPE_MARKET}, "price"),
    ],
    ids=str,
)
@MODULE_LOOP
async def test_bad_orders_are_refused_by_field(
    shared_site: Site, change: dict[str, object], field: str
) -> None:
    site = shared_site
    request = site.place_request(site.taker, "buy", "60000", "0.1")
    for name, value in change.items():
        setattr(request, name, value)
    with refused(InvalidField) as caught:
        await site.trading(site.taker).PlaceOrder(request)
    assert caught.error.field == field
    assert caught.error.metadata()["allowed"]
    open_orders = await site.trading(site.taker).ListOpenOrders(
        trading_pb2.ListOpenOrdersRequest(account_id=site.taker.account_id)
    )
    assert list(open_orders.orders) == []


@MODULE_LOOP
async def test_unknown_things_are_not_found(shared_site: Site) -> None:
    site = shared_site
    request = site.place_request(site.taker, "buy", "60000", "0.1")
    request.market = "no-such"
    with refused(NotFound):
        await site.trading(site.taker).PlaceOrder(request)
    with refused(NotFound):
        await site.cancel(site.taker, 987_654_321)
