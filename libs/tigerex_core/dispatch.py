"""The kernel's entry: commands in, events out, as many as the buffer surely holds."""

from tigerex_core.accounts import advance_epoch, create_account, create_user, set_account
from tigerex_core.amending import amend_order
from tigerex_core.canceling import cancel_all, cancel_order
from tigerex_core.expiry import next_due
from tigerex_core.jit import entry, kernel, routine
from tigerex_core.layout import COMMAND_EVENTS_MAX, FILLS_MAX, STEPS_MAX, Head, Seen, State
from tigerex_core.listed import place_oco
from tigerex_core.listing import create_asset, create_market
from tigerex_core.memory import state_at
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
from tigerex_core.warming import AHEAD, read_ahead
from tigerex_core.window import (
    emit_duplicate,
    find_request,
    remember,
    request_hash,
    same_content,
)


@kernel
def _tick(out: Out) -> int:
    begin_event(out, EventKind.TICKED)
    return DONE


@routine
def _run_seldom(state: State, out: Out, commands: Rows, c: int) -> int:  # noqa: C901, PLR0912 - a table
    """Hand a command to its handler that is not one of the few frequent ones; the refusal, or
    DONE."""
    kind = commands[c, Command.KIND]
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
    if kind == CommandKind.SET_FEE_PAYMENT:
        return set_fee_payment(state, out, commands, c)
    if kind == CommandKind.CREATE_ACCOUNT:
        return create_account(state, out, commands, c)
    if kind == CommandKind.CREATE_USER:
        return create_user(state, out, commands, c)
    if kind == CommandKind.SET_FEE_TIER:
        return set_fee_tier(state, out, commands, c)
    if kind == CommandKind.SET_FEE_DISCOUNT:
        return set_fee_discount(state, out, commands, c)
    if kind == CommandKind.SET_MARKET_STATE:
        return set_market_state(state, out, commands, c)
    if kind == CommandKind.SET_MARKET_LIMIT:
        return set_market_limit(state, out, commands, c)
    if kind == CommandKind.CREATE_MARKET:
        return create_market(state, out, commands, c)
    if kind == CommandKind.CREATE_ASSET:
        return create_asset(state, out, commands, c)
    return refuse(Reason.UNKNOWN_COMMAND, Command.KIND)


@kernel
def _is_new(state: State, out: Out, commands: Rows, c: int, seq: int) -> bool:
    """Whether a command is to be applied; one whose request id is known is answered by the first
    answer's seq."""
    if commands[c, Command.REQUEST_HI] == 0 and commands[c, Command.REQUEST_LO] == 0:
        return True
    window, hashed = state.window, request_hash(commands, c)
    row = find_request(window, commands, c, hashed)
    if row == 0:
        remember(state.head, window, commands, c, seq, hashed)
        return True
    if same_content(window, row, commands, c):
        emit_duplicate(out, window.ring[row, Seen.SEQ])
    else:
        refusal = refuse(Reason.REQUEST_ID_REUSED, Command.REQUEST_HI)
        emit_rejected(out, commands, c, refusal)
    return False


@kernel
def _answer(state: State, out: Out, commands: Rows, c: int, seq: int) -> None:
    """Do what a command asks for, or reject it, or answer it as before."""
    if not _is_new(state, out, commands, c, seq):
        return
    kind = commands[c, Command.KIND]
    if kind == CommandKind.PLACE_ORDER:
        refusal = place_order(state, out, commands, c)
    elif kind == CommandKind.CANCEL_ORDER:
        refusal = cancel_order(state, out, commands, c)
    elif kind == CommandKind.AMEND_ORDER:
        refusal = amend_order(state, out, commands, c)
    elif kind == CommandKind.TICK:
        refusal = _tick(out)
    else:
        refusal = _run_seldom(state, out, commands, c)
    if refusal != DONE:
        emit_rejected(out, commands, c, refusal)


@entry
def apply_batch(
    words: Rows,
    places: Rows,
    events: Rows,
    cause: Rows,
    oldest: Rows,
    commands: Rows,
    first: int,
    seq: int,
) -> int:
    """Apply commands from `first` on while the event buffer has room for all that one can cause.

    Returns the index of the first command that was not applied; the events written are counted in
    `out.cause`. Times that run backwards are read as the newest one seen.

    Around each command orders expire, and stops that fired earlier are run, before; its own taker,
    and stops that fire by it, after. Both times takers are run by the same line: whatever is
    inlined twice is compiled twice.
    """
    state, out = state_at(words, places), Out(events, cause, oldest)
    head = state.head
    cause[WRITTEN] = 0
    last_start = out.events.shape[0] - COMMAND_EVENTS_MAX
    for c in range(first, commands.shape[0]):
        begin = cause[WRITTEN]
        if begin > last_start:
            return c
        if (c - first) % AHEAD == 0:
            read_ahead(state, commands, c)
        head[Head.TIME_NS] = max(head[Head.TIME_NS], commands[c, Command.TIME_NS])
        cause[TIME_NS] = head[Head.TIME_NS]
        cause[COMMAND] = c
        cause[FILLS_LEFT] = FILLS_MAX
        cause[STEPS_LEFT] = STEPS_MAX
        before = head[Head.RUNNABLE] != 0 or next_due(head, state.books) != 0
        answered = False
        while not answered:
            if before:
                before = False
                disown(out)
                expire_due(state, out)
            else:
                answered = True
                cause[REQUEST_HI] = commands[c, Command.REQUEST_HI]
                cause[REQUEST_LO] = commands[c, Command.REQUEST_LO]
                _answer(state, out, commands, c, seq)
            run_takers(state, out)
        cause[EVENTS_MOST] = max(cause[EVENTS_MOST], cause[WRITTEN] - begin)
    return commands.shape[0]
