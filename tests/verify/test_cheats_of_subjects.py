"""Claims about another experiment than the one asked for, and defects that plant nothing: none reaches PASS."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator

import pytest

from verify.claim import Verdict
from verify.runner import run

ABOUT = '''"""Lemma 3 [T]: a title.

Wrong if not.
"""
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any

from subjects.instances import Instance
from verify.claim import Agreement, Claim, defect_of_experiment, defect_of_subject, planted

CALLS = []


@dataclass(frozen=True)
class Size:
    experiment: Any
    _: KW_ONLY
    less: int = 0
    unread: int = 0
    home: list = field(default_factory=list)


@dataclass(frozen=True)
class Elsewhere(Size):
    pass


def measure_it(subject):
    """The least entry of the instance is 1."""
    least = min(subject.experiment.entries) - subject.less
    yield Agreement(name="it", predicted=1.0, observed=least, tolerance=0.5, reason="whole numbers")


{more}


CLAIM = Claim(
    statement="a",
    about={about},
    checks=(measure_it,),
    controls=dict(defect={defect}),
    catches={{measure_it: ("defect",)}},
)
'''
INSTANCES = """
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Instance:
    entries: list = field(default_factory=lambda: [1.0, 2.0])
"""


def about(more: str = "", about: str = "Size", defect: str = "planted('One less.', less=1)") -> str:
    return ABOUT.format(more=more, about=about, defect=defect)


def of_subject(line: str) -> str:
    return f'@defect_of_subject\ndef defect(subject):\n    """A defect."""\n    {line}'


SUBJECTS = {
    # name: (the claim, what the report says)
    "about_another": (about("def other(_):\n    return Size(Instance([1.0]))", "other"), "the experiment asked for"),
    "about_a_copy": (
        about("def other(experiment):\n    return Size(replace(experiment))", "other"),
        "the experiment asked for",
    ),
    "about_none": (about("def other(_):\n    return 1", "other"), "the experiment asked for"),
    "about_that_changes": (
        about("def other(experiment):\n    experiment.entries[:] = [1.0]\n    return Size(experiment)", "other"),
        "about changes entries",
    ),
    "about_that_breaks": (about("def other(_):\n    raise OSError('gone')", "other"), "gone"),
    "unread_field": (about(defect="planted('Nothing.', unread=1)"), "see no difference"),
    "value_it_has": (about(defect="planted('Nothing.', less=0)"), "see no difference"),
    "no_such_field": (about(defect="planted('Nothing.', more=1)"), "not planted"),
    "of_another_kind": (
        about(of_subject("return Elsewhere(subject.experiment, less=1)"), defect="defect"),
        "it makes a Elsewhere of a Size",
    ),
    "defect_in_place": (
        about(of_subject("subject.experiment.entries[0] = 0.0\n    return subject"), defect="defect"),
        "plant in a copy",
    ),
    "defect_that_raises": (about(of_subject("raise ValueError('no')"), defect="defect"), "not planted: no"),
    "experiment_in_place": (
        about(
            of_subject("subject.entries[0] = 0.0\n    return subject").replace("of_subject", "of_experiment"),
            defect="defect",
        ),
        "plant in a copy",
    ),
}


@pytest.fixture(scope="module", autouse=True)
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """All of them, in one package with an honest one."""
    folder = tmp_path_factory.mktemp("paper")
    package = folder / "subjects"
    package.mkdir()
    files = {"__init__": "", "instances": INSTANCES, "honest": about()} | {name: s for name, (s, _) in SUBJECTS.items()}
    for name, text in files.items():
        (package / f"{name}.py").write_text(text)
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))


def told(name: str) -> tuple[Verdict, str]:
    """The verdict and all that is said, as the command line makes it: what cannot be run is an error."""
    instance = importlib.import_module("subjects.instances").Instance
    try:
        outcome = run(importlib.import_module(f"subjects.{name}").CLAIM, instance(), instance())
    except (ValueError, OSError) as error:
        return Verdict.ERROR, str(error)
    return outcome.verdict, "; ".join(text for _, text in outcome.reasons)


def test_the_same_claim_passes_without_a_cheat() -> None:
    assert told("honest") == (Verdict.PASS, "")


@pytest.mark.parametrize("name", sorted(SUBJECTS))
def test_no_cheat_passes(name: str) -> None:
    verdict, words = told(name)
    assert verdict is Verdict.ERROR
    assert SUBJECTS[name][1] in words
