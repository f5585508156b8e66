"""Metrics, traces and logs: declared once, set up by one function."""

from tigerex_platform.telemetry.setup import setup_telemetry

__all__ = ["setup_telemetry"]
