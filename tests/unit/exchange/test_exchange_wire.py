"""The compiled way between bytes and rows gives what the ordinary way gives, or leaves it to it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tigerex.exchange.v1 import trading_pb2 as pb

from tigerex_core.records import (
    EVENT_WIDTH,
    AccountKind,
    Event,
    EventKind,
    MarketState,
    OrderType,
    Rows,
    TimeInForce,
    pack_name,
)
from tigerex_platform.auth import Principal
from tigerex_platform.errors import InvalidField, TigerExError
from tigerex_platform.ids import derive_request_id
from tigerex_services.directory import AccountInfo
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.host.sequencer import Part
from tigerex_services.exchange.servicers import order_messages
from tigerex_services.exchange.servicers.trading import batch_rows, command_row
from tigerex_services.exchange.wire.batch import (
    BATCH,
    STREAM,
    ResultWriter,
    framed,
    read_batch,
    split,
    write_results,
)
from tigerex_services.exchange.wire.tables import CurrentTables
from tigerex_services.instruments import AssetInfo, MarketInfo

pytestmark = pytest.mark.unit

BTC, USDT = AssetInfo(1, "BTC", 8), AssetInfo(2, "USDT", 6)
MARKET = MarketInfo(1, "btc-usdt", BTC, USDT, 10_000, 10_000, 10**8, 10**7, 1, MarketState.OPEN)
OTHER = replace(MARKET, market_id=2, symbol="btc-usd", tick=1, lot=1)
FEED = Principal("internal", "feed")
ANN = Principal("external", "key", "ann", 1)


def committed() -> Committed:
    state = Committed()
    for asset in (BTC, USDT):
        state.directory.put_asset(asset)
    for market in (MARKET, OTHER):
        state.directory.put_market(market)
    state.directory.put_user(1, "ann")
    state.directory.put_account(AccountInfo(4, 1, "ann", "main", AccountKind.MAIN))
    state.directory.put_account(AccountInfo(5, 2, "bob", "main", AccountKind.MAIN))
    return state


STATE = committed()
TABLES = CurrentTables().of(STATE.directory)

decimals = st.one_of(
    st.from_regex(r"[0-9]{1,7}(\.[0-9]{1,9})?", fullmatch=True),
    st.sampled_from(["", ".", "1.", ".5", "0", "00.10", "NaN", "-1", "+1", "1e3", " 1", "1 ", "٣"]),
    st.sampled_from(["1..2", "9" * 19, "9" * 50, "1." + "0" * 30, "10000", "0.0001", "60000.01"]),
    st.text(max_size=4),
)
numbers = st.one_of(st.integers(-2, 9), st.sampled_from([2**62, 2**62 + 1, 2**63 - 1, -(2**63)]))
places = st.builds(
    pb.PlaceOrderRequest,
    request_id=st.one_of(st.just(bytes(range(16))), st.binary(max_size=17), st.just(bytes(16))),
    account_id=st.sampled_from([4, 4, 4, 5, 0, 77, -1]),
    market=st.sampled_from(["btc-usdt", "btc-usdt", "btc-usd", "btc", "", "BTC-USDT", "ü"]),
    side=st.sampled_from([1, 2, 1, 2, 0, 3]),
    type=st.sampled_from([1, 1, 1, 1, 0, 2, 3, 9]),
    time_in_force=st.sampled_from([0, 0, 1, 2, 3, 4, 7]),
    post_only=st.booleans(),
    price=decimals,
    quantity=decimals,
    client_order_id=st.one_of(st.just(""), st.text(max_size=41), st.just("a-client's~id!" * 2)),
    epoch=numbers,
    decided_seq=numbers,
    stop_price=st.sampled_from(["", "", "", "1"]),
    expire_ns=st.sampled_from([0, 0, 0, 5]),
    display_quantity=st.sampled_from(["", "", "", "1"]),
)
cancels = st.builds(
    pb.CancelOrderRequest,
    request_id=st.one_of(st.just(bytes(range(16))), st.binary(max_size=17)),
    account_id=st.sampled_from([4, 4, 5, 77]),
    order_id=numbers,
    client_order_id=st.sampled_from(["", "", "x", "ü"]),
    epoch=numbers,
    market=st.sampled_from(["", "", "btc-usdt", "no"]),
)
batch_commands = st.one_of(
    st.builds(pb.BatchCommand, place=places),
    st.builds(pb.BatchCommand, cancel=cancels),
    st.just(pb.BatchCommand()),
)
principals = st.sampled_from([FEED, ANN])


def ordinary(command: pb.BatchCommand, principal: Principal) -> bytes | str:
    """The row, or the code and the field of the refusal."""
    name = command.WhichOneof("command")
    if name is None:
        return "INVALID_FIELD:command"
    try:
        return command_row(getattr(command, name), principal, STATE)
    except TigerExError as error:
        return f"{error.code}:{error.field}"


def by_wire(body: bytes, principal: Principal, shape: object = BATCH) -> list[bytes | str]:
    batch = read_batch(body, shape, TABLES)  # type: ignore[arg-type]
    rows, refusals = batch_rows(batch, principal, STATE)
    joined = b"".join(rows)
    width = len(joined) // max(1, batch.count - len(refusals))
    each = iter([joined[i : i + width] for i in range(0, len(joined), width or 1)])
    return [
        f"{refusals[place].code}:{refusals[place].field}" if place in refusals else next(each)
        for place in range(batch.count)
    ]


@settings(max_examples=400, deadline=None)
@given(given_commands=st.lists(batch_commands, max_size=5), principal=principals)
def test_rows_and_refusals_are_those_of_the_ordinary_way(
    given_commands: list[pb.BatchCommand], principal: Principal
) -> None:
    expected = [ordinary(command, principal) for command in given_commands]
    request = pb.SubmitBatchRequest(commands=given_commands)
    assert by_wire(request.SerializeToString(), principal) == expected
    stream = pb.SubmitStreamRequest(id=-7, commands=given_commands)
    assert by_wire(stream.SerializeToString(), principal, STREAM) == expected
    assert read_batch(stream.SerializeToString(), STREAM, TABLES).id == -7


def good(**changes: object) -> pb.BatchCommand:
    fields: dict[str, object] = {
        "request_id": derive_request_id("a"),
        "account_id": 4,
        "market": "btc-usdt",
        "side": 1,
        "type": 1,
        "price": "60000.01",
        "quantity": "0.0001",
        "client_order_id": "abc",
    }
    return pb.BatchCommand(place=pb.PlaceOrderRequest(**(fields | changes)))  # type: ignore[arg-type]


def test_what_is_common_is_read_here() -> None:
    cancel = pb.CancelOrderRequest(request_id=derive_request_id("b"), account_id=4, order_id=9)
    commands = [good(), good(time_in_force=3), pb.BatchCommand(cancel=cancel), good(type=2)]
    batch = read_batch(pb.SubmitBatchRequest(commands=commands).SerializeToString(), BATCH, TABLES)
    assert list(batch.messages) == [3]
    assert batch.count == batch.weight == 4


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_spoiled_bytes_are_what_protobuf_says_they_are(data: st.DataObject) -> None:
    body = bytearray(pb.SubmitBatchRequest(commands=[good(), good()]).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(body[: data.draw(st.integers(0, len(body)))])
    try:
        expected = [ordinary(each, FEED) for each in pb.SubmitBatchRequest.FromString(cut).commands]
    except Exception:  # noqa: BLE001 - whatever protobuf calls it
        with pytest.raises(InvalidField, match="request"):
            by_wire(cut, FEED)
    else:
        assert by_wire(cut, FEED) == expected


def test_a_request_with_too_many_commands_is_refused() -> None:
    many = pb.SubmitBatchRequest(commands=[good()] * 257)
    batch = read_batch(many.SerializeToString(), BATCH, TABLES)
    with pytest.raises(InvalidField, match="257"):
        batch_rows(batch, FEED, STATE)


def event(kind: EventKind, **columns: int) -> Rows:
    row = np.zeros(EVENT_WIDTH, np.int64)
    values = {"ORDER_ID": 9, "ACCOUNT": 4, "MARKET": 1, "SIDE": 1, "TIME_NS": 1_700} | columns
    row[Event.KIND] = kind
    for name, value in values.items():
        row[Event[name]] = value
    return row


lots = st.integers(1, 10**7)


@st.composite
def answers(draw: st.DrawFn) -> list[Rows]:
    """Events of one place command, ordinary or not."""
    quantity, left = draw(lots), 0
    order_type = draw(st.sampled_from([OrderType.LIMIT] * 3 + [OrderType.MARKET]))
    time_in_force = draw(st.sampled_from(list(TimeInForce)))
    side = draw(st.integers(1, 2))
    first = event(
        EventKind.ORDER_ACCEPTED,
        REQUEST_HI=draw(st.sampled_from([5, 5, 5, -5])),
        PRICE=draw(st.integers(1, 10**8)),
        QUANTITY=quantity,
        SIDE=side,
        VALUE=order_type + 16 * time_in_force + 256 * draw(st.integers(0, 1)),
        MARKET=draw(st.integers(1, 2)),
    )
    first[Event.NAME : Event.NAME + 5] = pack_name(draw(st.sampled_from(["", "x", "y" * 40])))
    events, left = [first], quantity
    for number in range(draw(st.integers(0, 3))):
        filled = draw(st.integers(1, left)) if left > 1 else 0
        if not filled:
            break
        left -= filled
        events.append(
            event(
                EventKind.TRADED, MARKET=int(first[Event.MARKET]), SIDE=side, OTHER_ORDER=3,
                OTHER_ACCOUNT=draw(st.sampled_from([5, 5, 5, 4])), TRADE_ID=number + 1,
                PRICE=draw(st.integers(1, 10**8)), QUANTITY=filled, AUX=left,
                AMOUNT=draw(st.integers(0, 2**62)), ASSET=draw(st.sampled_from([1, 2, 2, 0])),
                FEE=draw(st.integers(0, 2**50)),
            )
        )  # fmt: skip
    end = draw(st.sampled_from(["rests", "expires", "expires why", "nothing"]))
    if end == "rests" and left:
        rested = event(EventKind.ORDER_RESTED, VISIBLE=left, QUANTITY=quantity, REMAINING=left)
        events.append(rested)
    elif end.startswith("expires") and left:
        reason = 0 if end == "expires" else draw(st.integers(1, 53))
        events.append(event(EventKind.ORDER_EXPIRED, REASON=reason, REMAINING=left))
    if draw(st.sampled_from([False, False, False, True])):  # something else of that account
        other = event(EventKind.ORDER_EXPIRED, ORDER_ID=2, REASON=53, MARKET=1)
        events.insert(draw(st.integers(0, len(events))), other)
    return events


def part_of(commands: list[list[Rows]], first: int) -> Part:
    rows = np.array([row for events in commands for row in events], np.int64)
    owners = [first + i for i, events in enumerate(commands) for _ in events]
    rows[:, Event.COMMAND] = owners
    return Part(77, 1_700, first, len(commands), rows)


async def slow(part: Part) -> pb.BatchResult:
    [answer] = part.answers()
    return order_messages.batch_result(answer, STATE)


@settings(max_examples=300, deadline=None)
@given(commands=st.lists(answers(), min_size=1, max_size=4), first=st.integers(0, 3))
async def test_results_are_the_bytes_of_the_ordinary_way(
    commands: list[list[Rows]], first: int
) -> None:
    part = part_of(commands, first)
    expected = [(await slow(own)).SerializeToString(deterministic=True) for own in split(part)]
    written = await write_results(ResultWriter(), [part], {}, 1, TABLES, slow)
    found = pb.SubmitBatchResponse.FromString(written).results
    assert [each.SerializeToString(deterministic=True) for each in found] == expected
    assert written == b"".join(framed(each, 1) for each in found)


async def test_refused_commands_keep_their_place() -> None:
    rests = [
        event(EventKind.ORDER_ACCEPTED, REQUEST_HI=1, PRICE=5, QUANTITY=7, VALUE=17),
        event(EventKind.ORDER_RESTED, VISIBLE=7),
    ]
    parts = [part_of([rests], 0), part_of([rests, rests], 2)]
    refused = {place: pb.BatchResult(refused=pb.Refusal(reason=str(place))) for place in (0, 2, 5)}
    written = await write_results(ResultWriter(), parts, refused, 2, TABLES, slow)
    results = pb.SubmitStreamResponse.FromString(written).results
    kinds = [each.WhichOneof("result") for each in results]
    assert kinds == ["refused", "placed", "refused", "placed", "placed", "refused"]
    assert [results[place].refused.reason for place in (0, 2, 5)] == ["0", "2", "5"]


def test_common_answers_are_written_here() -> None:
    rests = [
        event(EventKind.ORDER_ACCEPTED, REQUEST_HI=1, PRICE=5, QUANTITY=7, VALUE=17),
        event(EventKind.ORDER_RESTED, VISIBLE=7),
    ]
    assert isinstance(ResultWriter().write(part_of([rests, rests], 4), 1, TABLES), bytes)
