"""Wrong statements with indices: products of tensors and reciprocals, rewritten by the calculus and then changed."""

import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.verify.prove.wrong.arrays import INDICES, H, N, Oracle, d, gamma
from verify.prove.indices import tensors
from verify.prove.indices.calculus import Calculus
from verify.prove.indices.contraction import subtract
from verify.prove.indices.tensors import (
    Expression,
    Index,
    Letter,
    Tensor,
    delta,
    derivative,
    exponential,
    lift,
    reciprocal,
    total,
)

SIZES = ({N: 3, d: 2, H: 4}, {N: 2, d: 4, H: 3})
Rng = random.Random


def label(rng: Rng, size: Any) -> Index:
    return rng.choice(INDICES[size][:3])


# Statements


def definitions(rng: Rng) -> dict[str, Any]:
    """A tensor and letters over it: its entries or exponentials, and a reciprocal of a sum of one of them."""
    sizes = tuple(rng.choice((N, N, d, H)) for _ in range(rng.choice((1, 2, 2, 3, 4))))
    X = Tensor("X", sizes, logarithmic=rng.random() < 0.5)
    slots = tuple(INDICES[size][place] for place, size in enumerate(sizes))
    of: Any = exponential("e", slots, X[slots]) if X.logarithmic else X
    labels = tuple(label(rng, size) for size in sizes)
    known = list(dict.fromkeys(labels))
    kept = tuple(index for index in known if rng.random() < 0.4)
    factor = rng.choice([1, 1, 1, 2, gamma, N])
    body = factor * total(of[labels], *(index for index in known if index not in kept))
    r = reciprocal("r", kept, body)
    return {"X": X, "of": of, "r": r, "labels": labels, "own": r[kept], "body": body}


def statement(rng: Rng) -> Expression:
    """Sums over some indices of a product that holds a reciprocal beside what it may divide by."""
    known = definitions(rng)
    of, r = known["of"], known["r"]
    if rng.random() < 0.7:  # nearly what it divides by
        labels = tuple(index if rng.random() < 0.85 else label(rng, index.size) for index in known["labels"])
        slots = tuple(index if rng.random() < 0.9 else label(rng, index.size) for index in r.slots)
    else:
        labels = tuple(label(rng, size) for size in _sizes(of))
        slots = tuple(label(rng, slot.size) for slot in r.slots)
    factors: list[Any] = [of[labels], r[slots]]
    vector, matrix = Tensor("c", (N,)), Tensor("A", (N, d))
    extra = [
        lambda: vector[label(rng, N)],
        lambda: matrix[label(rng, N), label(rng, d)],
        lambda: lift(gamma),
        lambda: r[tuple(label(rng, slot.size) for slot in r.slots)],
        lambda: delta(label(rng, N), label(rng, N)),
        lambda: of[tuple(label(rng, size) for size in _sizes(of))],
    ]
    factors += [rng.choice(extra)() for _ in range(rng.choice((0, 0, 0, 1, 1, 2)))]
    rng.shuffle(factors)
    whole: Expression = lift(1)
    for factor in factors:
        whole = factor * whole
    free = sorted(whole.free, key=lambda index: index.name)
    rng.shuffle(free)
    summed = [index for index in free if rng.random() < 0.75]
    if rng.random() < 0.2:
        summed.append(label(rng, rng.choice((N, d, H))))
    whole = total(whole, *summed)
    if rng.random() < 0.15:
        X = known["X"]
        whole = derivative(whole, X[tuple(label(rng, size) for size in X.sizes)])
    if rng.random() < 0.2:
        whole = whole + rng.choice([1, vector[label(rng, N)], gamma])
    return whole


def _sizes(of: Any) -> tuple[Any, ...]:
    return of.sizes if isinstance(of, Tensor) else tuple(slot.size for slot in of.slots)


# Changes


def nodes(expression: Expression, at: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Expression]]:
    yield at, expression
    for place, part in enumerate(_inner(expression)):
        yield from nodes(part, (*at, place))


def _inner(expression: Expression) -> tuple[Expression, ...]:
    return () if isinstance(expression, tensors.Entry | tensors.Derivative) else expression.parts


def put(expression: Expression, at: tuple[int, ...], new: Expression) -> Expression:
    if not at:
        return new
    match expression:
        case tensors.Sum(terms):
            return tensors.Sum(tuple(put(t, at[1:], new) if p == at[0] else t for p, t in enumerate(terms)))
        case tensors.Product(factors):
            return tensors.Product(tuple(put(f, at[1:], new) if p == at[0] else f for p, f in enumerate(factors)))
        case tensors.Total(body, index):
            return tensors.Total(put(body, at[1:], new), index)
    raise AssertionError(expression)


