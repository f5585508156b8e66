"""Every reason of the core has an error with a stable code and advice."""

import pytest

from tigerex_core.records import EVENT_WIDTH, Command, Event, EventKind, Reason
from tigerex_platform.errors import Conflict, NotFound
from tigerex_services.exchange.refusals import find_refusal, refusal

pytestmark = pytest.mark.unit


def rejected(reason: Reason) -> list[int]:
    row = [0] * EVENT_WIDTH
    row[Event.KIND], row[Event.REASON] = EventKind.REJECTED, reason
    return row


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.NONE])
def test_every_reason_has_an_error(reason: Reason) -> None:
    error = refusal(rejected(reason))
    assert error.code == reason.name
    assert len(error.message) > 10


def test_kinds_of_errors() -> None:
    assert isinstance(refusal(rejected(Reason.UNKNOWN_ORDER)), NotFound)
    assert isinstance(refusal(rejected(Reason.REQUEST_ID_REUSED)), Conflict)


def test_other_events_are_no_refusal() -> None:
    row = [0] * EVENT_WIDTH
    row[Event.KIND] = EventKind.ORDER_ACCEPTED
    assert find_refusal([row]) is None


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.name.startswith("MAX_")])
def test_a_limit_without_a_directory_is_not_named(reason: Reason) -> None:
    error = refusal(rejected(reason))
    assert error.field
    assert "(" not in error.message


@pytest.mark.parametrize(
    ("reason", "column", "field"),
    [
        (Reason.INVALID_PRICE, Command.PRICE, "price"),
        (Reason.INVALID_PRICE, Command.AMOUNT, "stop.limit_price"),
        (Reason.CLIENT_ORDER_ID_TAKEN, Command.NAME, "client_order_id"),
        (Reason.CLIENT_ORDER_ID_TAKEN, Command.OTHER_NAME, "stop.client_order_id"),
        (Reason.INVALID_TIME_IN_FORCE, Command.POST_ONLY, "post_only"),
        (Reason.CAPACITY, Command.TRAILING, "trailing_bps"),
    ],
)
def test_the_column_tells_the_field(reason: Reason, column: Command, field: str) -> None:
    row = rejected(reason)
    row[Event.VALUE] = column
    assert refusal(row).field == field
