"""Wrong inequalities between norms, sums, maxima and lengths: chains by the rules, whose far end is then changed."""

import random
from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from itertools import product
from typing import Any

import numpy as np
import sympy as sp

from tests.verify.prove.wrong.values import value as matrix_value
from verify.prove.inequalities.chain import Chain, Fact, answer, at_least, at_most, steps_of
from verify.prove.inequalities.quantity import (
    Binder,
    Largest,
    Length,
    Letter,
    Norm,
    Total,
    free,
    largest,
    length,
    norm,
    size,
    total,
)
from verify.prove.inequalities.rules import cauchy_schwarz, member, minkowski, operator_norm, triangle
from verify.prove.inequalities.solver import discharge
from verify.prove.inequalities.system import Relation

n, K, M = sp.symbols("n K M", integer=True, positive=True)
k, j, i = sp.Idx("k", K), sp.Idx("j", M), sp.Idx("i", (1, K))
t, s = sp.Idx("t", (0, k)), sp.Idx("s", (0, K))  # the range of t depends on k
a, b, q = sp.symbols("a b q", nonnegative=True)
A, x, y = Letter("A", n, n), Letter("x", n, 1), Letter("y", n, 1)
x_k, y_k, z_j, w_kj = Letter("x_k", n, 1, k), Letter("y_k", n, 1, k), Letter("z_j", n, 1, j), Letter("w_kj", n, 1, k, j)
u_i, v_t = Letter("u_i", n, 1, i), Letter("v_t", n, 1, t)
INSTANCES = 6
MARGIN = 1e-7  # relative
Statement = tuple[Chain, Any, Any]  # the chain, and the sides of what it is said to prove: left ≤ right
Rng = random.Random

BOUND = Fact(left=norm(x_k), right=a, rule="‖x_k‖ ≤ a")  # holds on the instances by the choice of a
SMALL = Fact(left=norm(z_j), right=b * norm(y), rule="‖z_j‖ ≤ b ‖y‖")


def atoms(rng: Rng) -> Any:
    vectors = [x, y, x_k, y_k, z_j, w_kj, u_i, v_t, x + y, x_k + y_k, x_k - x, z_j + 2 * y, A * x_k, A * (x + z_j)]
    return rng.choice([*map(norm, vectors), norm(x.T * y_k), a, b, sp.Integer(2), q**k, q**i, q**s, norm(A, "op")])


Naive = Callable[[dict[Any, Any], dict[Any, int]], float]


def quantity(rng: Rng, depth: int) -> tuple[Any, Naive]:
    """Built by the toolkit's own constructors, which move out of a sum what they can; and its value as it was meant."""
    if depth == 0:
        atom = atoms(rng)
        return atom, lambda given, place: value(atom, given, place)
    one, first = quantity(rng, depth - 1)
    kind = rng.choice(("sum", "product", "square", "quotient", *["total"] * 3, *["largest"] * 2, *["length"] * 2))
    match kind:
        case "sum" | "product":
            two, second = quantity(rng, depth - 1)
            if kind == "sum":
                return one + two, lambda given, place: first(given, place) + second(given, place)
            return one * two, lambda given, place: first(given, place) * second(given, place)
        case "square":
            return one**2, lambda given, place: first(given, place) ** 2
        case "quotient":
            return one / (1 + b), lambda given, place: first(given, place) / (1 + given[b])
        case "total":
            index = rng.choice((k, k, j, i, i, t, s))
            return total(index, one), lambda given, place: sum(_over([index], first, given, place))
        case "largest":
            index = rng.choice((k, j, i, t))
            return largest(index, one), lambda given, place: max(_over([index], first, given, place))
    over = rng.choice(([k], [j], [i], [s], [k, j]))
    return length(over, one), lambda given, place: float(np.linalg.norm(_over(over, first, given, place)))


def _over(indices: list[Any], body: Naive, given: dict[Any, Any], place: dict[Any, int]) -> list[float]:
    if not indices:
        return [body(given, place)]
    return [
        each
        for chosen in _range(indices[0], given, place)
        for each in _over(indices[1:], body, given, {**place, indices[0]: chosen})
    ]


def is_kept(rng: Rng) -> bool:
    """Whether what the constructors make of a random quantity has the value that was meant, wherever that is told.

    Raises:
        ValueError: the constructors refuse it.
    """
    built, naive = quantity(rng, rng.choice((2, 3, 3)))
    for seed in range(2):
        given = _instance(seed)
        for place in rng.sample(list(_places((k, j, i, t, s), given)), 3):
            if abs(value(built, given, place) - naive(given, place)) > MARGIN * (1 + abs(naive(given, place))):
                return False
    return True


