"""z3 as an oracle: whether no real numbers satisfy everything known and violate the goal. The proofs do without it."""

from collections.abc import Iterable, Iterator
from typing import Any

import z3

from verify.prove.inequalities.system import Relation, System, system

QUICK, RESOURCES = 200_000, 20_000_000  # z3's own count of work, not time: answers do not depend on the machine


def implied(known: Iterable[Relation], goal: Relation) -> bool:
    """Whether z3 proves the implication."""
    text = "".join(_assertions(system(list(known), goal), goal.equal))
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
