"""The exchange's commands beside serving, on a real database."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.core_rows import ADA, BOB, Row, limit
from tests.support.host_life import HostLife
from tests.support.journal_load import Flow
from tests.support.postgres import Database

from tigerex_core.records import Side
from tigerex_services.__main__ import main
from tigerex_services.exchange import tools

pytestmark = pytest.mark.integration


@pytest.fixture
def life(database: Database, tmp_path: Path) -> HostLife:
    life = HostLife.on(database, tmp_path)
    life.settings = life.settings.model_copy(update={"archive_dir": tmp_path / "archive"})
    return life


async def trade(life: HostLife) -> dict[int, dict[int, tuple[int, int]]]:
    """A sell, a buy that takes half of it, some flow; balances at the end."""
    async with life.hosting() as running:
        await running.leads()
        await running.submit(Flow(1).start())
        orders: list[Row] = [limit(BOB, Side.SELL, 50_000, 4, "s"), limit(ADA, Side.BUY, 50_001, 2)]
        for order in orders:
            await running.submit([order])
        await running.submit(Flow(1).rows(100))
    return {account: running.core.balances(account) for account in (ADA, BOB)}


async def test_an_export_names_things(life: HostLife, capsys: pytest.CaptureFixture[str]) -> None:
    await trade(life)
    assert await tools.export(life.settings, 1, 10**9) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [placed] = [line["command"] for line in lines if line.get("command", {}).get("name") == "s"]
    assert placed["kind"] == "PLACE_ORDER"
    assert (placed["side"], placed["price"], placed["quantity"]) == ("SELL", "5000", "0.4")
    assert placed["account"] == "bob/main"
    [trades] = [line["event"] for line in lines if line.get("event", {}).get("trade_id") == 1]
    assert trades["account"] == "ada/main"
    assert trades["amount"] == "1000"
    assert [line["seq"] for line in lines] == sorted(line["seq"] for line in lines)
    first, last = lines[0]["seq"], lines[-1]["seq"]
    assert await tools.export(life.settings, first + 1, last - 1) == 0
    some = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert some == [line for line in lines if first < line["seq"] < last]


async def test_a_statement_closes_with_the_balance(
    life: HostLife, capsys: pytest.CaptureFixture[str]
) -> None:
    balances = await trade(life)
    for account, name in ((ADA, "ada"), (BOB, "bob/main"), (ADA, str(ADA))):
        assert await tools.statement(life.settings, name, "") == 0
        closing = [
            line for line in capsys.readouterr().out.splitlines() if line.startswith("# closing")
        ]
        assert len(closing) == len(balances[account])
        for line, (available, held) in zip(closing, balances[account].values(), strict=True):
            told = [Decimal(part.split()[-1]) for part in line.split(":")[1].split(",")]
            assert told == [Decimal(available) / 100, Decimal(held) / 100]
    assert await tools.statement(life.settings, "ada", "BASE") == 0
    assert "QUOTE" not in capsys.readouterr().out
    assert await tools.statement(life.settings, "nobody", "") == 1
    assert "nobody" in capsys.readouterr().err


async def test_snapshot_and_archive_say_what_they_did(
    life: HostLife, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await trade(life)
    assert await tools.snapshot(life.settings) == 0
    assert "snapshot of entry" in capsys.readouterr().out
    assert await tools.archive(life.settings) == 0
    assert "0 segments archived" in capsys.readouterr().out  # none is full yet


def test_wrong_tasks_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["exchange", "--export", "1"],
        ["exchange", "--export", "1", "x"],
        ["exchange", "--verify", "--snapshot"],
        ["exchange", "--statement", "1", "2", "3"],
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
    assert capsys.readouterr().err