def facts(expression: Any) -> list[Fact]:
    """The rules at what occurs in the expression."""
    found = [BOUND, SMALL]
    for atom in expression.atoms(Norm):
        inside = atom.matrix
        if isinstance(inside, sp.MatAdd) and inside.cols == 1:
            found.append(triangle(*inside.args))
        if isinstance(inside, sp.MatMul) and len(inside.args) == 2 and inside.args[0] == A:
            found.append(operator_norm(*inside.args))
        if isinstance(inside, sp.MatMul) and inside.shape == (1, 1):
            found.append(cauchy_schwarz(inside.args[0].arg, inside.args[1]))
        if len(over := free(atom)) == 1 and min(over) in (k, j, i):
            found.append(member(min(over), atom))
    found += [minkowski(atom) for atom in expression.atoms(Length) if isinstance(atom.body, sp.Add)]
    return found


def statement(rng: Rng) -> Statement:
    """A quantity and what some rules make of it."""
    chain = rng.choice((at_most, at_most, at_least))(quantity(rng, rng.choice((1, 2, 2, 3)))[0])
    for _ in range(rng.choice((1, 2, 3))):
        usable = facts(chain.end)
        rng.shuffle(usable)
        for fact in usable:
            try:
                chain = chain.by(fact)
                break
            except ValueError:
                continue
    return (chain, chain.end, chain.start) if chain.downward else (chain, chain.start, chain.end)


def changed(of: Statement, rng: Rng) -> Statement:
    """One change of a side: a size, a part or a binder dropped, another index or kind of binder, a factor."""
    chain, left, right = of
    if chain.downward:
        return chain, part_changed(left, rng), right
    return chain, left, part_changed(right, rng)


def parts(expression: Any, at: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Any]]:
    yield at, expression
    if isinstance(expression, sp.Add | sp.Mul):
        for place, argument in enumerate(expression.args):
            yield from parts(argument, (*at, place))
    elif isinstance(expression, Binder):
        yield from parts(expression.body, (*at, 0))


def part_changed(expression: Any, rng: Rng) -> Any:
    at, node = rng.choice(list(parts(expression)))
    ways = [lambda: rng.choice((2, sp.Rational(1, 2), 1 / K, 1 / M, K, M, sp.sqrt(K), b)) * node, lambda: atoms(rng)]
    if isinstance(node, sp.Add | sp.Mul):
        drop = rng.randrange(len(node.args))
        ways += [lambda: node.func(*(arg for place, arg in enumerate(node.args) if place != drop))] * 2
    if isinstance(node, Binder):
        index = rng.choice((node.indices[0], k, i, j, s))
        ways += [lambda: node.body, lambda: size(index) * node.body, lambda: sp.sqrt(size(index)) * node.body]
        ways += [lambda: rng.choice((total, largest, length))(index, node.body)] * 2
    return _put(expression, at, rng.choice(ways)())


def _put(expression: Any, at: tuple[int, ...], new: Any) -> Any:
    if not at:
        return sp.sympify(new)
    if isinstance(expression, Binder):
        body = _put(expression.body, at[1:], new)
        if isinstance(expression, Length):
            return length(expression.indices, body)
        return (total if isinstance(expression, Total) else largest)(expression.indices[0], body)
    arguments = list(expression.args)
    arguments[at[0]] = _put(arguments[at[0]], at[1:], new)
    return expression.func(*arguments)


def statements(rng: Rng) -> Iterator[Statement]:
    """Chains without end, with what they prove and with what they do not; what cannot be built is left out."""
    while True:
        try:
            base = statement(rng)
            yield base
            for _ in range(3):
                yield changed(base if rng.random() < 0.8 else changed(base, rng), rng)
        except ValueError:
            continue


def is_proved(of: Statement) -> bool:
    chain, left, right = of
    start, target = (right, left) if chain.downward else (left, right)
    if chain.start != start:
        return discharge([], Relation(left, right)).proved
    return all(answer(*step).proved for step in steps_of(chain.to(target) if chain.end != target else chain))


# The oracle


