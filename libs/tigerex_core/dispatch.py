"""The kernel's entry: commands in, events out, as many as the buffer surely holds."""

from tigerex_core.accounts import advance_epoch, create_account, create_user, set_account
from tigerex_core.amending import amend_order
from tigerex_core.canceling import cancel_all, cancel_order
from tigerex_core.expiry import next_due
from tigerex_core.jit import entry, kernel
from tigerex_core.layout import COMMAND_EVENTS_MAX, FILLS_MAX, STEPS_MAX, Head, Seen, State
from tigerex_core.listed import place_oco
from tigerex_core.listing import create_asset, create_market
from tigerex_core.output import (
    COMMAND,
    DONE,
    EVENTS_MOST,
    FILLS_LEFT,
    REQUEST_HI,
    REQUEST_LO,
    STEPS_LEFT,
    TIME_NS,
    WRITTEN,
    Out,
    begin_event,
    disown,
    emit_rejected,
    refuse,
)
from tigerex_core.placing import place_order
from tigerex_core.records import Command, CommandKind, EventKind, Reason, Rows
from tigerex_core.rules import (
    set_fee_discount,
    set_fee_payment,
    set_fee_tier,
    set_market_limit,
    set_market_state,
)
from tigerex_core.taking import expire_due, run_takers
from tigerex_core.transfers import post_transfer, reserve_transfer, transfer, void_transfer
from tigerex_core.window import content_of, emit_duplicate, find_request, remember


@kernel
def _tick(out: Out) -> int:
    begin_event(out, EventKind.TICKED)
    return DONE


@kernel
def _run(state: State, out: Out, commands: Rows, c: int) -> int:  # noqa: C901, PLR0912 - a table
    """Hand the command to its handler; the refusal, or DONE."""
    kind = commands[c, Command.KIND]
    if kind == CommandKind.PLACE_ORDER:
        return place_order(state, out, commands, c)
    if kind == CommandKind.CANCEL_ORDER:
        return cancel_order(state, out, commands, c)
    if kind == CommandKind.AMEND_ORDER:
        return amend_order(state, out, commands, c)
    if kind == CommandKind.TICK:
        return _tick(out)
    if kind == CommandKind.PLACE_OCO:
        return place_oco(state, out, commands, c)
    if kind == CommandKind.CANCEL_ALL:
        return cancel_all(state, out, commands, c)
    if kind == CommandKind.TRANSFER:
        return transfer(state, out, commands, c)
    if kind == CommandKind.RESERVE_TRANSFER:
        return reserve_transfer(state, out, commands, c)
    if kind == CommandKind.POST_TRANSFER:
        return post_transfer(state, out, commands, c)
    if kind == CommandKind.VOID_TRANSFER:
        return void_transfer(state, out, commands, c)
    if kind == CommandKind.ADVANCE_EPOCH:
        return advance_epoch(state, out, commands, c)
    if kind == CommandKind.SET_ACCOUNT:
        return set_account(state, out, commands, c)
    if kind == CommandKind.CREATE_ACCOUNT:
        return create_account(state, out, commands, c)
    if kind == CommandKind.CREATE_USER:
        return create_user(state, out, commands, c)
    if kind == CommandKind.SET_FEE_TIER:
        return set_fee_tier(state, out, commands, c)
    if kind == CommandKind.SET_MARKET_STATE:
        return set_market_state(state, out, commands, c)
    if kind == CommandKind.SET_MARKET_LIMIT:
        return set_market_limit(state, out, commands, c)
    if kind == CommandKind.SET_FEE_DISCOUNT:
        return set_fee_discount(state, out, commands, c)
    if kind == CommandKind.SET_FEE_PAYMENT:
        return set_fee_payment(state, out, commands, c)
    if kind == CommandKind.CREATE_MARKET:
        return create_market(state, out, commands, c)
    if kind == CommandKind.CREATE_ASSET:
        return create_asset(state, out, commands, c)
    return refuse(Reason.UNKNOWN_COMMAND, Command.KIND)


@kernel
def _apply_one(state: State, out: Out, commands: Rows, c: int, seq: int) -> None:
    """Answer one command: with the first answer's seq where its request id is known, else by doing
    it."""
    if commands[c, Command.REQUEST_HI] != 0 or commands[c, Command.REQUEST_LO] != 0:
        row = find_request(state.window, commands, c)
        if row != 0:
            content = state.window.ring[row, Seen.CONTENT]
            if content in (0, content_of(commands, c)):  # 0: not known
                emit_duplicate(out, state.window.ring[row, Seen.SEQ])
            else:
                refusal = refuse(Reason.REQUEST_ID_REUSED, Command.REQUEST_HI)
                emit_rejected(out, commands, c, refusal)
            return
        remember(state.head, state.window, commands, c, seq)
    refusal = _run(state, out, commands, c)
    if refusal != DONE:
        emit_rejected(out, commands, c, refusal)


@kernel
def _own(out: Out, commands: Rows, c: int) -> None:
    """What follows answers the command's request."""
    out.cause[REQUEST_HI] = commands[c, Command.REQUEST_HI]
    out.cause[REQUEST_LO] = commands[c, Command.REQUEST_LO]


@kernel
def _apply_around(state: State, out: Out, commands: Rows, c: int, seq: int) -> None:
    """Apply one command between what is due before it and what it sets off: orders expire, stops
    that fired earlier are run; then the command and its taker, and stops that fire by it.

    Both times takers are run by the same lines: whatever is inlined twice is compiled twice.
    """
    out.cause[FILLS_LEFT] = FILLS_MAX
    out.cause[STEPS_LEFT] = STEPS_MAX
    due = state.head[Head.RUNNABLE] != 0 or next_due(state.head, state.books) != 0
    stage = 0 if due else 1
    while stage < 2:
        if stage == 0:
            disown(out)
            expire_due(state, out)
        else:
            _own(out, commands, c)
            _apply_one(state, out, commands, c, seq)
        run_takers(state, out)
        stage += 1


@entry
def apply_batch(state: State, out: Out, commands: Rows, first: int, seq: int) -> int:
    """Apply commands from `first` on while the event buffer has room for all that one can cause.

    Returns the index of the first command that was not applied; the events written are counted in
    `out.cause`. Times that run backwards are read as the newest one seen.
    """
    out.cause[WRITTEN] = 0
    last_start = out.events.shape[0] - COMMAND_EVENTS_MAX
    for c in range(first, commands.shape[0]):
        begin = out.cause[WRITTEN]
        if begin > last_start:
            return c
        state.head[Head.TIME_NS] = max(state.head[Head.TIME_NS], commands[c, Command.TIME_NS])
        out.cause[TIME_NS] = state.head[Head.TIME_NS]
        out.cause[COMMAND] = c
        _apply_around(state, out, commands, c, seq)
        out.cause[EVENTS_MOST] = max(out.cause[EVENTS_MOST], out.cause[WRITTEN] - begin)
    return commands.shape[0]
