"""Lemma 1 [R]: the derivative of softmax attention and the gradients of the loss.

For s = softmax(VᵀQ_h v_k) and all N, K, d, H: ∂s_j/∂Q_h = s_j Σ_i s_i (v_j − v_i) v_kᵀ, and zero for other heads.
With ã_k = γ Σ_h α_{h,k} s^h_k, δ_k = Z̄(ã_k − â_k) and ℓ = (1/2K) Σ_k ‖δ_k‖² + L* (Lemmas 5 and 6):
∂ℓ/∂α_{h,k} = (γ/K) δ_kᵀ Z̄ s^h_k and ∇_{Q_h} ℓ = (γ/K) Σ_k α_{h,k} Σ_j (Z̄δ_k)_j ∂s^h_{k,j}/∂Q_h.

Wrong if the quotient rule, worked out with indices, leaves a remainder, or if automatic
differentiation of the network's loss gives other numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import sympy as sp
import torch
from scipy.special import softmax

from numerics.instance import Instance, synthetic
from numerics.loss import feature_noise, label_moments, population_loss
from numerics.measure import attention_rounding, rounding
from numerics.model import Network, mixture
from theorems.network import letters as terms
from theorems.network.letters import Point
from theorems.setting import constants
from theorems.setting.experiment import Experiment, stream
from theorems.setting.limit import Limit, limit_values
from theorems.setting.notation import H, K, N, d
from theorems.setting.stated import entries
from verify.claim import Agreement, Claim, Identity
from verify.prove.indices.indexed import (
    Expression,
    Index,
    Letter,
    Tensor,
    delta,
    derivative,
    exponential,
    learn,
    prove_indexed,
    reciprocal,
    shorthand,
    square,
    total,
)
from verify.prove.inequalities.lemma import Lemma
from verify.prove.inequalities.quantity import SumOf
from verify.prove.matrices.sampling import Equation

STATEMENT = r"""
(partial s_j)/(partial Q) = s_j sum_(i=1)^N s_i (v_j - v_i) v_k^top, quad s = "softmax"(V^top Q v_k), \
ell = 1/(2 K) sum_k norm(delta_k)^2 + L^*, quad delta_k = overline(Z) (tilde(a)_k - hat(a)_k), quad
tilde(a)_k = gamma sum_h alpha_(h,k) s_k^h quad ==> \
(partial ell)/(partial alpha_(h,k)) = gamma/K delta_k^top overline(Z) s_k^h, quad
nabla_(Q_h) ell = gamma/K sum_(k=1)^K alpha_(h,k) sum_(j=1)^N (overline(Z) delta_k)_j
s_(k,j)^h sum_(i=1)^N s_(k,i)^h (v_j - v_i) v_k^top
"""

gamma, L_star = sp.symbols("gamma L_*", positive=True)
i, j, n = (Index(name, N) for name in "ijn")
a, b, p, q = (Index(name, d) for name in "abpq")
h, g = (Index(name, H) for name in "hg")
k, l = (Index(name, K) for name in "kl")  # noqa: E741  the index after k

V, v = Tensor("V", (d, N)), Tensor("v", (d, K))
Q, alpha = Tensor("Q", (H, d, d), logarithmic=True), Tensor("α", (H, K))
Z_bar, A_hat = Tensor("Z̄", (N, N)), Tensor("Â", (N, K))

u = shorthand("u", (h, k, i), total(V[a, i] * Q[h, a, b] * v[b, k], a, b))
e = exponential("e", (h, k, i), u[h, k, i])
r = reciprocal("r", (h, k), total(e[h, k, i], i))
softmax_letter = shorthand("s", (h, k, j), e[h, k, j] * r[h, k])

SLOPE: Expression = (
    delta(h, g) * softmax_letter[h, k, j] * total(softmax_letter[h, k, i] * (V[p, j] - V[p, i]), i) * v[q, k]
)
RESIDUAL = shorthand(
    "δ",
    (k, n),
    total(Z_bar[n, j] * (gamma * total(alpha[h, k] * softmax_letter[h, k, j], h) - A_hat[j, k]), j),
    kept=True,
)
# (Z̄δ)_j = Σ_n δ_n Z̄_nj, Z̄ is symmetric
BY_ALPHA: Expression = gamma / K * total(RESIDUAL[l, n] * Z_bar[n, j] * softmax_letter[g, l, j], n, j)
BY_QUERIES: Expression = gamma / K * total(alpha[h, k] * RESIDUAL[k, n] * Z_bar[n, j] * SLOPE, h, k, n, j)

INSTANCES = 4  # of random sizes, for the comparison with automatic differentiation
GAMMA = 4.0


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The experiment, and what may be wrong: a sign, the weights s_i, the order of the product, powers of γ and 2."""

    experiment: Any  # an Experiment; the proofs, which others quote, look at its limit at most
    sign: int = 1
    weighted: bool = True
    transposed: bool = False
    gamma_power: int = 1
    halves: int = 0

    @property
    def as_stated(self) -> bool:
        """Whether nothing is wrong."""
        return self == Variant(experiment=self.experiment)


