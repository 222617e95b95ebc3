"""Proposition 1 [T]: a Gaussian start satisfies Assumption 2 almost surely.

If a coordinate of the prompt tokens takes N different values (Assumption 3), H ≥ N, and Q_h⁽⁰⁾ has i.i.d. N(0, β²)
entries with β > 0, then with probability one every B_k⁽⁰⁾ = Z̄C_k has full row rank, for all N, K, d, m, H.

(a) Column h of C_k is a positive multiple of (exp(v_iᵀq_h))_i with q_h = Q_h v_k, and Z̄ is invertible. (b) On any
line q + tε on which the x_i = v_iᵀε differ, g = Σ_i c_i exp(v_iᵀ(q + tε)) with c ≠ 0 has at most N − 1 zeros: so
exponentials are linearly independent, and {g = 0} is a null set. (c) q_1, …, q_H are independent with a density, so
each of the first N columns is almost surely outside the span of those before it. The axis ε is a coordinate under
Assumption 3; any direction will do, so distinct tokens suffice. Cited, not proved here: Rolle's theorem and the
theorem of Fubini and Tonelli.

Wrong if a step leaves a remainder, or if a random start has a smaller rank.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np
import sympy as sp

from theorems.defects import one_head
from theorems.experiment import Experiment, stream
from theorems.lemma1 import V, a, e, h, i, k, softmax_letter
from theorems.limit import PRECISION
from theorems.notation import N, Z, d, m, tau
from verify.certify import balls, cholesky
from verify.certify.balls import NotPositiveDefiniteError
from verify.claim import Assumption, Bound, Claim, Identity
from verify.prove import Random, prove_expectation, prove_positive_definite
from verify.prove.identity import concluded
from verify.prove.index import Index, Tensor, delta, derivative, exponential, prove_indexed, shorthand, total

STATEMENT = r"""
H >= N, quad (Q_h^((0)))_(a b) tilde cal(N)(0, beta^2) " i.i.d.", quad beta > 0 quad ==> quad
PP("rank" B_k^((0)) = N " for all " k in [K]) = 1
"""

beta = sp.Symbol("beta", positive=True)
n = Index("n", N)
c, q, axis = Tensor("c", (N,)), Tensor("q", (d,), logarithmic=True), Tensor("ε", (d,))
t, now = Tensor("t", (), logarithmic=True), ()
x = shorthand("x", (i,), total(V[a, i] * axis[a], a), kept=True)
exp_i = exponential("f", (i,), total(V[a, i] * q[a], a) + t[now] * x[i])  # exp(v_iᵀ(q + tε))
Q_h: Any = sp.MatrixSymbol("Q_h", d, d)
v_k: Any = sp.MatrixSymbol("v_k", d, 1)

SCALES = (0.125, 1.0, 8.0)  # values of β; powers of two, so that β times a float64 number is exact
TOKENS = 4  # tokens k that are looked at, spread over the dictionary


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The experiment with a wrong sign or power in (b), a wrong power of β in (c), equal tokens or equal heads."""

    experiment: Experiment
    sign: int = 1
    power: int = 1
    beta_power: int = 2
    tokens_equal: bool = False
    scale: float = 1.0

    @property
    def tokens(self) -> np.ndarray:
        """All tokens as rows, the prompt first."""
        rows = self.experiment.instance.tokens.copy()
        if self.tokens_equal:
            rows[1] = rows[0]
        return rows


def derive_exponentials(subject: Experiment | Variant) -> Iterator[Identity]:
    """(a) cᵀC_k and the sums of exponentials vanish together, and Z̄² is positive definite."""
    limit = _variant(subject).experiment.limit
    mixed = total(c[i] * softmax_letter[h, k, i], i) * total(e[h, k, i], i)
    yield prove_indexed("Σ_i c_i s_i · Σ_i exp(v_iᵀq_h) = Σ_i c_i exp(v_iᵀq_h)", mixed, total(c[i] * e[h, k, i], i))
    yield prove_positive_definite("Z̄² ≻ 0", limit.z_bar_squared, factor=Z, shift=m * tau)


def derive_zeros(subject: Experiment | Variant) -> Iterator[Identity]:
    """(b) A nonzero sum of n exponentials with different x_i has at most n − 1 zeros on a line."""
    variant = _variant(subject)
    damping = exponential("w", (n,), -1 * x[n] * t[now])
    gap = x[i] - variant.sign * x[n]
    factor = gap if variant.power == 1 else gap * gap
    g = total(c[i] * exp_i[i], i)
    found = prove_indexed(
        "d/dt exp(−x_n t) g = exp(−x_n t) Σ_i c_i (x_i − x_n) exp(v_iᵀ(q + tε))",
        derivative(damping[n] * g, t[now]), damping[n] * total(c[i] * factor * exp_i[i], i),
    )  # fmt: skip
    found = concluded(
        found, "if c_n ≠ 0, g has at most one zero more than a sum of this kind with fewer nonzero coefficients",
        "Rolle's theorem (cited, not proved here); term n vanishes, and x_i ≠ x_n keeps the others as they were",
    )  # fmt: skip
    found = concluded(
        found, "g has at most N − 1 zeros in t, so t ↦ exp(v_iᵀ(q + tε)) are linearly independent",
        "induction on the number of nonzero c_i: one exponential has no zero",
    )  # fmt: skip
    yield concluded(
        found, "the points q with g(q) = 0 are a null set", "theorem of Fubini and Tonelli (cited, not proved here)"
    )
    yield prove_indexed("term n vanishes", total(delta(i, n) * c[i] * gap * exp_i[i], i), 0)


