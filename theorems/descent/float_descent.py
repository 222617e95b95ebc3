"""Gradient descent in float64 that knows how far its gaps can be from those of exact arithmetic.

Every rounding moves δ = (δ_1 … δ_K) by some amount at that step. A step with η ≤ 1/L does not enlarge such
an amount while B_k stands still, so the amounts add up to a bound on the distance to the exact run. That B_k
moves with the roundings of Q is counted through the logits, to first order in the unit roundoff.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import flint
import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from numerics.instance import Instance
from numerics.loss import feature_noise, label_moments, loss_and_gradients
from numerics.measure import UNIT_ROUNDOFF, attention_rounding, logit_size, rounding
from numerics.model import attention
from theorems.descent.trajectory import DescentRun
from theorems.network.enclosed import enclose

NOTHING_KNOWN = 1 / UNIT_ROUNDOFF  # a relative error so large decides nothing, and its squares do not overflow
DIVERGED = 1e30  # the gap grown by this factor: nothing more is learnt, and squares would overflow


@dataclass(frozen=True, kw_only=True)
class FloatProblem:
    """The laboratory's data of a run in float64, and what the theory says of it: Z̄ and Â rounded from enclosures."""

    instance: Instance
    tokens: Float[ndarray, "K d"]
    z_bar: Float[ndarray, "N N"]
    a_hat: Float[ndarray, "N K"]

    @property
    def N(self) -> int:
        """The prompt is the first N tokens."""
        return self.instance.prompt_length

    @cached_property
    def moments(self) -> Float[ndarray, "K K"]:
        """E y yᵀ."""
        return self._moments(self.instance.features)

    @cached_property
    def sizes(self) -> Float[ndarray, "K K"]:
        """E y yᵀ with absolute values in its sums."""
        return self._moments(np.abs(self.instance.features))

    def _moments(self, features: Float[ndarray, "K m"]) -> Float[ndarray, "K K"]:
        return label_moments(features, feature_noise(self.instance.noise), np.eye(self.instance.feature_count))

    def attention(self, queries: Float[ndarray, "H d d"]) -> Float[ndarray, "H N K"]:
        """softmax(VᵀQ_h v_k) for every head."""
        weights: ndarray = attention(torch.from_numpy(queries), torch.from_numpy(self.tokens), self.N).numpy()
        return weights

    def residuals(self, s: Float[ndarray, "H N K"], weights: Float[ndarray, "H K"]) -> Float[ndarray, "N K"]:
        """Z̄(Ã − Â)."""
        delta: ndarray = self.z_bar @ (np.einsum("hk,hnk->nk", weights, s) - self.a_hat)
        return delta

    def gradients(
        self, queries: Float[ndarray, "H d d"], weights: Float[ndarray, "H K"]
    ) -> tuple[Float[ndarray, "H d d"], Float[ndarray, "H K"]]:
        """∇_{Q_h} L and ∂L/∂w_hk."""
        return loss_and_gradients(queries, weights, self.tokens, self.moments, self.N)[1:]


def float_problem(run: DescentRun) -> FloatProblem:
    """The data of a run in float64."""
    with flint.ctx.workprec(128):
        enclosed = enclose(run.problem)
        z_bar, a_hat = (np.array(part.mid().tolist(), dtype=float) for part in (enclosed.z_bar, enclosed.a_hat))
    return FloatProblem(instance=run.problem.instance, tokens=run.problem.tokens, z_bar=z_bar, a_hat=a_hat)


def float_descent(run: DescentRun) -> Iterator[tuple[float, float]]:
    """The gap of every step from 0 on in float64, and how far δ may be from that of the exact run (Frobenius).

    It ends where the run diverges, if it does.
    """
    data, prescription = float_problem(run), run.prescription
    eta_Q, eta_w = prescription.step_queries, float(prescription.step_weights.mid())
    queries, weights = run.problem.queries, run.problem.weights
    first, moved = np.inf, 0.0
    while True:
        s = data.attention(queries)
        gap = float(np.linalg.norm(data.residuals(s, weights))) ** 2 / (2 * len(data.tokens))
        if not gap < DIVERGED * first:
            return
        here, step = _roundings(data, queries, weights, s, eta_w)
        yield gap, moved + here
        first, moved = gap if first == np.inf else first, moved + step
        by_queries, by_weights = data.gradients(queries, weights)
        queries, weights = queries - eta_Q * by_queries, weights - eta_w * by_weights


def gap_error(run: DescentRun, bound: float, away: float) -> float:
    """How far a computed gap ‖δ‖²/2K may be on the wrong side of its bound where δ may be `away` from the exact one.

    The roots of the two are compared: ‖δ‖ ≤ √(2K bound) ± away; the norm itself takes at most N K + 4 roundings.
    """
    N, K, _, _ = run.problem.sizes
    return float((2 * np.sqrt(2 * K * bound) * away + away**2) / (2 * K) + rounding(N * K + 4) * bound)


def _roundings(
    data: FloatProblem,
    queries: Float[ndarray, "H d d"],
    weights: Float[ndarray, "H K"],
    s: Float[ndarray, "H N K"],
    eta_w: float,
) -> tuple[float, float]:
    """How far rounding moves δ (Frobenius) when it is computed here, and during the step that follows.

    A softmax weight errs relatively by rho; Ã by rho and H + 1 roundings of its terms; the derivative by Ã, which is
    M_PPÃ − M_P computed as half of M_PPÃ − 2M_P and of M_PPᵀÃ, by m + N + 8 roundings of its terms (m + 2 are those of
    the moments) and the error of Ã; w by the gradient's error and one rounding, which δ feels at most √H‖Z̄‖ times; Q by
    one rounding of its entries, hence s by twice that of the logits.
    """
    (H, N, K), prompt = s.shape, data.tokens[: data.N]
    logit = logit_size(prompt, queries, data.tokens)
    rho = min(attention_rounding(prompt, queries, data.tokens), NOTHING_KNOWN)
    mixed = np.einsum("hk,hnk->nk", np.abs(weights), s)
    norm = float(np.linalg.norm(data.z_bar, 2))
    mixture_error = (rho + rounding(H + 1)) * mixed + 2 * UNIT_ROUNDOFF * np.abs(data.a_hat)
    sizes = np.abs(data.z_bar) @ (mixed + np.abs(data.a_hat))
    here = norm * float(np.linalg.norm(mixture_error)) + rounding(N + 4) * float(np.linalg.norm(sizes))
    terms = data.sizes[:N, :N] @ mixed + data.sizes[:N]
    residual_error = rounding(data.instance.feature_count + N + 8) * terms + data.sizes[:N, :N] @ mixture_error
    slope_error = np.einsum("nk,hnk->hk", residual_error + (rho + rounding(N + 1)) * terms, s) / K
    weight_error = 2 * UNIT_ROUNDOFF * np.abs(weights) + (eta_w + 4 * UNIT_ROUNDOFF) * slope_error
    query_error = 4 * UNIT_ROUNDOFF * logit * norm * float(np.linalg.norm(np.abs(weights).sum(axis=0)))
    return here, norm * np.sqrt(H) * float(np.linalg.norm(weight_error)) + query_error
