"""Fixtures for the tests of checkpoints."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from numerics import checkpoint


@pytest.fixture
def every_record_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory, not in the file; half a second is longer than the runs of the tests."""
    monkeypatch.setattr(checkpoint, "MEMORY_SECONDS", -math.inf)
    monkeypatch.setattr(checkpoint, "SHARE", math.inf)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "training.checkpoint"
