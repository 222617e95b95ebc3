"""Values of expressions with indices by numpy: an axis for every index, derivatives by a small imaginary step."""

from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import sympy

from tests.verify.prove.wrong.values import APART, CLOSE
from verify.prove.indices import tensors
from verify.prove.indices.tensors import Expression, Index, Letter, Tensor

N, d, H = sympy.symbols("N d H", integer=True, positive=True)
gamma = sympy.Symbol("gamma", positive=True)
INDICES = {size: [Index(name, size) for name in names] for size, names in ((N, "ijkn"), (d, "abpq"), (H, "ghst"))}
WRITTEN = [Index(f"{place:02}", size) for size in INDICES for place in range(8)]  # as the calculus calls bound ones
AXES = [*(index for indices in INDICES.values() for index in indices), *WRITTEN]
STEP = 1e-40  # of the imaginary part: derivatives without cancellation


@cache
def _number(value: Any, sizes: tuple[tuple[Any, int], ...]) -> complex:
    return complex(sympy.sympify(value).subs({**dict(sizes), gamma: sympy.Rational(17, 10)}))


@dataclass
class Oracle:
    """Values by numpy: an axis for every index, derivatives by a small imaginary step."""

    sizes: dict[Any, int]
    seed: int
    moved: tuple[str, tuple[int, ...]] | None = None
    known: dict[str, Any] = field(default_factory=dict)
    drawn: dict[str, Any] = field(default_factory=dict)

    def holds(self, left: Expression, right: Expression) -> bool | None:
        """Whether the two sides are equal here; None if that cannot be told."""
        with np.errstate(all="ignore"):
            one, two = (np.real(self.value(side)) for side in (left, right))
        if not (np.all(np.isfinite(one)) and np.all(np.isfinite(two))):
            return None
        gap = np.max(np.abs(one - two) / (1 + np.abs(one) + np.abs(two)))
        return True if gap < CLOSE else False if gap > APART else None

    def value(self, expression: Expression) -> Any:
        match expression:
            case tensors.Scalar(value):
                return np.full((1,) * len(AXES), _number(value, tuple(self.sizes.items())))
            case tensors.Sum(terms):
                return sum((self.value(term) for term in terms[1:]), self.value(terms[0]))
            case tensors.Product(factors):
                whole = self.value(factors[0])
                for factor in factors[1:]:
                    whole = whole * self.value(factor)
                return whole
            case tensors.Total(body, index):
                inner, axis = self.value(body), AXES.index(index)
                if inner.shape[axis] == 1:
                    return inner * self.sizes[index.size]
                return inner.sum(axis=axis, keepdims=True)
            case tensors.Delta(first, second):
                return (self.along(first) == self.along(second)) * (1 + 0j)
            case tensors.Entry(of, indices):
                array = self.tensor(of) if isinstance(of, Tensor) else self.letter(of)
                return array[tuple(map(self.along, indices))] if indices else array.reshape((1,) * len(AXES))
            case tensors.Derivative(body, by):
                return self.slope(body, by)
        raise AssertionError(expression)

    def along(self, index: Index) -> Any:
        shape = [1] * len(AXES)
        shape[AXES.index(index)] = self.sizes[index.size]
        return np.arange(self.sizes[index.size]).reshape(shape)

    def tensor(self, of: Tensor) -> Any:
        if of.name not in self.drawn:
            rng = np.random.default_rng([self.seed, *map(ord, of.name)])
            shape = tuple(self.sizes[size] for size in of.sizes)
            self.drawn[of.name] = rng.uniform(0.3, 1.7, shape) * rng.choice([1, 1, -1], shape)
        array = self.drawn[of.name].astype(complex)
        if self.moved and self.moved[0] == of.name:
            array[self.moved[1]] += 1j * STEP
        return array

    def letter(self, of: Letter) -> Any:
        if of.name not in self.known:
            body = self.value(of.body)
            inner = {"exponential": np.exp, "reciprocal": lambda x: 1 / x, "shorthand": lambda x: x}[of.kind](body)
            shape = [1] * len(AXES)
            for slot in of.slots:
                shape[AXES.index(slot)] = self.sizes[slot.size]
            inner = np.broadcast_to(inner, shape)
            order = [AXES.index(slot) for slot in of.slots]
            rest = [axis for axis in range(len(AXES)) if axis not in order]
            self.known[of.name] = inner.transpose([*order, *rest]).reshape([shape[axis] for axis in order])
        return self.known[of.name]

    def slope(self, body: Expression, by: Any) -> Any:
        free = {*body.free, *by.indices}
        whole = np.zeros([self.sizes[index.size] if index in free else 1 for index in AXES], complex)
        for place in product(*(range(self.sizes[size]) for size in by.of.sizes)):
            at = dict(zip(by.indices, place, strict=True))
            if tuple(at[index] for index in by.indices) != place:  # a repeated index has one value
                continue
            moving = replace(self, moved=(by.of.name, place), known={})
            inner = np.imag(moving.value(body)) / STEP
            inner = np.broadcast_to(inner, [whole.shape[axis] if i in body.free else 1 for axis, i in enumerate(AXES)])
            where = tuple(slice(at[i], at[i] + 1) if i in at else slice(None) for i in AXES)
            here = tuple(slice(at[i], at[i] + 1) if i in at and i in body.free else slice(None) for i in AXES)
            whole[where] = inner[here]
        return whole
