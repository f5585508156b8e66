"""A ledger statement ends with what the exchange says the account has."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.core_random import SMALL, commands, start
from tests.support.core_rows import ADA, BOB, Row, limit, rows_of
from tests.support.reference import Reference

from tigerex_core import Core
from tigerex_core.records import COMMAND_WIDTH, FEES_ACCOUNT, WORLD_ACCOUNT, Side
from tigerex_services.exchange.statement import Line, Statement, closing

pytestmark = pytest.mark.unit

COMMANDS_MAX = 150
ACCOUNTS = range(1, SMALL.accounts + 1)


def check(sequence: list[Row]) -> set[str]:
    """Every account's statement against the core, after each command; the words that came up."""
    core = Core(SMALL)
    statements = {account: Statement(account) for account in ACCOUNTS}
    lines: dict[int, list[Line]] = {account: [] for account in ACCOUNTS}
    for seq, row in enumerate([*start(), *sequence], 1):
        events = core.apply(np.array([row], np.int64).reshape(1, COMMAND_WIDTH), seq)
        for account, statement in statements.items():
            lines[account] += statement.apply(seq, events)
            theirs = {a: b for a, b in core.balances(account).items() if b != (0, 0)}
            ours = {a: b for a, b in statement.balances.items() if b != (0, 0)}
            assert ours == theirs, (account, row)
    for account in ACCOUNTS:
        assert closing(lines[account], {}) == statements[account].balances
    return {line.why for each in lines.values() for line in each}


@settings(max_examples=25, deadline=None)
@given(st.builds(commands, st.integers(0, 2**32), st.integers(1, COMMANDS_MAX)))
def test_the_closing_balance_is_the_core_s(sequence: list[Row]) -> None:
    check(sequence)


def test_random_commands_move_money_in_every_way() -> None:
    """What the property above is worth."""
    seen: set[str] = set()
    for seed in range(12):
        seen |= check(commands(seed, 2 * COMMANDS_MAX))
    assert seen >= {
        *("deposit", "transfer in", "transfer out", "withdrawal", "reserve", "void"),
        *("hold", "release", "amend", "fill", "fee", "fee income"),
    }


def test_a_trade_worked_by_hand() -> None:
    core, ada = Core(SMALL), Statement(ADA)
    lines: list[Line] = []
    for seq, row in enumerate(
        [*start(), limit(BOB, Side.SELL, 98, 3), limit(ADA, Side.BUY, 100, 5)], 1
    ):
        lines += ada.apply(seq, core.apply(rows_of([row]), seq))
    last = [(line.why, line.asset_id, line.available_change, line.held_change) for line in lines]
    # The buy holds 5 lots at 100; 3 are bought at 98, which frees 3 * 100 and spends 3 * 98.
    assert last[-5:-2] == [("hold", 2, -500, 500), ("fill", 2, -294, 0), ("fill", 1, 30, 0)]
    assert ("release", 2, 300, -300) in last
    assert ada.balances == core.balances(ADA)


def test_accounts_of_the_system_have_statements_too() -> None:
    core = Core(SMALL)
    world, fees = Statement(WORLD_ACCOUNT), Statement(FEES_ACCOUNT)
    for seq, row in enumerate([*start(), *commands(5, 200)], 1):
        events = core.apply(rows_of([row]), seq)
        world.apply(seq, events)
        fees.apply(seq, events)
    assert world.balances == core.balances(WORLD_ACCOUNT)
    assert {a: b for a, b in fees.balances.items() if b != (0, 0)} == {
        a: b for a, b in core.balances(FEES_ACCOUNT).items() if b != (0, 0)
    }


def test_a_line_that_does_not_follow_is_found() -> None:
    line = Line(1, 1, "deposit", 1, 5, 0, 5, 0)
    assert closing([line], {}) == {1: (5, 0)}
    with pytest.raises(ValueError, match="does not follow"):
        closing([line], {1: (1, 0)})


def test_the_reference_agrees() -> None:
    """The same from another implementation's events."""
    reference, statement = Reference(SMALL), Statement(ADA)
    for seq, row in enumerate([*start(), *commands(7, 200)], 1):
        events = reference.apply(rows_of([row]), seq)
        statement.apply(seq, np.array(events, np.int64))
    assert {a: b for a, b in statement.balances.items() if b != (0, 0)} == {
        a: b for a, b in reference.balances(ADA).items() if b != (0, 0)
    }
