"""Takes one step of the work on a bot; see `decide`."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from google.protobuf import json_format
from tigerex.bots.v1 import bots_pb2

from tigerex_platform.errors import Conflict, InvalidField, NotFound, Refused
from tigerex_platform.ids import derive_request_id
from tigerex_services.bot_config import investment_text, kernel_config
from tigerex_services.bot_trades import bot_trades, fee_assets, fills_of, split_fee
from tigerex_services.bots.exchange_client import ExchangeClient, has_money
from tigerex_services.bots.model import Outcome, Signal, Stage, Status
from tigerex_services.bots.service.decide import SIGNAL_OF, Step
from tigerex_services.bots.service.valuation import valuation_of
from tigerex_services.bots.storage.trades import Trade, record_trades
from tigerex_services.bots.storage.work import Claim
from tigerex_services.instruments import MarketInfo

ZERO = Decimal(0)


class Steps:
    """The steps, each on a claimed bot and in the claim's transaction."""

    def __init__(self, exchange: ExchangeClient) -> None:
        self._exchange = exchange
        self._steps: dict[Step, Callable[[Claim], Awaitable[None]]] = {
            Step.SETTLE: self._settle,
            Step.REMOVE: self._remove,
            Step.PREPARE: self._prepare,
            Step.FUND: self._fund,
            Step.SEND_SIGNAL: self._send_signal,
            Step.CANCEL: self._cancel,
            Step.COLLECT: self._collect,
            Step.RETURN: self._return,
        }

    async def take(self, step: Step, claim: Claim) -> None:
        """Take the step; raises what the exchange raises, with nothing kept."""
        signal = SIGNAL_OF.get(step)
        if signal is not None:
            await self._write_signal(claim, signal)
        else:
            await self._steps[step](claim)

    async def _settle(self, claim: Claim) -> None:
        await claim.settle()
        bot, run = claim.bot, claim.run
        if run.stage == Stage.IDLE:
            status = Status.STOPPED if run.run else Status.CREATED
            if bot.outcome:
                status = Status(bot.outcome)
            reason = bot.status_reason if bot.outcome else ""
            await claim.update_bot(
                status=status, status_reason=reason, observed_generation=bot.generation
            )
        elif bot.observed_generation != bot.generation:
            await claim.update_bot(observed_generation=bot.generation)

    async def _remove(self, claim: Claim) -> None:
        await claim.remove()

    async def _prepare(self, claim: Claim) -> None:
        """Choose the run: its configuration, its money, the accounts."""
        bot, run = claim.bot, claim.run
        market = await self._market(bot.symbol)
        config = json_format.ParseDict(bot.config, bots_pb2.BotConfig())
        _, array = kernel_config(config, market)
        source = await self._exchange.find_account(bot.user_name, bot.account_name)
        if source is None:
            raise NotFound("account", f"{bot.user_name}/{bot.account_name}")
        account = await self._exchange.ensure_bot_account(bot.id, bot.user_name)
        investment = investment_text(array, market)
        await claim.update_run(
            stage=Stage.FUNDING,
            run=run.run + 1,
            run_version=bot.config_version,
            config=bot.config,
            investment=investment,
            quote_asset=market.quote.code,
            funding_try=0,
            funding_account_id=source.account_id,
            account_id=account.account_id,
            epoch=max(run.epoch, account.epoch),
            paused=False,
            start_seq=0,
        )
        await claim.forget_checkpoint()
        amount = Decimal(investment)
        await claim.update_bot(
            status=Status.STARTING,
            status_reason="moving the investment into the bot's account",
            past_profit=_profit_so_far(claim),
            investment=amount,
            cash=amount,
            position_base=ZERO,
            position_cost=ZERO,
            close_price=None,
            peak_value=amount,
            max_drawdown=ZERO,
        )

    async def _fund(self, claim: Claim) -> None:
        """Move the investment, also when it is not wanted any more: only then its fate is known."""
        bot, run = claim.bot, claim.run
        try:
            await self._exchange.transfer(
                derive_request_id(bot.id.bytes, "fund", run.run, run.funding_try),
                run.funding_account_id,
                run.account_id,
                run.quote_asset,
                run.investment,
            )
        except Refused:
            if bot.wants_to_run and run.run_version == bot.config_version:
                # The exchange would repeat its refusal: the next try is another request.
                await claim.update_run(funding_try=run.funding_try + 1, attempts=run.attempts)
                raise
            await claim.update_run(stage=Stage.IDLE)
            return
        await claim.update_run(stage=Stage.FUNDED)
        await claim.update_bot(status_reason="waiting for a runner")

    async def _write_signal(self, claim: Claim, signal: int) -> None:
        run = claim.run
        values: dict[str, Any] = {"epoch": run.epoch + 1, "signal": signal, "signalled": False}
        if signal in (Signal.START, Signal.TAKEOVER):
            values["fenced_for"] = claim.holder
        await claim.update_run(**values)

    async def _send_signal(self, claim: Claim) -> None:
        bot, run = claim.bot, claim.run
        try:
            seq = await self._exchange.signal(bot.id, run.account_id, run.epoch, run.signal)
        except (Refused, Conflict) as error:
            if error.code != "STALE_EPOCH":
                raise
            # Somebody else raised the epoch: choose one above it.
            account = await self._exchange.find_account(bot.user_name, f"bot-{bot.id}")
            await claim.update_run(epoch=max(account.epoch if account else 0, run.epoch) + 1)
            return
        values: dict[str, Any] = {"signalled": True}
        await claim.update_bot(status_reason="" if claim.holder else "waiting for a runner")
        match run.signal:
            case Signal.START:
                values.update(stage=Stage.ACTIVE, start_seq=seq)
                await claim.update_bot(
                    started_at=datetime.now(UTC),
                    stopped_at=None,
                    observed_generation=bot.generation,
                )
            case Signal.STOP:
                values.update(stage=Stage.FENCED)
            case Signal.PAUSE | Signal.RESUME:
                values.update(paused=run.signal == Signal.PAUSE)
            case _:
                pass
        await claim.update_run(**values)

    async def _cancel(self, claim: Claim) -> None:
        """Cancel what is open; every fill there will be lies below the seq at which nothing was."""
        seq = await self._exchange.cancel_all(claim.bot.id, claim.run.account_id)
        if seq is not None:
            await claim.update_run(stage=Stage.COLLECTING, collected_seq=0)

    async def _collect(self, claim: Claim) -> None:
        """Record, page by page, the fills that no runner has reported."""
        bot, run = claim.bot, claim.run
        market = await self._market(bot.symbol)
        done = run.collected_seq or await claim.checkpoint_seq()
        if done == 0:
            await claim.update_run(stage=Stage.RETURNING)  # never started
            return
        page = await self._exchange.read_journal(done + 1)
        fills = [row for _, events in page.entries for row in fills_of(events, run.account_id)]
        assets = await self._exchange.assets(fee_assets(fills))
        trades = [
            _trade(message)
            for row in fills
            for message in bot_trades(row, run.account_id, market, assets.__getitem__)
        ]
        if trades:
            await record_trades(claim.connection, bot.id, trades)
        if page.entries:
            done = page.entries[-1][0]
        stage = Stage.RETURNING if done >= page.committed_seq else Stage.COLLECTING
        await claim.update_run(stage=stage, collected_seq=done)

    async def _return(self, claim: Claim) -> None:
        """Move everything back; the run is over when nothing is left."""
        bot, run = claim.bot, claim.run
        balances, seq = await self._exchange.balances(run.account_id)
        if any(Decimal(balance.held) for balance in balances):
            await claim.update_run(stage=Stage.FENCED)
            return
        for balance in balances:
            if Decimal(balance.available):
                await self._exchange.transfer(
                    derive_request_id(bot.id.bytes, "return", run.run, balance.asset, seq),
                    run.account_id,
                    run.funding_account_id,
                    balance.asset,
                    balance.available,
                )
        if has_money(balances):
            return  # the next step looks again
        prices = await self._exchange.last_prices()
        await claim.update_run(stage=Stage.IDLE)
        await claim.update_bot(
            close_price=prices.get(bot.symbol),
            stopped_at=datetime.now(UTC),
            status=Status(bot.outcome) if bot.outcome != Outcome.NONE else Status.STOPPED,
        )

    async def _market(self, symbol: str) -> MarketInfo:
        market = await self._exchange.market(symbol)
        if market is None:
            raise InvalidField("spec.market", symbol, "a market of the exchange")
        return market


def _profit_so_far(claim: Claim) -> Decimal:
    """What earlier runs made, their position valued at the price at which it was given back."""
    bot = claim.bot
    if claim.run.run == 0:
        return ZERO
    return valuation_of(bot, bot.close_price).profit_loss


def _trade(message: bots_pb2.BotTrade) -> Trade:
    fee = Decimal(message.fee)
    base_fee, quote_fee = split_fee(message, fee)
    return Trade(
        trade_id=message.trade_id,
        order_id=message.order_id,
        symbol=message.market,
        side=message.side,
        price=Decimal(message.price),
        quantity=Decimal(message.quantity),
        fee=fee,
        fee_asset=message.fee_asset,
        base_fee=base_fee,
        quote_fee=quote_fee,
        created_at=message.at.ToDatetime(UTC),
    )
