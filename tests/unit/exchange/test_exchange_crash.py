"""Crash points are for tests, and say so."""

import pytest

from tigerex_services.exchange.host.crash import CrashPoint, crash_point

pytestmark = pytest.mark.unit


def test_none_by_default() -> None:
    point = crash_point({})
    assert point == CrashPoint()
    point.reached("before-commit", 1)  # and this test lives on


def test_forbidden_unless_allowed() -> None:
    with pytest.raises(ValueError, match="TIGEREX_ALLOW_CRASH_POINTS=1"):
        crash_point({"TIGEREX_CRASH_AT": "before-commit:17"})


def test_allowed() -> None:
    environment = {"TIGEREX_CRASH_AT": "after-commit:17", "TIGEREX_ALLOW_CRASH_POINTS": "1"}
    assert crash_point(environment) == CrashPoint("after-commit", 17)


@pytest.mark.parametrize("text", ["17", "during-commit:17", "after-commit:", "after-commit:0"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="allowed"):
        crash_point({"TIGEREX_CRASH_AT": text, "TIGEREX_ALLOW_CRASH_POINTS": "1"})
