"""Lemma 1 [R]: the derivative of softmax attention and the gradients of the loss.

For s = softmax(VᵀQ_h v_k) and all N, K, d, H: ∂s_j/∂Q_h = s_j Σ_i s_i (v_j − v_i) v_kᵀ, and zero for other heads.
With ã_k = γ Σ_h α_{h,k} s^h_k, δ_k = Z̄(ã_k − â_k) and ℓ = (1/2K) Σ_k ‖δ_k‖² + L* (Lemmas 5 and 6):
∂ℓ/∂α_{h,k} = (γ/K) δ_kᵀ Z̄ s^h_k and ∇_{Q_h} ℓ = (γ/K) Σ_k α_{h,k} Σ_j (Z̄δ_k)_j ∂s^h_{k,j}/∂Q_h.

Both are derivatives along a direction: in that of E for Q_h the logits move with VᵀEv_k.

Wrong if the quotient rule or the expansion of ℓ leaves a remainder, or if automatic
differentiation of the network's loss gives other numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from fractions import Fraction
from itertools import chain
from random import Random
from typing import Any

import numpy as np
import sympy as sp
from scipy.special import softmax

from numerics.instance import Instance as Data
from numerics.instance import synthetic
from numerics.loss import feature_noise, label_moments, loss_and_gradients
from numerics.measure import attention_rounding, rounding
from theorems.network import letters as terms
from theorems.network.letters import Point
from theorems.network.softmax import (
    DIAGONAL,
    SUM_ONE,
    derivative,
    diagonal,
    ones,
    sampled_weights,
    unit,
    weight,
    weights,
)
from theorems.setting import constants
from theorems.setting.limit import Limit, limit_values
from theorems.setting.notation import C, H, K, N, Sizes, V, a_hat, d
from theorems.setting.study import stream
from verify.claim import Agreement, Claim, Identity, planted
from verify.prove import Equation, Instance, prove
from verify.prove.inequalities.lemma import Lemma
from verify.prove.inequalities.quantity import SumOf

STATEMENT = r"""
(partial s_j)/(partial Q) = s_j sum_(i=1)^N s_i (v_j - v_i) v_k^top, quad s = "softmax"(V^top Q v_k), \
ell = 1/(2 K) sum_k norm(delta_k)^2 + L^*, quad delta_k = overline(Z) (tilde(a)_k - hat(a)_k), quad
tilde(a)_k = gamma sum_h alpha_(h,k) s_k^h quad ==> \
(partial ell)/(partial alpha_(h,k)) = gamma/K delta_k^top overline(Z) s_k^h, quad
nabla_(Q_h) ell = gamma/K sum_(k=1)^K alpha_(h,k) sum_(j=1)^N (overline(Z) delta_k)_j
s_(k,j)^h sum_(i=1)^N s_(k,i)^h (v_j - v_i) v_k^top
"""

gamma, L_star = sp.symbols("gamma L_*", positive=True)
step, alpha_h = sp.symbols("t α_h", real=True)
Z_bar, E = sp.MatrixSymbol("Z̄", N, N), sp.MatrixSymbol("E", d, d)  # E is any direction in which Q_h moves
v_k, alpha_k, head = (sp.MatrixSymbol(name, size, 1) for name, size in (("v_k", d), ("α_k", H), ("g", H)))
delta = sp.MatrixSymbol("δ", N, 1)
pulled = Z_bar.T * delta

# For one head h and token k; s_j and the vector s are its weights, D = diag(s), f picks the entry j and g the head.
SLOPE = weight * (V * unit * ones.T - V) * weights * v_k.T
BY_ALPHA = gamma / K * sp.Trace(delta.T * Z_bar * weights)
# What token k adds to ∇_{Q_h} ℓ: Σ_j (Z̄δ)_j s_j Σ_i s_i (v_j − v_i) is V D Z̄δ 1ᵀs − V s 1ᵀD Z̄δ, as Z̄ is symmetric.
BY_QUERIES = (
    gamma * alpha_h / K * V * (diagonal * pulled * ones.T * weights - weights * ones.T * diagonal * pulled) * v_k.T
)
HEAD = (
    Equation(C * head, weights, "s is column h of C_k"),
    Equation(head.T * alpha_k, alpha_h * sp.Identity(1), "α_h is entry h of α_k"),
)
DIAGONAL_SUMS = (Equation(ones.T * diagonal, weights.T, "1ᵀD = sᵀ"), Equation(diagonal.T, diagonal, "Dᵀ = D"))

INSTANCES = 4  # of random sizes, for the comparison with automatic differentiation
GAMMA = 4.0


@dataclass(frozen=True)
class Gradients:
    """The formulas, and what may be wrong: a sign, the weights s_i, the order of the product, powers of γ and 2."""

    experiment: Any  # an Experiment; the proofs, which others quote, do not look at it
    _: KW_ONLY
    sign: int = 1
    weighted: bool = True
    transposed: bool = False
    gamma_power: int = 1
    halves: int = 0

    @property
    def slope(self) -> sp.MatrixExpr:
        """∂s_j/∂Q_h."""
        return self._changed(SLOPE)

    @property
    def by_alpha(self) -> sp.Expr:
        """∂ℓ/∂α_hk."""
        return self._scale * BY_ALPHA

    @property
    def by_queries(self) -> sp.MatrixExpr:
        """What token k adds to ∇_{Q_h} ℓ."""
        return self._scale * self._changed(BY_QUERIES)

    @property
    def _scale(self) -> sp.Expr:
        return gamma ** (self.gamma_power - 1) / sp.Integer(2) ** self.halves

    def _changed(self, formula: sp.MatrixExpr) -> sp.MatrixExpr:
        changed = self.sign * (formula if self.weighted else formula.subs(weights, ones))
        return changed.T if self.transposed else changed


def derive_softmax(subject: Gradients) -> Iterator[Identity]:
    """The quotient rule gives ∂s_j/∂Q = s_j Σ_i s_i (v_j − v_i) v_kᵀ."""
    yield derivative()
    logits = V.T * E * v_k
    moved, premises = weight * (unit - weights).T * logits, (SUM_ONE, *DIAGONAL)
    yield prove("Lemma 1", moved, sp.Trace(subject.slope.T * E), premises=premises, sample=_sample)


def derive_gradients(subject: Gradients) -> Iterator[Identity]:
    """The chain rule gives the gradients of ℓ with respect to α_{h,k} and Q_h."""
    moved = (diagonal - weights * weights.T) * V.T * E * v_k  # ds for the direction E, (J du)_j as above
    given: Any = dict(premises=(SUM_ONE, *DIAGONAL_SUMS, *HEAD), sample=_sample)

    def gained(mixing: sp.MatrixExpr, heads: sp.MatrixExpr) -> sp.Expr:
        return _token_loss(residual(mixing, heads)) - _token_loss(residual(C, alpha_k))

    def expanded(first_order: sp.Expr, direction: sp.MatrixExpr) -> sp.Expr:
        return step * first_order.subs(delta, residual(C, alpha_k)) + step**2 / (2 * K) * _square(Z_bar * direction)

    by_alpha = expanded(subject.by_alpha, gamma * weights)
    yield prove("∂ℓ/∂α", gained(C, alpha_k + step * head), by_alpha, **given)
    by_queries = expanded(sp.Trace(subject.by_queries.T * E), gamma * alpha_h * moved)
    yield prove("∇_Q ℓ", gained(C + step * moved * head.T, alpha_k), by_queries, **given)


def residual(mixing: sp.MatrixExpr, heads: sp.MatrixExpr) -> sp.MatrixExpr:
    """δ_k = Z̄(ã_k − â_k)."""
    return Z_bar * (gamma * mixing * heads - a_hat)


def _token_loss(of: sp.MatrixExpr) -> sp.Expr:
    return _square(of) / (2 * K) + L_star / K


def _square(vector: sp.MatrixExpr) -> sp.Expr:
    return sp.Trace(vector.T * vector)


def _sample(sizes: Sizes, rng: Random) -> Mapping[Any, Any]:
    """Weights, and a head g whose column of C_k they are."""
    given, heads = dict(sampled_weights(sizes, rng)), range(sizes.get(H, 1))
    chosen = rng.choice(heads)
    shares = [[own if each == chosen else Fraction(rng.randint(1, 9)) for each in heads] for [own] in given[weights]]
    numbers = [rng.randint(-3, 3) for _ in heads]
    given |= {C: shares, head: [[int(each == chosen)] for each in heads], alpha_k: [[each] for each in numbers]}
    return {**given, alpha_h: numbers[chosen]}


def _proofs() -> Iterator[Identity]:
    """The derivations of this file; they look at no experiment."""
    paper = Gradients(None)
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


def measure_autograd(subject: Gradients) -> Iterator[Agreement]:
    """Automatic differentiation of the network's loss gives the same gradients, at random sizes."""
    rng = stream(subject.experiment.study.seed, "lemma1")
    for trial in range(INSTANCES):
        N_, d_, m_, H_ = (int(size) for size in rng.integers(2, 6, size=4))
        data = synthetic(rng, N=N_, K=N_ + 2, d=d_, m=m_, tau=0.5)
        queries, alphas = rng.standard_normal((H_, d_, d_)), rng.standard_normal((H_, N_ + 2))
        claimed, observed = _formulas(subject, data, queries, alphas), _autograd(data, queries, alphas)
        for name, one, other, tolerance in zip(("∂ℓ/∂α", "∇_Q ℓ"), claimed[:2], observed, claimed[2:], strict=True):
            yield Agreement(
                name=f"{name}, instance {trial + 1}",
                predicted=one,
                observed=other,
                tolerance=tolerance,
                reason="rounding analysis of both sides",
            )


