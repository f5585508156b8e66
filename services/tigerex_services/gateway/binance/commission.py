"""What the caller pays for trades."""

from decimal import Decimal

from tigerex.exchange.v1 import accounts_pb2

from tigerex_services.gateway.binance.calls import UserCall
from tigerex_services.gateway.binance.orders import Json, decimal
from tigerex_services.gateway.upstream import call

NONE = decimal("")


async def commission(of: UserCall) -> Json:
    """What the caller pays for trades in a market: the same in all of them."""
    symbol = of.values["symbol"]
    await of.parts.symbols.market(symbol)
    fees = await fees_of(of)
    discount = fees.fee_discount
    none = dict.fromkeys(("maker", "taker", "buyer", "seller"), NONE)
    return {
        "symbol": symbol,
        "standardCommission": rates(fees),
        "specialCommission": none,
        "taxCommission": none,
        "discount": {
            "enabledForAccount": fees.pays_discounted_fees,
            "enabledForSymbol": bool(discount.asset),
            "discountAsset": discount.asset,
            # What is left of a fee that is paid in the asset.
            "discount": decimal(str(1 - Decimal(discount.discount or 0))),
        },
    }


async def fees_of(of: UserCall) -> accounts_pb2.GetFeesResponse:
    return await call(
        of.upstream.accounts.GetFees,
        accounts_pb2.GetFeesRequest(account_id=await of.account_id()),
        user=of.caller.user,
    )


def rates(fees: accounts_pb2.GetFeesResponse) -> Json:
    """Shares of what a maker and a taker receive; nothing more for buying or selling."""
    maker, taker = decimal(fees.maker_fee), decimal(fees.taker_fee)
    return {"maker": maker, "taker": taker, "buyer": NONE, "seller": NONE}


def basis_points(fee: str) -> int:
    """A fee as old clients read it: whole hundredths of a percent."""
    return int(Decimal(fee or 0) * 10_000)
