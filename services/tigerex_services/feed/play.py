"""The loop of a replay: from where the exchange says it was, at the capture's pace, to its end.

Progress is kept at the exchange alone: the names of the maker's open orders tell the line of the
newest quote, and a bookmark (an account of the house whose epoch is a line number) is moved along
every few seconds and set beyond every line at the end. What lies between is sent again, under the
same request ids, and changes nothing.
"""

import asyncio
import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path

from tigerex_platform.clock import Clock
from tigerex_platform.errors import InvalidField
from tigerex_platform.ids import derive_request_id
from tigerex_platform.telemetry import metrics
from tigerex_services.feed.capture import CorruptLineError, Message, Other, parse_line
from tigerex_services.feed.capture_file import CaptureError, digest_of, read_lines
from tigerex_services.feed.config import VARIABLE
from tigerex_services.feed.exchange_client import BATCH_MAX, FeedExchange
from tigerex_services.feed.intents import Intent
from tigerex_services.feed.pace import Pace
from tigerex_services.feed.replay import Replay
from tigerex_services.feed.simulate import HALTED, count, wait_until_open
from tigerex_services.feed.steps import steps_of

logger = logging.getLogger(__name__)

PATH_FIELD = f"{VARIABLE}.replay.path"
END_OF_CAPTURE = 2**40  # a bookmark beyond every line
BOOKMARK_INTERVAL_S = 5.0
SKIP_LINES = 2_000  # read ahead before others on the event loop get their turn
LOGGED_LINES_MAX = 20  # corrupt lines told one by one; all are counted


class ReplayPlayer:
    """One capture on one market."""

    def __init__(self, exchange: FeedExchange, path: Path, speed: float, clock: Clock) -> None:
        self._exchange = exchange
        self._path = path
        self._clock = clock
        self._pace = Pace(speed)
        self._corrupt = 0
        self._line = 0
        self._sent = 0
        self._bookmark = (0, 0)
        self._bookmarked_s = clock.monotonic_s()
        self._batch: list[Intent] = []

    async def run(self) -> None:
        """Until the capture's end, where the market halts. Raises InvalidField where none is."""
        try:
            digest = await asyncio.to_thread(digest_of, self._path)
        except CaptureError as error:
            raise InvalidField(PATH_FIELD, str(self._path), f"a capture; {error}") from error
        symbol = self._exchange.market.symbol
        self._bookmark = await self._exchange.read_bookmark(bookmark_name(digest, symbol))
        if self._bookmark[1] >= END_OF_CAPTURE:
            logger.info("%s was replayed to its end; nothing is played twice", self._path)
            await self._exchange.clear_book()
            return
        await wait_until_open(self._exchange, self._clock)
        replay = Replay(digest, steps_of(self._exchange.market))
        names, seq = await self._exchange.clear_book()
        sent = max([self._bookmark[1], *map(replay.line_of, names)])
        logger.info("replaying %s on %s after line %d", self._path, symbol, sent)
        try:
            await self._play(replay, sent, seq)
        except CaptureError as error:
            logger.error("the replay ends here: %s", error)
            self._count_skipped("unreadable")
        await self._finish(replay, derive_request_id("halt", digest, symbol))

    async def stop(self) -> None:
        """Remember how far it came and take the orders off; for a process that ends in order."""
        await self._move_bookmark(self._sent)
        await self._exchange.clear_book()

    async def _play(self, replay: Replay, sent: int, seq: int) -> None:
        restored = sent == 0
        for line, message in self._messages():
            if line <= sent:
                if not isinstance(message, Other):
                    replay.apply(line, message)
                if line % SKIP_LINES == 0:
                    await asyncio.sleep(0)
                continue
            if not restored:
                self._batch += replay.restore(f"{sent}.{seq}")
                restored = True
            await self._wait(message.time_ns, replay)
            if not isinstance(message, Other):
                self._batch += replay.apply(line, message)
            self._line = line
            if len(self._batch) >= BATCH_MAX // 2:
                await self._send(replay)
        await self._send(replay)

    def _messages(self) -> Iterator[tuple[int, Message]]:
        for line, text in read_lines(self._path):
            try:
                yield line, parse_line(text)
            except CorruptLineError as error:
                self._corrupt += 1
                self._count_skipped(error.reason)
                if self._corrupt <= LOGGED_LINES_MAX:
                    logger.warning("line %d of %s is skipped: %s", line, self._path, error)

    def _count_skipped(self, reason: str) -> None:
        labels = {"market": self._exchange.market.symbol, "reason": reason}
        metrics.FEED_LINES_SKIPPED.add(1, labels)

    async def _wait(self, time_ns: int, replay: Replay) -> None:
        """Until a message is due; what was due before is sent first."""
        wait_s = self._pace.wait_s(time_ns, self._clock.monotonic_s())
        if wait_s > 0:
            await self._send(replay)
            wait_s = self._pace.wait_s(time_ns, self._clock.monotonic_s())
            await self._clock.sleep(wait_s)

    async def _send(self, replay: Replay) -> None:
        if not self._batch:
            return
        batch, self._batch = self._batch, []
        outcome = await self._exchange.submit(batch)
        count(outcome, self._exchange.market.symbol)
        self._sent = self._line
        if outcome.refused[HALTED]:
            await self._resume(replay)
        if self._clock.monotonic_s() - self._bookmarked_s > BOOKMARK_INTERVAL_S:
            await self._move_bookmark(self._sent)

    async def _resume(self, replay: Replay) -> None:
        """After a halt by somebody: what was refused is lost, the quotes are placed again."""
        await wait_until_open(self._exchange, self._clock)
        _, seq = await self._exchange.clear_book()
        self._batch = replay.restore(f"{self._line}.{seq}")
        self._pace.restart()

    async def _move_bookmark(self, line: int) -> None:
        account_id, number = self._bookmark
        if account_id and line > number:
            await self._exchange.move_bookmark(account_id, line)
            self._bookmark = (account_id, line)
        self._bookmarked_s = self._clock.monotonic_s()

    async def _finish(self, replay: Replay, halt_key: bytes) -> None:
        """Orders off, market halted, bookmark at the end, in this order: each can be repeated."""
        await self._exchange.submit(replay.clear())
        await self._exchange.clear_book()
        await self._exchange.halt(halt_key, f"the capture {self._path.name} has ended")
        await self._move_bookmark(END_OF_CAPTURE)
        logger.info(
            "%s has ended after line %d; %d corrupt lines, without orders: %s",
            self._path,
            self._line,
            self._corrupt,
            dict(replay.skipped),
        )


def bookmark_name(digest: bytes, symbol: str) -> str:
    """The account that remembers how far a capture was played on a market."""
    return f"replay-{hashlib.sha256(digest + symbol.encode()).hexdigest()[:24]}"
