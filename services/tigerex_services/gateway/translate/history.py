"""History: protobuf → JSON models."""

from tigerex.history.v1 import history_pb2 as pb

from tigerex_services.gateway.models import history as model
from tigerex_services.gateway.translate.accounts import SIDES
from tigerex_services.gateway.translate.values import time_text


def fill(row: pb.AccountFill) -> model.PastFill:
    return model.PastFill(
        trade_id=row.fill.trade_id,
        market=row.market,
        order_id=row.order_id,
        side=SIDES[row.side],
        price=row.fill.price,
        quantity=row.fill.quantity,
        notional=row.notional,
        fee=row.fill.fee,
        fee_asset=row.fill.fee_asset,
        maker=row.fill.maker,
        time=time_text(row.time_ns),
    )
