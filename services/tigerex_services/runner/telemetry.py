"""What a runner measures and traces.

A decision is a span; the call that sends it links to it, and so do the spans of its acceptance and
its fills. So one order can be followed from the event that caused it to its fill.
"""

from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext

from tigerex_platform.telemetry import metrics
from tigerex_quant import kernel as k
from tigerex_quant.kernel import Ints
from tigerex_quant.translate import client_order_id
from tigerex_services.runner.bot import Decision, RunningBot

NS_PER_S = 1e9


class Telemetry:
    """Spans and figures of one runner process."""

    def __init__(self) -> None:
        self._tracer = trace.get_tracer("tigerex_services.runner")

    def decision(self, bot: RunningBot, ref: int, event: Ints) -> SpanContext:
        """A bot has decided to place an order."""
        span = self._tracer.start_span(
            "bot.decide",
            attributes={
                "tigerex.bot.id": bot.bot_id,
                "tigerex.order.client_id": client_order_id(bot.short_id, ref),
                "tigerex.event.seq": int(event[k.E_SEQ]),
                "tigerex.event.kind": int(event[k.E_KIND]),
            },
        )
        span.end()
        return span.get_span_context()

    def accepted(self, bot: RunningBot, decision: Decision, event: Ints) -> None:
        """The exchange has accepted the order that was decided."""
        seconds = (int(event[k.E_TIME_NS]) - decision.time_ns) / NS_PER_S
        metrics.BOT_DECISION_LATENCY.record(seconds)
        order_id = int(event[k.E_ORDER_ID])
        bot.traces[order_id] = decision.trace
        self._event("bot.accepted", bot, order_id, event, decision.trace)

    def filled(self, bot: RunningBot, event: Ints) -> None:
        """An order of the bot traded."""
        order_id = int(event[k.E_ORDER_ID])
        metrics.BOT_FILLS.add(1, {"type": bot.fold.strategy.name})
        decided = bot.traces.get(order_id)
        if decided is not None:
            self._event("bot.filled", bot, order_id, event, decided)

    def answered(self, bot: RunningBot, outcome: str) -> None:
        """The exchange has answered a command: "accepted", "canceled", or why not."""
        labels = {"type": bot.fold.strategy.name, "outcome": outcome}
        metrics.BOT_ORDERS.add(1, labels)

    def bots(self, number: int) -> None:
        """How many bots are up to date here."""
        metrics.RUNNER_BOTS.set(number)

    def _event(
        self, name: str, bot: RunningBot, order_id: int, event: Ints, decided: SpanContext
    ) -> None:
        self._tracer.start_span(
            name,
            links=[Link(decided)],
            attributes={
                "tigerex.bot.id": bot.bot_id,
                "tigerex.order.id": order_id,
                "tigerex.event.seq": int(event[k.E_SEQ]),
            },
        ).end()
