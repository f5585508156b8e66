"""Reading captures: what is understood, what is refused, and files in any state."""

import gzip
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tigerex_core.records import Side
from tigerex_services.feed.capture import CorruptLineError, Other, Quote, Trade, parse_line
from tigerex_services.feed.capture_file import CaptureError, digest_of, read_lines

pytestmark = pytest.mark.unit

TICKER = (
    b'1723161254087891268 {"stream":"btcusdt@bookTicker","data":{"u":5,"s":"BTCUSDT",'
    b'"b":"61837.63000000","B":"3.78826000","a":"61837.64000000","A":"1.54698000"}}\n'
)
TRADE = (
    b'1723161254087896568 {"stream":"btcusdt@trade","data":{"e":"trade","s":"BTCUSDT","t":3,'
    b'"p":"61837.63000000","q":"0.02000000","m":true,"M":true}}\n'
)


def test_reads_quotes_and_trades() -> None:
    assert parse_line(TICKER) == Quote(
        1723161254087891268, "BTCUSDT", 6183763000000, 378826000, 6183764000000, 154698000
    )
    assert parse_line(TRADE) == Trade(
        1723161254087896568, "BTCUSDT", 6183763000000, 2000000, Side.SELL
    )


def test_an_unwrapped_message_and_the_futures_form_are_read_too() -> None:
    raw = b'1 {"e":"bookTicker","s":"X","b":"1","B":"2","a":"3","A":"4"}'
    assert isinstance(parse_line(raw), Quote)


def test_other_messages_pass_by() -> None:
    assert parse_line(b'5 {"data":{"e":"depthUpdate","b":[],"a":[]}}') == Other(5)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "time"),
        (b"x {}", "time"),
        (b"1" * 25 + b" {}", "time"),
        (b"1", "json"),
        (b"1 {", "json"),
        (b"1 []", "json"),
        (b'1 {"data":3}', "json"),
        (b'1 {"e":"trade","s":"X"}', "field"),
        (b'1 {"e":"trade","s":"X","m":1,"p":"1","q":"1"}', "field"),
        (b'1 {"e":"trade","s":"X","m":true,"p":"1e3","q":"1"}', "field"),
        (b'1 {"e":"trade","s":"X","m":true,"p":"-1","q":"1"}', "field"),
        (b'1 {"s":"X","b":"2","B":"1","a":"2","A":"1"}', "crossed"),
    ],
)
def test_a_corrupt_line_is_refused_with_a_reason(line: bytes, reason: str) -> None:
    with pytest.raises(CorruptLineError) as refused:
        parse_line(line)
    assert refused.value.reason == reason


@given(cut=st.integers(0, len(TICKER)), junk=st.binary(max_size=20))
def test_damage_never_raises_anything_else(cut: int, junk: bytes) -> None:
    with suppress(CorruptLineError):
        parse_line(TICKER[:cut] + junk + TICKER[cut:])


def test_lines_are_numbered_from_one(tmp_path: Path) -> None:
    path = tmp_path / "capture.gz"
    path.write_bytes(gzip.compress(TICKER + TRADE))
    assert list(read_lines(path)) == [(1, TICKER), (2, TRADE)]
    assert len(digest_of(path)) == 32


def test_a_truncated_file_gives_its_lines_and_then_says_so(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(b"%d {}\n" % i for i in range(100_000)))
    path = tmp_path / "capture.gz"
    path.write_bytes(whole[: len(whole) // 2])
    lines = read_lines(path)
    assert len(list(islice(lines, 1_000))) == 1_000
    with pytest.raises(CaptureError, match="ends badly after line"):
        list(lines)


@pytest.mark.parametrize("content", [b"not gzip at all", gzip.compress(b"1 {}\n")[:-6]])
def test_a_file_that_is_no_capture_is_an_error_with_a_message(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "capture.gz"
    path.write_bytes(content)
    with pytest.raises(CaptureError, match="capture"):
        list(read_lines(path))


def test_a_missing_file_is_an_error_with_a_message(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="cannot read"):
        digest_of(tmp_path / "none.gz")
    with pytest.raises(CaptureError, match="No such file"):
        list(read_lines(tmp_path / "none.gz"))


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "capture.gz"
    path.write_bytes(gzip.compress(b"1 " + b"x" * (1 << 20)))
    with pytest.raises(CaptureError, match="line 1 of"):
        list(read_lines(path))
