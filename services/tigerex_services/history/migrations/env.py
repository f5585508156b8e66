"""Alembic's entry: all services' histories run alike."""

from tigerex_platform.migrations import run_env

run_env()
