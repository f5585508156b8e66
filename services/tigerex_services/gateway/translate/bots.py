"""Trading bots: JSON models ↔ protobuf."""

from collections.abc import Mapping

from tigerex.bots.v1 import bots_pb2 as pb

from tigerex_services.gateway.models import bots as model
from tigerex_services.gateway.translate.market import side_name
from tigerex_services.gateway.translate.values import inverse, optional, timestamp_text

STATUSES: Mapping[pb.BotStatus.ValueType, model.StatusName] = {
    pb.BOT_STATUS_CREATED: "created",
    pb.BOT_STATUS_STARTING: "starting",
    pb.BOT_STATUS_RUNNING: "running",
    pb.BOT_STATUS_PAUSED: "paused",
    pb.BOT_STATUS_STOPPED: "stopped",
    pb.BOT_STATUS_COMPLETED: "completed",
    pb.BOT_STATUS_FAILED: "failed",
}
DESIRED_STATES: Mapping[pb.DesiredState.ValueType, model.StateName] = {
    pb.DESIRED_STATE_RUNNING: "running",
    pb.DESIRED_STATE_PAUSED: "paused",
    pb.DESIRED_STATE_STOPPED: "stopped",
}
DESIRED_STATE_NUMBERS = inverse(DESIRED_STATES)

# Where the contract's field names differ from those of the JSON body that a user sent.
_FIELD_PREFIXES = (
    ("spec.config.spot_grid.", "config."),
    ("spec.config.dca.", "config."),
    ("config.spot_grid.", "config."),
    ("config.dca.", "config."),
    ("spot_grid.", "config."),
    ("dca.", "config."),
    ("spec.", ""),
)


def field_name(name: str) -> str:
    """The JSON name of a field that the bots service complains about."""
    for prefix, replacement in _FIELD_PREFIXES:
        if name.startswith(prefix):
            return replacement + name.removeprefix(prefix)
    return name


def config(body: model.SpotGridConfig | model.DcaConfig) -> pb.BotConfig:
    if isinstance(body, model.SpotGridConfig):
        spacing = (
            pb.GRID_SPACING_GEOMETRIC if body.spacing == "geometric" else pb.GRID_SPACING_ARITHMETIC
        )
        return pb.BotConfig(
            spot_grid=pb.SpotGridConfig(
                lower_price=body.lower_price,
                upper_price=body.upper_price,
                levels=body.levels,
                spacing=spacing,
                investment=body.investment,
            )
        )
    return pb.BotConfig(
        dca=pb.DcaConfig(
            amount=body.amount,
            interval_seconds=body.interval_seconds,
            max_purchases=body.max_purchases,
            max_price=body.max_price or "",
        )
    )


def new_spec(body: model.NewSpotGrid | model.NewDca, user: str) -> pb.BotSpec:
    """Bots made here run beside others: a pod of its own is asked for by a resource."""
    return pb.BotSpec(
        name=body.name,
        market=body.market,
        config=config(body.config),
        isolation=pb.ISOLATION_SHARED,
        user=user,
        account=body.account,
        desired_state=(pb.DESIRED_STATE_RUNNING if body.start else pb.DESIRED_STATE_UNSPECIFIED),
    )


def changed_spec(body: model.SpotGridChange | model.DcaChange) -> pb.BotSpec:
    return pb.BotSpec(name=body.name, config=config(body.config))


def _config_model(message: pb.BotConfig) -> model.SpotGridConfig | model.DcaConfig:
    if message.WhichOneof("config") == "spot_grid":
        grid = message.spot_grid
        return model.SpotGridConfig(
            lower_price=grid.lower_price,
            upper_price=grid.upper_price,
            levels=grid.levels,
            spacing=("geometric" if grid.spacing == pb.GRID_SPACING_GEOMETRIC else "arithmetic"),
            investment=grid.investment,
        )
    dca = message.dca
    return model.DcaConfig(
        amount=dca.amount,
        interval_seconds=dca.interval_seconds,
        max_purchases=dca.max_purchases,
        max_price=optional(dca.max_price),
    )


def performance(message: pb.BotPerformance) -> model.Performance:
    return model.Performance(
        total_value=message.total_value or "0",
        profit_loss=message.profit_loss or "0",
        roi=message.roi or "0",
        trades=message.trades,
        win_rate=optional(message.win_rate),
        max_drawdown=optional(message.max_drawdown),
        sharpe_ratio=optional(message.sharpe_ratio),
        time=timestamp_text(message.at, present=message.HasField("at")),
    )


def bot(message: pb.Bot) -> model.Bot:
    spec = message.spec
    return model.Bot(
        bot_id=message.bot_id,
        name=spec.name,
        type="dca" if spec.config.WhichOneof("config") == "dca" else "spot-grid",
        market=spec.market,
        config=_config_model(spec.config),
        account=spec.account or "main",
        isolation="dedicated" if spec.isolation == pb.ISOLATION_DEDICATED else "shared",
        status=STATUSES[message.status],
        status_reason=optional(message.status_reason),
        desired_state=DESIRED_STATES.get(spec.desired_state),
        managed=message.managed,
        generation=message.generation,
        observed_generation=message.observed_generation,
        performance=(performance(message.performance) if message.HasField("performance") else None),
        created_at=timestamp_text(message.created_at, present=message.HasField("created_at")),
        updated_at=timestamp_text(message.updated_at, present=message.HasField("updated_at")),
        started_at=timestamp_text(message.started_at, present=message.HasField("started_at")),
        stopped_at=timestamp_text(message.stopped_at, present=message.HasField("stopped_at")),
    )


def bot_trade(message: pb.BotTrade) -> model.BotTrade:
    return model.BotTrade(
        trade_id=message.trade_id,
        order_id=message.order_id,
        market=message.market,
        side=side_name(message.side),
        price=message.price,
        quantity=message.quantity,
        fee=message.fee or "0",
        fee_asset=message.fee_asset,
        profit_loss=message.profit_loss or "0",
        time=timestamp_text(message.at, present=message.HasField("at")),
    )


def bot_type(message: pb.BotTypeInfo) -> model.BotType:
    return model.BotType(
        type=message.name,
        description=message.description,
        fields=[
            model.BotTypeField(name=row.name, description=row.description, required=row.required)
            for row in message.fields
        ],
    )
