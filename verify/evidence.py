"""Checks and what they found: any exception inside a check becomes its verdict."""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from verify.claim import Assumption, Check, Estimate, Finding, FindingError, Grade, Verdict, grade_of, worst
from verify.infer import corrected
from verify.unchanged import changed, look
from verify.verdict import weakest

Announce = Callable[[str], None]
KINDS = get_args(Finding)
# What arithmetic raises where numbers leave its range: overflow, division by what underflowed, a matrix that is
# singular to working precision. In a proof there are no such numbers, so there it is an error as any other.
BEYOND = (ArithmeticError, np.linalg.LinAlgError)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One check's outcome: its findings, and what ended it or speaks against it, if anything.

    `halted` says where the numbers were beyond the arithmetic: then the rest is undecided. The grade is that of its
    weakest finding.
    """

    check: str
    grade: Grade
    sentence: str
    findings: tuple[Finding, ...]
    seconds: float
    error: str | None = None
    halted: str | None = None

    @property
    def verdict(self) -> Verdict:
        if self.error is not None:
            return Verdict.ERROR
        found = worst(finding.verdict for finding in self.findings)
        return found if self.halted is None else max(found, Verdict.UNDECIDED)

    @property
    def summary(self) -> str:
        """What the verdict rests on: the error, or the name and reading of the first of the worst findings.

        Of findings with one verdict, an assumption says the least.
        """
        if self.error is not None:
            return self.error
        if self.halted is not None and worst(finding.verdict for finding in self.findings) is not Verdict.FAIL:
            return self.halted
        if not self.findings:
            return "nothing was found to judge"
        weakest = max(self.findings, key=lambda finding: (finding.verdict, not isinstance(finding, Assumption)))
        return f"{weakest.name}: {weakest.reading}"


def run_checks(checks: Iterable[Check], subject: Any, announce: Announce = lambda text: None) -> tuple[Evidence, ...]:
    """Run the checks in order, then correct the statistical findings over all of them (Holm)."""
    evidence = []
    for check in checks:
        announce(sentence_of(check))
        evidence.append(_run_check(check, subject))
    return _corrected(evidence)


def sentence_of(function: Check) -> str:
    """The first line of a function's docstring: the sentence printed in the report."""
    return (function.__doc__ or function.__name__).strip().partition("\n")[0]


def _run_check(check: Check, subject: Any) -> Evidence:
    findings: list[Finding] = []
    error, halted, moved = None, None, ""
    began = time.perf_counter()
    try:
        before = look(subject)
        with np.errstate(all="ignore"):  # what overflows is seen by the findings: it decides nothing
            for finding in check(subject):
                if type(finding) not in KINDS:  # a kind of its own could give itself any verdict
                    raise FindingError(f"it yields a {type(finding).__name__}, which is no finding")
                finding.verdict  # noqa: B018  a finding that cannot be judged is an error of this check
                findings.append(finding)
        moved = changed(before)
    except KeyboardInterrupt:
        raise
    except BaseException as exception:  # any exception is evidence, and earlier findings are kept
        if isinstance(exception, BEYOND) and grade_of(check) not in (Grade.SYMBOLIC, Grade.ARGUED):
            halted = f"these numbers are beyond the arithmetic, {trouble(exception)}; give more moderate ones"
        else:
            error = trouble(exception)
    seconds = time.perf_counter() - began
    grade = weakest([grade_of(check), *(finding.grade for finding in findings)])
    return Evidence(
        check=check.__name__,
        grade=grade,
        sentence=sentence_of(check),
        findings=tuple(findings),
        seconds=seconds,
        error=error or _objection(check, findings, grade, moved),
        halted=halted,
    )


def _objection(check: Check, findings: list[Finding], grade: Grade, moved: str) -> str | None:
    """What is wrong with a check that ran to its end, if anything: nothing that it found then counts."""
    others = [finding for finding in findings if not isinstance(finding, Assumption)]  # a hypothesis may be met again
    names = Counter((finding.name, getattr(finding, "elsewhere", "")) for finding in others)
    twice = next((name for (name, _), count in names.items() if count > 1), None)
    if moved:
        return f"it changes {moved}, which later checks look at"
    if twice is not None:
        return f"two of its findings are called {twice!r}; a name stands for one finding"
    if grade is not grade_of(check):
        weak = next(finding for finding in findings if finding.grade is grade)
        return f"its name says {grade_of(check)}, but {weak.name!r} is {grade} evidence"
    return None


def _corrected(evidence: list[Evidence]) -> tuple[Evidence, ...]:
    estimates = [finding for item in evidence for finding in item.findings if isinstance(finding, Estimate)]
    try:
        after = iter(corrected(estimates))
    except KeyboardInterrupt:
        raise
    except BaseException as exception:  # at another error rate an interval may have nothing to say
        told = trouble(exception)
        return tuple(
            replace(item, error=item.error or told) if any(isinstance(f, Estimate) for f in item.findings) else item
            for item in evidence
        )

    def exchange(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        return tuple(next(after) if isinstance(finding, Estimate) else finding for finding in findings)

    return tuple(replace(item, findings=exchange(item.findings)) for item in evidence)


def trouble(error: BaseException) -> str:
    """An exception in one sentence: its kind, what it says, and where it was raised."""
    said = said_by(error)
    if isinstance(error, FindingError):
        return said
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({Path(error.filename or '').name}, line {error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].name}, line {frames[-1].lineno})" if frames else ""
    return " ".join(f"{type(error).__name__}: {said}{place}".split())


def said_by(error: BaseException) -> str:
    """The message of an exception, which is made by whoever raised it."""
    try:
        return str(error)
    except BaseException:
        return "it cannot say why"