def slope(variant: Variant, s: Letter) -> Expression:
    """∂s^h_{k,j}/∂Q_g, entry p, q: the formula of the lemma, or a wrong one."""
    if variant.as_stated:
        return SLOPE
    one, other = (q, p) if variant.transposed else (p, q)
    weight = s[h, k, i] if variant.weighted else sp.Integer(1)
    difference = total(weight * (V[one, j] - V[one, i]), i)
    return variant.sign * delta(h, g) * s[h, k, j] * difference * v[other, k]


def derive_softmax(subject: Experiment | Variant) -> Iterator[Identity]:
    """The quotient rule gives ∂s_j/∂Q = s_j Σ_i s_i (v_j − v_i) v_kᵀ."""
    yield _learned(_variant(subject))[0]


def derive_gradients(subject: Experiment | Variant) -> Iterator[Identity]:
    """The chain rule gives the gradients of ℓ with respect to α_{h,k} and Q_h."""
    variant = _variant(subject)
    s = _learned(variant)[1]
    mixed = gamma * total(alpha[h, k] * s[h, k, j], h)
    residual = shorthand("δ", (k, n), total(Z_bar[n, j] * (mixed - A_hat[j, k]), j), kept=True)
    loss = total(square(residual[k, n]), k, n) / (2 * K) + L_star
    by_alpha, by_queries = gradients(variant, residual, s)
    yield prove_indexed("∂ℓ/∂α", derivative(loss, alpha[g, l]), by_alpha)
    yield prove_indexed("∇_Q ℓ", derivative(loss, Q[g, p, q]), by_queries)


def gradients(variant: Variant, residual: Letter, s: Letter) -> tuple[Expression, Expression]:
    """∂ℓ/∂α_gl and ∇_{Q_g} ℓ, entry p, q: the formulas of the lemma, or wrong ones."""
    if variant.as_stated:
        return BY_ALPHA, BY_QUERIES
    scale = gamma**variant.gamma_power / (2**variant.halves * K)
    by_alpha = scale * total(residual[l, n] * Z_bar[n, j] * s[g, l, j], n, j)
    return by_alpha, scale * total(alpha[h, k] * residual[k, n] * Z_bar[n, j] * slope(variant, s), h, k, n, j)


def _learned(variant: Variant) -> tuple[Identity, Letter]:
    return learn("Lemma 1", derivative(softmax_letter[h, k, j], Q[g, p, q]), slope(variant, softmax_letter))


def _proofs() -> Iterator[Identity]:
    """The derivations of this file; they look at no experiment."""
    paper = Variant(experiment=None)
    return chain(derive_softmax(paper), derive_gradients(paper))


def _gradient_queries(point: Point) -> SumOf:
    """∇_{Q_h} ℓ = (γ/K) Σ_k α_hk V J_hk Z̄ᵀ δ_k v_kᵀ, J = diag(s) − ssᵀ: Σ_j u_j s_j Σ_i s_i (v_j − v_i) = V J u."""
    part = constants.gamma / K * terms.V * point.J_hk * terms.Z_bar.T * point.delta_k * point.alpha_hk * terms.v_k.T
    return SumOf(point.G_h, terms.k, part, "∇_{Q_h} ℓ")


def _gradient_weight(point: Point) -> Equation:
    """∂ℓ/∂α_hk = (γ/K) δ_kᵀ b_hk, with b_hk = Z̄ s_hk."""
    return Equation(point.g_hk, constants.gamma / K * point.delta_k.T * point.b_hk, f"{point.g_hk.name} = ∂ℓ/∂α_hk")


def _gradient_weights(point: Point) -> Equation:
    """∇_{α_k} ℓ = (γ/K) B_kᵀ δ_k, the same as a vector."""
    return Equation(point.g_k, constants.gamma / K * point.B_k.T * point.delta_k, f"{point.g_k.name} = ∇_{{α_k}} ℓ")


GRADIENT_QUERIES = Lemma(__name__, "Lemma 1", _gradient_queries, _proofs)
GRADIENT_WEIGHT = Lemma(__name__, "Lemma 1", _gradient_weight, _proofs)
GRADIENT_WEIGHTS = Lemma(__name__, "Lemma 1", _gradient_weights, _proofs)


def measure_autograd(subject: Experiment | Variant) -> Iterator[Agreement]:
    """Automatic differentiation of the network's loss gives the same gradients, at random sizes."""
    variant = _variant(subject)
    rng = stream(variant.experiment.study.seed, "lemma1")
    for trial in range(INSTANCES):
        N_, d_, m_, H_ = (int(size) for size in rng.integers(2, 6, size=4))
        data = synthetic(rng, N=N_, K=N_ + 2, d=d_, m=m_, tau=0.5)
        queries, alphas = rng.standard_normal((H_, d_, d_)), rng.standard_normal((H_, N_ + 2))
        claimed, observed = _formulas(variant, data, queries, alphas), _autograd(data, queries, alphas)
        for name, one, other, tolerance in zip(("∂ℓ/∂α", "∇_Q ℓ"), claimed[:2], observed, claimed[2:], strict=True):
            yield Agreement(
                name=f"{name}, instance {trial + 1}",
                predicted=one,
                observed=other,
                tolerance=tolerance,
                reason="rounding analysis of both sides",
            )


