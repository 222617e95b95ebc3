"""Lemma 3 [T]: the norm of a sum of l vectors, squared, is at most l times the sum of their squares.

‖x_1 + … + x_l‖² ≤ l Σ_i ‖x_i‖² for all l and all dimensions, with equality exactly when all x_i are equal.

The difference of the two sides is a sum of squares, l Σ_i ‖x_i‖² − ‖Σ_i x_i‖² = ½ Σ_i Σ_j ‖x_i − x_j‖²;
in matrix form it is tr(X (lI − 11ᵀ) Xᵀ), and lI − 11ᵀ is positive semidefinite.

Wrong if a remainder is left, or if one list of vectors violates the bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from functools import cache
from itertools import product
from random import Random
from typing import Any

import flint
import numpy as np
import sympy as sp

from theorems.setting.experiment import Experiment
from theorems.setting.notation import Drawn, Sizes, d
from theorems.setting.study import stream
from verify.claim import Bound, Claim, Identity, planted
from verify.prove import Equation, Instance, prove, prove_positive_semidefinite
from verify.prove.inequalities import quantity
from verify.prove.inequalities.chain import Chain, at_most
from verify.prove.inequalities.conclusion import conclude
from verify.prove.inequalities.lemma import Lemma
from verify.prove.inequalities.rules import length_squared, square, sum_of_squares
from verify.prove.inequalities.values import Values
from verify.prove.matrices import rational

STATEMENT = r"""
norm(x_1 + dots + x_l)^2 <= l sum_(i=1)^l norm(x_i)^2, quad
l sum_(i=1)^l norm(x_i)^2 - norm(x_1 + dots + x_l)^2 = 1/2 sum_(i,j=1)^l norm(x_i - x_j)^2
"""

l = sp.Symbol("l", integer=True, positive=True)  # noqa: E741  the paper's letter
X = sp.MatrixSymbol("X", d, l)  # the columns are x_1, …, x_l
ones = sp.MatrixSymbol("1", l, 1)
F, S = (sp.MatrixSymbol(name, l, l**2) for name in "FS")  # the columns (i, j) of XF and of XS are x_i and x_j
LEFT = sp.Trace(ones.T * X.T * X * ones)
RIGHT = l * sp.Trace(X.T * X)
PAIRS = sp.Trace((X * F - X * S).T * (X * F - X * S)) / 2  # RIGHT − LEFT, exactly
FORM = l * sp.Identity(l) - ones * ones.T  # the difference is tr(X M Xᵀ) with this M
COUNT = (Equation(ones.T * ones, sp.Identity(1) * l, "1ᵀ1 = l"),)
CHOICES = (
    Equation(F * F.T, l * sp.Identity(l), "FFᵀ = lI"),
    Equation(S * S.T, l * sp.Identity(l), "SSᵀ = lI"),
    Equation(F * S.T, ones * ones.T, "FSᵀ = 11ᵀ"),
)

LISTS, VECTORS, DIMENSION = 200, 4, 3


@dataclass(frozen=True)
class SumOfSquares:
    """The inequality with its factor, the signs in the pairs, and the power of the norms."""

    experiment: Experiment
    _: KW_ONLY
    factor: sp.Expr = l
    sign: int = 1
    power: int = 2

    @property
    def right(self) -> sp.Expr:
        """l Σ ‖x_i‖², or with another factor."""
        return self.factor / l * RIGHT


def derive_sum_of_squares(subject: SumOfSquares) -> Iterator[Identity]:
    """l Σ ‖x_i‖² − ‖Σ x_i‖² = ½ Σ_ij ‖x_i − x_j‖², which is not negative."""
    pairs, premises = PAIRS.subs(S, subject.sign * S), (*COUNT, *CHOICES)
    name = "l Σ ‖x_i‖² − ‖Σ x_i‖² = ½ Σ_ij ‖x_i − x_j‖²"
    yield prove(name, subject.right - LEFT, pairs, premises=premises, sample=_choices)


def derive_gram_form(subject: SumOfSquares) -> Iterator[Identity]:
    """The same difference is tr(X M Xᵀ) with M = lI − 11ᵀ positive semidefinite, because l M = MᵀM."""
    M = FORM if subject.sign == 1 else l * sp.Identity(l) + ones * ones.T
    gap = subject.right - LEFT
    yield prove("l ‖X‖_F² − ‖X1‖² = tr(X M Xᵀ)", gap, sp.Trace(X * M * X.T), premises=COUNT, sample=_choices)
    yield prove_positive_semidefinite("M ⪰ 0", l * M, factor=M, premises=COUNT, sample=_choices)


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
    return at_most((first + second) ** 2).to(2 * (first**2 + second**2), square(first - second))


PAIR = Lemma(__name__, "Lemma 3", pair_chain)
NUMBERS = Lemma(__name__, "Lemma 3", numbers_chain)
BELOW_LENGTH = Lemma(__name__, "Lemma 3", below_length_chain)


def derive_numbers(subject: SumOfSquares) -> Iterator[Identity]:
    """For numbers, as the other lemmas use it: the squares of the distances from their mean add up to 0 or more."""
    place, numbers = sp.Idx("i", l), sp.IndexedBase("x", nonnegative=True)
    chain = numbers_chain(place, numbers[place])
    goal = subject.factor * quantity.total(place, numbers[place] ** subject.power)
    yield conclude("(Σ x_i)² ≤ l Σ x_i²", chain.start, goal, chain, instances=_lists())


@cache
def _lists() -> tuple[Values, ...]:
    """Lists of numbers, equal ones among them."""
    given = ([3, 3], [1, 0, 2], [5, 5, 5, 5], [0, 1, 4, 2, 9], [7, 7, 1, 1, 0, 2])
    return tuple(
        Values(f"x = {each}", {l: len(each)}, {"x": lambda place, each=each: flint.arb(each[place])}) for each in given
    )


def measure_sum(subject: SumOfSquares) -> Iterator[Bound]:
    """Lists of integer vectors satisfy the bound; equal vectors attain it."""
    vectors = stream(subject.experiment.study.seed, "lemma3").integers(-9, 10, size=(LISTS, VECTORS, DIMENSION))
    vectors[0] = vectors[0, 0]
    # Small integers: every operation is exact in float64, so the comparison has no rounding error.
    given = {ones: rational.matrix([[1]] * VECTORS), l: VECTORS, d: DIMENSION}
    known = [Instance({X: rational.matrix(each.T.tolist()), **given}) for each in vectors]
    yield Bound(
        name=f"{LISTS} lists of {VECTORS} vectors",
        observed=[float(each.evaluate(LEFT)[0][0]) for each in known],
        bound=[_right(subject, each) for each in known],
        reason="exact in integers",
    )


def _right(subject: SumOfSquares, known: Instance) -> float:
    """l Σ ‖x_i‖², or what a defect makes of it."""
    if subject.power == 2:
        return float(known.evaluate(subject.right)[0][0])
    norms = np.linalg.norm(np.array(known.values[X], dtype=float), axis=0)
    return float(subject.factor.subs(l, VECTORS) * np.sum(norms**subject.power))


def _choices(sizes: Sizes, rng: Random) -> Drawn:
    """The matrices 1, F and S of l vectors; column (i, j) of F is the unit vector i, that of S the unit vector j."""
    each = range(sizes[l])
    first, second = ([[int(n == pair[side]) for pair in product(each, each)] for n in each] for side in (0, 1))
    return {ones: [[1] for _ in each], F: first, S: second}


CLAIM = Claim(
    statement=STATEMENT,
    about=SumOfSquares,
    heeds=("seed",),
    checks=(derive_sum_of_squares, derive_gram_form, derive_numbers, measure_sum),
    controls=dict(
        half_the_factor=planted("The factor is l/2 instead of l.", factor=l / 2),
        no_factor=planted("The factor l is dropped, as if the vectors were orthogonal.", factor=sp.Integer(1)),
        wrong_sign=planted("The squares are of x_i + x_j instead of x_i − x_j.", sign=-1),
        norms_not_squared=planted("The norms on the right are not squared.", power=1),
    ),
    stated=("LEFT", "RIGHT", "PAIRS", "FORM"),
    catches={
        derive_sum_of_squares: ("half_the_factor", "no_factor", "wrong_sign"),
        derive_gram_form: ("half_the_factor", "no_factor", "wrong_sign"),
        derive_numbers: ("half_the_factor", "no_factor", "norms_not_squared"),
        measure_sum: ("half_the_factor", "no_factor", "norms_not_squared"),
    },
)
