"""Strategies as pure functions over the exchange's events: no I/O, no clock, no randomness."""

from tigerex_quant.fold import Fold
from tigerex_quant.kernel import KERNEL_VERSION
from tigerex_quant.params import (
    DcaParameters,
    MarketRules,
    ParameterError,
    SpotGridParameters,
    dca_config,
    spot_grid_config,
)
from tigerex_quant.registry import STRATEGIES, Strategy, compile_kernels

__all__ = [
    "KERNEL_VERSION",
    "STRATEGIES",
    "DcaParameters",
    "Fold",
    "MarketRules",
    "ParameterError",
    "SpotGridParameters",
    "Strategy",
    "compile_kernels",
    "dca_config",
    "spot_grid_config",
]
