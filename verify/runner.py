"""Running a claim: its checks on the subject, then the planted defects on a small subject."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from verify import ground
from verify.claim import Assumption, Check, Claim, Grade, Verdict, grade_of, worst
from verify.controls import ControlOutcome, idle, run_control
from verify.declared import undeclared
from verify.evidence import Announce, Evidence, run_checks, sentence_of, trouble
from verify.finding import OnInstance
from verify.ground import Tested

__all__ = [
    "ControlOutcome",
    "Evidence",
    "Foundations",
    "Outcome",
    "run",
    "run_checks",
    "sentence_of",
    "trouble",
]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Everything one run of a claim found out.

    `restricted` says to what evidence the run was, `broken` why the claim could not be run to its end; `undeclared`
    is what the proofs used and the claim does not name.
    """

    evidence: tuple[Evidence, ...]
    baseline: Verdict
    controls: tuple[ControlOutcome, ...]
    foundations: tuple[tuple[str, Verdict], ...] = ()
    restricted: str | None = None
    broken: str | None = None
    idle: tuple[str, ...] = ()
    undeclared: tuple[str, ...] = ()
    ground: tuple[Tested, ...] = ()  # the self-tests of what the claim rests on

    @property
    def reasons(self) -> tuple[tuple[Verdict, str], ...]:
        """Everything that keeps the claim from passing, worst first: how bad it is, and a sentence that says why."""
        if self.broken is not None and not self.evidence:
            return ((Verdict.ERROR, self.broken),)
        doubts = (
            *self._doubts_about_run(),
            *self._doubts_about_ground(),
            *self._doubts_about_evidence(),
            *self._doubts_about_foundations(),
            *self._doubts_about_controls(),
        )
        return tuple(sorted(doubts, key=lambda doubt: -doubt[0]))

    @property
    def verdict(self) -> Verdict:
        """The worst of the reasons; pass where there is none."""
        return max((verdict for verdict, _ in self.reasons), default=Verdict.PASS)

    def _doubts_about_run(self) -> Iterator[tuple[Verdict, str]]:
        if self.broken is not None:
            yield Verdict.ERROR, self.broken
        for sentence in self.undeclared:
            yield Verdict.ERROR, sentence
        if self.restricted is not None:
            yield Verdict.UNDECIDED, f"restricted to {self.restricted} evidence; the other checks were not made"

    @property
    def sound(self) -> bool:
        """Whether everything that the claim rests on passed its self-tests."""
        return not any(self._doubts_about_ground())

    def _doubts_about_ground(self) -> Iterator[tuple[Verdict, str]]:
        """What a broken library computed says nothing, whatever it says."""
        for test in self.ground:
            if test.trouble is not None:
                yield Verdict.ERROR, f"what it rests on is broken, {test.name}: {test.trouble}"

    def _doubts_about_evidence(self) -> Iterator[tuple[Verdict, str]]:
        """A hypothesis that fails on the instance leaves what is measured there without consequence.

        The statement then says nothing about the instance, so a failed measurement is no refutation;
        a refuted identity still is one.
        """
        if not self.evidence:
            yield Verdict.UNDECIDED, "no check was made"
        elif all(item.grade is Grade.ARGUED for item in self.evidence):
            yield Verdict.UNDECIDED, "whatever speaks for it is argued in prose"
        violated = [finding for finding in _assumptions(self.evidence) if finding.verdict is Verdict.UNDECIDED]
        for place in dict.fromkeys(finding.elsewhere for finding in violated):
            names = dict.fromkeys(finding.name for finding in violated if finding.elsewhere == place)
            where = f"the {place} instance" if place else "this instance"
            yield Verdict.UNDECIDED, f"on {where} {' and '.join(names)} cannot be relied on"
        for item in self.evidence:
            verdict = item.verdict
            if violated and verdict is Verdict.FAIL and item.grade is not Grade.SYMBOLIC:
                verdict = Verdict.UNDECIDED
            if verdict is not Verdict.PASS:
                yield verdict, f"{item.check}: {item.verdict}, {item.summary}"
        yield from self._doubts_about_place()

    def _doubts_about_place(self) -> Iterator[tuple[Verdict, str]]:
        """What was compared on another instance alone says nothing about the one in the record."""
        found = [f for item in self.evidence for f in item.findings if isinstance(f, OnInstance)]
        places = dict.fromkeys(f.elsewhere for f in found if not isinstance(f, Assumption))
        if places and all(places):
            told = " and ".join(f"the {place}" for place in places)
            yield Verdict.UNDECIDED, f"nothing was compared on this instance, only on {told} instance"

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
                missed = f" (by {', '.join(control.missed_by)})" if control.missed_by else ""
                yield Verdict.ERROR, f"a planted defect went unnoticed: {control.sentence}{missed}"
        for check in self.idle:
            yield Verdict.UNDECIDED, f"{check} catches no planted defect, so nothing shows that it can fail"


