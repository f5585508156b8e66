"""The fresh seed is drawn once and stands at the head of the report and in the test's name."""

import pytest
from tests.simulation import seeds

_FRESH = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FRESH] = seeds.fresh()


def pytest_report_header(config: pytest.Config) -> str:
    seed, steps = config.stash[_FRESH], seeds.FRESH_STEPS
    return f"simulation: fresh seed {seed}, to repeat: make simulate SEED={seed} STEPS={steps}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fresh_seed" in metafunc.fixturenames:
        metafunc.parametrize("fresh_seed", [metafunc.config.stash[_FRESH]])
