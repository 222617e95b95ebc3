"""Gradient descent in float64 that knows how far its gaps can be from those of exact arithmetic.

Every rounding moves δ = (δ_1 … δ_K) by some amount at that step. A step with η ≤ 1/L does not enlarge such
an amount while B_k stands still, so the amounts add up to a bound on the distance to the exact run. That B_k
moves with the roundings of Q is counted through the logits, to first order in the unit roundoff.
"""

from __future__ import annotations

from dataclasses import dataclass

import flint
import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import softmax

from numerics.measure import UNIT_ROUNDOFF, attention_rounding, logit_size, rounding
from theorems.descent.trajectory import DescentRun
from theorems.network.enclosed import enclose

NOTHING_KNOWN = 1 / UNIT_ROUNDOFF  # a relative error so large decides nothing, and its squares do not overflow
DIVERGED = 1e30  # the gap grown by this factor: nothing more is learnt, and squares would overflow


@dataclass(frozen=True, kw_only=True)
class FloatProblem:
    """The data of a plan in float64; the shapes are those of `theorems.network.enclosed.Enclosed`."""

    prompt: Float[ndarray, "N d"]
    tokens: Float[ndarray, "d K"]
    moments: Float[ndarray, "N N"]
    cross: Float[ndarray, "N K"]
    z_bar: Float[ndarray, "N N"]
    a_hat: Float[ndarray, "N K"]

    def attention(self, queries: Float[ndarray, "H d d"]) -> Float[ndarray, "H N K"]:
        """softmax(VᵀQ_h v_k) for every head."""
        weights: ndarray = softmax(self.prompt @ queries @ self.tokens, axis=1)
        return weights

    def residuals(self, s: Float[ndarray, "H N K"], weights: Float[ndarray, "H K"]) -> Float[ndarray, "N K"]:
        """Z̄(Ã − Â)."""
        delta: ndarray = self.z_bar @ (np.einsum("hk,hnk->nk", weights, s) - self.a_hat)
        return delta


def float_problem(plan: DescentRun) -> FloatProblem:
    """Every array rounded once from its enclosure."""
    with flint.ctx.workprec(128):
        enclosed = enclose(plan.problem)
        names = ("prompt", "tokens", "moments", "cross", "z_bar", "a_hat")
        parts = {name: np.array(getattr(enclosed, name).mid().tolist(), dtype=float) for name in names}
    return FloatProblem(**parts)


def float_descent(plan: DescentRun, steps: int) -> tuple[Float[ndarray, " T"], Float[ndarray, " T"]]:
    """The gaps of steps 0 … `steps` in float64, and how far δ may be from that of the exact run (Frobenius).

    Fewer steps if the run diverges.
    """
    data, prescription = float_problem(plan), plan.prescription
    eta_Q, eta_w = prescription.step_queries, float(prescription.step_weights.mid())
    queries, weights = plan.problem.queries.copy(), plan.problem.weights.copy()
    K = data.cross.shape[1]
    gaps: list[float] = []
    away: list[float] = []
    moved = 0.0
    for _ in range(steps + 1):
        s = data.attention(queries)
        delta = data.residuals(s, weights)
        size = float(np.linalg.norm(delta))
        if gaps and not size**2 / (2 * K) < DIVERGED * gaps[0]:
            break
        here, step = _roundings(data, queries, weights, s, eta_w)
        gaps.append(size**2 / (2 * K))
        away.append(moved + here)
        moved += step
        residual = data.moments @ np.einsum("hk,hnk->nk", weights, s) - data.cross
        slope = np.einsum("nk,hnk->hk", residual, s)
        pulled = weights[:, None, :] * s * (residual - slope[:, None, :])
        queries = queries - eta_Q * (data.prompt.T @ pulled @ data.tokens.T) / K
        weights = weights - eta_w * slope / K
    return np.array(gaps), np.array(away)


def gap_errors(plan: DescentRun, bounds: Float[ndarray, " T"], away: Float[ndarray, " T"]) -> Float[ndarray, " T"]:
    """How far a computed gap ‖δ‖²/2K may be on the wrong side of its bound where δ may be `away` from the exact one.

    The roots of the two are compared: ‖δ‖ ≤ √(2K bound) ± away; the norm itself takes at most N K + 4 roundings.
    """
    N, K, _, _ = plan.problem.sizes
    errors: ndarray = (2 * np.sqrt(2 * K * bounds) * away + away**2) / (2 * K) + rounding(N * K + 4) * bounds
    return errors


def _roundings(
    data: FloatProblem,
    queries: Float[ndarray, "H d d"],
    weights: Float[ndarray, "H K"],
    s: Float[ndarray, "H N K"],
    eta_w: float,
) -> tuple[float, float]:
    """How far rounding moves δ (Frobenius) when it is computed here, and during the step that follows.

    A softmax weight errs relatively by rho; Ã by rho and H + 1 roundings of its terms; the
    residual by N + 2 roundings of its terms and the error of Ã; w by the gradient's error and one rounding,
    which δ feels at most √H‖Z̄‖ times; Q by one rounding of its entries, hence s by twice that of the logits.
    """
    H, N, K = s.shape
    logit = logit_size(data.prompt, queries, data.tokens.T)
    rho = min(attention_rounding(data.prompt, queries, data.tokens.T), NOTHING_KNOWN)
    mixed = np.einsum("hk,hnk->nk", np.abs(weights), s)
    norm = float(np.linalg.norm(data.z_bar, 2))
    mixture_error = (rho + rounding(H + 1)) * mixed + 2 * UNIT_ROUNDOFF * np.abs(data.a_hat)
    sizes = np.abs(data.z_bar) @ (mixed + np.abs(data.a_hat))
    here = norm * float(np.linalg.norm(mixture_error)) + rounding(N + 4) * float(np.linalg.norm(sizes))
    terms = np.abs(data.moments) @ mixed + np.abs(data.cross)
    residual_error = (rounding(N + 2) + 4 * UNIT_ROUNDOFF) * terms + np.abs(data.moments) @ mixture_error
    slope_error = np.einsum("nk,hnk->hk", residual_error + (rho + rounding(N + 1)) * terms, s) / K
    weight_error = 2 * UNIT_ROUNDOFF * np.abs(weights) + (eta_w + 4 * UNIT_ROUNDOFF) * slope_error
    query_error = 4 * UNIT_ROUNDOFF * logit * norm * float(np.linalg.norm(np.abs(weights).sum(axis=0)))
    return here, norm * np.sqrt(H) * float(np.linalg.norm(weight_error)) + query_error
