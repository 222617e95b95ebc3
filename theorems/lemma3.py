"""Lemma 3 [T]: the norm of a sum of l vectors, squared, is at most l times the sum of their squares.

‖x_1 + … + x_l‖² ≤ l Σ_i ‖x_i‖² for all l and all dimensions, with equality exactly when all x_i are equal.

The difference of the two sides is a sum of squares, l Σ_i ‖x_i‖² − ‖Σ_i x_i‖² = ½ Σ_i Σ_j ‖x_i − x_j‖²;
in matrix form it is tr(X (lI − 11ᵀ) Xᵀ), and lI − 11ᵀ is positive semidefinite.

Wrong if a remainder is left, or if one list of vectors violates the bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

import flint
import numpy as np
import sympy as sp

from theorems.setting.experiment import Experiment, stream
from theorems.setting.notation import d
from theorems.setting.stated import Known, entries, evaluated
from verify.claim import Bound, Claim, Identity
from verify.prove import Equation, prove, prove_positive_semidefinite
from verify.prove.indices.indexed import Expression, Index, Tensor, prove_indexed, square, total
from verify.prove.inequalities import quantity
from verify.prove.inequalities.chain import Chain, at_most
from verify.prove.inequalities.conclusion import conclude
from verify.prove.inequalities.lemma import Lemma
from verify.prove.inequalities.rules import length_squared, sum_of_squares
from verify.prove.inequalities.rules import square as square_of
from verify.prove.inequalities.values import Values

STATEMENT = r"""
norm(x_1 + dots + x_l)^2 <= l sum_(i=1)^l norm(x_i)^2, quad
l sum_(i=1)^l norm(x_i)^2 - norm(x_1 + dots + x_l)^2 = 1/2 sum_(i,j=1)^l norm(x_i - x_j)^2
"""

l = sp.Symbol("l", integer=True, positive=True)  # noqa: E741  the paper's letter
i, j, a = Index("i", l), Index("j", l), Index("a", d)
x = Tensor("x", (d, l))
X: Any = sp.MatrixSymbol("X", d, l)  # the columns are x_1, …, x_l
ones: Any = sp.MatrixSymbol("1", l, 1)
LEFT: Expression = total(square(total(x[a, i], i)), a)
RIGHT: Expression = l * total(square(x[a, i]), a, i)
PAIRS: Expression = total(square(x[a, i] - x[a, j]), a, i, j) / 2  # RIGHT − LEFT, exactly
FORM = l * sp.Identity(l) - ones * ones.T  # the difference is tr(X M Xᵀ) with this M
COUNT = (Equation(ones.T * ones, sp.Identity(1) * l, "1ᵀ1 = l"),)

LISTS, VECTORS, DIMENSION = 200, 4, 3


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The experiment with another factor than l, or with other signs."""

    experiment: Experiment
    factor: sp.Expr = l
    sign: int = 1
    power: int = 2

    @property
    def right(self) -> Expression:
        """l Σ ‖x_i‖², or with another factor."""
        return RIGHT if self.factor == l else self.factor * total(square(x[a, i]), a, i)


def derive_sum_of_squares(subject: Experiment | Variant) -> Iterator[Identity]:
    """l Σ ‖x_i‖² − ‖Σ x_i‖² = ½ Σ_ij ‖x_i − x_j‖², which is not negative."""
    variant = _variant(subject)
    added: Expression = total(square(x[a, i] + x[a, j]), a, i, j) / 2
    pairs = PAIRS if variant.sign == 1 else added
    yield prove_indexed("l Σ ‖x_i‖² − ‖Σ x_i‖² = ½ Σ_ij ‖x_i − x_j‖²", variant.right - LEFT, pairs)


def derive_gram_form(subject: Experiment | Variant) -> Iterator[Identity]:
    """The same difference is tr(X M Xᵀ) with M = lI − 11ᵀ positive semidefinite, because l M = MᵀM."""
    variant = _variant(subject)
    M = FORM if variant.sign == 1 else l * sp.Identity(l) + ones * ones.T
    gap = variant.factor * sp.Trace(X.T * X) - sp.Trace(ones.T * X.T * X * ones)
    yield prove("l ‖X‖_F² − ‖X1‖² = tr(X M Xᵀ)", gap, sp.Trace(X * M * X.T), premises=COUNT, sample=_ones)
    yield prove_positive_semidefinite("M ⪰ 0", l * M, factor=M, premises=COUNT, sample=_ones)


def numbers_chain(index: Any, body: Any) -> Chain:
    """(Σ_k x_k)² ≤ l Σ_k x_k², because Σ_k (x_k − x̄)² ≥ 0 for the mean x̄."""
    whole, count = quantity.total(index, body), quantity.size(index)
    squares = sum_of_squares(index, body - whole / count)
    return at_most(whole**2).to(count * quantity.total(index, body**2), squares)


