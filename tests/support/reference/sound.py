"""What must be true of the reference after any command."""

from collections import Counter

from tests.support.reference.exchange import Reference
from tests.support.reference.holds import asset_paid, due_hold
from tests.support.reference.state import LIMIT


def assert_sound(reference: Reference) -> None:
    site = reference.site
    sums: Counter[int] = Counter()
    for money in (site.available, site.held):
        for (account, asset), units in money.items():
            sums[asset] += units
            assert units >= 0 or (site.accounts[account].may_owe and money is site.available)
            assert abs(units) <= LIMIT
    assert not any(sums.values()), "the sum over all accounts is not zero"
    due: Counter[tuple[int, int]] = Counter()
    for order in site.orders.values():
        assert order.held == due_hold(site, order), order
        assert 0 < order.remaining <= order.quantity - order.traded, order
        assert bool(order.place) != order.waiting, order
        assert bool(order.visible) == bool(order.place), order
        assert order.visible <= (order.display or order.remaining), order
        assert order.fired == (order.order_id in site.fired), order
        assert not order.other or site.orders[order.other].other == order.order_id, order
        due[order.account, asset_paid(site, order)] += order.held
    for move in site.transfers.values():
        due[move.source, move.asset] += move.amount
    assert {key: units for key, units in site.held.items() if units} == dict(+due)
    assert len(site.fired) == len(set(site.fired))
    for market in range(1, len(site.markets) + 1):
        bids, asks = reference.depth(market, 1), reference.depth(market, 2)
        assert not bids or not asks or bids[0][0] < asks[0][0], "the book is crossed"
