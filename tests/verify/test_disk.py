"""A disk without room for the report: the verdict is told, an earlier pair stays whole, a sentence says what to do."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

from verify.pair import mismatch
from verify.record import read_record

LIMIT = 90_000  # bytes: a record of lemma3 fits, its report does not


def run(folder: Path, seed: int, limit: int | None) -> subprocess.CompletedProcess[str]:
    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "verify", "lemma3", "--preset", "quick", "--seed", str(seed), "--quiet"]
    return subprocess.run(
        [*command, "--output", str(folder)],
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
        timeout=120,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=limited,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_full_disk_costs_no_verdict_and_tears_no_pair(tmp_path: Path) -> None:
    first = run(tmp_path, 0, LIMIT)
    assert (first.returncode, first.stdout.split()[:2]) == (1, ["PASS", "lemma3"])
    assert "lemma3.pdf cannot be written (File too large); raise the limit on the size of files" in first.stderr
    assert first.stderr.count("\n") == 1
    assert set(contents(tmp_path)) == {"lemma3.json"}  # nothing to tear, so the record is kept
    assert not read_record(tmp_path / "lemma3.json")["report"]
    assert run(tmp_path, 0, None).returncode == 0
    before = contents(tmp_path)
    second = run(tmp_path, 1, LIMIT)
    assert (second.returncode, second.stdout.split()[:2]) == (1, ["PASS", "lemma3"])
    assert contents(tmp_path) == before
    assert mismatch(tmp_path / "lemma3.json", read_record(tmp_path / "lemma3.json")) is None