def below_length_chain(index: Any, body: Any) -> Chain:
    """Σ_k x_k ≤ √l (Σ_k x_k²)^½ for x_k ≥ 0."""
    squares = numbers_chain(index, body).fact("the square of a sum")
    bound = sp.sqrt(quantity.size(index)) * quantity.length(index, body)
    return at_most(quantity.total(index, body)).to(bound, squares, length_squared(index, body))


def pair_chain(first: Any, second: Any) -> Chain:
    """(x + y)² ≤ 2 (x² + y²)."""
    return at_most((first + second) ** 2).to(2 * (first**2 + second**2), square_of(first - second))


PAIR = Lemma(__name__, "Lemma 3", pair_chain)
NUMBERS = Lemma(__name__, "Lemma 3", numbers_chain)
BELOW_LENGTH = Lemma(__name__, "Lemma 3", below_length_chain)


def derive_numbers(subject: Experiment | Variant) -> Iterator[Identity]:
    """For numbers, as the other lemmas use it: the squares of the distances from their mean add up to 0 or more."""
    variant = _variant(subject)
    place, numbers = sp.Idx("i", l), sp.IndexedBase("x", nonnegative=True)
    chain = numbers_chain(place, numbers[place])
    goal = variant.factor * quantity.total(place, numbers[place] ** variant.power)
    yield conclude("(Σ x_i)² ≤ l Σ x_i²", chain.start, goal, chain, instances=_lists())


@cache
def _lists() -> tuple[Values, ...]:
    """Lists of numbers, equal ones among them."""
    given = ([3, 3], [1, 0, 2], [5, 5, 5, 5], [0, 1, 4, 2, 9], [7, 7, 1, 1, 0, 2])
    return tuple(
        Values(f"x = {each}", {l: len(each)}, {"x": lambda place, each=each: flint.arb(each[place])}) for each in given
    )


def measure_sum(subject: Experiment | Variant) -> Iterator[Bound]:
    """Lists of integer vectors satisfy the bound; equal vectors attain it."""
    variant = _variant(subject)
    vectors = stream(variant.experiment.study.seed, "lemma3").integers(-9, 10, size=(LISTS, VECTORS, DIMENSION))
    vectors[0] = vectors[0, 0]
    # Small integers: every operation is exact in float64, so the comparison has no rounding error.
    known = [{"x": each.T, l: VECTORS} for each in vectors]
    yield Bound(
        name=f"{LISTS} lists of {VECTORS} vectors",
        observed=[entries(LEFT, each).item() for each in known],
        bound=[_right(variant, each) for each in known],
        reason="exact in integers",
    )


def _right(variant: Variant, known: Known) -> float:
    """l Σ ‖x_i‖², or what a defect makes of it."""
    if variant.power == 2:
        return float(entries(variant.right, known))
    norms = np.linalg.norm(known["x"], axis=0)
    return float(evaluated(variant.factor, known) * np.sum(norms**variant.power))


def _ones(sizes: Mapping[Any, int], rng: Random) -> Mapping[Any, Any]:
    return {ones: [[1]] * sizes[l]}


def _variant(subject: Experiment | Variant) -> Variant:
    return subject if isinstance(subject, Variant) else Variant(experiment=subject)


def half_the_factor(experiment: Experiment) -> Variant:
    """The factor is l/2 instead of l."""
    return Variant(experiment=experiment, factor=l / 2)


def no_factor(experiment: Experiment) -> Variant:
    """The factor l is dropped, as if the vectors were orthogonal."""
    return Variant(experiment=experiment, factor=sp.Integer(1))


def wrong_sign(experiment: Experiment) -> Variant:
    """The squares are of x_i + x_j instead of x_i − x_j."""
    return Variant(experiment=experiment, sign=-1)


def norms_not_squared(experiment: Experiment) -> Variant:
    """The norms on the right are not squared."""
    return Variant(experiment=experiment, power=1)


CLAIM = Claim(
    statement=STATEMENT,
    heeds=("seed",),
    checks=(derive_sum_of_squares, derive_gram_form, derive_numbers, measure_sum),
    controls=(half_the_factor, no_factor, wrong_sign, norms_not_squared),
    stated=("LEFT", "RIGHT", "PAIRS", "FORM"),
    catches={
        derive_sum_of_squares: (half_the_factor, no_factor, wrong_sign),
        derive_gram_form: (half_the_factor, no_factor, wrong_sign),
        derive_numbers: (half_the_factor, no_factor, norms_not_squared),
        measure_sum: (half_the_factor, no_factor, norms_not_squared),
    },
)
