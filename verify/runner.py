"""Running a claim: its checks on the subject, then the planted defects on a small subject."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, get_type_hints

from verify.claim import Assumption, Check, Claim, Defect, Estimate, Finding, Grade, Verdict, grade_of, worst
from verify.infer import corrected

STOPPED = (Exception, SystemExit, GeneratorExit)  # what a statement's code may raise; only Ctrl-C stops the run


class Subject(Protocol):
    """What a paper's checks look at, as far as the runner needs to know it."""

    def describe(self) -> dict[str, Any]: ...
    def quantities(self) -> dict[str, float]: ...
    def provenance(self) -> dict[str, Any]: ...


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


@dataclass(frozen=True, kw_only=True)
class ControlOutcome:
    """A planted defect: the worst that the checks said of it, and which of them rejected it.

    Rejected means that some check failed and none broke down. Anything else leaves the verifier
    itself in doubt.
    """

    name: str
    sentence: str
    found: Verdict
    caught_by: tuple[str, ...]

    @property
    def rejected(self) -> bool:
        return self.found is Verdict.FAIL


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Everything one run of a claim found out.

    `restricted` says to what evidence the run was, `broken` why the claim could not be run to its end.
    """

    evidence: tuple[Evidence, ...]
    baseline: Verdict
    controls: tuple[ControlOutcome, ...]
    foundations: tuple[tuple[str, Verdict], ...] = ()
    restricted: str | None = None
    broken: str | None = None

    @property
    def reasons(self) -> tuple[tuple[Verdict, str], ...]:
        """Everything that keeps the claim from passing, worst first: how bad it is, and a sentence that says why."""
        if self.broken is not None and not self.evidence:
            return ((Verdict.ERROR, self.broken),)
        doubts = (
            *self._doubts_about_run(), *self._doubts_about_evidence(), *self._doubts_about_foundations(),
            *self._doubts_about_controls(),
        )  # fmt: skip
        return tuple(sorted(doubts, key=lambda doubt: -doubt[0]))

    @property
    def verdict(self) -> Verdict:
        """The worst of the reasons; pass where there is none."""
        return max((verdict for verdict, _ in self.reasons), default=Verdict.PASS)

    def _doubts_about_run(self) -> Iterator[tuple[Verdict, str]]:
        if self.broken is not None:
            yield Verdict.ERROR, self.broken
        if self.restricted is not None:
            yield Verdict.UNDECIDED, f"restricted to {self.restricted} evidence; the other checks were not made"

    def _doubts_about_evidence(self) -> Iterator[tuple[Verdict, str]]:
        """A hypothesis that fails on the instance leaves what is measured there without consequence.

        The statement then says nothing about the instance, so a failed measurement is no refutation;
        a refuted identity still is one.
        """
        if not self.evidence:
            yield Verdict.UNDECIDED, "no check was made"
        violated = [finding for finding in _assumptions(self.evidence) if finding.verdict is Verdict.UNDECIDED]
        if violated:
            yield (
                Verdict.UNDECIDED,
                f"on this instance {' and '.join(dict.fromkeys(f.name for f in violated))} cannot be relied on",
            )
        for item in self.evidence:
            verdict = item.verdict
            if violated and verdict is Verdict.FAIL and item.grade is not Grade.SYMBOLIC:
                verdict = Verdict.UNDECIDED
            if verdict is not Verdict.PASS:
                yield verdict, f"{item.check}: {item.verdict}, {item.summary}"

    def _doubts_about_foundations(self) -> Iterator[tuple[Verdict, str]]:
        """A claim cannot pass on a statement that did not pass; a failed foundation does not refute it."""
        for claim, verdict in self.foundations:
            if verdict is not Verdict.PASS:
                yield Verdict.UNDECIDED, f"it rests on {claim}, which is {verdict}"

    def _doubts_about_controls(self) -> Iterator[tuple[Verdict, str]]:
        if not self.controls:
            yield Verdict.UNDECIDED, "no defect was planted, so nothing shows that the checks can fail"
        elif self.baseline is not Verdict.PASS:
            yield Verdict.UNDECIDED, f"the untouched small run is {self.baseline}, so its controls prove nothing"
        for control in self.controls:
            if not control.rejected:
                yield Verdict.ERROR, f"a planted defect went unnoticed: {control.sentence}"


Announce = Callable[[str], None]


def run(
    claim: Claim, subject: Any, small: Any, announce: Announce = lambda text: None, *,
    foundations: Iterable[tuple[str, Verdict]] = (), grades: Container[Grade] = tuple(Grade),
) -> Outcome:  # fmt: skip
    """Run every check on `subject`; then on `small`, untouched (the baseline) and with each defect planted.

    Args:
        announce: is told what begins.
        foundations: the claims that this one rests on, with their verdicts.
        grades: the evidence to gather on `subject`, beside its hypotheses; the controls always face every check.

    Exceptions inside a check become its verdict; KeyboardInterrupt passes.
    """
    chosen = [check for check in claim.checks if grade_of(check) in grades or states_hypotheses(check)]
    left_out = any(grade not in grades for grade in Grade)
    evidence = run_checks(chosen, subject, announce)
    announce("controls: the untouched small run")
    baseline = worst(item.verdict for item in run_checks(claim.checks, small))
    controls = []
    for defect in claim.controls:
        announce(f"control: {sentence_of(defect)}")
        controls.append(_run_control(claim.checks, defect, small))
    return Outcome(
        evidence=evidence, baseline=baseline, controls=tuple(controls), foundations=tuple(foundations),
        restricted=" and ".join(grade for grade in Grade if grade in grades) if left_out else None,
    )  # fmt: skip


def states_hypotheses(check: Check) -> bool:
    """Whether the check yields nothing but assumptions, as its annotation says: a restricted run makes it as well."""
    try:
        return bool(get_type_hints(check).get("return") == Iterator[Assumption])
    except (NameError, TypeError, AttributeError):  # annotations that cannot be evaluated say nothing
        return False


def trouble(error: BaseException) -> str:
    """An exception in one sentence: its kind, what it says, and where it was raised."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({Path(error.filename or '').name}, line {error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].name}, line {frames[-1].lineno})" if frames else ""
    return " ".join(f"{type(error).__name__}: {error}{place}".split())


