"""Checks and what they found: any exception inside a check becomes its verdict."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from verify.claim import Assumption, Check, Defect, Estimate, Finding, Grade, Verdict, grade_of, worst
from verify.infer import corrected

Announce = Callable[[str], None]
STOPPED = (Exception, SystemExit, GeneratorExit)  # what a statement's code may raise; only Ctrl-C stops the run


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One check's outcome: its findings, and the exception that ended it, if any."""

    check: str
    grade: Grade
    sentence: str
    findings: tuple[Finding, ...]
    seconds: float
    error: str | None = None

    @property
    def verdict(self) -> Verdict:
        if self.error is not None:
            return Verdict.ERROR
        return worst(finding.verdict for finding in self.findings)

    @property
    def summary(self) -> str:
        """What the verdict rests on: the error, or the name and reading of the first of the worst findings.

        Of findings with one verdict, an assumption says the least.
        """
        if self.error is not None:
            return self.error
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


def sentence_of(function: Check | Defect) -> str:
    """The first line of a function's docstring: the sentence printed in the report."""
    return (function.__doc__ or function.__name__).strip().partition("\n")[0]


def _run_check(check: Check, subject: Any) -> Evidence:
    findings: list[Finding] = []
    error = None
    began = time.perf_counter()
    try:
        for finding in check(subject):
            finding.verdict  # noqa: B018  a finding that cannot be judged is an error of this check
            findings.append(finding)
    except STOPPED as exception:  # any exception is evidence: verdict error, earlier findings kept
        error = trouble(exception)
    return Evidence(
        check=check.__name__, grade=grade_of(check), sentence=sentence_of(check), findings=tuple(findings),
        seconds=time.perf_counter() - began, error=error,
    )  # fmt: skip


def _corrected(evidence: list[Evidence]) -> tuple[Evidence, ...]:
    estimates = [finding for item in evidence for finding in item.findings if isinstance(finding, Estimate)]
    after = iter(corrected(estimates))

    def exchange(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        return tuple(next(after) if isinstance(finding, Estimate) else finding for finding in findings)

    return tuple(replace(item, findings=exchange(item.findings)) for item in evidence)


def trouble(error: BaseException) -> str:
    """An exception in one sentence: its kind, what it says, and where it was raised."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({Path(error.filename or '').name}, line {error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].name}, line {frames[-1].lineno})" if frames else ""
    return " ".join(f"{type(error).__name__}: {error}{place}".split())
