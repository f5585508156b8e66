"""Runs the exchange's migrations; the platform does the work."""

from tigerex_platform.migrations import run_env

run_env()