def _autograd(data: Instance, queries: np.ndarray, alphas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gradients by torch, from the network and from the loss made of moments."""
    tokens = torch.from_numpy(data.tokens)
    moments = torch.from_numpy(label_moments(data.features, feature_noise(data.noise), np.eye(data.feature_count)))
    point = [torch.from_numpy(part).requires_grad_() for part in (alphas, queries)]
    mixed = mixture(Network(queries=point[1], weights=GAMMA * point[0]), tokens, data.prompt_length)
    by_alphas, by_queries = torch.autograd.grad(population_loss(mixed, moments).mean(), point)
    return by_alphas.numpy(), by_queries.numpy()


def _formulas(variant: Variant, data: Instance, queries: np.ndarray, alphas: np.ndarray) -> tuple[np.ndarray, ...]:
    """The lemma's two gradients as stated, in float64, and for each a bound on the rounding of both sides together.

    A gradient is a sum of products with at most three softmax weights, each product touched by at most `count`
    further roundings; its error is relative to the sum with absolute values everywhere, in which
    tokens have entries of at most 1 and the moments and Z̄² of at most `largest`.
    """
    N_, K_, H_ = data.prompt_length, data.dictionary_size, len(queries)
    tokens, V_, theory = data.tokens.T, data.tokens[:N_].T, limit_values(Limit(), data)
    s = softmax(np.einsum("pn,hpq,qk->hkn", V_, queries, tokens, optimize=True), axis=2)
    known = {
        "V": V_,
        "v": tokens,
        "Q": queries,
        "α": alphas,
        "Z̄": theory.z_bar,
        "Â": theory.a_hat,
        "s": s,
        gamma: GAMMA,
        N: N_,
        K: K_,
        H: H_,
        d: len(V_),
    }
    by_alpha, by_queries = gradients(variant, RESIDUAL, softmax_letter)

    rho = attention_rounding(V_.T, queries, tokens.T)
    count = data.feature_count + 6 * N_ + 2 * K_ + 2 * H_ + 2 * len(V_) + 30
    factor = 2 * ((1 + rho) ** 3 * (1 + rounding(count)) - 1) * GAMMA / K_
    largest = (np.abs(data.features) @ np.abs(data.features).T).max() + theory.penalty
    pull = (
        2 * largest * (GAMMA * np.abs(alphas).sum(axis=0) + N_ * (np.abs(theory.a_hat).max() + 1))
    )  # |Z̄ δ_k| and more
    return (
        entries(by_alpha, known, g, l),
        entries(by_queries, known, g, p, q),
        factor * np.broadcast_to(pull, alphas.shape),
        factor * 2 * np.broadcast_to((np.abs(alphas) @ pull)[:, None, None], queries.shape),
    )


def _variant(subject: Experiment | Variant) -> Variant:
    return subject if isinstance(subject, Variant) else Variant(experiment=subject)


def opposite_sign(experiment: Experiment) -> Variant:
    """The differences are v_i − v_j instead of v_j − v_i."""
    return Variant(experiment=experiment, sign=-1)


def unweighted(experiment: Experiment) -> Variant:
    """The differences are summed without the weights s_i."""
    return Variant(experiment=experiment, weighted=False)


def transposed(experiment: Experiment) -> Variant:
    """The outer product is v_k (v_j − v_i)ᵀ instead of (v_j − v_i) v_kᵀ."""
    return Variant(experiment=experiment, transposed=True)


def without_gamma(experiment: Experiment) -> Variant:
    """The gradients lack the factor γ."""
    return Variant(experiment=experiment, gamma_power=0)


def half_the_gradient(experiment: Experiment) -> Variant:
    """The gradients are divided by 2K instead of K."""
    return Variant(experiment=experiment, halves=1)


CLAIM = Claim(
    statement=STATEMENT,
    heeds=("seed",),
    builds_on=("lemma5", "lemma6"),
    checks=(derive_softmax, derive_gradients, measure_autograd),
    controls=(opposite_sign, unweighted, transposed, without_gamma, half_the_gradient),
    stated=("SLOPE", "BY_ALPHA", "BY_QUERIES"),
    catches={
        derive_softmax: (opposite_sign, unweighted, transposed),
        derive_gradients: (opposite_sign, unweighted, transposed, without_gamma, half_the_gradient),
        measure_autograd: (opposite_sign, unweighted, transposed, without_gamma, half_the_gradient),
    },
)
