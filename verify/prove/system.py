"""Inequalities between quantities as inequalities between polynomials in real variables.

Every atom (a symbol, norm, sum …) becomes a variable with the sign that sympy knows of it; x = r² where
square roots of x occur; a root of a sum becomes a variable with its defining equation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

Expr = Any


@dataclass(frozen=True)
class Relation:
    """left ≤ right, or left = right."""

    left: Expr
    right: Expr
    equal: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "left", sp.sympify(self.left))
        object.__setattr__(self, "right", sp.sympify(self.right))


@dataclass(frozen=True)
class System:
    """Known polynomials, each ≥ 0 (or = 0 where `equal`), and the goal ≥ 0, in variables of known sign."""

    variables: tuple[Any, ...]  # sympy symbols whose assumptions are their signs
    known: tuple[Any, ...]
    equal: tuple[bool, ...]
    goal: Any


def system(relations: Iterable[Relation], goal: Relation) -> System:
    """The relations and the goal over common variables.

    Raises:
        ValueError: a denominator is not known to be positive.
    """
    given = list(relations)
    flat = _Flat()
    for relation in [*given, goal]:
        flat.scan(relation.left)
        flat.scan(relation.right)
    sides = [flat.numerator(relation) for relation in given]
    wanted = flat.numerator(goal)
    known = [*sides, *flat.definitions]
    variables = tuple(sorted({s for p in [*known, wanted] for s in p.free_symbols}, key=str)) or (sp.Dummy("x"),)
    return System(
        variables=variables,
        known=tuple(sp.Poly(p, *variables) for p in known),
        equal=(*(relation.equal for relation in given), *(True for _ in flat.definitions)),
        goal=sp.Poly(wanted, *variables),
    )


@dataclass
class _Flat:
    """The variables met so far: by atom, the common denominator of its exponents, and its variable."""

    roots: dict[Expr, int] = field(default_factory=dict)
    variables: dict[Expr, Any] = field(default_factory=dict)
    definitions: list[Expr] = field(default_factory=list)

    def scan(self, expression: Expr) -> None:
        """Take note of the roots of atoms."""
        if isinstance(expression, sp.Pow) and expression.exp.is_Rational and _is_atom(expression.base):
            base, denominator = expression.base, int(expression.exp.q)
            self.roots[base] = math.lcm(self.roots.get(base, 1), denominator)
        elif not _is_atom(expression):
            for part in expression.args:
                self.scan(part)

    def numerator(self, relation: Relation) -> Expr:
        """right − left, times a positive denominator."""
        difference = self.flatten(relation.right) - self.flatten(relation.left)
        if not any(power.exp.is_negative for power in difference.atoms(sp.Pow)):
            return sp.expand(difference)
        above, below = sp.fraction(sp.together(difference))
        if not below.is_positive:
            raise ValueError(f"the denominator {below} of {relation.right} − {relation.left} is not known positive")
        return sp.expand(above)

    def flatten(self, expression: Expr) -> Expr:
        """The expression in variables."""
        if expression.is_Rational:
            return expression
        if isinstance(expression, sp.Pow) and expression.exp.is_Rational:
            base, exponent = expression.args
            if _is_atom(base):
                return self._variable(base) ** (exponent * self.roots.get(base, 1))
            if exponent.is_Integer:
                return self.flatten(base) ** exponent
            return self._root(base, int(exponent.q)) ** exponent.p
        if isinstance(expression, (sp.Add, sp.Mul)):
            return expression.func(*map(self.flatten, expression.args))
        expanded = sp.expand_power_exp(expression)
        if expanded != expression:  # q^(s+1) = q · q^s
            return self.flatten(expanded)
        return self._variable(expression) ** self.roots.get(expression, 1)

    def _variable(self, atom: Expr) -> Any:
        if atom not in self.variables:
            sign = {"positive": True} if atom.is_positive else {"nonnegative": True} if atom.is_nonnegative else {}
            self.variables[atom] = sp.Dummy(f"x{len(self.variables):03}", **({"real": True} | sign))
            if isinstance(atom, sp.Abs):
                square = self.variables[atom] ** (2 * self.roots.get(atom, 1))
                self.definitions.append(sp.expand(square - self.flatten(atom.args[0]) ** 2))
        return self.variables[atom]

    def _root(self, base: Expr, degree: int) -> Any:
        """The nonnegative root of a number or a sum, with its defining equation."""
        if not base.is_nonnegative:
            raise ValueError(f"a root of {base}, which is not known to be nonnegative")
        new = (base, degree) not in self.variables
        key = (base, degree)
        if new:
            sign = {"positive": True} if base.is_positive else {"nonnegative": True}
            self.variables[key] = sp.Dummy(f"x{len(self.variables):03}", **sign)
            self.definitions.append(sp.expand(self.flatten(base) - self.variables[key] ** degree))
        return self.variables[key]


def _is_atom(expression: Expr) -> bool:
    if isinstance(expression, sp.Pow):
        return not expression.exp.is_Rational
    return not (expression.is_Rational or isinstance(expression, (sp.Add, sp.Mul)))
