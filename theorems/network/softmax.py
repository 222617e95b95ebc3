"""What Lemma 2 and its sharp form share, and how the other lemmas quote them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from random import Random
from typing import Any

import flint
import sympy as sp

from theorems.network.exact import text, to_balls
from theorems.network.letters import Point, V, v_k
from theorems.setting import constants
from theorems.setting.notation import N, Sizes
from verify.claim import Identity
from verify.prove import Equation, prove
from verify.prove.inequalities.chain import Chain, Fact, at_most
from verify.prove.inequalities.lemma import Lemma, Special, cite, define, hypothesis, quote
from verify.prove.inequalities.quantity import Letter, largest, norm, total
from verify.prove.inequalities.rules import below_largest, same
from verify.prove.inequalities.scalar_identity import prove_scalars
from verify.prove.inequalities.system import Relation
from verify.prove.inequalities.values import PRECISION, Values

ANALYSIS = "mean value theorem (Rudin, Principles of Mathematical Analysis, 3rd ed., Theorem 5.10)"

j = sp.Idx("j", N)
s = sp.IndexedBase("s", nonnegative=True)  # the softmax weights at one point of the segment from x′ to x
v = sp.IndexedBase("v", real=True)  # v = x − x′
mu = sp.Symbol("μ", real=True)
PARTS = 64  # of the segment, for a point where the derivative is as large as the mean value theorem asks
v_max = largest(j, sp.Abs(v[j]))  # ‖v‖_∞

DEVIATION = total(j, s[j] * sp.Abs(v[j] - mu))  # ‖J v‖₁, since (J v)_j = s_j (v_j − μ)
WEIGHTS = hypothesis(total(j, s[j]), 1, "softmax weights are ≥ 0 and sum to 1", equal=True)
MEAN = define(mu, total(j, s[j] * v[j]), "μ is the mean of v")
LARGEST = below_largest(j, sp.Abs(v[j]))

SOFTMAX = Letter("softmax(x)", N, 1), Letter("softmax(x′)", N, 1)
x, x_prime = Letter("x", N, 1), Letter("x′", N, 1)
DIFFERENCE, DISTANCE = norm(SOFTMAX[0] - SOFTMAX[1], "1"), norm(x - x_prime, "inf")

MEAN_VALUE = cite(
    DIFFERENCE,
    DEVIATION,
    "for σᵀ softmax along the segment, σ the signs of the difference, s the weights at a point",
    source=ANALYSIS,
)
JACOBIAN, VECTOR = Letter("J", N, N), Letter("v", N, 1)
SEGMENT = define(VECTOR, x - x_prime, "v = x − x′")


# The same weights as a vector, for identities of matrices: diag(s), 1 and the unit vector f that picks the entry j.
weights, ones, unit = (sp.MatrixSymbol(name, N, 1) for name in ("s", "1", "f"))
diagonal = sp.MatrixSymbol("D", N, N)
SUM_ONE = Equation(ones.T * weights, sp.Identity(1), "Σ_i s_i = 1")
weight = sp.Symbol("s_j", positive=True)
ENTRY = Equation(unit.T * weights, weight * sp.Identity(1), "s_j = fᵀs")
DIAGONAL = (ENTRY, Equation(unit.T * diagonal, weight * unit.T, "D = diag(s)"))


def derivative() -> Identity:
    """(J v)_j = s_j (v_j − μ): the derivative of e^{x_j + t v_j} / Σ_i e^{x_i + t v_i} at t, by the quotient rule."""
    t, v_j, mean, E_j, S = sp.symbols("t v_j μ E_j S", real=True)
    power, whole = sp.Function("E_j")(t), sp.Function("S")(t)
    slope = sp.diff(power / whole, t).subs({sp.diff(power, t): v_j * power, sp.diff(whole, t): mean * whole})
    rule = "quotient rule for s_j = E_j/S with E_j = e^(x_j + t v_j) and S = Σ_i E_i: E_j′ = v_j E_j and S′ = μ S"
    return prove_scalars("(J v)_j = s_j (v_j − μ)", slope.subs({power: E_j, whole: S}), E_j / S * (v_j - mean), rule)


def jacobian_entries() -> Iterator[Identity]:
    """(J v)_j = s_j (v_j − μ) for J = diag(s) − ssᵀ, and the derivative of the weights along v is this."""
    yield derivative()
    entry, stated = unit.T * (diagonal - weights * weights.T) * VECTOR, weight * (unit - weights).T * VECTOR
    yield prove("Σ_l J_jl v_l = s_j (v_j − μ)", entry, stated, premises=DIAGONAL, sample=sampled_weights)


def sampled_weights(sizes: Sizes, rng: Random) -> Mapping[Any, Any]:
    """Weights that sum to 1, their diagonal matrix, the vector of ones and a unit vector."""
    places, chosen = range(sizes[N]), rng.randrange(sizes[N])
    shares = [rng.randint(1, 9) for _ in places]
    vector = [Fraction(share, sum(shares)) for share in shares]
    return {
        weights: [[share] for share in vector],
        weight: vector[chosen],
        diagonal: [[share * (row == col) for col in places] for row, share in enumerate(vector)],
        ones: [[1] for _ in places],
        unit: [[int(place == chosen)] for place in places],
    }


def deviation_of_jacobian() -> Relation:
    """‖J v‖₁ = Σ_j s_j |v_j − μ|."""
    return Relation(norm(JACOBIAN * VECTOR, "1"), DEVIATION, True)


def largest_of_vector() -> Relation:
    """max_j |v_j| = ‖v‖_∞, the v_j being the entries of v."""
    return Relation(v_max, norm(VECTOR, "inf"), True)


def differential_chain(deviation: Chain, entries: Fact, size: Fact) -> Chain:
    """‖J v‖₁ ≤ c ‖v‖_∞."""
    return at_most(norm(JACOBIAN * VECTOR, "1")).by(entries, deviation.fact("the mean deviation"), size)


def difference_chain(deviation: Chain, size: Fact) -> Chain:
    """‖softmax(x) − softmax(x′)‖₁ ≤ c ‖x − x′‖_∞."""
    step = same(VECTOR, x - x_prime, "v = x − x′", SEGMENT, kind="inf")
    return at_most(DIFFERENCE).by(MEAN_VALUE, deviation.fact("‖J v‖₁, the mean deviation"), size, step)


def difference_at(chain: Chain, here: Point, there: Point) -> Special:
    """At the logits of two points: softmax(x) is s_hk for x = VᵀQ_h v_k."""
    logits = tuple(V.T * point.Q_h * v_k for point in (here, there))
    return Special(
        chain,
        ((x, logits[0]), (x_prime, logits[1]), (SOFTMAX[0], here.s_hk), (SOFTMAX[1], there.s_hk)),
        f"{here.s_hk.name} = softmax({logits[0]}), {there.s_hk.name} = softmax({logits[1]})",
    )


def differential_at(chain: Chain, point: Point, vector: Any) -> Special:
    """At the Jacobian of a point's softmax."""
    return Special(chain, ((JACOBIAN, point.J_hk), (VECTOR, vector)), f"s = {point.s_hk.name}")


