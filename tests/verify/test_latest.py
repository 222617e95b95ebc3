"""The listing tells a verdict of these sources from a stale one, and takes no harm from what others have written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from verify import discovery, latest

CLAIM = '''"""Lemma 1 [T]: a title.

Wrong if not.
"""
from verify.claim import Bound, Claim, defect_of_subject
from oldpaper.helper import LIMIT

STATEMENT = "a = a"


def measure_nothing(subject):
    """Nothing exceeds one."""
    yield Bound(name="nothing", observed=0 if not isinstance(subject, int) else 2, bound=LIMIT, reason="zero")


@defect_of_subject
def larger(subject):
    """It is two."""
    return 2


CLAIM = Claim(
    statement=STATEMENT, checks=(measure_nothing,), controls=dict(larger=larger),
    catches={measure_nothing: ("larger",)},
    builds_on=("below",),
)
'''
BELOW = CLAIM.replace('    builds_on=("below",),\n', "")
PAPER = '''"""A paper.

Of no importance.
"""
from dataclasses import replace
from oldpaper.subject import prepare
from theorems import PAPER as TRUE

PAPER = replace(TRUE, prepare=prepare)
'''
SUBJECT = """class Subject:
    def describe(self): return {"source": "a source"}
    def quantities(self): return {}
    def provenance(self): return {"device": "cpu", "dtype": "none", "parameters": {}}

def prepare(parameters, **details):
    return Subject()
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A paper, and what a run of its claim wrote."""
    folder = tmp_path_factory.mktemp("paper")
    package = folder / "oldpaper"
    package.mkdir()
    (package / "__init__.py").write_text(PAPER)
    (package / "helper.py").write_text("LIMIT = 1\n")
    (package / "subject.py").write_text(SUBJECT)
    (package / "claim.py").write_text(CLAIM)
    (package / "below.py").write_text(BELOW)
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": f"{folder}:{root}", "PYTHONDONTWRITEBYTECODE": "1"}
    code = "from verify.cli import main; main('oldpaper')"
    command = [sys.executable, "-c", code, "claim", "--output", "reports"]
    process = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment, check=False, timeout=120
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return folder


Listed = Callable[[], dict[str, Any]]


@pytest.fixture
def listed(finished: Path, monkeypatch: pytest.MonkeyPatch) -> Listed:
    monkeypatch.syspath_prepend(finished)

    def look() -> dict[str, Any]:
        discovery._read.cache_clear()
        discovery._tree.cache_clear()
        return {row["id"]: row for row in latest.rows("oldpaper", finished / "reports")}

    return look


def test_a_verdict_of_these_sources_is_listed(listed: Listed) -> None:
    assert (listed()["claim"]["verdict"], listed()["claim"]["note"]) == ("pass", None)
    assert listed()["below"]["verdict"] is None


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("claim.py", '"a = a"', '"a = b"'),
        ("claim.py", "a title", "another title"),
        ("claim.py", "Wrong if not", "Wrong if so"),
        ("claim.py", "observed=0 if", "observed=0.5 if"),
        ("claim.py", "return 2", "return 3"),
        ("helper.py", "1", "3"),
        ("below.py", "observed=0 if", "observed=0.5 if"),
        ("subject.py", "a source", "another"),
    ],
)
def test_whatever_changes_behind_a_verdict_makes_it_stale(
    finished: Path, listed: Listed, file: str, old: str, new: str
) -> None:
    path = finished / "oldpaper" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    try:
        assert listed()["claim"]["verdict"] == "stale"
    finally:
        path.write_text(text)
    assert listed()["claim"]["verdict"] == "pass"


RECORD = "the record itself, with changes"
HOSTILE: dict[str, Any] = {
    "deep": b"[" * 200_000,
    "deep objects": b'{"a":' * 200_000,
    "empty": b"",
    "no JSON": b"\xff\xfe\x00",
    "list": b"[]",
    "another claim": {"claim": "below"},
    "markup": {"verdict": "[/]"},
    "escape": {"verdict": "\x1b[31mpass"},
    "number": {"verdict": 10**400},
    "huge": b'{"verdict": ' + b"9" * 5000 + b"}",
    "list for a word": {"verdict": []},
    "object for a word": {"verdict": {"pass": 1}},
    "null": {"verdict": None},
    "a word more": {"verdict": "stale"},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_record_is_ignored_with_one_line(
    finished: Path, listed: Listed, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = finished / "reports" / "claim.json"
    before = path.read_bytes()
    change = HOSTILE[name]
    path.write_bytes(change if isinstance(change, bytes) else json.dumps(json.loads(before) | change).encode())
    try:
        assert listed()["claim"]["verdict"] is None
    finally:
        path.write_bytes(before)
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", f"verify: {path} is no record of claim that can be read, and is ignored\n")


@pytest.mark.parametrize("change", [{"text": 3}, {"statement": []}, {"sources_sha256": None}, {"text": "another"}])
def test_a_record_that_says_something_else_is_stale(finished: Path, listed: Listed, change: dict[str, Any]) -> None:
    path = finished / "reports" / "claim.json"
    before = path.read_bytes()
    path.write_bytes(json.dumps(json.loads(before) | change).encode())
    try:
        assert listed()["claim"]["verdict"] == "stale"
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize("kind", ["fifo", "folder", "loop", "long"])
def test_what_is_no_file_of_moderate_length_is_ignored(
    finished: Path, listed: Listed, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = finished / "reports" / "below.json"
    if kind == "long":
        with path.open("wb") as stream:
            stream.truncate(100 * 2**20)
    else:
        {"fifo": os.mkfifo, "folder": Path.mkdir, "loop": lambda path: path.symlink_to(path.name)}[kind](path)
    try:
        assert listed()["below"]["verdict"] is None
    finally:
        path.rmdir() if kind == "folder" else path.unlink()
    assert capsys.readouterr().err.count("\n") == 1


def test_a_report_of_another_run_and_a_missing_one_are_noted(finished: Path, listed: Listed) -> None:
    report = finished / "reports" / "claim.pdf"
    before = report.read_bytes()
    run = json.loads((finished / "reports" / "claim.json").read_bytes())["provenance"]["run"].encode()
    assert run in before
    try:
        report.write_bytes(before.replace(run, run[::-1]))
        assert listed()["claim"]["note"] == "report of another run"
        report.unlink()
        assert listed()["claim"]["note"] == "report missing"
    finally:
        report.write_bytes(before)
