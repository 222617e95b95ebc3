"""Wrong implications between inequalities of real numbers: true ones by construction, then changed."""

import random
from collections.abc import Iterator
from functools import reduce
from typing import Any

import numpy as np
import sympy as sp

from verify.prove.inequalities.solver import discharge
from verify.prove.inequalities.system import Relation

a, b, c, d = sp.symbols("a b c d", nonnegative=True)
p, K = sp.symbols("p K", positive=True)
r = sp.Symbol("r", real=True)
VARIABLES = (a, b, c, d, p, K, r)
POINTS = 1500
MARGIN = 1e-6  # relative: far above the rounding of the few operations of a side
Statement = tuple[tuple[Relation, ...], Relation]
Rng = random.Random


def increasing(rng: Rng, depth: int) -> Any:
    """An expression that is nonnegative and does not fall when one of its variables grows."""
    if depth == 0:
        return rng.choice((a, b, c, d, p, K, sp.Integer(1), sp.Rational(1, 2), sp.Integer(2), sp.Abs(r)))
    one, two = increasing(rng, depth - 1), increasing(rng, depth - 1)
    ways = [lambda: one + two, lambda: one * two, lambda: one * two, lambda: sp.sqrt(one), lambda: one**2]
    return rng.choice([*ways, lambda: one / rng.choice((p, K)), lambda: one / (1 + rng.choice((c, d)))])()


def statement(rng: Rng) -> Statement:
    """Bounds on a and b by the others, and a bound that follows by putting them in."""
    first, second = (increasing(rng, rng.choice((0, 0, 1))).subs({a: c, b: d}) for _ in range(2))
    whole = increasing(rng, rng.choice((1, 1, 2)))
    known = (Relation(a, first, rng.random() < 0.15), Relation(b, second))[: 1 + (b in whole.free_symbols)]
    return known, Relation(whole, whole.subs({a: first, b: second}))


def changed(of: Statement, rng: Rng) -> Statement:
    """One change of the goal or of a fact: reversed, dropped, or a part of a side changed."""
    known, goal = of
    place = rng.randrange(len(known) + 2)
    if place < len(known) and rng.random() < 0.3:
        return (*known[:place], *known[place + 1 :]), goal
    relation = known[place] if place < len(known) else goal
    match rng.choice(("left", "right", "right", "reversed", "equal")):
        case "left":
            new = Relation(part_changed(relation.left, rng), relation.right, relation.equal)
        case "right":
            new = Relation(relation.left, part_changed(relation.right, rng), relation.equal)
        case "reversed":
            new = Relation(relation.right, relation.left, relation.equal)
        case _:
            new = Relation(relation.left, relation.right, not relation.equal)
    if place < len(known):
        return (*known[:place], new, *known[place + 1 :]), goal
    return known, new


def parts(expression: Any, at: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Any]]:
    yield at, expression
    if not isinstance(expression, sp.Pow):
        for place, argument in enumerate(expression.args):
            yield from parts(argument, (*at, place))


def part_changed(expression: Any, rng: Rng) -> Any:
    at, node = rng.choice(list(parts(expression)))
    ways = [
        lambda: rng.choice((2, sp.Rational(1, 2), sp.Rational(9, 10), sp.Rational(11, 10), -1, p, 1 / p)) * node,
        lambda: rng.choice(VARIABLES[:6]),
        lambda: node + rng.choice((1, -1, c)),
    ]
    if isinstance(node, sp.Add | sp.Mul):
        drop = rng.randrange(len(node.args))
        ways += [lambda: node.func(*(arg for place, arg in enumerate(node.args) if place != drop))] * 2
    if isinstance(node, sp.Pow):
        ways += [lambda: node.base, lambda: node.base ** (node.exp + rng.choice((sp.Rational(1, 2), 1)))] * 2
    return _put(expression, at, rng.choice(ways)())


def _put(expression: Any, at: tuple[int, ...], new: Any) -> Any:
    if not at:
        return sp.sympify(new)
    arguments = list(expression.args)
    arguments[at[0]] = _put(arguments[at[0]], at[1:], new)
    return expression.func(*arguments)


def statements(rng: Rng) -> Iterator[Statement]:
    """Implications without end; what the engine refuses to read (a root of a negative number …) is left out."""
    while True:
        try:
            base = statement(rng)
            yield base
            for _ in range(3):
                yield changed(base if rng.random() < 0.7 else changed(base, rng), rng)
        except ValueError:
            continue


def is_proved(of: Statement) -> bool:
    return discharge(*of).proved


def value(expression: Any, at: dict[Any, Any]) -> Any:
    match expression:
        case sp.Symbol():
            return at[expression]
        case sp.Rational():
            return float(expression)
        case sp.Add():
            return sum(value(part, at) for part in expression.args)
        case sp.Mul():
            return reduce(lambda one, two: one * two, (value(part, at) for part in expression.args))
        case sp.Pow():
            return np.power(value(expression.base, at), float(expression.exp))
        case sp.Abs():
            return np.abs(value(expression.args[0], at))
    raise AssertionError(f"the oracle does not know {expression!r}")


def holds(of: Statement) -> bool | None:
    """False if a point satisfies the facts and clearly violates the goal; None if none was found that does."""
    known, goal = of
    rng = np.random.default_rng(0)
    at: dict[Any, Any] = {s: np.exp(rng.uniform(-4, 4, POINTS)) for s in VARIABLES}
    for symbol in (a, b, c, d):
        at[symbol][rng.random(POINTS) < 0.15] = 0.0
    at[r] = at[r] * rng.choice((-1, 1), POINTS)
    with np.errstate(all="ignore"):
        for relation in (*known, *known):  # a fact that bounds a variable is often met by putting the bound in
            for side, other in ((relation.left, relation.right), (relation.right, relation.left)):
                if side in (a, b):
                    share = np.where(rng.random(POINTS) < 0.7, 1.0, rng.uniform(0, 1, POINTS))
                    found = value(other, at) * (share if side == relation.left else 1 / np.maximum(share, 0.1))
                    wrong = ~_met(relation, at)
                    at[side] = np.where(wrong & (found >= 0) & (rng.random(POINTS) < 0.9), found, at[side])
        met = np.ones(POINTS, bool)
        for relation in known:
            met &= _met(relation, at)
        left, right = (np.broadcast_to(value(side, at), (POINTS,)) for side in (goal.left, goal.right))
        gap = np.abs(left - right) if goal.equal else left - right
        # Points at which a difference of large numbers could be rounding alone are left out.
        clear = gap > MARGIN * (1 + np.abs(left) + np.abs(right))
        return False if bool(np.any(met & np.isfinite(left) & np.isfinite(right) & clear)) else None


def _met(relation: Relation, at: dict[Any, Any]) -> Any:
    left, right = value(relation.left, at), value(relation.right, at)
    if relation.equal:
        return np.abs(left - right) <= 1e-13 * (np.abs(left) + np.abs(right))
    return left <= right


def shown(of: Statement) -> str:
    known, goal = of
    signs = {True: "=", False: "≤"}
    given = ", ".join(f"{r.left} {signs[r.equal]} {r.right}" for r in known)
    return f"{given} ⟹ {goal.left} {signs[goal.equal]} {goal.right}"
