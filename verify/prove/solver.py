"""Two independent answers to "do these inequalities imply that one?": z3, and an exact certificate.

z3 decides real polynomial arithmetic (its negation of the goal must be unsatisfiable). The
certificate writes the goal as a combination of what is known, which anyone can multiply out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sympy as sp
import z3

from verify.prove.certificate import Certificate, certificate
from verify.prove.system import Relation, System, system

RESOURCES = 20_000_000  # z3's own count of work, not time, so that answers do not depend on the machine


@dataclass(frozen=True)
class Discharge:
    """What both said of one implication, and the constraint left over where one is silent."""

    by_solver: bool
    certificate: Certificate | None

    @property
    def proved(self) -> bool:
        return self.by_solver and self.certificate is not None

    @property
    def doubt(self) -> str:
        """Why it is not proved."""
        parts = ["z3 does not prove it"] * (not self.by_solver) + ["no certificate"] * (self.certificate is None)
        return " and ".join(parts)


def discharge(known: Iterable[Relation], goal: Relation) -> Discharge:
    """Whether the known relations imply the goal.

    Raises:
        ValueError: as `system`.
    """
    given = list(known)
    goals = [goal, Relation(goal.right, goal.left)] if goal.equal else [goal]
    problems = [system(given, one) for one in goals]
    found = [certificate(problem) or _squared(given, one) for one, problem in zip(goals, problems, strict=True)]
    return Discharge(all(map(_unsatisfiable, problems)), found[0] if None not in found else None)


def _squared(given: list[Relation], goal: Relation) -> Certificate | None:
    """A certificate of left² ≤ right², which implies left ≤ right where right ≥ 0."""
    if not goal.right.is_nonnegative:
        return None
    return certificate(system(given, Relation(sp.expand(goal.left**2), sp.expand(goal.right**2))))


def _unsatisfiable(problem: System) -> bool:
    """Whether z3 finds that no real numbers satisfy everything known and violate the goal."""
    names = {variable: z3.Real(str(variable)) for variable in problem.variables}
    solver = z3.SolverFor("QF_NRA")
    solver.set("rlimit", RESOURCES)
    for variable, real in names.items():
        if variable.is_nonnegative:
            solver.add(real > 0 if variable.is_positive else real >= 0)
    reals = list(names.values())
    for polynomial, equal in zip(problem.known, problem.equal, strict=True):
        value = _value(polynomial, reals)
        solver.add(value == 0 if equal else value >= 0)
    solver.add(_value(problem.goal, reals) < 0)
    return bool(solver.check() == z3.unsat)


def _value(polynomial: Any, reals: list[Any]) -> Any:
    result: Any = z3.RealVal(0)
    for powers, coefficient in polynomial.terms():
        term: Any = z3.Q(int(coefficient.p), int(coefficient.q))
        for real, power in zip(reals, powers, strict=True):
            for _ in range(power):
                term = term * real
        result = result + term
    return result
