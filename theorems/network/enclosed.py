"""The network on an instance in balls, whole matrices at a time: attention, gap, loss, gradients, ζ₀.

`theorems.network.exact` computes the same from the definitions, entry by entry, for small derivations; here it is
fast enough for the paper's own scale and for thousands of steps of gradient descent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import flint
import numpy as np
from jaxtyping import Float
from numpy import ndarray

from numerics.instance import Instance
from theorems.setting.limit import Limit, symbol_values
from theorems.setting.notation import Z
from verify.certify import balls, evaluate
from verify.certify.norms import smallest, smallest_eigenvalue, softmax, sum_of_squares
from verify.certify.precision import until_decided

ACCURACY = 24  # bits of ζ₀; traces of powers give about 30 − log₂ log N
LIMIT = 1024  # bits; a ζ₀ below about 1e-300 is left undecided
Matrix = Any  # flint.arb_mat
Ball = Any  # flint.arb


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """An instance, what the theory says of it, and the parameters θ = (Q, w) at the start, as float64 numbers.

    Unlike those of an instance, `tokens` may repeat, so that distinctness can be broken on purpose. Two
    problems with the same numbers are equal, so that what was computed for one is found again for the other.
    """

    instance: Instance
    limit: Limit
    tokens: Float[ndarray, "K d"]
    queries: Float[ndarray, "H d d"]
    weights: Float[ndarray, "H K"]

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """N, K, d and H."""
        K, d = self.tokens.shape
        return self.instance.prompt_length, K, d, len(self.queries)

    @cached_property
    def fingerprint(self) -> tuple[str, Limit, str]:
        """The data, the theory's limit, and every number of the parameters and tokens."""
        digest = hashlib.sha256(repr(self.sizes).encode())
        for array in (self.tokens, self.queries, self.weights):
            digest.update(array.tobytes())
        return self.instance.sha256, self.limit, digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Problem) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)


def too_few_heads(problem: Problem) -> Problem:
    """The problem with N − 1 of its heads, so that no B_k has full row rank."""
    kept = problem.instance.prompt_length - 1
    return replace(problem, queries=problem.queries[:kept], weights=problem.weights[:kept])


@dataclass(frozen=True, kw_only=True, eq=False)
class Enclosed:
    """A problem at the precision at which it was enclosed; use it at that precision.

    The gradients come from the moments E y yᵀ of the labels, the gap from the theory's Z̄ and Â, so a
    wrong theory does not go unnoticed.
    """

    K: int
    prompt: Matrix  # Vᵀ, N × d
    tokens: Matrix  # d × K
    moments: Matrix  # E y yᵀ on the prompt, N × N
    cross: Matrix  # E y y_k, N × K
    variances: tuple[Ball, ...]  # E y_k²
    z_bar: Matrix
    a_hat: Matrix
    loss_star: Ball

    def attention(self, queries: Sequence[Matrix]) -> list[Matrix]:
        """softmax(VᵀQ_h v_k) as N × K matrices, one for each head."""
        return [softmax(self.prompt * query * self.tokens) for query in queries]

    def attention_of(self, problem: Problem) -> list[Matrix]:
        """The attention of the problem's own heads."""
        return self.attention([balls(query) for query in problem.queries])

    def mixture(self, attention: Sequence[Matrix], weights: Sequence[Sequence[Ball]]) -> Matrix:
        """Ã, whose column k is Σ_h w_hk s_hk; weights are H × K."""
        total = flint.arb_mat(self.prompt.nrows(), self.K)
        for s, row in zip(attention, weights, strict=True):
            total = total + flint.arb_mat([[x * w for x, w in zip(line, row, strict=True)] for line in s.tolist()])
        return total

    def mixture_of(self, problem: Problem) -> Matrix:
        """Ã of the problem's own parameters, N × K."""
        return self.mixture(self.attention_of(problem), balls(problem.weights).tolist())

    def gap(self, mixture: Matrix) -> Ball:
        """(1/2K) Σ_k ‖Z̄(ã_k − â_k)‖², a sum of squares without cancellation (Lemma 5)."""
        return sum_of_squares((self.z_bar * (mixture - self.a_hat)).entries()) / (2 * self.K)

    def loss(self, mixture: Matrix) -> Ball:
        """The population loss from the moments: the mean over k of (aᵀM_PP a − 2aᵀM_Pk + M_kk)/2."""
        inner = self.moments * mixture - 2 * self.cross
        pairs = zip(mixture.entries(), inner.entries(), strict=True)
        return (sum((a * b for a, b in pairs), flint.arb(0)) + sum(self.variances, flint.arb(0))) / (2 * self.K)

    def gradients(
        self, attention: Sequence[Matrix], weights: Sequence[Sequence[Ball]], mixture: Matrix
    ) -> tuple[list[Matrix], list[list[Ball]]]:
        """∇_{Q_h} L = (1/K) V P_h Ṽᵀ with columns w_hk (diag(s) − ssᵀ) r_k, and ∂L/∂w_hk = s_hkᵀ r_k / K (Lemma 1).

        r_k = M_PP ã_k − M_Pk is K times the derivative of the loss by ã_k.
        """
        residual = (self.moments * mixture - self.cross).tolist()
        left, right = self.prompt.transpose(), self.tokens.transpose()
        by_queries, by_weights = [], []
        for s, row in zip(attention, weights, strict=True):
            lines = s.tolist()
            products = [[x * r for x, r in zip(*pair, strict=True)] for pair in zip(lines, residual, strict=True)]
            slopes = [sum(column[1:], column[0]) for column in zip(*products, strict=True)]
            pulled = [
                [w * (p - x * slope) for p, x, w, slope in zip(product, line, row, slopes, strict=True)]
                for product, line in zip(products, lines, strict=True)
            ]
            by_queries.append(left * flint.arb_mat(pulled) * right / self.K)
            by_weights.append([slope / self.K for slope in slopes])
        return by_queries, by_weights


