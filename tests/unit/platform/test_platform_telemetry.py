"""Logs never carry secrets; instruments are declared once and take their own labels only."""

import io
import json
import logging

import pytest

from tigerex_platform.settings import Settings
from tigerex_platform.telemetry import logs, metrics
from tigerex_platform.telemetry.instruments import Counter, Histogram

pytestmark = pytest.mark.unit

SECRETS = ("s3cr3tvalue", "eyJhbGciOi.abc.def")


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    buffer = io.StringIO()
    monkeypatch.setattr("sys.stdout", buffer)
    logs.setup_logs(Settings(tenant="demo", service="exchange"))
    yield buffer
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_log_line_is_json_with_its_origin(stream: io.StringIO) -> None:
    logging.getLogger("some.part").info("took %d orders", 3, extra={"market": "btc-usdt"})
    line = json.loads(stream.getvalue())
    assert line["message"] == "took 3 orders"
    assert (line["level"], line["logger"]) == ("INFO", "some.part")
    assert (line["tenant"], line["service"], line["market"]) == ("demo", "exchange", "btc-usdt")
    assert "time" in line


@pytest.mark.parametrize(
    ("message", "arguments", "extra"),
    [
        ("Authorization: Bearer %s", SECRETS[1:], {}),
        ("x-tigerex-signature=%s", SECRETS[:1], {}),
        ("got {'password': '%s'}", SECRETS[:1], {}),
        ('{"api_secret": "%s"}', SECRETS[:1], {}),
        ("connecting to postgresql://me:%s@host/db", SECRETS[:1], {}),
        ("plain", (), {"authorization": SECRETS[1]}),
        (
            "plain",
            (),
            {"headers": {"X-TigerEx-Signature": SECRETS[0], "a": [{"secret": "s3cr3tvalue"}]}},
        ),
        ("plain", (), {"db_password": SECRETS[0], "apiKey": SECRETS[0]}),
        ("%(password)s is a dict's: password=%(password)s", ({"password": SECRETS[0]},), {}),
    ],
)
def test_secrets_do_not_get_through(
    stream: io.StringIO, message: str, arguments: tuple[object, ...], extra: dict[str, object]
) -> None:
    if "dict's" in message:
        message = message.partition(": ")[2]
    logging.getLogger("x").warning(message, *arguments, extra=extra)
    text = stream.getvalue()
    assert not any(secret in text for secret in SECRETS), text
    assert logs.REDACTED in text
    json.loads(text)


def test_secrets_in_stack_traces_are_taken_out(stream: io.StringIO) -> None:
    try:
        raise RuntimeError("cannot connect with password=s3cr3tvalue")
    except RuntimeError:
        logging.getLogger("x").exception("failed")
    assert "s3cr3tvalue" not in stream.getvalue()
    assert "RuntimeError" in json.loads(stream.getvalue())["exc_info"]


def test_every_instrument_is_declared_once() -> None:
    names = [item.name for item in metrics.REGISTRY]
    assert len(names) == len(set(names)) >= 30
    for item in metrics.REGISTRY:
        assert item.help, item.name
        assert item.unit, item.name
        assert item.name.split(".")[0] in {"tigerex", "rpc", "http", "db"}, item.name


def test_names_in_queries() -> None:
    assert metrics.BOT_DECISION_LATENCY.prometheus_name == "tigerex_bot_decision_latency_seconds"
    assert metrics.RPC_SERVER_DURATION.prometheus_name == "rpc_server_call_duration_seconds"
    assert metrics.EXCHANGE_COMMANDS.prometheus_name == "tigerex_exchange_commands_total"
    assert metrics.EXCHANGE_LEADER.prometheus_name == "tigerex_exchange_leader"


def test_labels_are_what_was_declared() -> None:
    counter = Counter("tigerex.test.count", "{x}", "A test's", ("a",))
    counter.add(1, {"a": "1"})
    for labels in ({}, {"b": "1"}, {"a": "1", "b": "2"}):
        with pytest.raises(ValueError, match="takes the labels"):
            counter.add(1, labels)
    Histogram("tigerex.test.time", "s", "A test's", (), (0.1, 1)).record(0.5)
