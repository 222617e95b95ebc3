"""What Lemma 2 and its sharp form share: the derivative of softmax along a segment, and their use in other lemmas."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from theorems import constants
from theorems.notation import N
from theorems.terms import Point, V, v_k
from verify.prove.inequality import Chain, Fact, assume, at_most
from verify.prove.quantity import Letter, largest, norm, total

ANALYSIS = "W. Rudin, Principles of Mathematical Analysis, 3rd ed., McGraw-Hill 1976, Theorem 5.10"

j = sp.Idx("j", N)
s = sp.IndexedBase("s", nonnegative=True)  # the softmax weights at one point of the segment from x′ to x
v = sp.IndexedBase("v", real=True)  # v = x − x′
mu = sp.Symbol("μ", real=True)  # μ = Σ_j s_j v_j
v_max = sp.Symbol("‖v‖_∞", nonnegative=True)

DEVIATION = total(j, s[j] * sp.Abs(v[j] - mu))  # ‖J v‖₁ with J = diag(s) − ssᵀ: (J v)_j = s_j (v_j − μ)

WEIGHTS = assume(total(j, s[j]), 1, "softmax weights are ≥ 0 and sum to 1", equal=True)
MEAN = assume(total(j, s[j] * v[j]), mu, "μ = Σ_j s_j v_j", equal=True)
LARGEST = assume(sp.Abs(v[j]), v_max, "|v_j| ≤ ‖v‖_∞")

softmax_x, softmax_y = Letter("softmax(x)", N, 1), Letter("softmax(x′)", N, 1)
x, y = Letter("x", N, 1), Letter("x′", N, 1)
DIFFERENCE = norm(softmax_x - softmax_y, "1")
DISTANCE = norm(x - y, "inf")

MEAN_VALUE = assume(
    DIFFERENCE, DEVIATION,
    "mean value theorem for t ↦ σᵀ softmax(x′ + t(x − x′)), σ the signs of the difference; (J v)_j = s_j (v_j − μ)",
    source=ANALYSIS,
)  # fmt: skip
SEGMENT = assume(v_max, DISTANCE, "v = x − x′", equal=True)


@dataclass(frozen=True, kw_only=True)
class Lipschitz:
    """A constant c with ‖J v‖₁ ≤ c ‖v‖_∞ for every softmax Jacobian J, and the chain that proves it (none: a hypothesis)."""

    value: Any
    name: str
    because: tuple[Chain, ...] = ()

    def of_weights(self, here: Point, there: Point) -> Fact:
        """‖s_hk − s′_hk‖₁ ≤ c ‖Vᵀ(Q_h − Q′_h)v_k‖_∞."""
        right = norm(V.T * (here.Q_h - there.Q_h) * v_k, "inf")
        return self._fact(norm(here.s_hk - there.s_hk, "1"), right, self.name)

    def of_jacobian(self, point: Point, vector: Any) -> Fact:
        """‖J_hk u‖₁ ≤ c ‖u‖_∞."""
        return self._fact(norm(point.J_hk * vector, "1"), norm(vector, "inf"), f"{self.name}, differential form")

    def _fact(self, left: Any, size: Any, rule: str) -> Fact:
        return replace(assume(left, self.value * size, rule), because=self.because, quoted=True)


GENERIC = Lipschitz(value=constants.c, name="softmax has Lipschitz constant c")


def lipschitz_chain(deviation: Chain) -> Chain:
    """From a bound c ‖v‖_∞ on the mean deviation to ‖softmax(x) − softmax(x′)‖₁ ≤ c ‖x − x′‖_∞."""
    return at_most(DIFFERENCE).by(MEAN_VALUE, deviation.fact("the mean deviation"), SEGMENT)
