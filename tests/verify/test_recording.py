"""Whatever a paper's code does between reading and writing, its claim is an error with a record, and the others run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from verify.claim import Agreement, Bound, Claim, Finding
from verify.discovery import Entry
from verify.record import as_json
from verify.recording import record_in_any_case
from verify.runner import Outcome, run

pytestmark = pytest.mark.whole

ENTRY = Entry(
    id="zero",
    place="Lemma 1",
    mark="T",
    title="zero",
    text="words",
)


class Subject:
    """Says what it is told to; an exception is raised."""

    def __init__(self, **said: Any) -> None:
        self.said = {"describe": {"N": 3}, "quantities": {"loss": 1.0}, "provenance": {"device": "cpu"}} | said

    def _say(self, name: str) -> Any:
        if isinstance(self.said[name], BaseException):
            raise self.said[name]
        return self.said[name]

    def describe(self) -> Any:
        return self._say("describe")

    def quantities(self) -> Any:
        return self._say("quantities")

    def provenance(self) -> Any:
        return self._say("provenance")


def measure_two(subject: Subject) -> Iterator[Finding]:
    """Two things hold."""
    yield Bound(name="first", observed=0.0, bound=1.0, reason="test")
    yield Agreement(name="second", predicted=0.0, observed=0.0, tolerance=1.0, reason="test")


CLAIM = Claim(statement="x = 0", checks=(measure_two,), controls={})


class Panic(BaseException):
    """As raised by libraries in other languages."""


class SpeechlessError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def circle() -> dict[str, Any]:
    made: dict[str, Any] = {}
    made["self"] = made
    return made


def recorded(outcome: Outcome, subject: Any, small: Any, claim: Claim = CLAIM) -> dict[str, Any]:
    made = record_in_any_case(ENTRY, claim, outcome, subject, small, command="c", wall=0.0)
    return dict(json.loads(as_json(made)))


BREAKING = [
    ZeroDivisionError("division by zero"),
    SystemExit(0),
    Panic("far away"),
    SpeechlessError(),
    MemoryError(),
    None,
    [1],
    {"x": object()},
    {"x": 10**5000},
    circle(),
]


@pytest.mark.parametrize("said", BREAKING, ids=lambda said: type(said).__name__)
@pytest.mark.parametrize("name", ["describe", "quantities", "provenance"])
def test_a_subject_that_breaks_when_asked_is_an_error_and_the_findings_are_kept(name: str, said: Any) -> None:
    outcome = run(CLAIM, Subject(), Subject())
    record = recorded(outcome, Subject(**{name: said}), Subject())
    assert record["verdict"] == "error"
    assert record["reasons"][0]["text"].startswith(f"what it is about cannot say its {name}: ")
    assert [finding["name"] for finding in record["evidence"][0]["findings"]] == ["first", "second"]
    assert record["quantities"] == ({} if name == "quantities" else {"loss": 1.0})
    assert recorded(outcome, Subject(), Subject(describe=Panic()))["verdict"] == "error"


def test_what_cannot_be_written_down_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = run(CLAIM, Subject(), Subject())
    monkeypatch.setattr(Bound, "slack", property(lambda self: 1 / 0))
    record = recorded(outcome, Subject(), Subject())
    assert record["verdict"] == "error"
    assert [finding["name"] for finding in record["evidence"][0]["findings"]] == ["second"]
    assert record["evidence"][0]["error"].startswith("a finding cannot be written down: ZeroDivisionError")


def test_a_claim_that_cannot_be_written_down_is_taken_from_its_file() -> None:
    outcome = run(CLAIM, Subject(), Subject())
    record = recorded(outcome, Subject(), Subject(), Claim(statement=object(), checks=(), controls={}))  # type: ignore[arg-type]
    assert (record["verdict"], record["statement"]) == ("error", "")
    assert len(record["evidence"][0]["findings"]) == 2


def test_ctrl_c_is_no_trouble_of_a_claim() -> None:
    outcome = run(CLAIM, Subject(), Subject())
    for name in ("describe", "quantities"):
        with pytest.raises(KeyboardInterrupt):
            recorded(outcome, Subject(**{name: KeyboardInterrupt()}), Subject())


def test_what_is_no_unicode_and_no_name_is_written_as_text() -> None:
    record = recorded(run(CLAIM, Subject(), Subject()), Subject(describe={"source": "a\udce9.npz", 3: 4}), Subject())
    assert record["instance"] == {"source": "a\\xe9.npz", "3": 4}


STATEMENT = '''"""Lemma 1 [T]: a title.

Wrong if not.
"""
from verify.claim import Bound, Claim, defect_of_subject

def measure_nothing(subject):
    """Nothing exceeds one."""
    yield Bound(name="nothing", observed=0 if not isinstance(subject, int) else 2, bound=1, reason="zero")

@defect_of_subject
def larger(subject):
    """It is two."""
    return 2

CLAIM = Claim(
    statement="a = a", checks=(measure_nothing,), controls=dict(larger=larger), heeds=("N",),
    catches={measure_nothing: ("larger",)},
)
'''
PAPER = """
from dataclasses import replace

from theorems import PAPER as TRUE

class Panic(BaseException):
    pass

class Subject:
    def __init__(self, N): self.N = N
    def describe(self): return {"N": self.N, "source": "a source", "sha256": "0"}
    def quantities(self): return {"q": 1 / (self.N - 7)}
    def provenance(self): return {"device": "cpu", "dtype": "none", "parameters": {}}

def prepare(parameters, **details):
    if parameters.N == 9: raise MemoryError("too much")
    if parameters.N == 10: raise SystemExit(0)
    if parameters.N == 11: raise Panic()
    return Subject(parameters.N)

def resolve(preset, given):
    return TRUE.resolve("quick", given | ({"N": 6} if preset == "literal" else {}))

PAPER = replace(TRUE, prepare=prepare, resolve=resolve)
"""


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("paper")
    package = folder / "netpaper"
    package.mkdir()
    (package / "good.py").write_text(STATEMENT)
    (package / "own.py").write_text(STATEMENT.replace("controls=", "preset='literal', controls="))
    return folder


@pytest.mark.parametrize(
    ("N", "words"),
    [
        (9, "what it is about cannot be made: MemoryError: too much"),
        (10, "what it is about cannot be made: SystemExit: 0"),
        (11, "what it is about cannot be made: Panic"),
        (7, "what it is about cannot say its quantities: ZeroDivisionError"),
    ],
)
def test_a_subject_that_cannot_be_made_or_asked_costs_its_own_claim_alone(
    paper: Path, tmp_path: Path, N: int, words: str
) -> None:
    root = Path(__file__).parents[2]
    code = "from verify.cli import main; main('netpaper')"
    (paper / "netpaper" / "__init__.py").write_text(PAPER.replace('"N": 6', f'"N": {N}'))
    process = subprocess.run(
        [sys.executable, "-c", code, "all", "--output", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=paper,
        env=os.environ | {"PYTHONPATH": f"{paper}:{root}", "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
        timeout=120,
    )
    assert (process.returncode, process.stderr) == (1, "")
    assert "PASS good" in process.stdout
    assert "ERROR own" in process.stdout
    record = json.loads((tmp_path / "own.json").read_bytes())
    assert words in record["reasons"][0]["text"]
    assert (tmp_path / "own.pdf").read_bytes().startswith(b"%PDF")
