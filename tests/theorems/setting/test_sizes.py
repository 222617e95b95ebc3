"""Memory that is refused beforehand: what is needed, what there is, and the largest value that fits."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from numerics.memory import available
from theorems.setting import sizes
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from theorems.setting.sizes import entries, require_memory
from verify import UsageError

SMALL = {"N": 6, "K": 16, "d": 10, "m": 4, "H": 24, "prompts": 0}


@pytest.mark.parametrize("name", ["K", "H", "d", "m", "prompts"])
def test_the_largest_value_that_is_suggested_fits_and_the_next_does_not(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        require_memory(SMALL | {name: 10**12}, {name})
    found = re.search(rf"--{name} (\d+) is the largest that fits", str(refused.value))
    assert found is not None
    there = available()
    needed = [8 * sum(entries(SMALL | {name: value}).values()) for value in (int(found[1]), 2 * int(found[1]))]
    assert needed[0] <= 1.2 * there  # what is available moves while the tests run
    assert needed[1] > there


def test_what_the_data_fixes_is_not_suggested() -> None:
    with pytest.raises(UsageError, match="--H") as refused:
        require_memory(SMALL | {"d": 10**3, "H": 10**6}, (), fixed=("d", "m"))
    assert "--d" not in str(refused.value)
    with pytest.raises(UsageError, match="give smaller sizes"):
        require_memory(SMALL | {"K": 10**9}, (), fixed=("K", "d", "m"))


def test_a_refusal_loads_no_library() -> None:
    code = """
import sys
from theorems.setting.parameters import resolve
try:
    resolve("paper", {"H": 10**9})
except Exception as error:
    print(type(error).__name__, {"numpy", "torch", "sympy", "scipy"} & set(sys.modules))
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "UsageError set()\n"


def test_sizes_of_the_data_are_refused_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "mine.npz", tokens=np.eye(8), features=np.ones((8, 2)))
    settings = resolve("quick", {"tokens": tmp_path / "mine.npz"})
    monkeypatch.setattr(sizes, "available", lambda: 1000)
    with pytest.raises(UsageError, match="K = 8, d = 8, m = 2 would need"):
        prepare(settings)
