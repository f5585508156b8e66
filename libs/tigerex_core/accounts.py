"""Commands about who trades: users, their accounts, fee tiers of accounts, epochs."""

from tigerex_core.checks import refuse_account
from tigerex_core.index import find_named, hash_named, insert
from tigerex_core.jit import kernel
from tigerex_core.layout import TIER_MAX, Account, Head, State, User
from tigerex_core.names import is_name
from tigerex_core.output import DONE, Out, begin_event, copy_name, refuse
from tigerex_core.records import (
    NAME_WORDS,
    AccountKind,
    Command,
    Event,
    EventKind,
    Reason,
    Rows,
    pack_name,
)

_MAIN = tuple(int(word) for word in pack_name("main"))
_NO_OWNER = 0


@kernel
def _add_account(state: State, user: int, kind: int) -> int:
    """A new row of accounts, but for its name."""
    account = state.head[Head.ACCOUNTS] + 1
    state.head[Head.ACCOUNTS] = account
    state.registry.accounts[account, Account.USER] = user
    state.registry.accounts[account, Account.KIND] = kind
    return account


@kernel
def _announce_account(state: State, out: Out, account: int) -> None:
    """Put a new account, with its name, into the index and into an event."""
    accounts = state.registry.accounts
    user = accounts[account, Account.USER]
    hashed = hash_named(user, accounts, account, Account.NAME)
    insert(state.registry.account_index, hashed, account)
    at = begin_event(out, EventKind.ACCOUNT_CREATED)
    out.events[at, Event.ACCOUNT] = account
    out.events[at, Event.VALUE] = user
    out.events[at, Event.AUX] = accounts[account, Account.KIND]
    copy_name(out, at, accounts, account, Account.NAME)


@kernel
def create_user(state: State, out: Out, commands: Rows, c: int) -> int:
    head, users, index = state.head, state.registry.users, state.registry.user_index
    if not is_name(commands, c, Command.NAME):
        return refuse(Reason.INVALID_NAME, Command.NAME)
    if find_named(index, users, User.ZERO, _NO_OWNER, commands, c, Command.NAME) != 0:
        return refuse(Reason.NAME_TAKEN, Command.NAME)
    user = head[Head.USERS] + 1
    if user >= users.shape[0]:
        return refuse(Reason.CAPACITY, Command.NAME)
    if head[Head.ACCOUNTS] + 1 >= state.registry.accounts.shape[0]:
        return refuse(Reason.CAPACITY, Command.ACCOUNT)
    account = _add_account(state, user, AccountKind.MAIN)
    head[Head.USERS] = user
    users[user, User.MAIN_ACCOUNT] = account
    for word in range(NAME_WORDS):
        users[user, User.NAME + word] = commands[c, Command.NAME + word]
        state.registry.accounts[account, Account.NAME + word] = _MAIN[word]
    insert(index, hash_named(_NO_OWNER, users, user, User.NAME), user)
    at = begin_event(out, EventKind.USER_CREATED)
    out.events[at, Event.VALUE] = user
    out.events[at, Event.ACCOUNT] = account
    copy_name(out, at, commands, c, Command.NAME)
    _announce_account(state, out, account)
    return DONE


@kernel
def create_account(state: State, out: Out, commands: Rows, c: int) -> int:
    accounts, index = state.registry.accounts, state.registry.account_index
    user, kind = commands[c, Command.VALUE], commands[c, Command.AUX]
    if user < 1 or user > state.head[Head.USERS]:
        return refuse(Reason.UNKNOWN_USER, Command.VALUE)
    if kind < AccountKind.MAIN or kind >= AccountKind.SYSTEM:
        return refuse(Reason.INVALID_KIND, Command.AUX)
    if not is_name(commands, c, Command.NAME):
        return refuse(Reason.INVALID_NAME, Command.NAME)
    if find_named(index, accounts, Account.USER, user, commands, c, Command.NAME) != 0:
        return refuse(Reason.NAME_TAKEN, Command.NAME)
    if state.head[Head.ACCOUNTS] + 1 >= accounts.shape[0]:
        return refuse(Reason.CAPACITY, Command.ACCOUNT)
    account = _add_account(state, user, kind)
    for word in range(NAME_WORDS):
        accounts[account, Account.NAME + word] = commands[c, Command.NAME + word]
    _announce_account(state, out, account)
    return DONE


@kernel
def set_account(state: State, out: Out, commands: Rows, c: int) -> int:
    account = commands[c, Command.ACCOUNT]
    tier, frozen = commands[c, Command.VALUE], commands[c, Command.AUX]
    refusal = refuse_account(state, account, Command.ACCOUNT)
    if refusal != DONE:
        return refusal
    if tier < 0 or tier > TIER_MAX:
        return refuse(Reason.INVALID_TIER, Command.VALUE)
    if frozen < 0 or frozen > 1:
        return refuse(Reason.INVALID_STATE, Command.AUX)
    state.registry.accounts[account, Account.TIER] = tier
    state.registry.accounts[account, Account.FROZEN] = frozen
    at = begin_event(out, EventKind.ACCOUNT_SET)
    out.events[at, Event.ACCOUNT] = account
    out.events[at, Event.VALUE] = tier
    out.events[at, Event.AUX] = frozen
    return DONE


@kernel
def advance_epoch(state: State, out: Out, commands: Rows, c: int) -> int:
    account, epoch = commands[c, Command.ACCOUNT], commands[c, Command.EPOCH]
    refusal = refuse_account(state, account, Command.ACCOUNT)
    if refusal != DONE:
        return refusal
    if epoch <= state.registry.accounts[account, Account.EPOCH]:
        return refuse(Reason.STALE_EPOCH, Command.EPOCH)
    state.registry.accounts[account, Account.EPOCH] = epoch
    at = begin_event(out, EventKind.EPOCH_ADVANCED)
    out.events[at, Event.ACCOUNT] = account
    out.events[at, Event.VALUE] = epoch
    out.events[at, Event.AUX] = commands[c, Command.VALUE]
    return DONE
