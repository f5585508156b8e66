"""The table of errors, case by case: whatever the exchange refuses has Binance's number."""

import pytest

from tigerex_core.records import Reason
from tigerex_platform.errors import (
    Conflict,
    DeadlineExceeded,
    Internal,
    InvalidField,
    NotFound,
    PermissionDenied,
    RateLimited,
    Refused,
    TigerExError,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from tigerex_services.gateway.binance.errors import FILTERS, MESSAGES, REJECTIONS, of

pytestmark = pytest.mark.unit

CASES: list[tuple[TigerExError, int, int]] = [
    (NotFound("market", "x"), 400, -1121),
    (NotFound("open order", 7), 400, -2013),
    (NotFound("account", "main"), 400, -1130),
    (NotFound("open or recently closed list", 7), 400, -2018),
    (Unauthenticated("late", code="TIMESTAMP_OUTSIDE_WINDOW"), 400, -1021),
    (InvalidField("price", "1.001", "multiples of 0.01"), 400, -1013),
    (InvalidField("time_in_force", "9", "GTC"), 400, -1130),
    (Refused("INSUFFICIENT_BALANCE", "deposit"), 400, -2010),
    (Refused("MARKET_HALTED", "wait"), 400, -2010),
    (Refused("SOMETHING_NEW", "do this"), 400, -2010),
    (Conflict("CLIENT_ORDER_ID_TAKEN", "choose another"), 400, -2010),
    (Unauthenticated("who?"), 401, -2015),
    (PermissionDenied("no"), 401, -2015),
    (RateLimited(retry_after_s=3.0), 429, -1003),
    (Unavailable(retry_after_s=2.0), 503, -1001),
    (DeadlineExceeded(), 504, -1007),
    (TooLarge("body", "1 MiB"), 413, -1130),
    (Internal("id"), 500, -1000),
    *[(Refused(code, "a limit"), 400, -1013) for code in FILTERS],
]


@pytest.mark.parametrize(("error", "status", "code"), CASES, ids=str)
def test_every_error_has_a_number(error: TigerExError, status: int, code: int) -> None:
    told = of(error)
    assert (told.status, told.code) == (status, code)
    assert "%" not in told.message


def test_an_unknown_order_to_cancel_has_its_own_number() -> None:
    assert of(NotFound("open order", 7), canceling=True).message == MESSAGES[-2011]
    unknown_list = of(NotFound("open or recently closed list", 7), canceling=True)
    assert (unknown_list.code, unknown_list.message) == (-2011, "Unknown order list sent.")


def test_what_passes_says_when() -> None:
    assert of(RateLimited(retry_after_s=3.0)).retry_after_s == 3.0


def test_the_tables_name_reasons_of_the_core() -> None:
    names = {reason.name for reason in Reason}
    assert FILTERS.keys() | REJECTIONS.keys() <= names
