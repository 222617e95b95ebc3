"""What Lemma 2 and its sharp form share, and how the other lemmas quote them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, reduce
from typing import Any

import flint
import numpy as np
import sympy as sp
import torch
from numpy import ndarray

from numerics.measure import UNIT_ROUNDOFF, rounding
from theorems import constants
from theorems.exact import text, to_balls
from theorems.experiment import Experiment, stream
from theorems.notation import N
from theorems.terms import Point, V, v_k
from verify.claim import Bound, Identity, Step
from verify.prove.conclusion import conclude
from verify.prove.inequality import Chain, Fact, assume, at_most
from verify.prove.quantity import Letter, norm, total
from verify.prove.values import Values

ANALYSIS = "W. Rudin, Principles of Mathematical Analysis, 3rd ed., McGraw-Hill 1976, Theorem 5.10"

j = sp.Idx("j", N)
s = sp.IndexedBase("s", nonnegative=True)  # the softmax weights at one point of the segment from x′ to x
v = sp.IndexedBase("v", real=True)  # v = x − x′
mu = sp.Symbol("μ", real=True)
v_max = sp.Symbol("‖v‖_∞", nonnegative=True)

DEVIATION = total(j, s[j] * sp.Abs(v[j] - mu))  # ‖J v‖₁, since (J v)_j = s_j (v_j − μ)
WEIGHTS = assume(total(j, s[j]), 1, "softmax weights are ≥ 0 and sum to 1", equal=True)
MEAN = assume(total(j, s[j] * v[j]), mu, "μ = Σ_j s_j v_j", equal=True)
LARGEST = assume(sp.Abs(v[j]), v_max, "|v_j| ≤ ‖v‖_∞")

SOFTMAX = Letter("softmax(x)", N, 1), Letter("softmax(x′)", N, 1)
x, x_prime = Letter("x", N, 1), Letter("x′", N, 1)
DIFFERENCE, DISTANCE = norm(SOFTMAX[0] - SOFTMAX[1], "1"), norm(x - x_prime, "inf")

MEAN_VALUE = assume(
    DIFFERENCE, DEVIATION, "mean value theorem for σᵀ softmax along the segment, σ the signs of the difference",
    source=ANALYSIS,
)  # fmt: skip
SEGMENT = assume(v_max, DISTANCE, "v = x − x′", equal=True)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The experiment, the stated bound times a factor and with a power of the distance, and the weights as they are."""

    experiment: Experiment
    factor: Any = 1
    power: int = 1
    normalised: bool = True


def variant_of(subject: Experiment | Variant) -> Variant:
    """The statement as it stands, unless a defect is planted already."""
    return subject if isinstance(subject, Variant) else Variant(experiment=subject)


def derivative() -> Identity:
    """(J v)_j = s_j (v_j − μ): the derivative of e^{x_j + t v_j} / Σ_i e^{x_i + t v_i} at t, by the quotient rule."""
    t, v_j, mean = sp.symbols("t v_j μ", real=True)
    power, whole = sp.Function("E_j", positive=True)(t), sp.Function("S", positive=True)(t)
    slope = sp.diff(power / whole, t).subs({sp.diff(power, t): v_j * power, sp.diff(whole, t): mean * whole})
    residual = sp.simplify(slope - power / whole * (v_j - mean))
    lines = (
        Step(expression="s_j = E_j/S, E_j = e^(x_j + t v_j), S = Σ_i E_i", rule="softmax along the segment"),
        Step(expression="E_j′ = v_j E_j, S′ = Σ_i v_i E_i = μ S", rule="derivative of the exponential"),
        Step(expression="s_j′ = E_j′/S − E_j S′/S² = s_j (v_j − μ)", rule="quotient rule"),
    )
    return Identity(name="(J v)_j = s_j (v_j − μ)", residual=str(residual), derivation=lines)


def derivation(variant: Variant, constant: int, deviation: Chain) -> Identity:
    """‖softmax(x) − softmax(x′)‖₁ ≤ constant ‖x − x′‖_∞ from a bound on the mean deviation."""
    stated = constant * variant.factor * DISTANCE**variant.power
    chain = at_most(DIFFERENCE)
    if variant.normalised:
        chain = chain.by(MEAN_VALUE, deviation.fact("‖J v‖₁, the mean deviation"), SEGMENT)
    name = f"‖softmax(x) − softmax(x′)‖₁ ≤ {constant} ‖x − x′‖_∞"
    return conclude(name, DIFFERENCE, stated, chain, instances=logit_pairs(variant.normalised))


