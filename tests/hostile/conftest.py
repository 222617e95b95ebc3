"""Hostile treatment: `make test-hostile`. These tests take minutes together and run apart from the others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.machine import ROOT, Copies


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder bears the mark by which the suite is chosen."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.hostile)


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the program finds around it: our sources, one thread, and a home and a cache of its own."""
    home = tmp_path_factory.getbasetemp().parent / "home"  # workers that run side by side share what was proved
    home.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "XDG_", "LC_", "GIT_"))}
    return kept | {
        "PYTHONPATH": str(ROOT),
        "PYTHONIOENCODING": "utf-8",
        "OMP_NUM_THREADS": "1",
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
    }


@pytest.fixture(scope="session")
def copies(environment: dict[str, str]) -> Iterator[Copies]:
    """The command line, at the price of a copied process."""
    with Copies(environment=environment) as running:
        yield running
