"""The verification beside a trading host, as a process of its own.

In a thread it would share the interpreter with trading, and its steps over whole tables stall every
order by most of a second. A process of lower priority leaves trading alone.
"""

import asyncio
import json
import logging
import os
import sys
from dataclasses import asdict

from tigerex_core import Core
from tigerex_platform.database import conninfo
from tigerex_platform.errors import Unavailable
from tigerex_platform.settings import Settings
from tigerex_services.exchange.service.verify import verify_journal
from tigerex_services.exchange.service.verify_report import Check, Report
from tigerex_services.exchange.snapshot_process import archive_of, snapshot_store
from tigerex_services.exchange.storage.journal import scan

logger = logging.getLogger(__name__)

NICENESS = 10


def prove(settings: Settings) -> Report:
    """Prove the journal, archive included, over a connection and with a core of its own."""
    entries = scan(
        conninfo(settings, application_name="tigerex-verify"), archive=archive_of(settings)
    )
    return verify_journal(entries, Core(), snapshot_store(settings))


async def prove_beside(settings: Settings) -> Report:
    """As `prove`, in another process; cancelled, it takes that process with it.

    Raises Unavailable when the process fails; its log says why.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        env=os.environ | {"TIGEREX_SERVICE": settings.service},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        logger.error("the verification ended with status %s", process.returncode)
        raise Unavailable("the verification could not run; see the exchange's log")
    report = json.loads(output)
    return Report(report["seq"], tuple(Check(**check) for check in report["checks"]))


def main() -> None:
    """Print the report as JSON."""
    os.nice(NICENESS)
    settings = Settings.model_validate({})
    sys.stdout.write(json.dumps(asdict(prove(settings))))


if __name__ == "__main__":
    main()
