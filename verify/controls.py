"""Planted defects: which checks must catch them, and which did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from verify.claim import Argument, Assumption, Claim, Defect, Verdict
from verify.evidence import Evidence, run_checks, said_by


@dataclass(frozen=True, kw_only=True)
class ControlOutcome:
    """A planted defect: what the checks that must catch it said of it together, and which of them did.

    Rejected means that each of them failed outright: one that broke down, was undecided or passed leaves the
    verifier itself in doubt.
    """

    name: str
    sentence: str
    found: Verdict
    caught_by: tuple[str, ...]
    missed_by: tuple[str, ...] = ()

    @property
    def rejected(self) -> bool:
        return self.found is Verdict.FAIL


def run_control(claim: Claim, name: str, small: Any, untouched: tuple[Evidence, ...]) -> ControlOutcome:
    """What the checks that must catch a defect say of it, planted in the small run or in what the claim makes of it.

    A defect that changes nothing that they see was not planted, whatever they say.
    """
    defect, meant = claim.controls[name], claim.meant_for(name)
    try:
        evidence = run_checks(meant, defect.planted_in(claim.subject, small))
    except KeyboardInterrupt:
        raise
    except BaseException as exception:  # planting itself failed: nothing was rejected
        return _not_planted(name, defect, said_by(exception))
    if not evidence:
        return _not_planted(name, defect, "no check is meant to catch it")
    if _appearance(evidence) == _appearance(item for item in untouched if item.check in {e.check for e in evidence}):
        return _not_planted(name, defect, "the checks that are meant to catch it see no difference")
    failed = tuple(item.check for item in evidence if item.verdict is Verdict.FAIL)
    verdicts = [item.verdict for item in evidence]
    found = Verdict.ERROR if Verdict.ERROR in verdicts else min(verdicts)
    return ControlOutcome(
        name=name,
        sentence=defect.sentence,
        caught_by=failed,
        found=found,
        missed_by=tuple(item.check for item in evidence if item.verdict is not Verdict.FAIL),
    )


def _not_planted(name: str, defect: Defect, why: str) -> ControlOutcome:
    sentence = f"{defect.sentence} (not planted: {why})"
    return ControlOutcome(name=name, sentence=sentence, found=Verdict.ERROR, caught_by=())


def _appearance(evidence: Iterable[Evidence]) -> list[tuple[Any, ...]]:
    """All that a reader sees of the findings, and what ended the checks."""
    return [
        (item.check, item.error, item.halted, *((type(f), f.name, f.verdict, f.reading) for f in item.findings))
        for item in evidence
    ]


def idle(claim: Claim, evidence: Iterable[Evidence]) -> tuple[str, ...]:
    """The checks that are meant to catch no defect; those that yield nothing but what cannot fail aside.

    An unmet assumption leaves a claim undecided and an argument is printed as such: neither can fail.
    """
    fallible = {
        item.check
        for item in evidence
        if not item.findings or not all(isinstance(finding, Assumption | Argument) for finding in item.findings)
    }
    return tuple(c.__name__ for c in claim.checks if not claim.catches.get(c) and c.__name__ in fallible)
