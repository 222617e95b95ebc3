"""What Theorem 1 prescribes on an instance: ζ₀, γ, the two step sizes and the induction's bounds, in balls.

γ and η_Q are float64 numbers a millionth inside what the theorem's hypotheses allow, so they satisfy them exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import flint
import sympy as sp

from theorems.network.enclosed import Ball, Enclosed, Problem, enclose, least_eigenvalue
from theorems.setting.constants import A_norm, D, Delta_0, Z_norm, alpha, eta_w, f_max, gamma, zeta_0
from theorems.setting.notation import H, K
from theorems.setting.stated_constants import LIPSCHITZ_MATRIX, SIGMA, STATED_ALPHA, STATED_D, STATED_DRIFT, STATED_ROOM
from verify.certify import evaluate
from verify.certify.balls import NotPositiveDefiniteError
from verify.certify.compare import lower, upper
from verify.certify.norms import frobenius_norm, largest, spectral_norm

# The least γ² for which the bound on the drift leaves room: 128(2 + √2) K^{3/2} √H ‖Z̄‖² f̄_max Δ⁽⁰⁾ ζ₀^{−5/2}.
GAMMA_SQUARED = STATED_DRIFT * gamma**2 / STATED_ROOM


@dataclass(frozen=True, kw_only=True)
class Required:
    """The formulas of a theorem: the least γ², and α, D, L's matrix and the bound on the drift that follow from γ.

    `source` is where α and the bound on the drift come from.
    """

    gamma_squared: sp.Expr
    alpha: sp.Expr
    D: sp.Expr
    matrix: sp.ImmutableMatrix
    drift: sp.Expr
    source: str = "drift lemma"


THEOREM_1 = Required(
    gamma_squared=GAMMA_SQUARED, alpha=STATED_ALPHA, D=STATED_D, matrix=LIPSCHITZ_MATRIX, drift=STATED_DRIFT
)

DECREASE = eta_w * SIGMA / gamma**2  # η_wζ₀/(2K), by which Δ decreases relatively in one step, or more

MARGIN = 2.0**-20  # by which γ exceeds and η_Q falls short of the theorem's values
BITS = 128  # of the constants; ζ₀ itself is known to about 30 bits, far better than any bound is sharp


@dataclass(frozen=True, kw_only=True)
class Prescription:
    """The theorem's numbers: exact `gamma` and `step_queries` = η_Q; enclosures of the others."""

    zeta_0: Ball
    gamma: float
    step_queries: float
    L: Ball
    alpha: Ball
    drift: Ball
    radius: Ball
    required_gamma: Ball
    K: int

    @property
    def step_weights(self) -> Ball:
        """η_w = γ²η_Q, exact at 159 bits or more."""
        return flint.arb(self.gamma) ** 2 * flint.arb(self.step_queries)

    @property
    def rate(self) -> Ball:
        """η_wζ₀/(2K), the guaranteed relative decrease of the gap in one step."""
        return self.decrease(DECREASE)

    def decrease(self, stated: sp.Expr) -> Ball:
        """A formula for the relative decrease in η_w, ζ₀ and K."""
        return evaluate(stated, {eta_w: self.step_weights, zeta_0: self.zeta_0, K: self.K})

    def guaranteed_steps(self, factor: float) -> float:
        """How many steps are guaranteed to lower the gap by `factor`; infinite where the rate is not known."""
        with flint.ctx.workprec(BITS):
            steps = upper(flint.arb(factor).log() / -(-self.rate).log1p())  # 1 − rate loses a rate below 2⁻¹²⁸
        return math.inf if math.isnan(steps) else steps


@lru_cache(maxsize=16)
def prescribe(
    problem: Problem, *, required: Required = THEOREM_1, gamma_factor: float = 1.0, step_factor: float = 1.0
) -> Prescription:
    """γ and the step sizes of Theorem 1 (or with other formulas) for a problem, or multiples of them.

    `gamma_factor` multiplies γ before L is computed from it, `step_factor` multiplies η_Q = 1/L.

    Raises:
        verify.certify.balls.NotPositiveDefiniteError: ζ₀ could not be certified, so there is no γ.
    """
    least = least_eigenvalue(problem)
    if least is None:
        raise NotPositiveDefiniteError("Assumption 2 could not be certified; choose H at least N and distinct tokens")
    with flint.ctx.workprec(BITS):
        enclosed = enclose(problem)
        values = enclosed_norms(problem, enclosed) | {zeta_0: least}
        chosen = gamma_factor * (1 + MARGIN) * upper(evaluate(required.gamma_squared, values).sqrt())
        values |= {gamma: flint.arb(chosen)}
        values |= {alpha: evaluate(required.alpha, values)}
        values |= {D: evaluate(required.D, values)}
        entries = [[evaluate(required.matrix[i, j], values) for j in range(2)] for i in range(2)]
        smoothness = spectral_norm(flint.arb_mat(entries))
        return Prescription(
            zeta_0=least,
            gamma=chosen,
            step_queries=step_factor * (1 - MARGIN) * lower(1 / smoothness),
            L=smoothness,
            alpha=values[alpha],
            drift=evaluate(required.drift, values),
            radius=evaluate(STATED_ROOM, values),
            required_gamma=evaluate(required.gamma_squared, values).sqrt(),
            K=enclosed.K,
        )


def enclosed_norms(problem: Problem, enclosed: Enclosed) -> dict[sp.Expr, Ball]:
    """‖Z̄‖, f̄_max, ‖A‖₂, Δ⁽⁰⁾, K and H, enclosed at flint's precision."""
    columns = enclosed.z_bar.transpose().tolist()
    return {
        K: enclosed.K,
        H: len(problem.queries),
        Z_norm: spectral_norm(enclosed.z_bar),
        f_max: largest(frobenius_norm(flint.arb_mat([column])) for column in columns),
        A_norm: spectral_norm(enclosed.z_bar * enclosed.a_hat),
        Delta_0: enclosed.gap(enclosed.mixture_of(problem)),
    }
