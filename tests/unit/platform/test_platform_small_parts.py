"""Ids, clocks, retries, settings."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tigerex_platform.clock import ManualClock
from tigerex_platform.errors import InvalidField, Unavailable
from tigerex_platform.ids import IdPart, derive_request_id, new_request_id
from tigerex_platform.retry import backoff_s, retry
from tigerex_platform.settings import SettingError, Settings

pytestmark = pytest.mark.unit

PARTS = st.lists(st.one_of(st.text(), st.integers(), st.binary()), max_size=4)


@given(first=PARTS, second=PARTS)
def test_ids_are_equal_exactly_when_their_parts_are(
    first: list[IdPart], second: list[IdPart]
) -> None:
    same = [(type(part), part) for part in first] == [(type(part), part) for part in second]
    assert (derive_request_id(*first) == derive_request_id(*second)) == same
    assert len(derive_request_id(*first)) == 16


def test_derived_ids_never_change() -> None:
    """Ids are stored: another derivation would make every retry across an upgrade a new command."""
    assert derive_request_id("bot", 7, b"\x01").hex() == "fcac6ad6723bde99b3fe89638f323a7f"
    assert len({new_request_id() for _ in range(100)}) == 100


class Flaky:
    def __init__(self, failures: int, error: Exception) -> None:
        self.calls, self._failures, self._error = 0, failures, error

    async def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error
        return self.calls


@pytest.mark.parametrize(("failures", "attempts"), [(0, 1), (2, 3), (4, 5)])
async def test_retry_until_success(failures: int, attempts: int) -> None:
    flaky, clock = Flaky(failures, Unavailable()), ManualClock()
    answer = await retry(flaky, attempts=attempts, first_delay_s=1, max_delay_s=2, clock=clock)
    assert answer == failures + 1
    assert clock.monotonic_s() <= 2 * failures


async def test_retry_gives_up_with_the_last_error() -> None:
    flaky = Flaky(9, Unavailable("away"))
    with pytest.raises(Unavailable, match="away"):
        await retry(flaky, attempts=3, first_delay_s=1, max_delay_s=2, clock=ManualClock())
    assert flaky.calls == 3


@pytest.mark.parametrize("error", [InvalidField("a", 1, "2"), ValueError("no")])
async def test_retry_raises_at_once_what_will_not_pass(error: Exception) -> None:
    flaky = Flaky(9, error)
    with pytest.raises(type(error)):
        await retry(flaky, attempts=3, first_delay_s=1, max_delay_s=2, clock=ManualClock())
    assert flaky.calls == 1


async def test_a_cancelled_retry_ends() -> None:
    task = asyncio.create_task(
        retry(Flaky(9, Unavailable()), attempts=9, first_delay_s=60, max_delay_s=60)
    )
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@given(attempt=st.integers(0, 10_000))
def test_backoff_stays_in_its_bounds(attempt: int) -> None:
    assert 0 <= backoff_s(attempt, 0.1, 5.0) <= min(5.0, 0.1 * 2.0 ** min(attempt, 10))


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIGEREX_TENANT", "demo")
    monkeypatch.setenv("TIGEREX_TOKEN_FILE", "/run/token")
    settings = Settings.model_validate({})
    assert settings.token_audience == "tigerex:demo"
    assert settings.token_file == Path("/run/token")
    with pytest.raises(SettingError, match="TIGEREX_DATABASE_URL, TIGEREX_REDIS_URL"):
        settings.require("tenant", "database_url", "redis_url")


@pytest.mark.parametrize(
    "wrong",
    [
        {"tenant": "Demo"},
        {"tenant": "a/b"},
        {"log_level": "LOUD"},
        {"database_url": "postgresql://me:secret@host/db"},
        {"redis_url": "redis://:secret@host"},
    ],
)
def test_wrong_settings_are_refused_without_repeating_secrets(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings.model_validate(wrong)


def test_secret_files(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    settings = Settings(redis_password_file=tmp_path / "password", secret_key_file=tmp_path / "no")
    assert settings.secret("redis_password_file") == "s3cret"
    with pytest.raises(SettingError, match="TIGEREX_SECRET_KEY_FILE"):
        settings.secret("secret_key_file")
    with pytest.raises(SettingError, match="TIGEREX_DATABASE_PASSWORD_FILE"):
        settings.secret("database_password_file")


def test_clocks_do_not_go_back() -> None:
    with pytest.raises(ValueError, match="go back"):
        ManualClock().advance(-1)
