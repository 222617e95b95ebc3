"""Lemma 2, sharp [B]: the constant of Lemma 2 can be 1, and no smaller.

‖softmax(x) − softmax(x′)‖₁ ≤ ‖x − x′‖_∞ for all x, x′ in R^N and all N; at uniform weights of two tokens,
softmax(t, −t) − softmax(0, 0) has 1-norm tanh t, and tanh(t)/t → 1.

‖J v‖₁ is the mean absolute deviation of v under the weights s, hence at most its standard deviation
(Cauchy–Schwarz), and Σ_j s_j (v_j − μ)² = Σ_j s_j v_j² − μ² ≤ ‖v‖_∞².

Wrong if one pair of logits violates the bound, if a line of the derivation does not follow from its facts,
or if a smaller constant would do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp
import torch
from numpy import ndarray

from numerics.measure import UNIT_ROUNDOFF, rounding, softmax_rounding
from theorems.network.softmax import (
    DEVIATION,
    DIFFERENCE,
    DISTANCE,
    LARGEST,
    MEAN,
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
    v_max,
)
from theorems.network.stated import each, held
from theorems.setting.experiment import Experiment
from theorems.setting.study import stream
from verify.claim import Bound, Claim, Identity, planted
from verify.prove.inequalities.chain import Chain, at_most
from verify.prove.inequalities.conclusion import conclude
from verify.prove.inequalities.format_quantity import spell
from verify.prove.inequalities.lemma import Lemma, quote
from verify.prove.inequalities.quantity import total
from verify.prove.inequalities.rules import weighted_cauchy_schwarz
from verify.prove.inequalities.scalar_identity import prove_scalars
from verify.prove.inequalities.statement import conclude_stated
from verify.prove.inequalities.system import Relation

STATEMENT = r"""
norm("softmax"(x) - "softmax"(x'))_1 <= norm(x - x')_oo quad "for all" x, x' in RR^N, quad
lim_(t -> 0) norm("softmax"(t, -t) - "softmax"(0, 0))_1 / abs(t) = 1
"""

CONSTANT = 1
BOUND = bound(CONSTANT)


@dataclass(frozen=True)
class MovedWeights:
    """The stated bound times a factor and with a power of the distance, and the weights as they are."""

    experiment: Experiment
    _: KW_ONLY
    factor: Any = 1
    power: int = 1
    normalised: bool = True

    def as_stated(self, relation: Relation) -> Relation:
        """What is stated of ‖softmax(x) − softmax(x′)‖₁."""
        return replace(relation, right=self.factor * relation.right.subs(DISTANCE, DISTANCE**self.power))


def mean_deviation() -> Chain:
    """Σ_j s_j |v_j − μ| ≤ ‖v‖_∞, by way of the variance."""
    square = at_most(v[j] ** 2).to(v_max**2, LARGEST)
    variance = (
        at_most(DEVIATION**2)
        .by(weighted_cauchy_schwarz(j, s[j], sp.Abs(v[j] - mu)), WEIGHTS, MEAN)
        .to(total(j, s[j] * v[j] ** 2), rule="μ² ≥ 0")
        .by(square.fact("v_j² ≤ ‖v‖_∞²"), WEIGHTS)
    )
    return at_most(DEVIATION).to(v_max, variance.fact("the variance is at most ‖v‖_∞²"))


ENTRIES = Lemma(__name__, "(J v)_j = s_j (v_j − μ)", deviation_of_jacobian, jacobian_entries)
SIZE = Lemma(__name__, "the largest entry", largest_of_vector, jacobian_entries)


def differential() -> Chain:
    """‖J v‖₁ ≤ ‖v‖_∞."""
    return differential_chain(mean_deviation(), quote(ENTRIES), quote(SIZE))


def difference() -> Chain:
    """‖softmax(x) − softmax(x′)‖₁ ≤ ‖x − x′‖_∞."""
    return difference_chain(mean_deviation(), quote(SIZE))


WEIGHTS_MOVED = Lemma(__name__, "Lemma 2, sharp", lambda here, there: difference_at(difference(), here, there))
JACOBIAN_BOUND = Lemma(
    __name__, "Lemma 2, sharp, differential form", lambda point, vector: differential_at(differential(), point, vector)
)
LIPSCHITZ = Lipschitz(value=CONSTANT, name="Lemma 2, sharp", weights=WEIGHTS_MOVED, jacobian=JACOBIAN_BOUND)


def derivation(subject: MovedWeights, relation: Relation, chain: Chain, *sharper: Chain) -> Identity:
    """It follows from a bound on the mean deviation."""
    chains = (chain, *sharper) if subject.normalised else (at_most(DIFFERENCE),)
    name = f"‖softmax(x) − softmax(x′)‖₁ ≤ {spell(relation.right)}"
    given = logit_pairs(subject.normalised)
    return conclude_stated(name, subject.as_stated(relation), *chains, instances=given)


def derive_bound(subject: MovedWeights) -> Iterator[Identity]:
    """The mean absolute deviation of v is at most its standard deviation, hence at most ‖v‖_∞."""
    yield from jacobian_entries()
    yield derivation(subject, BOUND, difference())
    bounded = differential()
    yield conclude("‖J v‖₁ ≤ ‖v‖_∞", bounded.start, bounded.end, bounded, instances=logit_pairs())


def derive_attained(subject: MovedWeights) -> Iterator[Identity]:
    """Two tokens with logits (t, −t) against (0, 0): the 1-norm is tanh t, and tanh(t)/t tends to 1."""
    t = sp.Symbol("t", positive=True)
    weights = [sp.exp(x) / (sp.exp(t) + sp.exp(-t)) for x in (t, -t)]
    difference = (weights[0] - sp.Rational(1, 2)) + (sp.Rational(1, 2) - weights[1])  # the signs for t > 0
    rule = "softmax(t, −t) − softmax(0, 0) for t > 0"
    yield prove_scalars("‖softmax(t, −t) − (½, ½)‖₁ = tanh t", difference, sp.tanh(t).rewrite(sp.exp), rule)
    ratio, stated = sp.limit(sp.tanh(t) / t, t, 0), subject.factor * CONSTANT
    yield prove_scalars("the ratio to ‖(t, −t)‖_∞ tends to 1", ratio, stated, "limit for t → 0")


def measure_pairs(subject: MovedWeights) -> Iterator[Bound]:
    """Logits of the network, moved a little and a lot, and nearly uniform weights of two tokens satisfy the bound."""
    yield measured(subject, BOUND)


def measured(subject: MovedWeights, relation: Relation) -> Bound:
    """The bound on logits of the network, moved a little and a lot, and on nearly uniform weights of two tokens."""
    pairs = _network_logits(subject.experiment)
    first, second = (_softmax(logits, subject.normalised) for logits in pairs)
    distance = np.abs(pairs[0] - pairs[1]).max(axis=0)
    # The shift of a logit by the largest is one rounding; the two norms add N terms and a subtraction each.
    N_, spread = len(pairs[0]), max(float(np.ptp(logits, axis=0).max()) for logits in pairs)
    relative = softmax_rounding(UNIT_ROUNDOFF * spread, N_) + rounding(N_ + 1)
    error = 2 * relative * (1 if subject.normalised else max(map(np.max, (first.sum(0), second.sum(0)))))
    found = held(
        f"‖softmax(x) − softmax(x′)‖₁ ≤ {spell(relation.right)}",
        subject.as_stated(relation),
        {DIFFERENCE: each(np.abs(first - second).sum(axis=0)), DISTANCE: each(distance)},
        error,
        f"{distance.size} pairs of logits",
    )
    return replace(found, ceiling=2.0 if subject.normalised else None, quantities={"pairs": distance.size})


def _softmax(logits: ndarray, normalised: bool) -> ndarray:
    result: ndarray = torch.softmax(torch.from_numpy(logits), dim=0).numpy() if normalised else np.exp(logits)
    return result


def _network_logits(experiment: Experiment) -> tuple[ndarray, ndarray]:
    """Two arrays N x pairs: logits at the start, and moved by steps of several sizes; and the near-extreme pair."""
    data, start = experiment.instance, experiment.study.start
    prompt, rng = data.tokens[: data.prompt_length], stream(experiment.study.seed, "logits")
    base = np.einsum("nd,hde,ke->nhk", prompt, start.queries.numpy(), data.tokens).reshape(len(prompt), -1)
    sizes = 10.0 ** rng.uniform(-3, 1, size=base.shape[1])
    moved = base + sizes * rng.standard_normal(base.shape)
    if len(prompt) == 1:
        return base, moved
    extreme = np.full((len(prompt), 1), -60.0)  # all weight on two tokens
    extreme[:2] = 0.0
    tilted = extreme.copy()
    tilted[:2, 0] += (1e-2, -1e-2)
    return np.hstack([base, extreme]), np.hstack([moved, tilted])


squared_distance = planted("The distance of the logits enters squared.", power=2)
not_normalised = planted("The weights are e^x, not divided by their sum.", normalised=False)


CLAIM = Claim(
    statement=STATEMENT,
    about=MovedWeights,
    heeds=("dictionary", "start"),
    cites=(
        "mean value theorem (Rudin, Principles of Mathematical Analysis, 3rd ed., Theorem 5.10)",
        "Cauchy–Schwarz and Minkowski for sums (Hardy, Littlewood, Pólya, Inequalities, Chapter 2)",
    ),
    checks=(derive_bound, derive_attained, measure_pairs),
    stated=("BOUND",),
    drops=("not_normalised",),
    controls=dict(
        constant_nine_tenths=planted("The constant is 9/10 instead of 1.", factor=Fraction(9, 10)),
        squared_distance=squared_distance,
        not_normalised=not_normalised,
    ),
    catches={
        derive_bound: ("constant_nine_tenths", "squared_distance", "not_normalised"),
        derive_attained: ("constant_nine_tenths",),
        measure_pairs: ("constant_nine_tenths", "squared_distance", "not_normalised"),
    },
)
