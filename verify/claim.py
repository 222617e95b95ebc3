"""The nouns that a statement file is written in: claims, checks, grades, and the findings of `verify.finding`.

A *check* is a generator that yields *findings*; the prefix of its name declares its grade.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from verify.defect import Defect, defect_of_experiment, defect_of_subject, planted
from verify.discovery import GRADE_OF_PREFIX
from verify.finding import (
    Agreement,
    Assumption,
    Bound,
    Estimate,
    Finding,
    FindingError,
    Trend,
)
from verify.proof import Argument, Identity, Step
from verify.unchanged import changed, look
from verify.verdict import Grade, Verdict, worst

__all__ = [
    "Agreement",
    "Argument",
    "Assumption",
    "Bound",
    "Check",
    "Claim",
    "Defect",
    "Estimate",
    "Finding",
    "FindingError",
    "Grade",
    "Identity",
    "Step",
    "Trend",
    "Verdict",
    "defect_of_experiment",
    "defect_of_subject",
    "grade_of",
    "planted",
    "worst",
]


Check = Callable[[Any], Iterator[Finding]]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One statement and everything that can speak for or against it.

    The module's docstring is the statement in words; `statement` is the same in Typst mathematics
    for the report. `about` makes from an experiment the one subject that all checks take, and which holds that very
    experiment as its `experiment`: it only names things, and computes nothing yet. `checks` are generators of findings
    over the subject; `controls` are defects by name, and the checks that `catches` maps to a name must fail where that
    defect is planted, each of them; a check that is meant to catch nothing is idle, and no claim passes with one.
    `builds_on` names other claims by id; `cites` names, with its source, what is believed without being checked here.
    `certificate`, where there is one, makes from a subject what an independent checker needs, as JSON. The claim's id
    is its file's stem.

    `heeds` names the options, or the paper's groups of options, that bear on what the checks see; whatever else is
    given is said to be without effect. `preset` is the one to run on when no option that changes the instance is
    given: a claim whose evidence is on a certain instance names it, so that its report is about what was looked at.

    `stated` names the module-level constants of the claim's file that hold its stated results; its checks read them
    when they run, so that the mutant exam can put wrong versions in their place. `drops` are those of the controls
    that drop a hypothesis or widen a quantifier.
    """

    statement: str
    checks: tuple[Check, ...]
    controls: Mapping[str, Defect]
    about: Callable[[Any], Any] = lambda experiment: experiment
    assumptions: tuple[str, ...] = ()
    builds_on: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()
    certificate: Callable[[Any], dict[str, Any]] | None = None
    heeds: tuple[str, ...] = ()
    preset: str | None = None
    stated: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()
    catches: Mapping[Check, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Every check has its own name, and whatever `catches` and `drops` name is there.

        Raises:
            ValueError: it is not so.
        """
        count = Counter(check.__name__ for check in self.checks)
        twice = [name for name in count if count[name] > 1]
        if twice:
            raise ValueError(f"two checks are called {twice[0]!r}; give each its own name")
        strangers = [check.__name__ for check in self.catches if check not in self.checks]
        named = (*self.drops, *(name for names in self.catches.values() for name in names))
        strangers += [name for name in named if name not in self.controls]
        if strangers:
            raise ValueError(f"{', '.join(strangers)} is no check or control of this claim; add it or drop its name")

    def subject(self, experiment: Any) -> Any:
        """What the checks look at: the experiment itself, or what `about` makes of it, which must hold it as it was.

        Raises:
            ValueError: it holds another one, of which the record would say nothing, or `about` changes it.
        """
        before = look(experiment)
        subject = self.about(experiment)
        if subject is not experiment and getattr(subject, "experiment", None) is not experiment:
            raise ValueError("what the checks look at does not hold the experiment asked for; let about keep it")
        if moved := changed(before).removeprefix("the subject"):
            raise ValueError(f"about changes {moved.lstrip('.')} of the experiment; let it only name things")
        return subject

    def meant_for(self, control: str) -> tuple[Check, ...]:
        """The checks that must catch a control."""
        return tuple(check for check in self.checks if control in self.catches.get(check, ()))


def grade_of(check: Check) -> Grade:
    """The grade that a check's name declares (derive_, certify_, estimate_, measure_ or argue_).

    What it finds must have that grade: see `verify.evidence`.

    Raises:
        ValueError: the name starts with none of the five prefixes.
    """
    name = check.__name__
    prefix = name.partition("_")[0]
    if prefix not in GRADE_OF_PREFIX:
        raise ValueError(f"check {name!r} must start with one of {', '.join(GRADE_OF_PREFIX)}")
    return Grade(GRADE_OF_PREFIX[prefix])