@dataclass(frozen=True, kw_only=True)
class Foundations:
    """The verdicts of statements that others rest on, each found once.

    Proofs are checked unless the verdict is `known`; a statement without proofs faces all its checks on the small
    subject.
    """

    load: Callable[[str], Any]
    small: Any
    known: dict[str, Verdict] = field(default_factory=dict)

    def verdicts(self, claims: Iterable[str], announce: Announce) -> list[tuple[str, Verdict]]:
        """The claims with their verdicts, in the order given."""
        found = []
        for name in claims:
            if name not in self.known:
                announce(f"what it rests on: {name}")
                self.known[name] = self._verdict(name)
            found.append((name, self.known[name]))
        return found

    def _verdict(self, name: str) -> Verdict:
        try:
            checks = self.load(name).checks
            proofs = [check for check in checks if grade_of(check) is Grade.SYMBOLIC]
            return worst(item.verdict for item in run_checks(proofs or checks, self.small))
        except STOPPED:  # its file cannot be loaded: what rests on it has nothing to stand on
            return Verdict.ERROR


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


def _run_control(checks: Iterable[Check], defect: Defect, small: Any) -> ControlOutcome:
    try:
        evidence = run_checks(checks, defect(small))
    except STOPPED as exception:  # planting itself failed: nothing was rejected
        return ControlOutcome(
            name=defect.__name__, sentence=f"{sentence_of(defect)} (not planted: {exception})",
            found=Verdict.ERROR, caught_by=(),
        )  # fmt: skip
    failed = tuple(item.check for item in evidence if item.verdict is Verdict.FAIL)
    return ControlOutcome(
        name=defect.__name__, sentence=sentence_of(defect), caught_by=failed,
        found=worst(item.verdict for item in evidence),
    )  # fmt: skip


def _assumptions(evidence: Iterable[Evidence]) -> list[Assumption]:
    return [finding for item in evidence for finding in item.findings if isinstance(finding, Assumption)]
