"""Events going out, and the answer that a command gets."""

from typing import NamedTuple

from tigerex_core.jit import kernel
from tigerex_core.records import EVENT_WIDTH, NAME_WORDS, Command, Event, EventKind, Rows

DONE = 0  # what a handler returns when it has done what was asked

_COLUMN_BITS = 8

# Columns of `Out.cause`.
WRITTEN = 0
TIME_NS = 1
COMMAND = 2
REQUEST_HI = 3
REQUEST_LO = 4
TAKER = 5  # order row that the command has made and that has not been matched yet, or 0
FILLS_LEFT = 6  # of FILLS_MAX
STEPS_LEFT = 7  # of STEPS_MAX
EVENTS_MOST = 8  # that one command has caused, of all in the batch
STANDING = 9  # of the command's account in its market, when the taker was accepted, or 0
CAUSE_WIDTH = 10


class Out(NamedTuple):
    """The event buffer, one row about the command at work (what all of its events say, and what may
    still happen around it), and room for the rows of the orders that a CANCEL_ALL cancels."""

    events: Rows
    cause: Rows
    oldest: Rows


@kernel
def begin_event(out: Out, kind: int) -> int:
    """A new event of this kind, otherwise zero; its row."""
    at = out.cause[WRITTEN]
    out.cause[WRITTEN] = at + 1
    for column in range(EVENT_WIDTH):
        out.events[at, column] = 0
    out.events[at, Event.KIND] = kind
    out.events[at, Event.TIME_NS] = out.cause[TIME_NS]
    out.events[at, Event.COMMAND] = out.cause[COMMAND]
    out.events[at, Event.REQUEST_HI] = out.cause[REQUEST_HI]
    out.events[at, Event.REQUEST_LO] = out.cause[REQUEST_LO]
    return at


@kernel
def disown(out: Out) -> None:
    """What follows happens around the command and is no answer to its request."""
    out.cause[REQUEST_HI] = 0
    out.cause[REQUEST_LO] = 0


@kernel
def copy_name(out: Out, at: int, rows: Rows, row: int, column: int) -> None:
    """The name at (row, column) into event `at`."""
    for word in range(NAME_WORDS):
        out.events[at, Event.NAME + word] = rows[row, column + word]


@kernel
def refuse(reason: int, column: int) -> int:
    """What a handler returns, before it has changed anything, to reject the command."""
    return (reason << _COLUMN_BITS) | column


@kernel
def emit_rejected(out: Out, commands: Rows, c: int, refusal: int) -> None:
    at = begin_event(out, EventKind.REJECTED)
    out.events[at, Event.ACCOUNT] = commands[c, Command.ACCOUNT]
    out.events[at, Event.MARKET] = commands[c, Command.MARKET]
    out.events[at, Event.ORDER_ID] = commands[c, Command.ORDER_ID]
    out.events[at, Event.REASON] = refusal >> _COLUMN_BITS
    out.events[at, Event.VALUE] = refusal & ((1 << _COLUMN_BITS) - 1)
    copy_name(out, at, commands, c, Command.NAME)