def derive_density(subject: Experiment | Variant) -> Iterator[Identity]:
    """(c) q_h = Q_h v_k has covariance β²‖v_k‖² I, so a density, and the columns of C_k are independent vectors."""
    scale = beta ** _variant(subject).beta_power
    found = prove_expectation(
        "E q_h q_hᵀ = β²‖v_k‖² I", Q_h * v_k * v_k.T * Q_h.T, scale * sp.Trace(v_k.T * v_k) * sp.Identity(d),
        randoms=[Random(Q_h, beta**2)],
    )  # fmt: skip
    found = concluded(
        found,
        "q_1, …, q_H are independent with a density",
        "linear images of Gaussians are Gaussian (textbook); β > 0, v_k ≠ 0",
    )
    yield concluded(
        found, "rank C_k = rank B_k = N almost surely, for all k at once",
        "column j ≤ N is in the span of those before only if g(q_j) = 0 for a c ≠ 0 orthogonal to them: by (b) a null "
        "event given the others; finitely many j and k",
    )  # fmt: skip


def measure_hypotheses(subject: Experiment | Variant) -> Iterator[Assumption]:
    """Assumption 3 and H ≥ N hold on this instance."""
    variant = _variant(subject)
    prompt = variant.tokens[: variant.experiment.instance.prompt_length]
    gaps = np.diff(np.sort(prompt, axis=0), axis=0)
    spread = float(gaps.min(axis=0).max()) if len(gaps) else float("inf")
    yield Assumption(name="assumption3", margin=spread, meaning="a coordinate takes N values, at least this far apart")
    heads = len(variant.experiment.study.start.queries)
    yield Assumption(name="H ≥ N", margin=float(heads - len(prompt) + 1), meaning=f"{heads} heads, N = {len(prompt)}")


def certify_rank(subject: Experiment | Variant) -> Iterator[Bound]:
    """Random starts of several β have rank C_k = N, certified in ball arithmetic."""
    variant = _variant(subject)
    experiment = variant.experiment
    drawn = stream(experiment.study.seed, "proposition1").standard_normal(tuple(experiment.study.start.queries.shape))
    starts = {"the network's own start": experiment.study.start.queries.double().numpy()}
    starts |= {f"β = {scale:g}": scale * drawn for scale in SCALES}
    size = experiment.instance.prompt_length
    which = np.unique(np.linspace(0, experiment.instance.dictionary_size - 1, TOKENS).astype(int))
    for name, queries in starts.items():
        with flint.ctx.workprec(PRECISION):
            found = [_rank(variant.tokens[:size], variant.scale * queries, variant.tokens[token]) for token in which]
        low, high, margins = (np.array(column, dtype=float) for column in zip(*found, strict=True))
        # The rank is between low and high; N ≤ rank is certain if N ≤ low and impossible if N > high.
        yield Bound(
            name=f"N ≤ rank C_k, {name}", observed=np.full(len(which), float(size)), bound=(low + high) / 2,
            rounding=(high - low) / 2, reason=f"λ_min(C_k C_kᵀ) ≥ {margins.min():.2g}, certified",
        )  # fmt: skip


def _rank(prompt: np.ndarray, queries: np.ndarray, token: np.ndarray) -> tuple[int, int, float]:
    """A lower and an upper bound on rank C_k, and a lower bound on the least eigenvalue of C_k C_kᵀ.

    The rank is at most the number of different rows or columns; it is N if C_k C_kᵀ has a Cholesky factor,
    and then the least eigenvalue is at least 1 / tr((C_k C_kᵀ)⁻¹).
    """
    most = min(len(np.unique(prompt, axis=0)), len(np.unique(queries, axis=0)))
    left, right = balls(prompt), balls(token[:, None])
    columns = []
    for query in queries:
        logits = (left * (balls(query) * right)).entries()
        weights = [logit.exp() for logit in logits]
        columns.append([weight / sum(weights, flint.arb(0)) for weight in weights])
    C = flint.arb_mat(columns).transpose()
    gram = C * C.transpose()
    try:
        cholesky(gram)
    except NotPositiveDefiniteError:
        return 0, most, 0.0
    return len(prompt), most, 0.95 * float((1 / gram.inv().trace()).abs_lower())  # still below when printed


def _variant(subject: Experiment | Variant) -> Variant:
    return subject if isinstance(subject, Variant) else Variant(experiment=subject)


def wrong_sign(experiment: Experiment) -> Variant:
    """The derivative has factors x_i + x_n instead of x_i − x_n."""
    return Variant(experiment=experiment, sign=-1)


def wrong_power(experiment: Experiment) -> Variant:
    """The derivative has factors (x_i − x_n)²."""
    return Variant(experiment=experiment, power=2)


def standard_deviation_for_variance(experiment: Experiment) -> Variant:
    """The covariance of q_h is β‖v_k‖² I."""
    return Variant(experiment=experiment, beta_power=1)


def two_equal_tokens(experiment: Experiment) -> Variant:
    """Two prompt tokens are equal."""
    return Variant(experiment=experiment, tokens_equal=True)


def beta_zero(experiment: Experiment) -> Variant:
    """β = 0: all heads start alike."""
    return Variant(experiment=experiment, scale=0.0)


CLAIM = Claim(
    statement=STATEMENT,
    heeds=("dictionary", "start"),
    assumptions=("assumption3", "unit norm"),
    cites=(
        "Rolle's theorem: between two zeros of a differentiable function its derivative vanishes",
        "Fubini–Tonelli: a set whose every line section is null is null",
        "A linear image of a Gaussian vector is Gaussian",
    ),
    checks=(derive_exponentials, derive_zeros, derive_density, measure_hypotheses, certify_rank),
    controls=(wrong_sign, wrong_power, standard_deviation_for_variance, one_head, two_equal_tokens, beta_zero),
)
