"""What to do next for a bot: a pure function of what is wanted and how far the work has come.

    IDLE ─prepare► FUNDING ─fund► FUNDED ─signal START► ACTIVE ─signal STOP► FENCED
      ▲                                                                        │cancel
      └────────return── RETURNING ◄───────collect─── COLLECTING ◄──────────────┘

Each step is one call to the exchange, or one change of a row, and is kept before the next one is
chosen. Every call has a request id derived from what it is for, so a step that was interrupted is
simply taken again. A signal is written down before it is sent: otherwise a crash after a pause was
journaled could leave the strategy paused and nobody knowing. No step needs a runner to be alive.
"""

from enum import Enum, auto

from tigerex_services.bots.model import BotRow, Desired, RunRow, Signal, Stage


class Step(Enum):
    """The next thing to do."""

    SETTLE = auto()  # nothing
    REMOVE = auto()
    PREPARE = auto()
    FUND = auto()
    SEND_SIGNAL = auto()  # the one that is written down
    WRITE_START = auto()
    WRITE_PAUSE = auto()
    WRITE_RESUME = auto()
    WRITE_STOP = auto()
    WRITE_TAKEOVER = auto()
    CANCEL = auto()
    COLLECT = auto()
    RETURN = auto()


_CLOSING = {
    Stage.FENCED: Step.CANCEL,
    Stage.COLLECTING: Step.COLLECT,
    Stage.RETURNING: Step.RETURN,
}


def next_step(bot: BotRow, run: RunRow, holder: str) -> Step:
    """The next step; `holder` is the runner that holds the bot's lease, if any."""
    if not run.signalled:
        return Step.SEND_SIGNAL
    stage = Stage(run.stage)
    if stage in _CLOSING:
        return _CLOSING[stage]
    if stage is Stage.IDLE:
        if bot.deleting:
            return Step.REMOVE
        return Step.PREPARE if bot.wants_to_run else Step.SETTLE
    if stage is Stage.FUNDING:
        return Step.FUND
    if not bot.wants_to_run or run.run_version != bot.config_version:
        return Step.WRITE_STOP
    if stage is Stage.FUNDED:
        return Step.WRITE_START
    return _while_active(bot, run, holder)


def _while_active(bot: BotRow, run: RunRow, holder: str) -> Step:
    if run.paused != (bot.desired_state == Desired.PAUSED):
        return Step.WRITE_RESUME if run.paused else Step.WRITE_PAUSE
    if holder and holder != run.fenced_for:
        return Step.WRITE_TAKEOVER
    return Step.SETTLE


SIGNAL_OF = {
    Step.WRITE_START: Signal.START,
    Step.WRITE_PAUSE: Signal.PAUSE,
    Step.WRITE_RESUME: Signal.RESUME,
    Step.WRITE_STOP: Signal.STOP,
    Step.WRITE_TAKEOVER: Signal.TAKEOVER,
}
