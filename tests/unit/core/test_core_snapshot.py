"""Snapshots of the core: the same bits again, and a state of kernel version 1 that goes on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support.core_rows import ADA, BOB, HOUSE, cancel, limit, rows_of
from tests.support.journal_load import Flow

from tigerex_core import KERNEL_VERSION, Capacity, Core
from tigerex_core.layout import Seen
from tigerex_core.migrate import upgraded
from tigerex_core.records import Event, EventKind, Side
from tigerex_core.snapshot import (
    Image,
    SnapshotError,
    decode,
    encode,
    named_tables,
)

pytestmark = pytest.mark.unit

KERNEL_1 = Path(__file__).parent / "kernel_1.snapshot"  # written by the kernel of version 1


def grown(seed: int = 1) -> Core:
    core = Core(Capacity.small())
    flow = Flow(seed)
    core.apply(np.array(flow.start(), np.int64), 1)
    for seq in range(2, 12):
        flow.saw(core.apply(flow.rows(40), seq))
    return core


def image_of(core: Core) -> Image:
    return core.image({"seq": 11}, {"fold": b"text"})


def test_what_is_restored_equals_the_original_and_goes_on_equally() -> None:
    core = grown()
    image = decode(encode(image_of(core)))
    again = Core.restore(image)
    assert again.digest() == core.digest()
    assert (image.about, image.texts) == ({"seq": 11}, {"fold": b"text"})
    rows = Flow(2).rows(50)
    assert np.array_equal(core.apply(rows.copy(), 12), again.apply(rows.copy(), 12))
    assert again.digest() == core.digest()


def test_equal_states_have_equal_snapshots() -> None:
    assert encode(image_of(grown())) == encode(image_of(grown()))


def test_unused_rows_cost_nothing() -> None:
    assert len(encode(Core(Capacity.small()).image({}, {}))) < 5_000


@pytest.mark.parametrize("at", [0, 30, 3_000, -40, -1])
def test_any_changed_byte_is_found(at: int) -> None:
    data = bytearray(encode(image_of(grown())))
    data[at] ^= 1
    with pytest.raises(SnapshotError):
        decode(bytes(data))


def test_a_cut_snapshot_is_found() -> None:
    data = encode(image_of(grown()))
    for size in (0, 10, 31, 32, 100, len(data) - 1):
        with pytest.raises(SnapshotError):
            decode(data[:size])


def test_tables_that_do_not_fit_are_refused() -> None:
    image = image_of(grown())
    table = image.tables["ledger.balances"]
    for wrong in (
        {"ledger.balances": replace(table, columns=("OTHER", *table.columns[1:]))},
        {"ledger.balances": replace(table, numbers=table.numbers + 1_000_000)},
    ):
        with pytest.raises(SnapshotError):
            Core.restore(replace(image, tables=image.tables | wrong))
    missing = {name: table for name, table in image.tables.items() if name != "head"}
    with pytest.raises(SnapshotError):
        Core.restore(replace(image, tables=missing))
    with pytest.raises(SnapshotError):
        Core.restore(replace(image, capacity={"orders": -1}))


def test_every_table_and_column_has_a_name() -> None:
    core = grown()
    tables = image_of(core).tables
    assert set(tables) == set(named_tables(core._state))
    for name, table in tables.items():
        assert len(set(table.columns)) == table.rows.shape[1], name


def of_kernel_1() -> tuple[Image, Core]:
    old = decode(KERNEL_1.read_bytes())
    assert old.kernel_version == 1
    return old, Core.restore(replace(upgraded(old, 2), kernel_version=KERNEL_VERSION))


def test_a_state_of_kernel_version_1_is_sound_and_keeps_its_money() -> None:
    old, core = of_kernel_1()
    assert core.check() == []
    balances = old.tables["ledger.balances"]
    for account, asset, available, held in balances.rows[:, :4].tolist():
        assert core.balances(account)[asset] == (available, held)
    orders = old.tables["books.orders"]
    live = orders.rows[orders.column("LEVEL") != 0]
    ids = sorted(live[:, orders.columns.index("ID")].tolist())
    found = [order for account in (ADA, BOB, HOUSE) for order in core.open_orders(account)]
    assert sorted(order.order_id for order in found) == ids
    assert len(ids) > 10


def test_a_state_of_kernel_version_1_goes_on_trading() -> None:
    _, core = of_kernel_1()
    held = [(a, order.order_id) for a in (ADA, BOB, HOUSE) for order in core.open_orders(a)]
    first, *held = held  # the table of orders is full
    core.apply(rows_of([cancel(*first)]), 499)
    events = core.apply(rows_of([limit(BOB, Side.SELL, 80, 3), limit(ADA, Side.BUY, 120, 3)]), 500)
    assert EventKind.TRADED in events[:, Event.KIND]
    assert core.check() == []
    for account, order_id in held:
        core.apply(rows_of([cancel(account, order_id)]), 501)
    assert all(not core.open_orders(account) for account, _ in held)
    assert core.check() == []


def test_a_request_of_kernel_version_1_is_a_duplicate_whatever_it_said() -> None:
    old, core = of_kernel_1()
    ring = old.tables["window.ring"]
    high, low, _, seq = ring.rows[-1].tolist()
    assert ring.columns[Seen.SEQ] == "SEQ"
    [event] = core.apply(
        rows_of([limit(ADA, Side.BUY, 100, 1, request_hi=high, request_lo=low)]), 500
    )
    assert event[Event.KIND] == EventKind.DUPLICATE
    assert event[Event.VALUE] == seq


def test_a_version_without_a_step_is_refused() -> None:
    image = image_of(Core(Capacity.small()))
    with pytest.raises(SnapshotError):
        upgraded(image, KERNEL_VERSION + 1)
    with pytest.raises(SnapshotError):
        upgraded(replace(image, kernel_version=KERNEL_VERSION + 1), KERNEL_VERSION)


def test_a_step_leads_on() -> None:
    image = image_of(grown())
    after = upgraded(
        image,
        KERNEL_VERSION + 1,
        {KERNEL_VERSION: lambda old: replace(old, kernel_version=old.kernel_version + 1)},
    )
    assert after.kernel_version == KERNEL_VERSION + 1