@cache
def logit_pairs(normalised: bool = True) -> tuple[Values, ...]:
    """Exact logits: nearly uniform weights of two tokens, a large step, and three tokens."""
    F = Fraction
    given = (((F(1, 100), F(-1, 100)), (F(0), F(0))), ((F(4), F(-4)), (F(0), F(0))), ((F(1), F(0), F(-2)), (F(0),) * 3))
    pairs = tuple(_logit_values(first, second, normalised) for first, second in given)
    return pairs + tuple(map(_weights, given)) if normalised else pairs


def _weights(pair: tuple[tuple[Fraction, ...], tuple[Fraction, ...]]) -> Values:
    """Weights s = softmax(x) and the direction v = x, for the lines that speak of one point of the segment."""
    logits = to_balls(pair[:1]).entries()
    powers = [entry.exp() for entry in logits]
    shares = [power / sum(powers, flint.arb(0)) for power in powers]
    mean = sum((share * entry for share, entry in zip(shares, logits, strict=True)), flint.arb(0))
    largest_entry = reduce(lambda a, b: a.max(b), map(abs, logits))
    numbers = {"s": shares.__getitem__, "v": logits.__getitem__, "μ": mean, "‖v‖_∞": largest_entry}
    return Values(f"s = softmax(v), v = {text(pair[:1])}", {N: len(logits)}, numbers)


def _logit_values(first: tuple[Fraction, ...], second: tuple[Fraction, ...], normalised: bool) -> Values:
    def weights(logits: tuple[Fraction, ...]) -> Any:
        powers = [entry.exp() for entry in to_balls([logits]).entries()]
        whole = sum(powers, flint.arb(0)) if normalised else flint.arb(1)
        return flint.arb_mat([[power / whole] for power in powers])

    letters = {
        "x": lambda: to_balls([first]).transpose(), "x′": lambda: to_balls([second]).transpose(),
        SOFTMAX[0].name: lambda: weights(first), SOFTMAX[1].name: lambda: weights(second),
    }  # fmt: skip
    told = f"x = {text([first])}, x′ = {text([second])}" + ("" if normalised else ", weights e^x not normalised")
    return Values(told, {N: len(first)}, {}, letters)


def measured(variant: Variant, constant: int | float) -> Bound:
    """The bound on logits of the network, moved a little and a lot, and on nearly uniform weights of two tokens."""
    pairs = _network_logits(variant.experiment)
    first, second = (_softmax(logits, variant.normalised) for logits in pairs)
    distance = np.abs(pairs[0] - pairs[1]).max(axis=0)
    # exp of a logit with a rounded shift errs by u times the spread of the logits and a few u, the rest by gamma_N.
    spread = max(float(np.ptp(logits, axis=0).max()) for logits in pairs)
    error = 2 * (np.expm1(UNIT_ROUNDOFF * spread) + rounding(2 * len(pairs[0]) + 20)) * max(first.sum(0).max(), 1)
    return Bound(
        name=f"‖softmax(x) − softmax(x′)‖₁ ≤ {constant} ‖x − x′‖_∞",
        observed=np.abs(first - second).sum(axis=0), bound=constant * float(variant.factor) * distance**variant.power,
        rounding=error, reason=f"{distance.size} pairs of logits", ceiling=2.0 if variant.normalised else None,
    )  # fmt: skip


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


def squared_distance(experiment: Experiment) -> Variant:
    """The distance of the logits enters squared."""
    return Variant(experiment=experiment, power=2)


def not_normalised(experiment: Experiment) -> Variant:
    """The weights are e^x, not divided by their sum."""
    return Variant(experiment=experiment, normalised=False)


@dataclass(frozen=True, kw_only=True)
class Lipschitz:
    """A constant c with ‖J u‖₁ ≤ c ‖u‖_∞ for every softmax Jacobian J, and what proves it (nothing: a hypothesis)."""

    value: Any
    name: str
    because: tuple[Chain, ...] = ()

    def of_weights(self, here: Point, there: Point) -> Fact:
        """‖s_hk − s′_hk‖₁ ≤ c ‖Vᵀ(Q_h − Q′_h)v_k‖_∞."""
        right = norm(V.T * ((here.Q_h - there.Q_h) * v_k), "inf")
        return self._fact(norm(here.s_hk - there.s_hk, "1"), right, self.name)

    def of_jacobian(self, point: Point, vector: Any) -> Fact:
        """‖J_hk u‖₁ ≤ c ‖u‖_∞."""
        return self._fact(norm(point.J_hk * vector, "1"), norm(vector, "inf"), f"{self.name}, differential form")

    def _fact(self, left: Any, size: Any, rule: str) -> Fact:
        return replace(assume(left, self.value * size, rule), because=self.because, quoted=True)


GENERIC = Lipschitz(value=constants.c, name="softmax has Lipschitz constant c")
