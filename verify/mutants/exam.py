"""One mutant: planted in a process of its own, before any check ran there, and judged by the claim's own checks.

A mutant is *rejected* when a check fails: an exact or numerical counterexample, or a line of a proof that an exact
instance shows to be false. It is *true as well* when every proof goes through, at least one reads differently than
for the original, and no check fails. *Silent* is what every check passes although no proof speaks of it: a hole in
the checks. Everything else is *open*: not proved and not refuted, out of time, or broken off by an error.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from verify.claim import Assumption, Claim, Grade, Identity, Verdict, grade_of
from verify.mutants.afresh import lemmas_of
from verify.mutants.mutant import Found, Mutant
from verify.mutants.quoted import WAYS
from verify.mutants.supposed import judged
from verify.mutants.variations import variations
from verify.prove.inequalities.lemma import Lemma
from verify.runner import Evidence, run_checks

UNSOUND = "UnsoundStepError"  # the engine's exact counterexample to a line of a proof
UNPLANTED = "the statement as it stands"


Proofs = frozenset[tuple[Any, ...]]


def mutants_of(package: str, name: str) -> tuple[Mutant, ...]:
    """The mutants of one claim's file: of its stated constants, and of the hypotheses that its controls drop.

    Raises:
        AttributeError: a constant that the claim names is not in its file.
        TypeError: a constant is of a type that cannot be varied.
    """
    module = importlib.import_module(f"{package}.{name}")
    claim: Claim = module.CLAIM
    made = [*_of_constants(name, module, claim.stated), *_of_hypotheses(name, claim)]
    return tuple({mutant.name: mutant for mutant in made}.values())


def mutants_of_lemmas(package: str, name: str, evidence: Iterable[Evidence]) -> tuple[Mutant, ...]:
    """The mutants of the lemmas behind what was proved in this process."""
    behind = lemmas_behind(evidence)
    return tuple(
        Mutant(
            claim=name,
            constant=f"{lemma.claim}.{constant}",
            kind="quoted lemma",
            change=way,
            module=lemma.module,
            lemma=lemma,
        )
        for constant, lemma in lemmas_of(package)
        if lemma in behind
        for way in WAYS
    )


def lemmas_behind(evidence: Iterable[Evidence]) -> frozenset[Lemma]:
    """Every lemma that something proved rests on."""
    found = (item for each in evidence for item in each.findings if isinstance(item, Identity))
    return frozenset().union(*(item.conclusion.lemmas for item in found if item.status == "proved" and item.conclusion))


def _of_constants(name: str, module: Any, stated: Iterable[str]) -> Iterator[Mutant]:
    for constant in stated:
        for made in variations(getattr(module, constant)):
            yield Mutant(
                claim=name,
                constant=constant,
                kind=made.kind,
                change=made.part,
                module=module.__name__,
                value=made.value,
            )


def _of_hypotheses(name: str, claim: Claim) -> Iterator[Mutant]:
    for control in claim.drops:
        defect = claim.controls[control]
        yield Mutant(claim=name, constant=control, kind="hypothesis dropped", change=defect.sentence, defect=defect)


def evidence_of(claim: Claim, subject: Any, mutant: Mutant | None, took: Mapping[str, float]) -> tuple[Evidence, ...]:
    """The claim's checks on a subject, up to the first that refutes the mutant: those that `took` little come first.

    Of what is quoted the proofs alone speak. Statistical findings are corrected within their check.
    """
    proving = mutant is not None and mutant.quoted
    evidence: list[Evidence] = []
    for check in sorted(claim.checks, key=lambda check: took.get(check.__name__, 0.0)):
        if proving and grade_of(check) is not Grade.SYMBOLIC:
            continue
        evidence += run_checks([check], subject)
        if mutant is not None and settled(mutant, evidence[-1]) is not None:
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
    refuted = next((found for item in evidence if (found := settled(mutant, item)) is not None), None)
    if refuted is not None:
        return Found(result="rejected", by=refuted[0], why=refuted[1])
    worst = max(evidence, key=lambda item: item.verdict)
    unproved = [item for item in evidence if _unproved(item)]
    new = proofs(evidence) - original
    if not unproved and new and not mutant.quoted:
        check, name, *_ = min(new)
        return Found(result="true as well", by=check, why=f"proved: {name}")
    if mutant.lemma is not None and not unproved and mutant.lemma not in lemmas_behind(evidence):
        return Found(result="true as well", by=worst.check, why="proved without the lemma, by another chain")
    if worst.verdict is Verdict.PASS:
        return Found(result="silent", by="", why="every check passes and no proof speaks of it")
    blamed = (unproved or [worst])[0]
    return Found(result="open", by=blamed.check, why=blamed.summary)


def settled(mutant: Mutant, item: Evidence) -> tuple[str, str] | None:
    """The check and its witness, if it refutes the mutant; of what is quoted, that its proof is lost."""
    found = _refutation(item)
    if found is None and mutant.quoted and _unproved(item):
        return item.check, f"left unproved: {item.summary}"
    return found


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


def examine(
    claim: Claim, mutant: Mutant, prepare: Callable[[], Any], subject: Any, original: Proofs, took: Mapping[str, float]
) -> Found:
    """Plant the mutant in this process, which is lost for anything else, and judge it."""
    began = time.perf_counter()
    if mutant.concluded:
        return judged(mutant)
    try:
        planted = mutant.plant(claim.subject, prepare, subject)
    except Exception as error:  # the mutant could not even be planted
        return Found(result="open", by="", why=f"not planted: {type(error).__name__}: {error}")
    found = judge(mutant, evidence_of(claim, planted, mutant, took), original)
    return replace(found, seconds=round(time.perf_counter() - began, 2))
