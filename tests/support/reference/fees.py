"""What the two sides of a trade pay, and in which asset."""

from tests.support.reference.holds import asset_received
from tests.support.reference.site import Site
from tests.support.reference.state import PPM, Order

from tigerex_core.records import FEES_ACCOUNT


def part(amount: int, ppm: int) -> int:
    """Rounded up: in the house's favour by less than one unit."""
    return -(-amount * ppm // PPM)


def charge(
    site: Site, order: Order, received: int, notional: int, *, maker: bool
) -> tuple[int, int]:
    """Give an order's owner what a trade brings less the fee; (fee, its asset)."""
    account = site.accounts[order.account]
    ppm = site.tiers.get(account.tier, (0, 0))[0 if maker else 1]
    asset = asset_received(site, order)
    fee = part(received, ppm)
    if account.pays_discounted and site.discount_asset:
        discounted = discounted_fee(site, order, part(notional, ppm))
        if discounted is not None:
            fee, asset = discounted, site.discount_asset
    site.available[order.account, asset] -= fee
    site.available[FEES_ACCOUNT, asset] += fee
    return fee, asset


def discounted_fee(site: Site, order: Order, value: int) -> int | None:
    """Units of the discount asset worth `value` quote units less the discount; None where the
    account has not so many, or nobody knows what they are worth."""
    asset = site.discount_asset
    quote = site.market_of(order).quote
    units = part(value, PPM - site.discount_ppm)
    if asset != quote:
        markets = [each for each in site.markets if (each.base, each.quote) == (asset, quote)]
        if not markets or not markets[0].last:
            return None
        whole = 10 ** site.assets[asset - 1][1]
        units = -(-units * whole // (markets[0].last * markets[0].tick))
    rows = [(order.account, asset), (FEES_ACCOUNT, asset)]
    if any(row not in site.available for row in rows):
        return None
    return units if units <= site.available[rows[0]] else None
