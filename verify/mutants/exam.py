"""One mutant: planted in a process of its own, before any check ran there, and judged by the claim's own checks.

A mutant is *rejected* when a check fails: an exact or numerical counterexample, or a line of a proof that an exact
instance shows to be false. It is *true as well* when every proof goes through, at least one reads differently than
for the original, and no check fails. *Silent* is what every check passes although no proof speaks of it: a hole in
the checks. Everything else is *open*: not proved and not refuted, out of time, or broken off by an error.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from verify.claim import Assumption, Claim, Defect, Identity, Verdict
from verify.mutants.variations import variations
from verify.runner import Evidence, run_checks, sentence_of

Result = Literal["rejected", "true as well", "open", "silent"]
UNSOUND = "UnsoundStepError"  # the engine's exact counterexample to a line of a proof
UNPLANTED = "the statement as it stands"


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A wrong version: a module's constant replaced, or a defect of the subject; neither is the original itself."""

    claim: str
    constant: str
    kind: str
    change: str
    module: str = ""
    value: Any = field(default=None, repr=False)
    defect: Defect | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """What tells it from all other mutants."""
        return f"{self.claim}: {self.constant}, {self.kind}: {self.change}"

    @property
    def quoted(self) -> bool:
        """Whether it falsifies what the claim builds on, not the claim itself."""
        return self.kind.startswith("quoted")

    def plant(self, subject: Any) -> Any:
        """Put it in place; returns the subject that the checks are to look at."""
        if self.module:
            setattr(sys.modules[self.module], self.constant, self.value)
        return subject if self.defect is None else self.defect(subject)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What became of a mutant, by which check, and the witness or the reason."""

    result: Result
    by: str
    why: str
    seconds: float = 0.0


Proofs = frozenset[tuple[Any, ...]]


def mutants_of(package: str, name: str) -> tuple[Mutant, ...]:
    """All mutants of one claim: of its stated constants, of the hypotheses its controls drop, of the lemmas it quotes.

    Raises:
        AttributeError: a constant that the claim names is not in its file.
        TypeError: a constant is of a type that cannot be varied.
    """
    module = importlib.import_module(f"{package}.{name}")
    claim: Claim = module.CLAIM
    made = [*_of_constants(name, module, claim.stated), *_of_hypotheses(name, claim)]
    return tuple({mutant.name: mutant for mutant in made}.values())


def _of_constants(name: str, module: Any, stated: Iterable[str]) -> Iterator[Mutant]:
    for constant in stated:
        for made in variations(getattr(module, constant)):
            yield Mutant(
                claim=name, constant=constant, kind=made.kind, change=made.part, module=module.__name__,
                value=made.value,
            )  # fmt: skip


def _of_hypotheses(name: str, claim: Claim) -> Iterator[Mutant]:
    for defect in claim.drops:
        yield Mutant(
            claim=name, constant=defect.__name__, kind="hypothesis dropped", change=sentence_of(defect), defect=defect
        )


def evidence_of(
    claim: Claim, mutant: Mutant | None, small: Any, took: Mapping[str, float] = MappingProxyType({})
) -> tuple[Evidence, ...]:
    """The claim's checks on the planted mutant up to the first that refutes it: those that `took` little come first.

    Statistical findings are corrected within their check.
    """
    subject = small if mutant is None else mutant.plant(small)
    evidence: list[Evidence] = []
    for check in sorted(claim.checks, key=lambda check: took.get(check.__name__, 0.0)):
        evidence += run_checks([check], subject)
        if mutant is not None and _refutation(evidence[-1]) is not None:
            break
    return tuple(evidence)


def proofs(evidence: Iterable[Evidence]) -> Proofs:
    """All that was proved, as it is written down: what a proof speaks of can be told from this."""
    found = [(item.check, finding) for item in evidence for finding in item.findings if isinstance(finding, Identity)]
    return frozenset(
        (check, finding.name, finding.status, *((step.expression, step.rule) for step in finding.derivation))
        for check, finding in found
    )


def judge(mutant: Mutant, evidence: tuple[Evidence, ...], original: Proofs) -> Found:
    """The result for a mutant from the evidence on it, given what is proved of the original."""
    refuted = next(filter(None, map(_refutation, evidence)), None)
    if refuted is not None:
        return Found(result="rejected", by=refuted[0], why=refuted[1])
    worst = max(evidence, key=lambda item: item.verdict)
    if mutant.quoted and worst.verdict is Verdict.UNDECIDED:
        return Found(result="rejected", by=worst.check, why=f"left unproved: {worst.summary}")
    unproved = [item for item in evidence if _unproved(item)]
    new = proofs(evidence) - original
    if not unproved and new and not mutant.quoted:
        check, name, *_ = min(new)
        return Found(result="true as well", by=check, why=f"proved: {name}")
    if worst.verdict is Verdict.PASS:
        return Found(result="silent", by="", why="every check passes and no proof speaks of it")
    blamed = (unproved or [worst])[0]
    return Found(result="open", by=blamed.check, why=blamed.summary)


def _unproved(item: Evidence) -> bool:
    identities = [finding for finding in item.findings if isinstance(finding, Identity)]
    return item.error is not None or any(finding.verdict is not Verdict.PASS for finding in identities)


def _refutation(item: Evidence) -> tuple[str, str] | None:
    """The check and its witness, if it refutes: a failed finding made of numbers, or the engine's counterexample."""
    for finding in item.findings:
        failed = finding.verdict is Verdict.FAIL and not isinstance(finding, Assumption)
        if failed and _made_of_numbers(finding):
            return item.check, f"{finding.name}: {finding.reading}"
    if item.error is not None and item.error.startswith(f"{UNSOUND}:"):
        return item.check, item.error
    return None


def _made_of_numbers(finding: Any) -> bool:
    """Whether what was compared are numbers: a NaN or an infinity refutes nothing."""
    compared = [getattr(finding, name) for name in ("predicted", "observed", "bound", "y") if hasattr(finding, name)]
    return all(np.all(np.isfinite(np.asarray(value, dtype=float))) for value in compared)


def examine(claim: Claim, mutant: Mutant, small: Any, original: Proofs, took: Mapping[str, float]) -> Found:
    """Plant the mutant in this process, which is lost for anything else, and judge it."""
    began = time.perf_counter()
    try:
        evidence = evidence_of(claim, mutant, small, took)
    except Exception as error:  # the mutant could not even be planted
        return Found(result="open", by="", why=f"not planted: {type(error).__name__}: {error}")
    found = judge(mutant, evidence, original)
    return Found(result=found.result, by=found.by, why=found.why, seconds=round(time.perf_counter() - began, 2))
