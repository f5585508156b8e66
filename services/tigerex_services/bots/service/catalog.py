"""The types of bots there are, in words for people."""

from tigerex.bots.v1 import bots_pb2 as pb

from tigerex_services.bot_config import DCA, SPOT_GRID


def bot_types() -> list[pb.BotTypeInfo]:
    """Every type with the fields of its configuration."""
    return [
        pb.BotTypeInfo(
            type=pb.BOT_TYPE_SPOT_GRID,
            name=SPOT_GRID,
            description="Buys low and sells high between fixed price levels.",
            fields=[
                _field("lower_price", "Lowest level, a multiple of the market's tick size."),
                _field("upper_price", "Highest level, above lower_price."),
                _field("levels", "Number of levels, both bounds included: 2 to 200."),
                _field("spacing", "Arithmetic (equal steps) or geometric (equal ratios).", False),
                _field("investment", "Quote asset moved into the bot's account at its start."),
            ],
        ),
        pb.BotTypeInfo(
            type=pb.BOT_TYPE_DCA,
            name=DCA,
            description="Spends the same amount at every interval, whatever the price.",
            fields=[
                _field("amount", "Quote asset spent at each purchase."),
                _field("interval_seconds", "Time between purchases: 1 to 31,536,000 s."),
                _field("max_purchases", "The bot completes after so many: 1 to 10,000."),
                _field("max_price", "No purchase above this price.", False),
            ],
        ),
    ]


def _field(name: str, description: str, required: bool = True) -> pb.BotTypeField:
    return pb.BotTypeField(name=name, description=description, required=required)