def run(
    claim: Claim,
    subject: Any,
    small: Any,
    announce: Announce = lambda text: None,
    *,
    foundations: Iterable[tuple[str, Verdict]] = (),
    grades: Container[Grade] = tuple(Grade),
    below: Iterable[str] = (),
) -> Outcome:
    """Run every check on what the claim makes of `subject`; then on `small`, untouched and with each defect planted.

    Args:
        announce: is told what begins.
        foundations: the claims that this one rests on, with their verdicts.
        grades: the evidence to gather on `subject`, beside its hypotheses; the controls always face all checks that
            must catch them.
        below: the grades of the evidence that the foundations have.

    Exceptions inside a check become its verdict; KeyboardInterrupt passes. What the evidence rests on is tested before
    the first check and after the last control, so that what breaks in between is found out as well.
    """
    chosen = [check for check in claim.checks if grade_of(check) in grades or states_hypotheses(check)]
    left_out = any(grade not in grades for grade in Grade)
    areas = ground.areas_of([*map(grade_of, claim.checks), *below])
    announce("what the evidence rests on")
    before = ground.outcomes_of(ground.grounds_of(subject), areas)
    evidence = run_checks(chosen, claim.subject(subject), announce)
    announce("controls: the untouched small run")
    alike = small is subject and len(chosen) == len(claim.checks)
    untouched = evidence if alike else run_checks(claim.checks, claim.subject(small))
    controls = []
    for name, defect in claim.controls.items():
        announce(f"control: {defect.sentence}")
        controls.append(run_control(claim, name, small, untouched))
    return Outcome(
        evidence=evidence,
        baseline=worst(item.verdict for item in untouched),
        controls=tuple(controls),
        foundations=tuple(foundations),
        idle=idle(claim, (*evidence, *untouched)),
        undeclared=tuple(dict.fromkeys(undeclared(claim, (*evidence, *untouched)))),
        restricted=" and ".join(grade for grade in Grade if grade in grades) if left_out else None,
        ground=ground.once_more(before, ground.outcomes_of(ground.grounds_of(subject), areas)),
    )


def states_hypotheses(check: Check) -> bool:
    """Whether the check yields nothing but assumptions, as its annotation says: a restricted run makes it as well."""
    try:
        return bool(get_type_hints(check).get("return") == Iterator[Assumption])
    except (NameError, TypeError, AttributeError):  # annotations that cannot be evaluated say nothing
        return False


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
            claim = self.load(name)
            proofs = [check for check in claim.checks if grade_of(check) is Grade.SYMBOLIC]
            evidence = run_checks(proofs or claim.checks, claim.subject(self.small))
            if any(undeclared(claim, evidence)):
                return Verdict.ERROR
            return worst(item.verdict for item in evidence)
        except KeyboardInterrupt:
            raise
        except BaseException:  # its file cannot be loaded: what rests on it has nothing to stand on
            return Verdict.ERROR


def _assumptions(evidence: Iterable[Evidence]) -> list[Assumption]:
    return [finding for item in evidence for finding in item.findings if isinstance(finding, Assumption)]
