"""Mutants that suppose less: each hypothesis of a conclusion dropped, each declared sign widened.

They change no constant of a file: the conclusions that were proved are drawn again from what is left.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from verify.claim import Identity
from verify.mutants.mutant import Found, Mutant
from verify.prove.inequalities.weaker import Weaker, conclude_weaker, weaker
from verify.runner import Evidence


def mutants_of_hypotheses(name: str, evidence: Iterable[Evidence]) -> tuple[Mutant, ...]:
    """One for each hypothesis and each sign on which some conclusion of the claim rests by itself."""
    found: dict[str, tuple[Weaker, list[tuple[str, Identity]]]] = {}
    for item in evidence:
        for each in item.findings:
            if isinstance(each, Identity) and each.status == "proved" and each.conclusion is not None:
                for less in weaker(each.conclusion):
                    found.setdefault(less.text, (less, []))[1].append((item.check, each))
    return tuple(
        Mutant(
            claim=name,
            constant="hypotheses",
            kind="quantifier widened" if less.widened else "hypothesis dropped",
            change=text,
            concluded=tuple(concluded),
        )
        for text, (less, concluded) in found.items()
    )


def judged(mutant: Mutant) -> Found:
    """Rejected where one conclusion is refuted, true as well where all are proved, else open."""
    began, doubts = time.perf_counter(), []
    check = ""
    for check, before in mutant.concluded:
        found = conclude_weaker(before.name, before.conclusion, mutant.less_of(before))
        if found.status == "refuted":
            return Found(result="rejected", by=check, why=f"{found.name}: {found.reading}", seconds=_since(began))
        if found.status != "proved":
            doubts.append((check, f"{found.name}: {found.reading}"))
    if not doubts:
        return Found(result="true as well", by=check, why="every line is discharged without it", seconds=_since(began))
    return Found(result="open", by=doubts[0][0], why=doubts[0][1], seconds=_since(began))


def _since(began: float) -> float:
    return round(time.perf_counter() - began, 2)
