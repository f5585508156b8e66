"""The projection against the exchange's own fold of the same journal, order by order."""

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.history_world import HistoryWorld
from tigerex.exchange.v1 import types_pb2
from tigerex.history.v1 import history_pb2 as pb

from tigerex_core.order_life import CLOSED, IllegalTransitionError
from tigerex_core.records import Event, EventKind
from tigerex_services.history.fold import Fold, KeptFill, KeptList, KeptOrder, Update
from tigerex_services.history.messages import update_message
from tigerex_services.history.rows import (
    FILL_COLUMNS,
    ORDER_COLUMNS,
    fill_row,
    kept_fill,
    kept_order,
    order_row,
)
from tigerex_services.order_messages import order_message

pytestmark = pytest.mark.unit

EXAMPLES = 40
COMMANDS_MAX = 150
SEEDS = 20  # that are always run, for what they cover

WORLDS = st.builds(
    HistoryWorld, st.integers(0, 2**32), st.integers(1, COMMANDS_MAX), st.integers(1, 9)
)


class Kept:
    """What a store would hold after the updates."""

    def __init__(self) -> None:
        self.fold = Fold()
        self.orders: dict[int, KeptOrder] = {}
        self.lists: dict[int, KeptList] = {}
        self.fills: list[KeptFill] = []
        self.updates: dict[int, list[pb.AccountUpdate]] = defaultdict(list)

    def follow(self, world: HistoryWorld, followed: set[int]) -> "Kept":
        for batch in world.batches[self.fold.seq :]:
            self.add(self.fold.apply(batch, followed))
        return self

    def add(self, update: Update) -> None:
        # Through rows and back, as of this batch.
        for order_id, order in update.orders.items():
            columns = dict(zip(ORDER_COLUMNS, order_row(order), strict=True))
            assert (columns["ended_ns"] > 0) == (order.record.status in CLOSED)
            self.orders[order_id] = kept_order(**columns)
        for fill in update.fills:
            assert len(fill_row(fill)) == len(FILL_COLUMNS)
            self.fills.append(kept_fill(*fill_row(fill)))
        self.lists |= update.lists
        for change in update.changes:
            message = update_message(change, update.seq, self.fold.directory)
            self.updates[change.account].append(message)


@settings(max_examples=EXAMPLES, deadline=None)
@given(WORLDS)
def test_the_projection_is_what_the_exchange_sees(world: HistoryWorld) -> None:
    kept = Kept().follow(world, set())
    assert {i: order.record for i, order in kept.orders.items()} == world.orders
    assert not kept.updates, "nobody follows"
    check_fills(kept, world)
    check_lists(kept, world)
    check_memory(kept.fold, world)


def check_fills(kept: Kept, world: HistoryWorld) -> None:
    """Two sides of every trade; together they are what the orders filled."""
    traded = [row for row in world.events if row[Event.KIND] == EventKind.TRADED]
    assert len(kept.fills) == 2 * len(traded)
    filled: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for fill, list_id in kept.fills:
        order = world.orders[fill.order_id]
        owner = (fill.account, fill.market, fill.side, list_id)
        assert owner == (order.account, order.market, order.side, order.terms.list_id)
        filled[fill.order_id][0] += fill.quantity
        filled[fill.order_id][1] += fill.notional
    for order in world.orders.values():
        assert filled[order.order_id] == [order.filled, order.filled_notional]
    fees = sum(row[Event.FEE] + row[Event.VALUE] for row in traded)
    assert sum(fill.fee for fill, _ in kept.fills) == fees


def check_lists(kept: Kept, world: HistoryWorld) -> None:
    for each in kept.lists.values():
        legs = [world.orders[order_id] for order_id in (each.limit_id, each.stop_id)]
        done = all(leg.status in CLOSED for leg in legs)
        assert each.ended_ns == (max(leg.updated_ns for leg in legs) if done else 0)
        for leg in legs:
            assert leg.terms.list_id == each.list_id
            assert kept.orders[leg.order_id].client_list_id == each.client_list_id
    placed = {row[Event.ORDER_ID] for row in world.events if is_list(row)}
    assert set(kept.lists) == placed


def is_list(row: "list[int]") -> bool:
    return row[Event.KIND] == EventKind.LIST_PLACED


