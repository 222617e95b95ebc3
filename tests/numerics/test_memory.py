"""What memory there is: the machine's, a container's and the shell's limit."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from numerics import memory
from numerics.memory import available, gibibytes


def test_a_container_and_a_limit_count_as_much_as_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("memory.max", "1000000"), ("memory.current", "900000"), ("memory.stat", "file 50000\nanon 1")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    assert available() == 150_000
    (tmp_path / "memory.max").write_text("max")
    assert available() > 150_000
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "none")
    assert available() > 150_000


def test_a_limit_of_the_shell_is_known() -> None:
    code = "from numerics.memory import available; print(available())"
    told = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29)),
    )
    assert int(told.stdout) <= 2**29


def test_sizes_beyond_float64_can_be_read() -> None:
    assert gibibytes(3 * 2**29) == "1.5 GiB"
    assert gibibytes(10**400) == "over 7.87e+261 GiB"
