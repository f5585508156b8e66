"""The command line: `tigerex <role>` starts one process of the exchange.

Settings come from `TIGEREX_*` variables. Exit status: 0 done or stopped, 1 failed, 2 told wrongly.
"""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tigerex_platform.settings import ENV_PREFIX, SettingError, Settings

EXIT_FAILED = 1
EXIT_TOLD_WRONGLY = 2
KOPF_HEALTH = "http://0.0.0.0:8080/healthz"
SERVICES_WITH_DATABASE = ("exchange", "bots", "marketdata", "history")

logger = logging.getLogger("tigerex")

Action = Callable[[Settings, argparse.Namespace], int]
Run = Callable[..., Coroutine[Any, Any, None]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the role, and exit."""
    options = _parser().parse_args(arguments)
    # Our children only ever exec: all that gRPC's handlers around fork do is to crash them now and
    # then. Read when grpc is imported, which the roles do.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    action: Action = options.action
    try:
        settings = _settings(options.role)
        status = action(settings, options)
    except SettingError as error:
        _tell(str(error))
        status = EXIT_TOLD_WRONGLY
    except KeyboardInterrupt:
        status = 0
    sys.exit(status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tigerex",
        description="Starts one process of the exchange. Settings come from TIGEREX_* variables.",
    )
    roles = parser.add_subparsers(dest="role", required=True, metavar="ROLE")

    def add(role: str, action: Action, summary: str) -> argparse.ArgumentParser:
        command = roles.add_parser(role, help=summary, description=summary)
        command.set_defaults(action=action)
        return command

    exchange = add(
        "exchange", _exchange, "hold the books: the core, its journal, its gRPC services"
    )
    task = exchange.add_mutually_exclusive_group()
    task.add_argument(
        "--verify", action="store_true", help="prove the journal, print what was checked, and end"
    )
    task.add_argument("--snapshot", action="store_true", help="keep a snapshot of its end, and end")
    task.add_argument(
        "--archive", action="store_true", help="move old segments to TIGEREX_ARCHIVE_DIR, and end"
    )
    task.add_argument(
        "--export",
        nargs=2,
        type=int,
        metavar=("FROM", "TO"),
        help="print these entries as JSON Lines, and end",
    )
    task.add_argument(
        "--statement",
        nargs="+",
        metavar=("ACCOUNT", "ASSET"),
        help="print every movement of an account (id, or user/name), and end",
    )
    add("bots", _serve, "own every bot: what is wanted, leases, trades, performance")
    runner = add("runner", _runner, "run bots' strategies on the exchange's event stream")
    runner.add_argument("--bot", metavar="ID", default="", help="run this dedicated bot only")
    add("marketdata", _serve, "store and stream trades, books and candles")
    add("history", _serve, "store and stream what accounts did: orders, fills, order lists")
    add("gateway", _serve, "REST, WebSocket and their documentation")
    feed = add("feed", _feed, "keep one market alive: simulated flow, or a replayed capture")
    feed.add_argument(
        "--market", metavar="SYMBOL", default="", help="default: the symbol in TIGEREX_FEED"
    )
    add("migrate", _migrate, "create database roles and schemas, and bring them up to date")
    add("operator", _operator, "reconcile tenants, markets and bots in Kubernetes")
    return parser


def _settings(role: str) -> Settings:
    """The environment's settings; the role names the service where nothing else does.

    Raises SettingError naming each variable that is wrong.
    """
    try:
        settings = Settings.model_validate({})
    except ValidationError as error:
        from tigerex_platform.telemetry.logs import scrub_text

        problems = "; ".join(
            f"{ENV_PREFIX}{'_'.join(map(str, problem['loc'])).upper()}"
            f" is {scrub_text(repr(problem['input']))}: {problem['msg']}"
            for problem in error.errors(include_url=False)
        )
        raise SettingError(problems) from None
    return settings if settings.service else settings.model_copy(update={"service": role})


def _serve(settings: Settings, options: argparse.Namespace) -> int:
    return _run(settings, options.role)


def _exchange(settings: Settings, options: argparse.Namespace) -> int:
    if options.verify:
        task = import_module("tigerex_services.exchange.main").verify(settings)
    elif options.snapshot or options.archive or options.export or options.statement:
        task = _exchange_tool(settings, options)
    else:
        return _run(settings, options.role)
    status: int = asyncio.run(task)
    return status


def _exchange_tool(settings: Settings, options: argparse.Namespace) -> Coroutine[Any, Any, int]:
    from tigerex_services.exchange import tools

    if options.statement and len(options.statement) > 2:
        raise SettingError("--statement takes an account and at most one asset")
    # What was asked for goes to stdout, and nothing else does.
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(message)s")
    if options.snapshot:
        return tools.snapshot(settings)
    if options.archive:
        return tools.archive(settings)
    if options.export:
        return tools.export(settings, *options.export)
    account, asset = [*options.statement, ""][:2]
    return tools.statement(settings, account, asset)


def _runner(settings: Settings, options: argparse.Namespace) -> int:
    return _run(settings, options.role, bot=options.bot)


def _feed(settings: Settings, options: argparse.Namespace) -> int:
    return _run(settings, options.role, market=options.market)


def _run(settings: Settings, role: str, **details: str) -> int:
    """Run a role until it is stopped. What ends it otherwise is logged, and is status 1."""
    from tigerex_platform import process
    from tigerex_platform.errors import TigerExError
    from tigerex_platform.telemetry import setup_telemetry

    settings.require("tenant")
    setup_telemetry(settings)
    try:
        run: Run = import_module(f"tigerex_services.{role}.main").run
        process.run(run(settings, **details))
    except SettingError:
        raise
    except TigerExError as error:
        logger.error("%s ends: %s", role, error.message, extra={"code": error.code})
        return EXIT_FAILED
    except Exception:
        logger.exception("%s ends by a fault", role)
        return EXIT_FAILED
    logger.info("%s has stopped", role)
    return 0


def _migrate(settings: Settings, _options: argparse.Namespace) -> int:
    from tigerex_platform.migrations import migrate
    from tigerex_platform.telemetry.logs import setup_logs

    setup_logs(settings)
    package = Path(__file__).parent
    histories = {service: package / service / "migrations" for service in SERVICES_WITH_DATABASE}
    try:
        migrate(settings, histories)
    except SettingError:
        raise
    except Exception:
        logger.exception("the migration failed; what was committed stays, and it can be repeated")
        return EXIT_FAILED
    return 0


def _operator(_settings: Settings, _options: argparse.Namespace) -> int:
    """Become kopf: its own process life cycle, with our handlers."""
    command = [sys.executable, "-m", "kopf", "run", "--all-namespaces", "--standalone"]
    command += [f"--liveness={KOPF_HEALTH}", "--module=tigerex_operator.main"]
    sys.stdout.flush()
    os.execv(sys.executable, command)  # noqa: S606 - an argument list, no shell


def _tell(message: str) -> None:
    sys.stderr.write(f"tigerex: {message}\n")


if __name__ == "__main__":
    main()
