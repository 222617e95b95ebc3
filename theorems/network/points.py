"""Points ξ = {Q_h, α_h} near an experiment's start, in float64: what the lemmas bound, and its rounding errors.

Gradients come from automatic differentiation of the loss made of moments, so they borrow nothing from
the lemmas.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import sympy as sp
import torch
from jaxtyping import Float
from numpy import ndarray

from numerics.loss import loss_and_gradients
from numerics.measure import attention_rounding, rounding
from numerics.model import attention
from theorems.network.letters import PAPER, Setting
from theorems.network.stated import BOUND_ERROR, Numbers
from theorems.setting.constants import A_norm, Z_norm, f_max
from theorems.setting.experiment import Experiment
from theorems.setting.notation import H, K
from theorems.setting.study import stream
from verify.claim import Bound

POINTS = 8


@dataclass(frozen=True, kw_only=True)
class FloatPoint:
    """Parameters in the rescaled variables of Lemma 6, w = γα, on the experiment's data."""

    experiment: Experiment
    tokens: Float[ndarray, "K d"]
    queries: Float[ndarray, "H d d"]
    alpha: Float[ndarray, "H K"]
    gamma: float

    @cached_property
    def weights(self) -> Float[ndarray, "H N K"]:
        """Column h, k is s_hk."""
        start = torch.from_numpy(self.queries), torch.from_numpy(self.tokens)
        result: ndarray = attention(*start, self.experiment.instance.prompt_length).numpy()
        return result

    @cached_property
    def b(self) -> Float[ndarray, "H N K"]:
        """Z̄ s_hk."""
        result: ndarray = np.einsum("mn,hnk->hmk", self.experiment.theory.z_bar, self.weights)
        return result

    @cached_property
    def mixed(self) -> Float[ndarray, "N K"]:
        """Ã."""
        result: ndarray = self.gamma * np.einsum("hk,hnk->nk", self.alpha, self.weights)
        return result

    @cached_property
    def delta(self) -> Float[ndarray, "N K"]:
        """δ_k = Z̄(ã_k − â_k), as columns."""
        theory = self.experiment.theory
        result: ndarray = theory.z_bar @ (self.mixed - theory.a_hat)
        return result

    @cached_property
    def gap(self) -> float:
        """ℓ − L*."""
        return float(self.experiment.gaps(self.mixed[None])[0])

    @cached_property
    def gap_error(self) -> float:
        """A bound on the rounding error of the gap, that of Ã included."""
        moved = self.error * float((self.pull * self.mixed_size).sum()) / len(self.tokens)
        return float(self.experiment.gap_rounding(self.mixed[None])[0]) + moved

    @cached_property
    def gradients(self) -> tuple[Float[ndarray, "H d d"], Float[ndarray, "H K"]]:
        """∇_{Q_h} ℓ and ∂ℓ/∂α_hk, by automatic differentiation."""
        study, N = self.experiment.study, self.experiment.instance.prompt_length
        return loss_and_gradients(self.queries, self.alpha, self.tokens, study.moments, N, scale=self.gamma)[1:]

    @cached_property
    def error(self) -> float:
        """Relative to sums of absolute values, a bound on the error of whatever is computed from the weights.

        Loss, gradients, b and delta multiply at most three softmax weights or entries of Z̄ (two roundings each) and
        take fewer than `count` further roundings on every path.
        """
        N, K, (H, d) = len(self.mixed), len(self.tokens), self.queries.shape[:2]
        rho = attention_rounding(self.tokens[:N], self.queries, self.tokens)
        count = self.experiment.instance.feature_count + 6 * N + 2 * K + 2 * H + 2 * d + 40
        return float((1 + rho) ** 3 * (1 + rounding(count)) - 1)

    @cached_property
    def mixed_size(self) -> Float[ndarray, "N K"]:
        """Ã with absolute values in its sum."""
        result: ndarray = abs(self.gamma) * np.einsum("hk,hnk->nk", np.abs(self.alpha), self.weights)
        return result

    @cached_property
    def pull(self) -> Float[ndarray, "N K"]:
        """Z̄δ with absolute values in its sums, from the moments."""
        N, moments = len(self.mixed), self.experiment.study.moment_sizes
        result: ndarray = moments[:N, :N] @ self.mixed_size + moments[:N]
        return result

    @cached_property
    def gradient_errors(self) -> tuple[Float[ndarray, " H"], Float[ndarray, "H K"]]:
        """Bounds on the rounding errors of ‖∇_{Q_h} ℓ‖_F and ∂ℓ/∂α_hk."""
        pulled = abs(self.gamma) / len(self.tokens) * np.einsum("nk,hnk->hk", self.pull, self.weights)
        lengths = np.linalg.norm(self.tokens, axis=1).max() ** 2
        by_queries: ndarray = 2 * lengths * (np.abs(self.alpha) * pulled).sum(axis=1)
        return self.error * by_queries, self.error * pulled

    @cached_property
    def delta_error(self) -> float:
        """A bound on the error of every ‖δ_k‖."""
        theory = self.experiment.theory
        reach = np.abs(theory.z_bar).max() * len(theory.z_bar)
        return float(self.error * reach * (self.mixed_size.sum(axis=0) + np.abs(theory.a_hat).sum(axis=0)).max())

    @cached_property
    def b_error(self) -> float:
        """A bound on the error of every ‖b_hk‖."""
        return float(self.error * np.abs(self.experiment.theory.z_bar).max() * len(self.mixed))

    def descend(self, rate: float) -> FloatPoint:
        """One step of gradient descent."""
        by_queries, by_alpha = self.gradients
        return replace(self, queries=self.queries - rate * by_queries, alpha=self.alpha - rate * by_alpha)

    @cached_property
    def least_eigenvalue(self) -> float:
        """min_k λ_min(B_k B_kᵀ), rounded downwards: 0 where there are fewer heads than prompt tokens."""
        B = self.b.transpose(2, 1, 0)  # K x N x H
        values = np.linalg.svd(B, compute_uv=False)
        if values.shape[1] < B.shape[1]:
            return 0.0
        # Singular values err by a modest multiple of u |B|, of which N H is one; B itself by `b_error` √H.
        error = rounding(B[0].size) * values.max() + self.b_error * np.sqrt(B.shape[2])
        return float(max(values.min() - error, 0.0) ** 2)


