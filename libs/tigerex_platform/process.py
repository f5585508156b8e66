"""The life of a process: one event loop, stopped by SIGTERM or SIGINT, drained within a bound."""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any

import uvloop

logger = logging.getLogger(__name__)

DRAIN_S_MAX = 20.0  # less than the 30 s that Kubernetes grants before SIGKILL
SIGNALS = (signal.SIGTERM, signal.SIGINT)
EXIT_DRAIN_TOO_SLOW = 70  # EX_SOFTWARE of sysexits.h


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` until it returns, fails, or a signal cancels it; a cancelled main may clean up.

    What `main` raises is raised here. When the clean-up takes longer than 20 s, the process exits
    with status 70: what is journaled is safe, and a restart recovers the rest.
    """
    # What was imported lives for ever: looking through it again would stop the process for tens of
    # milliseconds now and then.
    gc.collect()
    gc.freeze()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_supervise(main))


async def _supervise(main: Coroutine[Any, Any, None]) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(main, name="main")
    stopping = asyncio.Event()
    for number in SIGNALS:
        loop.add_signal_handler(number, stopping.set)
    waiting = asyncio.create_task(stopping.wait(), name="signals")
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            logger.info("asked to stop: draining for at most %.0f s", DRAIN_S_MAX)
            await _drain(task)
    finally:
        waiting.cancel()
        for number in SIGNALS:
            loop.remove_signal_handler(number)
    if not task.cancelled():
        task.result()


async def _drain(task: asyncio.Task[None]) -> None:
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=DRAIN_S_MAX)
    if not done:
        logger.error("did not drain within %.0f s; exiting", DRAIN_S_MAX)
        sys.stdout.flush()
        os._exit(EXIT_DRAIN_TOO_SLOW)
