"""Two independent answers to "do these inequalities imply that one?": z3, and an exact certificate.

z3 decides real polynomial arithmetic (its negation of the goal must be unsatisfiable). The
certificate writes the goal as a combination of what is known, which anyone can multiply out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp
import z3

from verify.prove.certificate import Certificate, certificate, is_valid
from verify.prove.system import Relation, System, system

QUICK, RESOURCES = 200_000, 20_000_000  # z3's own count of work, not time: answers do not depend on the machine


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
    problem = system(given, goal)
    return Discharge(_unsatisfiable(problem, goal.equal), _certified(given, goal, problem))


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


def _unsatisfiable(problem: System, equal: bool) -> bool:
    """Whether z3 finds that no real numbers satisfy everything known and violate the goal."""
    text = "".join(_assertions(problem, equal))
    quick = _answer(z3.Tactic("qfnra-nlsat").solver(), text, QUICK)
    return bool((_answer(z3.SolverFor("QF_NRA"), text, RESOURCES) if quick == z3.unknown else quick) == z3.unsat)


def _answer(solver: Any, text: str, resources: int) -> Any:
    solver.set("rlimit", resources)
    solver.from_string(text)
    return solver.check()


def _assertions(problem: System, equal: bool) -> Iterator[str]:
    """What is known and the negated goal, in the language SMT-LIB; variables are called as in the polynomials."""
    for place, variable in enumerate(problem.variables):
        yield f"(declare-const x{place} Real)"
        if variable.nonnegative:
            yield f"(assert ({'>' if variable.positive else '>='} x{place} 0))"
    for polynomial, is_zero in zip(problem.known, problem.equal, strict=True):
        yield f"(assert ({'=' if is_zero else '>='} {_value(polynomial)} 0))"
    yield f"(assert (not ({'=' if equal else '>='} {_value(problem.goal)} 0)))"


def _value(polynomial: Any) -> str:
    products = [_product(powers, coefficient) for powers, coefficient in polynomial.terms()]
    return f"(+ 0 {' '.join(products)})"


def _product(powers: tuple[int, ...], coefficient: Any) -> str:
    factors = [f"x{place}" for place, power in enumerate(powers) for _ in range(power)]
    number = f"(/ {abs(coefficient.p)} {coefficient.q})"
    return f"(* {number if coefficient > 0 else f'(- {number})'} {' '.join(factors)})"