def bound(constant: Any) -> Relation:
    """‖softmax(x) − softmax(x′)‖₁ ≤ constant ‖x − x′‖_∞."""
    return Relation(DIFFERENCE, constant * DISTANCE)


@cache
def logit_pairs(normalised: bool = True) -> tuple[Values, ...]:
    """Exact logits: nearly uniform weights of two tokens, large steps, and three to five tokens."""
    given = (
        ("1/100 -1/100", "0 0"),
        ("4 -4", "0 0"),
        ("1 0 -2", "0 0 0"),
        ("1 0 -2 1/3", "0 2 1 -1"),
        ("1 0 -2 1/3 5", "0 2 1 -1 4"),
        ("-3 1/7", "1 1/2"),
        ("3/2 -3/2", "-3/2 3/2"),
    )
    pairs = [[tuple(map(Fraction, side.split())) for side in pair] for pair in given]
    with flint.ctx.workprec(PRECISION):
        return tuple(
            logit_values(to_balls([a]).entries(), to_balls([b]).entries(), text([a, b]), normalised) for a, b in pairs
        )


def logit_values(first: list[Any], second: list[Any], told: str, normalised: bool = True) -> Values:
    """Two logit vectors and their weights; the weights s at a point of the segment where ‖J v‖₁ is largest."""
    step = [a - b for a, b in zip(first, second, strict=True)]
    points = [
        [b + move * flint.arb(part) / PARTS for b, move in zip(second, step, strict=True)] for part in range(PARTS + 1)
    ]
    shares, mean = max((_weights(point, step) for point in points), key=lambda found: _deviation(found, step))
    numbers = {"s": shares.__getitem__, "v": step.__getitem__, "μ": mean}
    columns = {
        "x": first,
        "x′": second,
        "v": step,
        SOFTMAX[0].name: _powers(first, normalised),
        SOFTMAX[1].name: _powers(second, normalised),
    }
    letters: dict[str, Any] = {
        name: lambda value=value: flint.arb_mat([[a] for a in value]) for name, value in columns.items()
    }
    outer = [[(a if row == col else 0) - a * b for col, b in enumerate(shares)] for row, a in enumerate(shares)]
    letters["J"] = lambda: flint.arb_mat(outer)
    return Values(
        f"x and x′ = {told}" + ("" if normalised else ", weights e^x not normalised"), {N: len(first)}, numbers, letters
    )