def check_memory(fold: Fold, world: HistoryWorld) -> None:
    """No more than what is open, and orders of open lists, stays."""
    for order_id in fold.orders:
        order = world.orders[order_id]
        assert order.status not in CLOSED or order.terms.list_id in fold.lists
    open_ids = {order.order_id for order in world.book.state().open}
    assert open_ids <= set(fold.orders)
    assert all(each.open_orders for each in fold.lists.values())


@settings(max_examples=EXAMPLES, deadline=None)
@given(WORLDS, st.data())
def test_followers_are_told_every_change_of_their_orders(
    world: HistoryWorld, data: st.DataObject
) -> None:
    owners = sorted(world.owners()) or [1]
    followed = set(data.draw(st.lists(st.sampled_from(owners), unique=True)))
    kept = Kept().follow(world, followed)
    assert set(kept.updates) <= followed
    for account in followed:
        check_updates(kept.updates[account], account, world)


def check_updates(updates: list[pb.AccountUpdate], account: int, world: HistoryWorld) -> None:
    assert all(update.account_id == account for update in updates)
    assert [update.seq for update in updates] == sorted(update.seq for update in updates)
    by_order: dict[int, list[pb.OrderChange]] = defaultdict(list)
    for update in updates:
        assert update.WhichOneof("change") == "list" or update.changed_assets
        if update.HasField("order"):
            by_order[update.order.order.order_id].append(update.order)
    theirs = {i: order for i, order in world.orders.items() if order.account == account}
    assert set(by_order) == set(theirs)
    for order_id, order in theirs.items():
        changes = by_order[order_id]
        kinds = [change.execution for change in changes]
        assert kinds[0] == pb.EXECUTION_NEW
        assert kinds.count(pb.EXECUTION_NEW) == 1
        found = world.book.find_list(order.terms.list_id)
        expected = order_message(
            order,
            world.directory.market_by_id(order.market),
            found.client_list_id if found else "",
        )
        assert changes[-1].order == expected, "the last change tells all"
        fills = [change.fill for change in changes if change.HasField("fill")]
        assert kinds.count(pb.EXECUTION_TRADE) == len(fills)
        market = world.directory.market_by_id(order.market)
        quantity = sum(market.quantity_to_lots(fill.fill.quantity) for fill in fills)
        assert quantity == order.filled
    check_told_lists(updates, account, world)


def check_told_lists(updates: list[pb.AccountUpdate], account: int, world: HistoryWorld) -> None:
    told = [update.list.list for update in updates if update.HasField("list")]
    assert all(len(each.orders) == 2 for each in told)
    begun = [e.list_id for e in told if e.status == types_pb2.ORDER_LIST_STATUS_EXECUTING]
    done = [e.list_id for e in told if e.status == types_pb2.ORDER_LIST_STATUS_ALL_DONE]
    theirs = [
        row[Event.ORDER_ID]
        for row in world.events
        if is_list(row) and row[Event.ACCOUNT] == account
    ]
    assert begun == theirs
    ended = {
        order.terms.list_id
        for order in world.orders.values()
        if order.account == account
        and order.order_id == order.terms.list_id
        and order.status in CLOSED
        and world.orders[order.order_id + 1].status in CLOSED
    }
    assert sorted(done) == sorted(ended)


def test_random_lives_have_every_execution_and_money_moves() -> None:
    """What the properties above are worth."""
    kinds: set[int] = set()
    changes: set[str | None] = set()
    signs: set[bool] = set()
    for seed in range(SEEDS):
        world = HistoryWorld(seed, COMMANDS_MAX)
        kept = Kept().follow(world, world.owners())
        for updates in kept.updates.values():
            changes |= {update.WhichOneof("change") for update in updates}
            kinds |= {update.order.execution for update in updates if update.HasField("order")}
            signs |= {
                update.balance.amount.startswith("-")
                for update in updates
                if update.HasField("balance")
            }
    assert kinds == set(pb.Execution.values()) - {pb.EXECUTION_UNSPECIFIED}
    assert changes == {"order", "list", "balance"}
    assert signs == {True, False}


def test_only_the_next_batch_of_a_possible_journal_is_folded() -> None:
    world = HistoryWorld(1, COMMANDS_MAX)
    fold = Fold()
    with pytest.raises(ValueError, match="does not follow"):
        fold.apply(world.batches[1])
    kept = Kept().follow(world, set())
    fold.directory = kept.fold.directory
    first = next(b for b in world.batches if (b.events[:, Event.KIND] == EventKind.TRADED).any())
    fold.seq = first.seq - 1  # it knows none of the orders
    with pytest.raises(IllegalTransitionError):
        fold.apply(first)
