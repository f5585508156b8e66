"""Intents of a strategy as commands of the exchange."""

from uuid import UUID

from tigerex.exchange.v1 import trading_pb2, types_pb2

from tigerex_core.records import OrderType, SelfTrade, Side, TimeInForce
from tigerex_platform.ids import derive_request_id
from tigerex_quant import kernel as k
from tigerex_quant.kernel import Ints
from tigerex_quant.translate import client_order_id
from tigerex_services.runner.bot import RunningBot

_SIDES = {Side.BUY: types_pb2.SIDE_BUY, Side.SELL: types_pb2.SIDE_SELL}
_TYPES = {
    OrderType.LIMIT: types_pb2.ORDER_TYPE_LIMIT,
    OrderType.MARKET: types_pb2.ORDER_TYPE_MARKET,
}
_TIMES_IN_FORCE = {
    TimeInForce.GTC: types_pb2.TIME_IN_FORCE_GTC,
    TimeInForce.IOC: types_pb2.TIME_IN_FORCE_IOC,
}
_SELF_TRADE_MODES = {
    0: types_pb2.SELF_TRADE_MODE_UNSPECIFIED,
    SelfTrade.EXPIRE_TAKER: types_pb2.SELF_TRADE_MODE_EXPIRE_TAKER,
}


def command_of(bot: RunningBot, intent: Ints) -> trading_pb2.BatchCommand:
    """The command of an intent: the same bytes each time the intent is emitted.

    Its request id is made of the bot, the run and the intent's ref (seq, n), and it carries the
    epoch in force at that seq. So one that was executed is answered as a repetition, and one that
    was never sent before another runner took over is refused, and decided anew.
    """
    ref = int(intent[k.I_REF])
    request_id = derive_request_id(UUID(bot.bot_id).bytes, bot.start_seq, ref)
    if intent[k.I_KIND] == k.CANCEL:
        return trading_pb2.BatchCommand(
            cancel=trading_pb2.CancelOrderRequest(
                request_id=request_id,
                account_id=bot.account_id,
                client_order_id=client_order_id(bot.short_id, int(intent[k.I_TARGET])),
                epoch=int(intent[k.I_EPOCH]),
                market=bot.market.symbol,
            )
        )
    return trading_pb2.BatchCommand(
        place=trading_pb2.PlaceOrderRequest(
            request_id=request_id,
            account_id=bot.account_id,
            market=bot.market.symbol,
            side=_SIDES[Side(int(intent[k.I_SIDE]))],
            type=_TYPES[OrderType(int(intent[k.I_TYPE]))],
            time_in_force=_TIMES_IN_FORCE[TimeInForce(int(intent[k.I_TIME_IN_FORCE]))],
            price=bot.market.ticks_to_price(int(intent[k.I_PRICE])),
            quantity=bot.market.lots_to_quantity(int(intent[k.I_QUANTITY])),
            client_order_id=client_order_id(bot.short_id, ref),
            epoch=int(intent[k.I_EPOCH]),
            decided_seq=ref >> k.REF_BITS,
            self_trade_mode=_SELF_TRADE_MODES[int(intent[k.I_SELF_TRADE])],
        )
    )
