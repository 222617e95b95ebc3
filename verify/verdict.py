"""What a finding, a check or a claim can answer, and how strong the evidence is."""

from __future__ import annotations

import enum
from collections.abc import Iterable


class Verdict(enum.IntEnum):
    """The four answers, ordered from best to worst."""

    PASS = 0
    UNDECIDED = 1
    FAIL = 2
    ERROR = 3

    def __str__(self) -> str:
        return self.name.lower()


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of the verdicts; no evidence at all is undecided."""
    return max(verdicts, default=Verdict.UNDECIDED)


class Grade(enum.StrEnum):
    """How strong a piece of evidence is, strongest first; it follows from the findings."""

    SYMBOLIC = "symbolic"
    CERTIFIED = "certified"
    STATISTICAL = "statistical"
    NUMERIC = "numeric"
    ARGUED = "argued"


def weakest(grades: Iterable[Grade]) -> Grade:
    """The weakest of the grades; without evidence, the weakest there is."""
    order = list(Grade)
    return order[max(map(order.index, grades), default=len(order) - 1)]