def holds(of: Statement) -> bool | None:
    """False if an instance clearly violates left ≤ right; None if none of a few does."""
    _, left, right = of
    for seed in range(INSTANCES):
        given = _instance(seed)
        for place in _places(free(left) | free(right), given):
            low, high = value(left, given, place), value(right, given, place)
            if low > high + MARGIN * (1 + abs(low) + abs(high)):
                return False
    return None


def _places(over: Iterable[Any], given: dict[Any, Any]) -> Iterator[dict[Any, int]]:
    independent = sorted({k if index == t else index for index in over}, key=str)
    for chosen in product(*(_range(index, given, {}) for index in independent)):
        place = dict(zip(independent, chosen, strict=True))
        if t not in over:
            yield place
        else:
            yield from ({**place, t: last} for last in _range(t, given, place))


def _range(index: Any, given: dict[Any, Any], place: dict[Any, int]) -> range:
    if index == t:
        return range(place[k] + 1)
    return {k: range(given[K]), j: range(given[M]), i: range(1, given[K] + 1), s: range(given[K] + 1)}[index]


def _sizes(given: dict[Any, Any]) -> dict[Any, int]:
    return {symbol: given[symbol] for symbol in (n, K, M)}


def _instance(seed: int) -> dict[Any, Any]:
    """Sizes from 2 on; on every other instance all families are constant, on some the matrix is the identity."""
    rng = np.random.default_rng(seed)
    given: dict[Any, Any] = {n: 2 + seed % 2, K: (3, 2, 5)[seed % 3], M: (2, 4, 3)[seed % 3]}
    one = rng.normal(size=(given[n], 1))

    def family(*shape: int) -> Any:
        alike = np.broadcast_to(one * rng.uniform(0.5, 2), (*shape, given[n], 1))
        return alike if seed % 2 else rng.normal(size=(*shape, given[n], 1))

    given |= {"x": family(), "y": family(), "x_k": family(given[K]), "y_k": family(given[K]), "z_j": family(given[M])}
    given |= {"w_kj": family(given[K], given[M]), "u_i": family(given[K] + 1), "v_t": family(given[K] + 1)}
    given["A"] = np.eye(given[n]) if seed % 3 == 1 else rng.normal(size=(given[n], given[n]))
    given[a] = max(np.linalg.norm(each) for each in given["x_k"])
    given[b] = max(np.linalg.norm(each) for each in given["z_j"]) / np.linalg.norm(given["y"])
    given[q] = (0.5, 2.0, 0.0, 1.0, 1.5, 0.9)[seed]
    return given


def value(expression: Any, given: dict[Any, Any], place: dict[Any, int]) -> float:
    match expression:
        case Norm():
            return _norm(expression, given, place)
        case Binder():
            bodies = list(_bodies(expression, list(expression.indices), given, place))
            if isinstance(expression, Largest):
                return max(bodies)
            return float(np.sqrt(sum(body**2 for body in bodies)) if isinstance(expression, Length) else sum(bodies))
        case sp.Idx():
            return float(place[expression])
        case sp.Symbol():
            return float(given[expression])
        case sp.Rational():
            return float(expression)
        case sp.Add():
            return sum(value(part, given, place) for part in expression.args)
        case sp.Mul():
            return reduce(lambda one, two: one * two, (value(part, given, place) for part in expression.args))
        case sp.Pow():
            return float(value(expression.base, given, place) ** value(expression.exp, given, place))
        case sp.Abs():
            return abs(value(expression.args[0], given, place))
    raise AssertionError(f"the oracle does not know {expression!r}")


def _bodies(binder: Any, indices: list[Any], given: dict[Any, Any], place: dict[Any, int]) -> Iterator[float]:
    if not indices:
        yield value(binder.body, given, place)
        return
    for chosen in _range(indices[0], given, place):
        yield from _bodies(binder, indices[1:], given, {**place, indices[0]: chosen})


def _norm(expression: Any, given: dict[Any, Any], place: dict[Any, int]) -> float:
    letters = expression.matrix.atoms(Letter)
    known = {letter: given[letter.name][tuple(place[index] for index in letter.indices)] for letter in letters}
    found = np.atleast_2d(matrix_value(expression.matrix, {**known, **_sizes(given)}))
    kinds = {"2": "fro", "F": "fro", "op": 2}
    return float(np.linalg.norm(found, kinds[expression.kind]))


def shown(of: Statement) -> str:
    chain, left, right = of
    lines = "; ".join(line.rule for line in chain.lines)
    return f"{left}  ≤  {right}   [{lines}]"
