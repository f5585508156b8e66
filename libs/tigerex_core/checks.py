"""Checks that several commands share. Each returns DONE, or the refusal."""

from tigerex_core.jit import kernel
from tigerex_core.layout import Account, Head, State
from tigerex_core.output import DONE, refuse
from tigerex_core.records import Command, Reason, Rows


@kernel
def refuse_account(state: State, account: int, column: int) -> int:
    if account < 1 or account > state.head[Head.ACCOUNTS]:
        return refuse(Reason.UNKNOWN_ACCOUNT, column)
    return DONE


@kernel
def refuse_asset(state: State, asset: int, column: int) -> int:
    if asset < 1 or asset > state.head[Head.ASSETS]:
        return refuse(Reason.UNKNOWN_ASSET, column)
    return DONE


@kernel
def refuse_market(state: State, market: int) -> int:
    if market < 1 or market > state.head[Head.MARKETS]:
        return refuse(Reason.UNKNOWN_MARKET, Command.MARKET)
    return DONE


@kernel
def refuse_epoch(state: State, commands: Rows, c: int) -> int:
    """STALE_EPOCH for an epoch that is given and older than the account's."""
    epoch = commands[c, Command.EPOCH]
    if epoch != 0 and epoch < state.registry.accounts[commands[c, Command.ACCOUNT], Account.EPOCH]:
        return refuse(Reason.STALE_EPOCH, Command.EPOCH)
    return DONE
