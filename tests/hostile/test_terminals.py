"""Odd terminals, locales, streams and surroundings: letters may be lost, results are not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.machine import PAPER, SECONDS, Copies, Ended, assert_no_traceback, ended, started, verify

ODD: dict[str, dict[str, str | None]] = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "strict_ascii": {"PYTHONIOENCODING": "ascii:strict"},
    "latin1": {"PYTHONIOENCODING": "latin-1"},
    "cp1252": {"PYTHONIOENCODING": "cp1252:strict"},
    "utf16": {"PYTHONIOENCODING": "utf-16"},
    "posix": {"PYTHONIOENCODING": None, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "unknown_locale": {"PYTHONIOENCODING": None, "LC_ALL": "xx_XX.UTF-99"},
    "narrow": {"COLUMNS": "20"},
    "no_columns": {"COLUMNS": "0"},
    "bad_columns": {"COLUMNS": "many", "LINES": "-1"},
    "no_terminal_kind": {"TERM": None},
    "unknown_terminal": {"TERM": "nonsense"},
    "forced_colour": {"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"},
    "no_home": {"HOME": None, "XDG_CACHE_HOME": None},
    "home_is_a_file": {"HOME": "/dev/null", "XDG_CACHE_HOME": None},
    "cache_is_a_file": {"XDG_CACHE_HOME": "/dev/null"},
    "cache_is_relative": {"XDG_CACHE_HOME": "cache"},
    "bare": {name: None for name in os.environ if name not in ("PATH", "PYTHONPATH")},
}


def odd(environment: dict[str, str], changes: dict[str, str | None]) -> dict[str, str]:
    """An environment with some of its variables changed or gone."""
    given = {name: value for name, value in changes.items() if value is not None}
    return {name: value for name, value in environment.items() if name not in changes} | given


@pytest.mark.parametrize("name", ODD)
def test_surroundings_cost_no_result(name: str, environment: dict[str, str], tmp_path: Path) -> None:
    around = odd(environment, ODD[name])
    run = verify("lemma3", "--no-pdf", "--output", "out", folder=tmp_path, environment=around)
    assert_no_traceback(run)
    assert run.status == 0, run.told
    record = json.loads((tmp_path / "out" / "lemma3.json").read_text(encoding="utf-8"))
    assert record["verdict"] == "pass"
    assert "‖" in record["text"]
    assert run.err.count("\n") <= 1, run.told  # one line where the memory of earlier runs cannot be kept
    assert run.err == "" or run.err.startswith("verify: "), run.told


def test_errors_are_sentences_in_any_encoding(environment: dict[str, str], tmp_path: Path) -> None:
    around = odd(environment, ODD["posix"])
    for words in (["lemma3", "--data", "漢字"], ["‖x‖"], ["lemma3", "--output", "/dev/null/‖"]):
        run = verify(*words, folder=tmp_path, environment=around)
        assert_no_traceback(run)
        assert run.status == 2, run.told
        assert run.err.startswith("verify: "), run.told


WAYS = {
    "stdout_closed": (">&-", (0,)),
    "stderr_closed": ("2>&-", (0,)),
    "both_closed": (">&- 2>&-", (0,)),
    "all_closed": ("<&- >&- 2>&-", (0,)),
    "stdout_full": (">/dev/full", (1,)),
    "stderr_full": ("2>/dev/full", (0, 1)),
    "both_full": (">/dev/full 2>&1", (1,)),
    "reader_leaves": ("| head -1 >/dev/null", (0,)),
    "reader_was_never_there": ("| true", (0,)),
}


@pytest.mark.parametrize("way", WAYS)
def test_streams_cost_no_record(way: str, environment: dict[str, str], tmp_path: Path) -> None:
    """All claims run and are written, whatever becomes of what is printed."""
    redirection, statuses = WAYS[way]
    command = f"{sys.executable} -m verify lemma3 lemma4 --no-pdf --output out {redirection}"
    process = subprocess.Popen(
        ["/bin/sh", "-c", command], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    run = ended(process)
    assert_no_traceback(run)
    assert run.status in statuses, run.told
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"lemma3.json", "lemma4.json"}


def test_a_reader_that_leaves_is_told_by_the_status(environment: dict[str, str], tmp_path: Path) -> None:
    reading, writing = os.pipe()
    process = started("lemma3", "--no-pdf", "--output", "out", folder=tmp_path, environment=environment, stdout=writing)
    os.close(reading)
    os.close(writing)
    run = ended(process)
    assert (run.status, run.err) == (141, ""), run.told
    assert (tmp_path / "out" / "lemma3.json").exists()


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
@pytest.mark.parametrize("kind", ["xterm", "dumb", ""])
def test_on_a_terminal(kind: str, environment: dict[str, str], tmp_path: Path) -> None:
    """A terminal of 20 columns gets the verdict, and no line of it is longer."""
    ours, theirs = os.openpty()
    around = environment | {"TERM": kind, "COLUMNS": "20"}
    process = started(
        "lemma3",
        "--no-pdf",
        "--output",
        "out",
        folder=tmp_path,
        environment=around,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    text = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # how Linux tells that the other end is closed
            break
        if not piece:
            break
        text += piece
    os.close(ours)
    assert process.wait(SECONDS) == 0
    assert_no_traceback(Ended(status=0, out=text.decode(), err=""))
    assert b"PASS" in text


def test_results_and_the_rest_keep_to_their_streams(copies: Copies, tmp_path: Path) -> None:
    run = copies.run("sums", "trained", "--quiet", "--no-pdf", "--output", "out", folder=tmp_path, **PAPER)
    assert (run.status, run.err) == (0, ""), run.told
    told = copies.run("sums", "--json", "--no-pdf", "--output", "out", folder=tmp_path, **PAPER)
    assert told.status == 0, told.told
    assert json.loads(told.out)


def test_a_matplotlibrc_in_the_folder_changes_no_byte_of_a_picture(copies: Copies, tmp_path: Path) -> None:
    """What a user prefers elsewhere stands in no report."""
    sizes = []
    for name in ("plain", "styled"):
        (tmp_path / name).mkdir()
        if name == "styled":
            settings = "axes.grid: True\nsavefig.bbox: tight\ntext.usetex: True\nfont.size: 40\nbackend: nonsense\n"
            (tmp_path / name / "matplotlibrc").write_text(settings)
        run = copies.run("trained", "--steps", "50", "--output", "out", folder=tmp_path / name, **PAPER)
        assert run.status == 0, run.told
        sizes.append((tmp_path / name / "out" / "trained.pdf").stat().st_size)
    assert abs(sizes[0] - sizes[1]) <= 64  # times and ids differ, pictures do not
