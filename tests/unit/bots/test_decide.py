"""Which step comes next, for everything an owner may want at every stage."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from tigerex_services.bots.model import BotRow, RunRow, Signal, Stage
from tigerex_services.bots.service.decide import SIGNAL_OF, Step, next_step

pytestmark = pytest.mark.unit

ID = UUID(int=1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ZERO = Decimal(0)
BOT = BotRow(
    id=ID, user_id=1, user_name="demo", account_name="main", bot_type="dca", name="n",
    symbol="btc-usdt", config={}, isolation="shared", shard="7", desired_state="running",
    managed=False, deleting=False, generation=1, config_version=1, observed_generation=0,
    revision=1, status="created", status_reason="", outcome="", investment=ZERO, cash=ZERO,
    position_base=ZERO, position_cost=ZERO, close_price=None, past_profit=ZERO, total_profit=ZERO,
    total_trades=0, closing_trades=0, winning_trades=0, win_rate=ZERO, peak_value=ZERO,
    max_drawdown=ZERO, created_at=NOW, updated_at=NOW, started_at=None, stopped_at=None,
)  # fmt: skip
RUN = RunRow(
    bot_id=ID, stage="idle", run=0, run_version=1, config=None, investment="", quote_asset="",
    funding_try=0, funding_account_id=0, account_id=0, epoch=0, signal=0, signalled=True,
    paused=False, fenced_for="", start_seq=0, collected_seq=0, settled_revision=0, attempts=0,
)  # fmt: skip


def step(stage: Stage, holder: str = "", run: RunRow = RUN, **bot: object) -> Step:
    return next_step(replace(BOT, **bot), replace(run, stage=stage), holder)


def test_a_start_goes_through_funding_to_the_start_signal() -> None:
    assert step(Stage.IDLE) is Step.PREPARE
    assert step(Stage.FUNDING) is Step.FUND
    assert step(Stage.FUNDED) is Step.WRITE_START
    assert step(Stage.ACTIVE) is Step.SETTLE


@pytest.mark.parametrize(
    "bot",
    [
        {"desired_state": "stopped"},
        {"deleting": True},
        {"outcome": "completed"},
        {"outcome": "failed"},
        {"config_version": 2, "generation": 2},
    ],
)
def test_a_run_that_is_not_wanted_is_fenced_emptied_and_given_back(bot: dict[str, object]) -> None:
    assert step(Stage.FUNDED, **bot) is Step.WRITE_STOP
    assert step(Stage.ACTIVE, **bot) is Step.WRITE_STOP
    assert step(Stage.FENCED, **bot) is Step.CANCEL
    assert step(Stage.COLLECTING, **bot) is Step.COLLECT
    assert step(Stage.RETURNING, **bot) is Step.RETURN


def test_money_that_may_be_on_its_way_is_found_out_first() -> None:
    assert step(Stage.FUNDING, desired_state="stopped") is Step.FUND
    assert step(Stage.FUNDING, deleting=True) is Step.FUND


def test_an_idle_bot_is_left_alone_or_removed() -> None:
    assert step(Stage.IDLE, desired_state="stopped") is Step.SETTLE
    assert step(Stage.IDLE, outcome="completed") is Step.SETTLE
    assert step(Stage.IDLE, deleting=True) is Step.REMOVE


def test_a_written_signal_is_sent_before_anything_else() -> None:
    run = replace(RUN, signalled=False)
    for stage in Stage:
        assert step(stage, "r", run, desired_state="stopped") is Step.SEND_SIGNAL


def test_pause_and_resume_follow_the_wish() -> None:
    assert step(Stage.ACTIVE, desired_state="paused") is Step.WRITE_PAUSE
    paused = replace(RUN, paused=True)
    assert step(Stage.ACTIVE, "", paused, desired_state="paused") is Step.SETTLE
    assert step(Stage.ACTIVE, "", paused) is Step.WRITE_RESUME


def test_a_new_holder_is_fenced_for_before_it_gets_the_bot() -> None:
    run = replace(RUN, fenced_for="old")
    assert step(Stage.ACTIVE, "new", run) is Step.WRITE_TAKEOVER
    assert step(Stage.ACTIVE, "old", run) is Step.SETTLE
    assert step(Stage.ACTIVE, "", run) is Step.SETTLE


def test_every_signal_has_its_number() -> None:
    assert SIGNAL_OF[Step.WRITE_STOP] == Signal.STOP
    assert len(set(SIGNAL_OF.values())) == 5