def _powers(logits: list[Any], normalised: bool) -> list[Any]:
    powers = [logit.exp() for logit in logits]
    whole = sum(powers, flint.arb(0)) if normalised else flint.arb(1)
    return [power / whole for power in powers]


def _weights(logits: list[Any], step: list[Any]) -> tuple[list[Any], Any]:
    """The weights at one point of the segment, and the mean of the step under them."""
    shares = _powers(logits, True)
    return shares, sum((share * move for share, move in zip(shares, step, strict=True)), flint.arb(0))


def _deviation(point: tuple[list[Any], Any], step: list[Any]) -> float:
    """The middle of the mean deviation: which point is largest need not be certain."""
    shares, mean = point
    whole = sum((share * abs(move - mean) for share, move in zip(shares, step, strict=True)), flint.arb(0))
    return float(whole.mid())


@dataclass(frozen=True, kw_only=True)
class Lipschitz:
    """A constant c with ‖J u‖₁ ≤ c ‖u‖_∞ for every softmax Jacobian J, and the lemmas that say so (none: supposed).

    `weights` is about two points, `jacobian` about one point and a vector.
    """

    value: Any
    name: str
    weights: Lemma | None = None
    jacobian: Lemma | None = None

    def of_weights(self, here: Point, there: Point) -> tuple[Fact, ...]:
        """‖s_hk − s′_hk‖₁ ≤ c ‖Vᵀ(Q_h − Q′_h)v_k‖_∞."""
        turned, left = V.T * ((here.Q_h - there.Q_h) * v_k), norm(here.s_hk - there.s_hk, "1")
        if self.weights is None:
            return (hypothesis(left, self.value * norm(turned, "inf"), self.name),)
        logits = V.T * here.Q_h * v_k - V.T * there.Q_h * v_k
        return quote(self.weights, here, there), same(logits, turned, "common factors", kind="inf")

    def of_jacobian(self, point: Point, vector: Any) -> Fact:
        """‖J_hk u‖₁ ≤ c ‖u‖_∞."""
        if self.jacobian is None:
            supposed = self.value * norm(vector, "inf")
            found: Fact = hypothesis(norm(point.J_hk * vector, "1"), supposed, f"{self.name}, differential form")
            return found
        quoted: Fact = quote(self.jacobian, point, vector)
        return quoted


GENERIC = Lipschitz(value=constants.c, name="softmax has Lipschitz constant c")
