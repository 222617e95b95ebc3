"""Sitting the exam: one process for each claim proves the original, and forks one for every mutant of it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from verify.claim import Claim, Verdict, worst
from verify.mutants.exam import (
    UNPLANTED,
    Proofs,
    evidence_of,
    examine,
    mutants_of,
    mutants_of_lemmas,
    proofs,
)
from verify.mutants.mutant import Found, Mutant
from verify.mutants.report import Result, result_of
from verify.mutants.seats import PROCESSES, Ended, Send, answers, streams
from verify.mutants.supposed import mutants_of_hypotheses
from verify.runner import Evidence

SECONDS = 120.0  # for one mutant, on a machine that may be busy
PATIENCE = 5  # times as long may the original take, whose mutants start from what it has found out


@dataclass(frozen=True, kw_only=True)
class Original:
    """What the checks say of the statement as it stands."""

    evidence: tuple[Evidence, ...]
    verdict: Verdict
    proofs: Proofs
    took: dict[str, float]
    why: str


@dataclass(frozen=True, kw_only=True)
class Exam:
    """Who examines what: the package, how its small subject is made, the time for a mutant, and what is known."""

    package: str
    prepare: Callable[[], Any]
    seconds: float = SECONDS
    kept: AbstractSet[str] = frozenset()  # names of mutants whose results are there already


def original_of(claim: Claim, subject: Any) -> Original:
    """The claim's checks on the subject as it is."""
    evidence = evidence_of(claim, claim.subject(subject), None, {})
    weakest = max(evidence, key=lambda item: item.verdict)
    return Original(
        evidence=evidence,
        verdict=worst(item.verdict for item in evidence),
        proofs=proofs(evidence),
        took={item.check: item.seconds for item in evidence},
        why=f"{weakest.check}: {weakest.summary}",
    )


def sit(exam: Exam, names: Sequence[str]) -> Iterator[tuple[str, Sequence[Result]]]:
    """Claims, each first with all its mutants as not yet examined, then with what became of one after another."""
    side_by_side = min(PROCESSES, len(names))
    tasks = [partial(_sit_one, exam, name, PROCESSES // side_by_side) for name in names]
    left: dict[str, dict[str, Result]] = {}
    for place, said in streams(tasks, PATIENCE * exam.seconds, side_by_side, nested=True):
        name = names[place]
        if not isinstance(said, Ended):
            if name not in left:
                left[name] = {row.name: row for row in said}
            elif len(said) == 1:
                left[name].pop(said[0].name, None)
            yield name, said
        elif name not in left:
            rows = [result_of(mutant, _unseen(said.why)) for mutant in mutants_of(exam.package, name)]
            yield name, rows
            yield from ((name, [row]) for row in rows)
        else:
            lost = [row for row in left[name].values() if row.name not in exam.kept]
            yield from ((name, [replace(row, why=said.why or row.why)]) for row in lost)


def _unseen(why: str) -> Found:
    return Found(result="open", by=UNPLANTED, why=why or "not examined")


def _sit_one(exam: Exam, name: str, processes: int, send: Send) -> None:
    """Prove the original, and then judge each of its mutants in a process that knows what was found out for it."""
    claim: Claim = importlib.import_module(f"{exam.package}.{name}").CLAIM
    subject = exam.prepare()
    start = original_of(claim, subject)
    mutants = (
        *mutants_of(exam.package, name),
        *mutants_of_hypotheses(name, start.evidence),
        *mutants_of_lemmas(exam.package, name, start.evidence),
    )
    send([result_of(mutant, _unseen("its process ended before")) for mutant in mutants])
    todo = [mutant for mutant in mutants if mutant.name not in exam.kept]
    for mutant, found in _judged(exam, claim, subject, start, todo, processes):
        send([result_of(mutant, found)])


def _judged(
    exam: Exam, claim: Claim, subject: Any, start: Original, mutants: Sequence[Mutant], processes: int
) -> Iterator[tuple[Mutant, Found]]:
    if start.verdict is not Verdict.PASS:
        why = f"it is {start.verdict}: {start.why}"
        yield from ((mutant, Found(result="open", by=UNPLANTED, why=why)) for mutant in mutants)
        return
    tasks = (partial(examine, claim, mutant, exam.prepare, subject, start.proofs, start.took) for mutant in mutants)
    for place, found in answers(tasks, exam.seconds, processes):
        yield mutants[place], found if isinstance(found, Found) else Found(result="open", by="", why=str(found))
