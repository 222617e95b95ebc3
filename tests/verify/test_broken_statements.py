"""A statement file that is broken in any way is the verdict `error` of its own claim, and of no other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from verify.record import read_record

PAPER = '"""A paper.\n\nOf no importance.\n"""\nfrom theorems import PAPER as PAPER\n'
CLAIM = """
STATEMENT = r"a = a"


@dataclass(frozen=True)
class Nothing:
    experiment: object
    size: int = 0


def measure_nothing(subject):
    \"\"\"Nothing exceeds one.\"\"\"
    yield Bound(name="nothing", observed=subject.size, bound=1, reason="zero")


@defect_of_subject
def larger(subject):
    \"\"\"It is two.\"\"\"
    return replace(subject, size=2)


CLAIM = Claim(
    statement=STATEMENT,
    about=Nothing,
    checks=(measure_nothing,),
    controls=dict(larger=larger),
    catches={measure_nothing: ("larger",)},
)
"""
IMPORTS = """
from dataclasses import dataclass, replace

from verify.claim import Bound, Claim, defect_of_subject
"""
GOOD = f'"""Lemma 1 [T]: a title.\n\nWrong if not.\n"""\n{IMPORTS}\n{CLAIM}'
MUTE = """

class Mute(Exception):
    def __str__(self):
        raise SystemExit(0)
"""
BROKEN = {
    "syntax": (GOOD.replace("yield", "yield ("), "SyntaxError"),
    "raises": (GOOD + "raise RuntimeError('on purpose')\n", "RuntimeError: on purpose"),
    "leaves": (GOOD + "raise SystemExit(0)\n", "SystemExit: 0"),
    "missing": (GOOD.replace("from verify.claim", "from verify.nowhere"), "ModuleNotFoundError"),
    "interrupts": (GOOD + "raise KeyboardInterrupt\n", "KeyboardInterrupt"),
    "check_name": (GOOD.replace("measure_nothing", "look_at_nothing"), "must start with one of"),
    "leaving_check": (GOOD.replace("    yield", "    raise SystemExit(0)\n    yield"), "SystemExit: 0"),
    "interrupting_check": (GOOD.replace("    yield", "    raise KeyboardInterrupt\n    yield"), "KeyboardInterrupt"),
    "panicking_check": (GOOD.replace("    yield", "    raise BaseException('far')\n    yield"), "BaseException: far"),
    "silent_error": (GOOD.replace("    yield", "    raise Mute\n    yield") + MUTE, "Mute: it cannot say why"),
    "heading": (GOOD.replace("[T]", ""), "must open with a line"),
    "listed_controls": (GOOD.replace("dict(larger=larger)", "(larger,)"), "controls must be written as dict(name="),
    "no_claim": (GOOD.replace("CLAIM = Claim(", "CLAIM = dict("), "CLAIM is a dict, not a Claim"),
    "unknown_base": (GOOD.replace("controls=", "builds_on=('lemma99',), controls="), "'lemma99' is unknown"),
    "unknown_option": (GOOD.replace("controls=", "heeds=('colour',), controls="), "no option of a run"),
    "unknown_preset": (GOOD.replace("controls=", "preset='huge', controls="), "preset = 'huge' is none of"),
    "rests_on_broken": (GOOD.replace("controls=", "builds_on=('raises',), controls="), "raises, which is error"),
}


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the package `fakepaper`, with every broken statement beside a good one."""
    folder = tmp_path_factory.mktemp("paper")
    package = folder / "fakepaper"
    package.mkdir()
    (package / "__init__.py").write_text(PAPER)
    (package / "helper.py").write_text("x = (\n")
    (package / "good.py").write_text(GOOD)
    for name, (text, _) in BROKEN.items():
        (package / f"{name}.py").write_text(text)
    return folder


def fakepaper(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    code = "from verify.cli import main; main('fakepaper')"
    environment = os.environ | {"PYTHONPATH": f"{folder}:{root}", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        check=False,
        timeout=120,
    )


def test_broken_statements_are_errors_and_the_others_run(paper: Path, tmp_path: Path) -> None:
    process = fakepaper(paper, "all", "--preset", "quick", "--no-pdf", "--output", str(tmp_path))
    assert process.returncode == 1
    assert "Traceback" not in process.stderr + process.stdout
    assert read_record(tmp_path / "good.json")["verdict"] == "pass"
    for name, (_, words) in BROKEN.items():
        record = read_record(tmp_path / f"{name}.json")
        assert record["verdict"] == ("undecided" if name == "rests_on_broken" else "error"), name
        assert any(words in reason["text"] for reason in record["reasons"]), (name, record["reasons"])


def test_the_report_of_a_broken_statement_is_made_too(paper: Path, tmp_path: Path) -> None:
    process = fakepaper(paper, "raises", "--preset", "quick", "--output", str(tmp_path))
    assert process.returncode == 1, process.stderr
    assert (tmp_path / "raises.pdf").read_bytes().startswith(b"%PDF")


def test_list_and_show_work_beside_broken_statements(paper: Path) -> None:
    listed = fakepaper(paper, "list")
    assert listed.returncode == 0, listed.stderr
    assert "good" in listed.stdout
    assert "syntax" in listed.stdout
    shown = fakepaper(paper, "show", "syntax")
    assert shown.returncode == 2
    assert shown.stderr.startswith("verify: claim 'syntax' cannot be read: SyntaxError")
    assert fakepaper(paper, "show", "good").returncode == 0


def test_bad_mathematics_costs_the_report_and_not_the_verdict(paper: Path, tmp_path: Path) -> None:
    package = paper / "fakepaper"
    (package / "mathematics.py").write_text(GOOD.replace('r"a = a"', 'r"frac(a"'))
    (tmp_path / "mathematics.pdf").write_bytes(b"%PDF-1.7 an earlier report")
    process = fakepaper(paper, "mathematics", "good", "--preset", "quick", "--output", str(tmp_path))
    (package / "mathematics.py").unlink()
    assert process.returncode == 1
    assert "PASS mathematics" in process.stdout
    assert "PASS good" in process.stdout
    assert read_record(tmp_path / "mathematics.json")["verdict"] == "pass"
    assert not (tmp_path / "mathematics.pdf").exists()
    assert process.stderr.startswith("verify: mathematics: the statement of claim")
    assert process.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "text", ["", "PAPER = 3\n", "x = (\n", "raise SystemExit(0)\n", "raise BaseException('far')\n", "import nowhere\n"]
)
def test_a_paper_that_cannot_be_imported_is_one_sentence_and_never_status_0(text: str, tmp_path: Path) -> None:
    package = tmp_path / "fakepaper"
    package.mkdir()
    (package / "good.py").write_text(GOOD)
    (package / "__init__.py").write_text(text)
    process = fakepaper(tmp_path, "good", "--output", str(tmp_path / "out"))
    assert process.returncode == 2
    assert process.stderr.startswith("verify: ")
    assert process.stderr.count("\n") == 1


def test_all_of_no_statements_is_no_success(tmp_path: Path) -> None:
    package = tmp_path / "fakepaper"
    package.mkdir()
    (package / "__init__.py").write_text(PAPER)
    process = fakepaper(tmp_path, "all", "--output", str(tmp_path / "out"))
    assert process.returncode == 2
    assert process.stderr.startswith("verify: package 'fakepaper' holds no statements")
