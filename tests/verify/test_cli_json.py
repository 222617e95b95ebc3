"""`--json`: one document for programs on stdout, and nothing else, however the run goes."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.verify.test_cli import verify
from verify.record import read_record

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[2]
KEYS = [
    "claim",
    "place",
    "title",
    "verdict",
    "grade",
    "grades",
    "reasons",
    "controls",
    "instance",
    "seconds",
    "run",
    "record",
    "pdf",
    "certificate",
    "trouble",
]


def test_one_object_for_each_claim(tmp_path: Path) -> None:
    process = verify("lemma3", "lemma4", "--preset", "quick", "--json", "--output", str(tmp_path))
    rows = json.loads(process.stdout)
    assert [row["claim"] for row in rows] == ["lemma3", "lemma4"]
    for row in rows:
        assert list(row) == KEYS
        record = read_record(Path(row["record"]))
        assert all(record[key] == row[key] for key in ("claim", "verdict", "grade", "reasons", "instance"))
        assert Path(row["pdf"]).read_bytes().startswith(b"%PDF")
        assert row["controls"]["rejected"] == row["controls"]["planted"] > 0
        assert row["certificate"] is None
        assert row["trouble"] == []


def test_every_letter_is_escaped_where_the_encoding_lacks_it(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "verify", "list", "--json", "--output", str(tmp_path)],
        capture_output=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        check=True,
    )
    titles = [row["title"] for row in json.loads(process.stdout.decode("ascii"))]
    assert any("ζ₀" in title for title in titles)


@pytest.mark.parametrize("arguments", [["lemma99"], ["lemma3", "--tau", "0"], ["lemma3", "--grade", "none"]])
def test_a_wrong_usage_is_a_sentence_and_no_json(arguments: list[str], tmp_path: Path) -> None:
    process = verify(*arguments, "--json", "--output", str(tmp_path))
    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr.startswith("verify: ")


def test_what_was_finished_before_an_interruption_is_printed(tmp_path: Path) -> None:
    command = ["lemma4", "limit_iff", "--preset", "quick", "--H", "200", "--steps", "100000", "--no-pdf", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "verify", *command, "--output", str(tmp_path)],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    seen, deadline = "", time.monotonic() + 60
    while "training: step 0" not in seen and time.monotonic() < deadline:
        seen += process.stderr.readline()
    process.send_signal(2)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert [row["claim"] for row in json.loads(out)] == ["lemma4"]


STATEMENT = '''"""Lemma 1 [T]: it speaks \x1b[31m[red] \u202e while it is checked."""
import os
from verify.claim import Bound, Claim, defect_of_subject

print("on import")


def measure_it(subject):
    """One is at most two."""
    print("in a check")
    os.system("echo in a child")
    yield Bound(name="one", observed=1.0, bound=2.0, reason="arithmetic")


@defect_of_subject
def defect(subject):
    """None."""
    return subject


CLAIM = Claim(statement="1 <= 2", checks=(measure_it,), controls=dict(defect=defect))
'''


@pytest.fixture
def talkative(tmp_path: Path) -> Any:
    """A paper with one statement that prints; runs it with the options given."""
    paper = tmp_path / "paper"
    paper.mkdir()
    (paper / "__init__.py").write_text('"""A paper.\n\nIts reference.\n"""\nfrom theorems import PAPER as PAPER\n')
    (paper / "speaks.py").write_text(STATEMENT)

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        code = "import sys; from verify.cli import main; main('paper')"
        path = os.pathsep.join([str(ROOT), str(tmp_path)])
        return subprocess.run(
            [sys.executable, "-c", code, *options, "--output", str(tmp_path / "out")],
            cwd=tmp_path,
            check=False,
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
        )

    return run


def test_what_a_statement_prints_is_no_result(talkative: Any) -> None:
    process = talkative("speaks", "--preset", "quick", "--json", "--no-pdf")
    (row,) = json.loads(process.stdout)
    assert row["verdict"] == "error"  # its control plants nothing
    assert process.returncode == 1
    for words in ("on import", "in a check", "in a child"):
        assert words in process.stderr


@pytest.mark.parametrize("command", [["speaks", "--preset", "quick", "--no-pdf"], ["list"]])
def test_a_title_is_no_instruction(command: list[str], talkative: Any) -> None:
    shown = talkative(*command).stdout
    words = "".join(shown.split())
    assert r"itspeaks\x1b[31m[red]\u202ewhile" in words
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_quiet_is_one_line_for_each_claim(tmp_path: Path) -> None:
    process = verify("lemma3", "lemma4", "--preset", "quick", "--no-pdf", "--quiet", "--output", str(tmp_path))
    assert [line.split()[1] for line in process.stdout.splitlines()] == ["lemma3", "lemma4"]
    assert process.stderr == ""


def test_show_and_mutants_as_json(tmp_path: Path) -> None:
    shown = json.loads(verify("show", "lemma7", "--json").stdout)
    assert shown["id"] == "lemma7"
    assert "lemma1" in shown["foundations"]
    assert "--tau" in shown["options"]
    assert shown["checks"][0]["sentence"]