def _autograd(data: Data, queries: np.ndarray, alphas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gradients by torch, from the network and from the loss made of moments."""
    moments = label_moments(data.features, feature_noise(data.noise), np.eye(data.feature_count))
    _, by_queries, by_alphas = loss_and_gradients(
        queries, alphas, data.tokens, moments, data.prompt_length, scale=GAMMA
    )
    return by_alphas, by_queries


def _formulas(subject: Gradients, data: Data, queries: np.ndarray, alphas: np.ndarray) -> tuple[np.ndarray, ...]:
    """The lemma's two gradients as stated, and for each a bound on the rounding of both sides together.

    A gradient is a sum of products with at most three softmax weights, each product touched by at most `count`
    further roundings; its error is relative to the sum with absolute values everywhere, in which
    tokens have entries of at most 1 and the moments and Z̄² of at most `largest`.
    """
    N_, K_, H_, tokens = data.prompt_length, data.dictionary_size, len(queries), data.tokens
    theory = limit_values(Limit(), data)
    rho = attention_rounding(tokens[:N_], queries, tokens)
    count = data.feature_count + 6 * N_ + 2 * K_ + 2 * H_ + 2 * tokens.shape[1] + 30
    factor = 2 * ((1 + rho) ** 3 * (1 + rounding(count)) - 1) * GAMMA / K_
    largest = (np.abs(data.features) @ np.abs(data.features).T).max() + theory.penalty
    pull = GAMMA * np.abs(alphas).sum(axis=0) + N_ * (np.abs(theory.a_hat).max() + 1)
    pull *= 2 * largest  # |Z̄ δ_k| and more
    return (
        *_evaluated(subject, data, queries, alphas),
        factor * np.broadcast_to(pull, alphas.shape),
        factor * 2 * np.broadcast_to((np.abs(alphas) @ pull)[:, None, None], queries.shape),
    )


def _evaluated(subject: Gradients, data: Data, queries: np.ndarray, alphas: np.ndarray) -> tuple[np.ndarray, ...]:
    """∂ℓ/∂α, H × K, and ∇_Q ℓ, H × d × d: exact at the weights, Z̄ and Â that float64 gives."""
    tokens, V_, theory = data.tokens.T, data.tokens[: data.prompt_length].T, limit_values(Limit(), data)
    s = softmax(np.einsum("pn,hpq,qk->knh", V_, queries, tokens, optimize=True), axis=1)
    sizes = {N: data.prompt_length, K: data.dictionary_size, H: len(queries), d: len(V_)}
    by_alpha, by_queries = np.zeros(alphas.shape), np.zeros(queries.shape)
    for k, own in enumerate(s):  # N × H, the weights of token k
        given = {V: V_, Z_bar: theory.z_bar, ones: np.ones((len(own), 1)), C: own}
        given |= {v_k: tokens[:, [k]], a_hat: theory.a_hat[:, [k]], alpha_k: alphas[:, [k]]}
        token = {gamma: GAMMA, **sizes, **{letter: _exactly(array) for letter, array in given.items()}}
        token[delta] = Instance(token).evaluate(residual(C, alpha_k))
        for h, share in enumerate(own.T):
            of_head = {weights: _exactly(share[:, None]), diagonal: _exactly(np.diag(share)), alpha_h: alphas[h, k]}
            point = Instance({**token, **of_head})
            by_alpha[h, k] = point.evaluate(subject.by_alpha)[0][0]
            by_queries[h] += np.array(point.evaluate(subject.by_queries), dtype=float)
    return by_alpha, by_queries


def _exactly(array: np.ndarray) -> Any:
    return tuple(tuple(map(Fraction, row)) for row in array.tolist())


CLAIM = Claim(
    statement=STATEMENT,
    about=Gradients,
    heeds=("seed",),
    builds_on=("lemma5", "lemma6"),
    cites=(
        "chain rule (Rudin, Principles of Mathematical Analysis, 3rd ed., Theorem 9.15)",
        "exponential function (Rudin, Principles of Mathematical Analysis, 3rd ed., Theorem 8.6)",
    ),
    checks=(derive_softmax, derive_gradients, measure_autograd),
    controls=dict(
        opposite_sign=planted("The differences are v_i − v_j instead of v_j − v_i.", sign=-1),
        unweighted=planted("The differences are summed without the weights s_i.", weighted=False),
        transposed=planted("The outer product is v_k (v_j − v_i)ᵀ instead of (v_j − v_i) v_kᵀ.", transposed=True),
        without_gamma=planted("The gradients lack the factor γ.", gamma_power=0),
        half_the_gradient=planted("The gradients are divided by 2K instead of K.", halves=1),
    ),
    stated=("SLOPE", "BY_ALPHA", "BY_QUERIES"),
    catches={
        derive_softmax: ("opposite_sign", "unweighted", "transposed"),
        derive_gradients: ("opposite_sign", "unweighted", "transposed", "without_gamma", "half_the_gradient"),
        measure_autograd: ("opposite_sign", "unweighted", "transposed", "without_gamma", "half_the_gradient"),
    },
)
