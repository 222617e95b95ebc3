"""Do these inequalities imply that one? Answered by an exact certificate, or not at all.

The certificate writes the goal as a combination of what is known, which anyone can multiply out. What has
none is unknown, however true it may be.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import sympy as sp

from verify.prove.inequalities.certificate import Certificate, certificate, is_valid
from verify.prove.inequalities.system import Relation, System, system


@dataclass(frozen=True)
class Discharge:
    """The certificate of one implication, if one was found."""

    certificate: Certificate | None

    @property
    def proved(self) -> bool:
        return self.certificate is not None

    @property
    def doubt(self) -> str:
        """Why it is not proved."""
        return "" if self.proved else "no certificate"


def discharge(known: Iterable[Relation], goal: Relation) -> Discharge:
    """Whether the known relations imply the goal.

    Raises:
        ValueError: as `system`.
    """
    given = list(known)
    return Discharge(_certified(given, goal, system(given, goal)))


def _certified(given: list[Relation], goal: Relation, problem: System) -> Certificate | None:
    """A certificate of left ≤ right, if for an equation there is one of left ≥ right too."""
    found = certificate(problem)
    if not goal.equal:
        return found or _squared(given, goal)
    opposite = replace(problem, goal=-problem.goal)
    if found is not None and is_valid(found.negated, opposite):
        return found
    other = certificate(opposite) or _squared(given, Relation(goal.right, goal.left))
    return None if other is None else found or _squared(given, goal)


def _squared(given: list[Relation], goal: Relation) -> Certificate | None:
    """A certificate of left² ≤ right², which implies left ≤ right where right ≥ 0."""
    if not goal.right.is_nonnegative:
        return None
    return certificate(system(given, Relation(sp.expand(goal.left**2), sp.expand(goal.right**2))))
