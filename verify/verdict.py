"""The four answers that a finding, a check or a claim can have."""

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
