"""Rows as messages of the bots contract, and back."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from uuid import UUID

from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp
from tigerex.bots.v1 import bots_pb2 as pb
from tigerex.bots.v1 import runner_pb2

from tigerex_platform.errors import InvalidField
from tigerex_services.bot_trades import split_fee
from tigerex_services.bots.accounting import Valuation, money, plain
from tigerex_services.bots.model import BotRow, Desired, Isolation, RunRow, Status
from tigerex_services.bots.storage.bots import Whereabouts
from tigerex_services.bots.storage.leases import CheckpointRow, Held
from tigerex_services.bots.storage.performance import Point
from tigerex_services.bots.storage.trades import KeptTrade, Trade

STATUS = {
    Status.CREATED: pb.BOT_STATUS_CREATED,
    Status.STARTING: pb.BOT_STATUS_STARTING,
    Status.RUNNING: pb.BOT_STATUS_RUNNING,
    Status.PAUSED: pb.BOT_STATUS_PAUSED,
    Status.STOPPED: pb.BOT_STATUS_STOPPED,
    Status.COMPLETED: pb.BOT_STATUS_COMPLETED,
    Status.FAILED: pb.BOT_STATUS_FAILED,
}
STATUS_NAMES = {number: str(status) for status, number in STATUS.items()}
DESIRED = {
    Desired.RUNNING: pb.DESIRED_STATE_RUNNING,
    Desired.PAUSED: pb.DESIRED_STATE_PAUSED,
    Desired.STOPPED: pb.DESIRED_STATE_STOPPED,
}
ISOLATION = {
    Isolation.SHARED: pb.ISOLATION_SHARED,
    Isolation.DEDICATED: pb.ISOLATION_DEDICATED,
}


def uuid(field: str, text: str) -> UUID:
    """The UUID of a field; raises InvalidField."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidField(field, text, "a UUID") from None


def bot_message(bot: BotRow, place: Whereabouts | None, value: Valuation) -> pb.Bot:
    """A bot with its figures as of now."""
    return pb.Bot(
        bot_id=str(bot.id),
        spec=spec_message(bot),
        status=STATUS[Status(bot.status)],
        status_reason=bot.status_reason,
        managed=bot.managed,
        generation=bot.generation,
        observed_generation=bot.observed_generation,
        user_id=bot.user_id,
        account_id=place.account_id if place else 0,
        performance=pb.BotPerformance(
            total_value=money(value.total_value),
            profit_loss=money(value.profit_loss),
            roi=plain(value.roi),
            trades=bot.total_trades,
            win_rate=plain(bot.win_rate),
            max_drawdown=plain(value.max_drawdown),
            at=_timestamp(datetime.now(UTC)),
        ),
        created_at=_timestamp(bot.created_at),
        updated_at=_timestamp(bot.updated_at),
        started_at=_timestamp(bot.started_at),
        stopped_at=_timestamp(bot.stopped_at),
        runner=place.runner if place else "",
    )


def spec_message(bot: BotRow) -> pb.BotSpec:
    return pb.BotSpec(
        name=bot.name,
        market=bot.symbol,
        config=json_format.ParseDict(bot.config, pb.BotConfig(), ignore_unknown_fields=True),
        isolation=ISOLATION[Isolation(bot.isolation)],
        user=bot.user_name,
        account=bot.account_name,
        desired_state=DESIRED[Desired(bot.desired_state)],
    )


def trade_message(trade: KeptTrade) -> pb.BotTrade:
    return pb.BotTrade(
        trade_id=trade.trade_id,
        order_id=trade.order_id,
        market=trade.symbol,
        side=trade.side,
        price=plain(trade.price),
        quantity=plain(trade.quantity),
        fee=plain(trade.fee),
        fee_asset=trade.fee_asset,
        profit_loss=money(trade.profit_loss),
        at=_timestamp(trade.created_at),
    )


def point_message(point: Point) -> pb.BotPerformance:
    sharpe = "" if point.sharpe_ratio is None else f"{point.sharpe_ratio:.4f}"
    return pb.BotPerformance(
        total_value=money(point.total_value),
        profit_loss=money(point.profit_loss),
        roi=plain(point.roi),
        trades=point.trades,
        win_rate=plain(point.win_rate),
        max_drawdown=plain(point.max_drawdown),
        sharpe_ratio=sharpe,
        at=_timestamp(point.timestamp),
    )


def known_message(bot: BotRow, run: RunRow) -> runner_pb2.Assignment:
    """An assignment that the runner follows already."""
    return runner_pb2.Assignment(
        bot=pb.Bot(bot_id=str(bot.id)), shard=bot.shard, epoch=run.epoch, start_seq=run.start_seq
    )


def new_message(held: Held) -> runner_pb2.Assignment:
    """An assignment with all a runner begins with: the run's configuration, not a newer one."""
    bot, run = held.bot, held.run
    spec = spec_message(bot)
    spec.config.CopyFrom(json_format.ParseDict(run.config or {}, pb.BotConfig()))
    checkpoint = None
    if held.checkpoint is not None:
        checkpoint = runner_pb2.Checkpoint(
            bot_id=str(bot.id),
            seq=held.checkpoint.seq,
            state=held.checkpoint.state,
            kernel_version=held.checkpoint.kernel_version,
        )
    return runner_pb2.Assignment(
        bot=pb.Bot(bot_id=str(bot.id), spec=spec, user_id=bot.user_id, account_id=run.account_id),
        shard=bot.shard,
        epoch=run.epoch,
        start_seq=run.start_seq,
        checkpoint=checkpoint,
    )


def checkpoint_row(update: runner_pb2.CheckpointUpdate) -> tuple[CheckpointRow, str, str]:
    """(checkpoint, status, reason) of an update; an unspecified status is an empty one."""
    checkpoint = update.checkpoint
    row = CheckpointRow(
        bot_id=uuid("checkpoints.bot_id", checkpoint.bot_id),
        start_seq=0,  # the run's, which the storage knows
        seq=checkpoint.seq,
        state=checkpoint.state,
        kernel_version=checkpoint.kernel_version,
    )
    return row, STATUS_NAMES.get(update.status, ""), update.status_reason[:500]


def trade_row(message: pb.BotTrade) -> Trade:
    """A reported fill; raises InvalidField."""
    if message.side not in ("buy", "sell"):
        raise InvalidField("trades.side", message.side, "buy or sell")
    fee = _decimal("trades.fee", message.fee)
    base_fee, quote_fee = split_fee(message, fee)
    return Trade(
        trade_id=message.trade_id,
        order_id=message.order_id,
        symbol=message.market,
        side=message.side,
        price=_decimal("trades.price", message.price),
        quantity=_decimal("trades.quantity", message.quantity),
        fee=fee,
        fee_asset=message.fee_asset,
        base_fee=base_fee,
        quote_fee=quote_fee,
        created_at=message.at.ToDatetime(UTC),
    )


def _decimal(field: str, text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise InvalidField(field, text, "a plain decimal number") from None
    if not value.is_finite() or value < 0:
        raise InvalidField(field, text, "a plain decimal number, not negative")
    return value


def _timestamp(time: datetime | None) -> Timestamp | None:
    if time is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(time)
    return stamp
