"""Lemma 2 [T]: softmax is Lipschitz from the maximum norm to the 1-norm, with constant 2.

‖softmax(x) − softmax(x′)‖₁ ≤ 2 ‖x − x′‖_∞ for all x, x′ in R^N and all N (Edelman et al. 2022, Corollary A.7).

Along the segment from x′ to x the derivative is J v with v = x − x′ and (J v)_j = s_j (v_j − μ), μ = Σ_i s_i v_i.
So ‖J v‖₁ is the mean absolute deviation of v under the weights s; by the triangle inequality it is at most 2 ‖v‖_∞.

Wrong if one pair of logits violates the bound, or if a line of the derivation does not follow from its facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import sympy as sp

from theorems import lemma2_sharp
from theorems.lemma2_sharp import MovedWeights, derivation, measured, not_normalised, squared_distance
from theorems.network.softmax import (
    DEVIATION,
    DIFFERENCE,
    DISTANCE,
    LARGEST,
    MEAN,
    SOFTMAX,
    WEIGHTS,
    Lipschitz,
    bound,
    deviation_of_jacobian,
    difference_at,
    difference_chain,
    differential_at,
    differential_chain,
    j,
    jacobian_entries,
    largest_of_vector,
    logit_pairs,
    mu,
    s,
    v,
)
from verify.claim import Bound, Claim, Identity, planted
from verify.prove.inequalities.chain import Chain, at_most
from verify.prove.inequalities.conclusion import conclude
from verify.prove.inequalities.lemma import Lemma, hypothesis, quote
from verify.prove.inequalities.quantity import norm
from verify.prove.inequalities.rules import absolute_sum, triangle, triangle_numbers

STATEMENT = r"""
norm("softmax"(x) - "softmax"(x'))_1 <= 2 norm(x - x')_oo quad "for all" x, x' in RR^N
"""

CONSTANT = 2
BOUND = bound(CONSTANT)


def mean_deviation() -> Chain:
    """Σ_j s_j |v_j − μ| ≤ 2 ‖v‖_∞."""
    triangle = triangle_numbers(v[j], -mu)
    mean = at_most(sp.Abs(mu)).by(MEAN.reversed(), absolute_sum(j, s[j] * v[j]), LARGEST, WEIGHTS)
    return at_most(DEVIATION).by(triangle, LARGEST, WEIGHTS, mean.fact("|μ| ≤ ‖v‖_∞"))


ENTRIES = Lemma(__name__, "(J v)_j = s_j (v_j − μ)", deviation_of_jacobian, jacobian_entries)
SIZE = Lemma(__name__, "the largest entry", largest_of_vector, jacobian_entries)


def differential() -> Chain:
    """‖J v‖₁ ≤ 2 ‖v‖_∞."""
    return differential_chain(mean_deviation(), quote(ENTRIES), quote(SIZE))


def difference() -> Chain:
    """‖softmax(x) − softmax(x′)‖₁ ≤ 2 ‖x − x′‖_∞."""
    return difference_chain(mean_deviation(), quote(SIZE))


def difference_root() -> Chain:
    """‖softmax(x) − softmax(x′)‖₁ ≤ √(2 ‖x − x′‖_∞): its sharp form, times the largest distance of weights, 2."""
    sums = [hypothesis(norm(each, "1"), 1, "weights are ≥ 0 and sum to 1", equal=True) for each in SOFTMAX]
    farthest = at_most(DIFFERENCE).by(triangle(SOFTMAX[0], -SOFTMAX[1], kind="1"), *sums).fact("the weights sum to 1")
    return at_most(DIFFERENCE).to(sp.sqrt(2 * DISTANCE), farthest, lemma2_sharp.difference().fact("its sharp form"))


WEIGHTS_MOVED = Lemma(__name__, "Lemma 2", lambda here, there: difference_at(difference(), here, there))
JACOBIAN_BOUND = Lemma(
    __name__, "Lemma 2, differential form", lambda point, vector: differential_at(differential(), point, vector)
)
LIPSCHITZ = Lipschitz(value=CONSTANT, name="Lemma 2", weights=WEIGHTS_MOVED, jacobian=JACOBIAN_BOUND)


def derive_bound(subject: MovedWeights) -> Iterator[Identity]:
    """The mean absolute deviation of v is at most 2 ‖v‖_∞; the mean value theorem turns this into the lemma."""
    yield from jacobian_entries()
    sharper = lemma2_sharp.difference(), difference_root()
    yield derivation(subject, BOUND, difference(), *sharper)
    bounded = differential()
    yield conclude("‖J v‖₁ ≤ 2 ‖v‖_∞", bounded.start, bounded.end, bounded, instances=logit_pairs())


def measure_pairs(subject: MovedWeights) -> Iterator[Bound]:
    """Logits of the network, moved a little and a lot, satisfy the bound."""
    yield measured(subject, BOUND)


CLAIM = Claim(
    statement=STATEMENT,
    about=MovedWeights,
    heeds=("dictionary", "start"),
    cites=(
        "elementary norm inequalities (Horn, Johnson, Matrix Analysis, 2nd ed., Chapter 5)",
        "mean value theorem (Rudin, Principles of Mathematical Analysis, 3rd ed., Theorem 5.10)",
    ),
    checks=(derive_bound, measure_pairs),
    stated=("BOUND",),
    drops=("not_normalised",),
    controls=dict(
        constant_one_half=planted("The constant is 1/2 instead of 2.", factor=Fraction(1, 4)),
        squared_distance=squared_distance,
        not_normalised=not_normalised,
    ),
    catches={
        derive_bound: ("constant_one_half", "squared_distance", "not_normalised"),
        measure_pairs: ("constant_one_half", "squared_distance", "not_normalised"),
    },
)