def pairs(experiment: Experiment, name: str, setting: Setting = PAPER) -> Iterator[tuple[FloatPoint, FloatPoint]]:
    """Random pairs of points, near each other and far apart; in turn Q, α or both differ."""
    tokens = setting.token_length * experiment.instance.tokens
    rng, start = stream(experiment.study.seed, name), experiment.study.start
    for trial in range(POINTS):
        gamma, step = float(2 ** rng.integers(0, 4)), 1e-3 if trial < POINTS // 2 else 1.0
        queries = start.queries.numpy() * rng.choice([0.0, 0.3, 1.0])
        alpha = rng.uniform(-1, 1, size=(len(queries), len(tokens)))
        other = (
            step * (1e-2 if trial % 3 == 1 else 1.0) * rng.standard_normal(queries.shape),
            step * (trial % 3 != 0) * rng.standard_normal(alpha.shape),
        )
        here, there = (
            FloatPoint(experiment=experiment, tokens=tokens, queries=q, alpha=a, gamma=gamma)
            for q, a in ((queries, alpha), (queries + other[0], alpha + other[1]))
        )
        yield here, there


def compared(
    name: str, observed: Numbers, bound: Numbers, error: Numbers, reason: str, *, steps: Numbers | None = None
) -> Bound:
    """observed ≤ bound, where `error` is the rounding error of what was observed."""
    rounding_error = np.asarray(error) + BOUND_ERROR * np.abs(np.asarray(bound))
    label = "" if steps is None else "training step"
    return Bound(
        name=name, observed=observed, bound=bound, rounding=rounding_error, reason=reason, x=steps, x_label=label
    )


def constants_of(experiment: Experiment) -> dict[sp.Expr, float]:
    """The constants that do not depend on the parameters, in float64: H, K, ‖Z̄‖, f̄_max and ‖A‖₂."""
    theory = experiment.theory
    return {
        H: float(len(experiment.study.start.queries)),
        K: float(experiment.instance.dictionary_size),
        Z_norm: theory.z_norm,
        f_max: theory.f_max,
        A_norm: theory.a_norm,
    }


def alpha_of(setting: Setting, *points: FloatPoint) -> float:
    """The α of the lemmas: the largest |α_hk|, or less where a control breaks |α_hk| ≤ α."""
    return max(float(np.abs(point.alpha).max()) for point in points) / setting.slack


def slowest_point(experiment: Experiment) -> Iterator[FloatPoint]:
    """A point where only the slowest mode is left: ‖∇_α ℓ‖² = 2γ²ζΔ/K with ζ = min_k λ_min(B_k B_kᵀ) there.

    δ_k is the last eigenvector of the worst B_k B_kᵀ, and 0 for other tokens; γ is so large that the gradient in Q,
    which does not grow with it at given w = γα, adds a hundredth. There is none with fewer heads than prompt tokens.
    """
    data, theory, start = experiment.instance, experiment.theory, experiment.study.start
    queries = start.queries.double().numpy()
    zeros = np.zeros((len(queries), data.dictionary_size))
    point = FloatPoint(experiment=experiment, tokens=data.tokens, queries=queries, alpha=zeros, gamma=1.0)
    B = point.b.transpose(2, 1, 0)  # K × N × H
    if B.shape[2] < B.shape[1]:
        return
    left, sizes, _ = np.linalg.svd(B, full_matrices=False)
    worst, target = int(np.argmin(sizes[:, -1])), theory.target.copy()
    target[:, worst] += left[worst][:, -1]
    weights = (np.linalg.pinv(B) @ target.T[:, :, None])[:, :, 0].T
    by_queries, by_alpha = (np.linalg.norm(part) for part in replace(point, alpha=weights).gradients)
    gamma_there = max(1.0, 10 * float(by_queries / by_alpha))
    yield replace(point, alpha=weights / gamma_there, gamma=gamma_there)
