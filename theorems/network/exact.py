"""The network on exact rational data: softmax, loss and gradients from their definitions, in balls.

Small instances of it are where derivations are tried and wrong constants refuted. Nothing here uses a
lemma, except that the derivative of a softmax weight is Lemma 1's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property, reduce
from typing import Any

import flint

from verify.certify import square_root
from verify.certify.norms import softmax
from verify.prove.inequalities.enclosed_norms import least_singular_value

Rows = tuple[tuple[Fraction, ...], ...]
Matrix = Any  # flint.arb_mat


@dataclass(frozen=True, eq=False, kw_only=True)
class State:
    """Parameters ξ: `queries` holds Q_h (H matrices d × d) and `alpha` is H × K; rationals, or balls along a run."""

    queries: tuple[Any, ...]
    alpha: Any


@dataclass(frozen=True, eq=False, kw_only=True)
class ExactNetwork:
    """Tokens (K rows in R^d) and features (K rows in R^m), the first N in the prompt; the noise level τ; γ."""

    tokens: Rows
    features: Rows
    prompt: int
    tau: Fraction
    gamma: Any

    def __str__(self) -> str:
        gamma = self.gamma if isinstance(self.gamma, Fraction) else self.gamma.str(10)
        rows = f"tokens {text(self.tokens)}, features {text(self.features)}"
        return f"N = {self.prompt}, {rows}, τ = {self.tau}, γ = {gamma}"

    @cached_property
    def V(self) -> Matrix:
        return to_balls(self.tokens[: self.prompt]).transpose()

    def v(self, k: int) -> Matrix:
        return to_balls([self.tokens[k]]).transpose()

    @cached_property
    def moments(self) -> Matrix:
        """E y yᵀ = Z̃ᵀZ̃ + mτ I."""
        features = to_balls(self.features)
        penalty = to_ball(len(self.features[0]) * self.tau)
        return features * features.transpose() + penalty * identity(len(self.features))

    @cached_property
    def Z_bar(self) -> Matrix:
        return square_root(block(self.moments, self.prompt, self.prompt))

    @cached_property
    def A(self) -> Matrix:
        """Z̄Â = Z̄⁻¹ (the rows of E y yᵀ that belong to the prompt)."""
        return self.Z_bar.inv() * block(self.moments, self.prompt, len(self.tokens))

    @cached_property
    def A_hat(self) -> Matrix:
        return self.Z_bar.inv() * self.A

    @cache  # noqa: B019  a few small instances, kept as long as the process
    def softmax(self, state: State, h: int, k: int) -> Matrix:
        """s_hk = softmax(VᵀQ_h v_k)."""
        return softmax(flint.arb_mat([[logit] for logit in self.logits(state, h, k)]))

    def logits(self, state: State, h: int, k: int) -> list[Any]:
        """The entries of VᵀQ_h v_k."""
        entries: list[Any] = (self.V.transpose() * to_balls(state.queries[h]) * self.v(k)).entries()
        return entries

    def jacobian(self, state: State, h: int, k: int) -> Matrix:
        """diag(s) − ssᵀ."""
        s = self.softmax(state, h, k)
        return diagonal(s) - s * s.transpose()

    def b(self, state: State, h: int, k: int) -> Matrix:
        """Z̄ s_hk."""
        return self.Z_bar * self.softmax(state, h, k)

    def B(self, state: State, k: int) -> Matrix:
        """B_k = (b_1k … b_Hk)."""
        columns = [self.b(state, h, k).entries() for h in range(len(state.alpha))]
        return flint.arb_mat(columns).transpose()

    def least_eigenvalue(self, state: State) -> Any:
        """min_k λ_min(B_k B_kᵀ)."""
        roots = [least_singular_value(self.B(state, k)) for k in range(len(self.tokens))]
        return reduce(lambda a, b: a.min(b), roots) ** 2

    @cache  # noqa: B019
    def mixture(self, state: State, k: int) -> Matrix:
        """ã_k = Σ_h w_hk s_hk with w = γα."""
        parts = [
            self.softmax(state, h, k) * (to_ball(row[k]) * to_ball(self.gamma)) for h, row in enumerate(state.alpha)
        ]
        return sum(parts[1:], parts[0])

    @cache  # noqa: B019
    def delta(self, state: State, k: int) -> Matrix:
        """Z̄ (ã_k − â_k)."""
        return self.Z_bar * (self.mixture(state, k) - column(self.A_hat, k))

    @cache  # noqa: B019
    def gap(self, state: State) -> Any:
        """The loss from the moments of the labels, minus its least value."""
        K = len(self.tokens)
        return sum((self._token_gap(state, k) for k in range(K)), flint.arb(0)) / (2 * K)

    def _token_gap(self, state: State, k: int) -> Any:
        inner = block(self.moments, self.prompt, self.prompt)
        cross = column(block(self.moments, self.prompt, len(self.tokens)), k)
        learned, best = (
            (a.transpose() * inner * a - 2 * (a.transpose() * cross))[0, 0]
            for a in (self.mixture(state, k), column(self.A_hat, k))
        )
        return learned - best

    @cache  # noqa: B019
    def gradient_queries(self, state: State, h: int) -> Matrix:
        """∇_{Q_h} ℓ by the chain rule, with the derivative of each softmax weight from Lemma 1."""
        K, N, d = len(self.tokens), self.prompt, len(self.tokens[0])
        total = flint.arb_mat(d, d)
        for k in range(K):
            s, pull = self.softmax(state, h, k), self.Z_bar.transpose() * self.delta(state, k)
            for j in range(N):
                spread = sum(((self.v(j) - self.v(n)) * s[n, 0] for n in range(N)), flint.arb_mat(d, 1))
                weight = to_ball(self.gamma) * to_ball(state.alpha[h][k]) * pull[j, 0] * s[j, 0] / K
                total = total + spread * self.v(k).transpose() * weight
        return total

    @cache  # noqa: B019
    def gradient_alpha(self, state: State, h: int, k: int) -> Matrix:
        """∂ℓ/∂α_hk, 1 × 1."""
        return self.delta(state, k).transpose() * self.b(state, h, k) * (to_ball(self.gamma) / len(self.tokens))

    def slope(self, state: State) -> Any:
        """‖∇ℓ‖ over all parameters."""
        heads, d = range(len(state.alpha)), range(len(self.tokens[0]))
        parts = [self.gradient_queries(state, h)[i, j] for h in heads for i in d for j in d]
        parts += [self.gradient_alpha(state, h, k)[0, 0] for h in heads for k in range(len(self.tokens))]
        return sum((part * part for part in parts), flint.arb(0)).sqrt()

    def descend(self, state: State, rate: Any) -> State:
        """One step of gradient descent on ξ."""
        heads, K = range(len(state.alpha)), range(len(self.tokens))
        queries = [to_balls(state.queries[h]) - self.gradient_queries(state, h) * rate for h in heads]
        alpha = [[to_ball(state.alpha[h][k]) - self.gradient_alpha(state, h, k)[0, 0] * rate for k in K] for h in heads]
        return State(queries=tuple(_rows(Q) for Q in queries), alpha=_rows(flint.arb_mat(alpha)))


def to_ball(value: Any) -> Any:
    """A rational, or a ball already."""
    return flint.arb(flint.fmpq(value.numerator, value.denominator)) if isinstance(value, (int, Fraction)) else value


def to_balls(rows: Iterable[Sequence[Any]]) -> Matrix:
    return flint.arb_mat([[to_ball(entry) for entry in row] for row in rows])


def identity(n: int) -> Matrix:
    return flint.arb_mat([[int(i == j) for j in range(n)] for i in range(n)])


def diagonal(vector: Matrix) -> Matrix:
    n = vector.nrows()
    return flint.arb_mat([[vector[i, 0] if i == j else 0 for j in range(n)] for i in range(n)])


def block(matrix: Matrix, rows: int, cols: int) -> Matrix:
    """The upper left corner."""
    return flint.arb_mat([[matrix[i, j] for j in range(cols)] for i in range(rows)])


def column(matrix: Matrix, j: int) -> Matrix:
    return flint.arb_mat([[matrix[i, j]] for i in range(matrix.nrows())])


def text(rows: Iterable[Iterable[Any]]) -> str:
    """Rows in text that reads back exactly: [[1, -1/2], [0, 3]]."""
    return "[" + ", ".join("[" + ", ".join(map(str, row)) + "]" for row in rows) + "]"


def _rows(matrix: Matrix) -> tuple[tuple[Any, ...], ...]:
    return tuple(map(tuple, matrix.tolist()))
