"""Between messages and the host's types: what several servicers share."""

from collections.abc import Sequence
from typing import cast

from tigerex.exchange.v1 import types_pb2

from tigerex_core.records import Reason
from tigerex_services.decimals import from_units
from tigerex_services.directory import AccountInfo, Directory
from tigerex_services.instruments import AssetInfo, MarketInfo
from tigerex_services.market_limits import PPM_DECIMALS, limits_message


def asset_message(asset: AssetInfo) -> types_pb2.Asset:
    return types_pb2.Asset(code=asset.code, scale=asset.scale, asset_id=asset.asset_id)


def market_message(market: MarketInfo, last_ticks: int = 0) -> types_pb2.Market:
    return types_pb2.Market(
        symbol=market.symbol,
        base_asset=market.base.code,
        quote_asset=market.quote.code,
        tick_size=market.quote.from_units(market.tick),
        lot_size=market.base.from_units(market.lot),
        max_price=market.ticks_to_price(market.max_price),
        max_quantity=market.lots_to_quantity(market.max_quantity),
        min_notional=market.quote.from_units(market.min_notional),
        state=cast("types_pb2.MarketState.ValueType", market.state),
        market_id=market.market_id,
        last_price=market.ticks_to_price(last_ticks) if last_ticks else "",
        limits=limits_message(market),
        halt_reason=Reason(market.halt_reason).name if market.halt_reason else "",
    )


def account_message(account: AccountInfo) -> types_pb2.Account:
    return types_pb2.Account(
        account_id=account.account_id,
        user_id=account.user_id,
        user=account.user,
        name=account.name,
        kind=cast("types_pb2.AccountKind.ValueType", account.kind),
        fee_tier=account.fee_tier,
        epoch=account.epoch,
        frozen=account.frozen,
        pays_discounted_fees=account.pays_discounted_fees,
    )


def level_messages(
    levels: Sequence[tuple[int, int]], market: MarketInfo
) -> list[types_pb2.BookLevel]:
    return [
        types_pb2.BookLevel(
            price=market.ticks_to_price(ticks), quantity=market.lots_to_quantity(lots)
        )
        for ticks, lots in levels
    ]


def fee_discount_message(directory: Directory) -> types_pb2.FeeDiscount:
    """The exchange's fee discount as it is now."""
    discount = directory.fee_discount
    code = directory.asset_by_id(discount.asset_id).code if discount.asset_id else ""
    return types_pb2.FeeDiscount(
        asset=code, discount=from_units(discount.discount_ppm, PPM_DECIMALS)
    )