def changed(expression: Expression, rng: Rng) -> Expression:
    """One change: a factor, term or range dropped, an index renamed, repeated or moved, a size too many."""
    at, node = rng.choice(list(nodes(expression)))
    ways: list[Callable[[], Expression]] = [
        lambda: rng.choice([N, d, 2, -1, gamma, 1 / N, 1 / d, H]) * node,
        lambda: total(node, label(rng, rng.choice((N, d, H)))),
    ]
    match node:
        case tensors.Sum(parts) | tensors.Product(parts) if len(parts) > 1:
            drop = rng.randrange(len(parts))
            ways += [lambda: type(node)(parts[:drop] + parts[drop + 1 :])] * 3
        case tensors.Total(body, index):
            ways += [lambda: body, lambda: total(body, label(rng, index.size))]
            ways += [lambda: rng.choice([1, index.size]) * renamed(body, {index: label(rng, index.size)})] * 2
        case tensors.Entry(of, indices) if indices:
            place = rng.randrange(len(indices))
            other = label(rng, indices[place].size)
            ways += [lambda: of[(*indices[:place], other, *indices[place + 1 :])]] * 3
        case tensors.Delta(first, second):
            ways += [lambda: lift(1), lambda: delta(first, label(rng, second.size))]
    new = rng.choice(ways)()
    return put(expression, at, new)


def renamed(expression: Expression, names: dict[Index, Index]) -> Expression:
    """Free occurrences renamed, captured or not: a careless reader's renaming."""
    match expression:
        case tensors.Sum(parts) | tensors.Product(parts):
            return type(expression)(tuple(renamed(part, names) for part in parts))
        case tensors.Total(body, index):
            return tensors.Total(renamed(body, {k: v for k, v in names.items() if k != index}), index)
        case tensors.Delta(first, second):
            return delta(names.get(first, first), names.get(second, second))
        case tensors.Entry(of, indices):
            return of[tuple(names.get(index, index) for index in indices)]
    return expression


Statement = tuple[Expression, Expression]


def statements(rng: Rng) -> Iterator[Statement]:
    """Products, what the calculus makes of them, and both after one or two changes, without end."""
    while True:
        left = statement(rng)
        try:
            calculus = Calculus.of([left])
            yield left, calculus.write(calculus.cancel(calculus.read(left))[0])
        except ValueError:
            continue
        for _ in range(3):
            sides = [left, left]
            for _ in range(rng.choice((1, 1, 2))):
                place = rng.randrange(2)
                sides[place] = changed(sides[place], rng)
            yield sides[0], sides[1]


def is_proved(of: Statement) -> bool:
    calculus = Calculus.of(of)
    return not calculus.cancel(subtract(*map(calculus.read, of)))[0]


def holds(of: Statement) -> bool | None:
    """Whether the sides are equal at two instances with different sizes; None if that cannot be told."""
    found = [Oracle(sizes, seed).holds(*of) for seed, sizes in enumerate(SIZES)]
    return False if False in found else None if None in found else True


def shown(of: Statement) -> str:
    return f"{_text(of[0])} = {_text(of[1])} with {'; '.join(map(_letters, of))}"


def _text(expression: Expression) -> str:
    """The expression as text, for the message of a failure."""
    match expression:
        case tensors.Scalar(value):
            return f"({value})"
        case tensors.Sum(terms):
            return "(" + " + ".join(map(_text, terms)) + ")"
        case tensors.Product(factors):
            return " ".join(map(_text, factors))
        case tensors.Total(body, index):
            return f"Σ_{index.name}[{_text(body)}]"
        case tensors.Delta(first, second):
            return f"[{first.name}={second.name}]"
        case tensors.Entry(of, indices):
            return f"{of.name}_{''.join(index.name for index in indices)}"
        case tensors.Derivative(body, by):
            return f"∂{_text(body)}/∂{_text(by)}"
    raise AssertionError(expression)


def _letters(expression: Expression) -> str:
    """What the letters in the expression stand for."""
    found = {part.of.name: part.of for part in expression.walk() if isinstance(part, tensors.Entry)}
    own = [of for of in found.values() if isinstance(of, Letter)]
    return "; ".join(f"{of.kind} {of.name}[{''.join(i.name for i in of.slots)}] of {_text(of.body)}" for of in own)