def enclose(problem: Problem) -> Enclosed:
    """The problem in balls at flint's present precision; inputs are the exact rationals behind its numbers.

    Raises:
        verify.certify.balls.NotPositiveDefiniteError: Z̄² could not be shown to be positive definite.
        ZeroDivisionError: Z̄² may be singular at this precision.
    """
    data, (N, K, _, _) = problem.instance, problem.sizes
    values, features = symbol_values(data), balls(data.features)
    signal, noise = values[Z].transpose() * features.transpose(), flint.arb(data.noise) * data.feature_count
    cross = [[signal[i, j] + noise * int(i == j) for j in range(K)] for i in range(N)]  # E τ‖λ‖² = mτ
    return Enclosed(
        K=K,
        prompt=balls(problem.tokens[:N]),
        tokens=balls(problem.tokens).transpose(),
        moments=flint.arb_mat([row[:N] for row in cross]),
        cross=flint.arb_mat(cross),
        variances=tuple(sum_of_squares(row) + noise for row in features.tolist()),
        z_bar=evaluate(problem.limit.z_bar, values),
        a_hat=evaluate(problem.limit.a_hat, values),
        loss_star=evaluate(problem.limit.loss_star, values),
    )


def by_token(attention: Sequence[Matrix]) -> list[Matrix]:
    """C_k (N × H) for every token k, from the N × K matrices of the heads."""
    columns = [s.transpose().tolist() for s in attention]
    return [flint.arb_mat([list(column) for column in head]).transpose() for head in zip(*columns, strict=True)]


def least_eigenvalues(mixings: Sequence[Matrix], z_bar: Matrix) -> list[Ball]:
    """λ_min(B_k B_kᵀ) with B_k = Z̄C_k, for every k.

    Raises:
        verify.certify.balls.NotPositiveDefiniteError: for some k the rank is open.
    """
    found = []
    for C in mixings:
        B = z_bar * C
        found.append(smallest_eigenvalue(B * B.transpose()))
    return found


def largest_rank(problem: Problem) -> int:
    """An upper bound on rank B_k for every k: the number of different prompt tokens and of different Q_h."""
    N = problem.instance.prompt_length
    heads = problem.queries.reshape(len(problem.queries), -1)
    return min(len(np.unique(problem.tokens[:N], axis=0)), len(np.unique(heads, axis=0)))


@lru_cache(maxsize=8)
def least_eigenvalue(problem: Problem) -> flint.arb | None:
    """An enclosure of ζ₀ that is certainly positive; None if the rank is deficient or open at `LIMIT` bits.

    It is known to `ACCURACY` bits unless `LIMIT` is in the way.
    """
    if largest_rank(problem) < problem.instance.prompt_length:
        return None

    def enclosure() -> flint.arb:
        enclosed = enclose(problem)
        mixings = by_token(enclosed.attention_of(problem))
        return smallest(least_eigenvalues(mixings, enclosed.z_bar))

    return until_decided(enclosure, lambda zeta: bool(zeta.rel_accuracy_bits() >= ACCURACY), limit=LIMIT).value
