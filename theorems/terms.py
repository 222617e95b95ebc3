"""The network's quantities as letters with a head h and a token k, and what is known of them.

A `Point` is a value of the parameters ξ = {Q_h, α_h}; several points carry different marks. All that
the lemmas use of the network stands here: definitions, the assumptions, and Lemmas 1 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from theorems.constants import A_norm, Z_norm, alpha, f_max, gamma, gap
from theorems.notation import H, K, N, d
from verify.prove.inequality import Fact, assume
from verify.prove.quantity import Columns, Letter, SumOf, largest, length, norm
from verify.prove.sampling import Equation

h, k, i = sp.Idx("h", H), sp.Idx("k", K), sp.Idx("i", N)

V, v_k, v_i = Letter("V", d, N), Letter("v_k", d, 1, k), Letter("v_i", d, 1, i)
Z_bar, z_bar_i = Letter("Z̄", N, N), Letter("z̄_i", N, 1, i)
A, a_k, e_k = Letter("A", N, K), Letter("a_k", N, 1, k), Letter("e_k", K, 1, k)

PROMPT = Columns(V, i, v_i)
FEATURES = Columns(Z_bar, i, z_bar_i)

UNIT_VECTOR = assume(norm(e_k), 1, "‖e_k‖ = 1", equal=True)
Z_SIZE = assume(norm(Z_bar, "op"), Z_norm, "‖Z̄‖ is the spectral norm", equal=True)
A_SIZE = assume(norm(A, "op"), A_norm, "‖A‖₂ is the spectral norm", equal=True)
F_MAX = assume(largest(i, norm(z_bar_i)), f_max, "definition of f̄_max", equal=True)
TARGET = Equation(a_k, A * e_k, "a_k is column k of A")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What the lemmas assume; a control assumes less: tokens of another length, or only |α_hk| ≤ slack · α."""

    token_length: int = 1
    slack: int = 1

    @property
    def token(self) -> Fact:
        return assume(norm(v_k), self.token_length, f"‖v_k‖ = {self.token_length}", equal=True)

    @property
    def prompt_token(self) -> Fact:
        return assume(norm(v_i), self.token_length, f"‖v_i‖ = {self.token_length}", equal=True)

    def bounded(self, point: Point) -> Fact:
        """|α_hk| ≤ α at the point."""
        times = "" if self.slack == 1 else f"{self.slack} "
        return assume(norm(point.alpha_hk), self.slack * alpha, f"|{point.alpha_hk.name}| ≤ {times}α")


PAPER = Setting()


@dataclass(frozen=True)
class Point:
    """Parameters; `mark` is printed after the letter, `step` makes it one of a run indexed by time."""

    mark: str = ""
    step: Any = None

    def letter(self, name: str, rows: Any, cols: Any, *indices: Any) -> Letter:
        below = "_" + "".join(map(str, indices)) if indices else ""
        time, when = ((f"^({self.step})", (self.step,)) if self.step is not None else ("", ()))
        return Letter(f"{name}{self.mark}{below}{time}", rows, cols, *indices, *when)

    @property
    def Q_h(self) -> Any:
        return self.letter("Q", d, d, h)

    @property
    def s_hk(self) -> Any:
        """softmax(VᵀQ_h v_k)."""
        return self.letter("s", N, 1, h, k)

    @property
    def S_hk(self) -> Any:
        """diag(s_hk)."""
        return self.letter("S", N, N, h, k)

    @property
    def J_hk(self) -> Any:
        """The Jacobian of softmax, diag(s) − ssᵀ."""
        return self.letter("J", N, N, h, k)

    @property
    def b_hk(self) -> Any:
        return self.letter("b", N, 1, h, k)

    @property
    def B_k(self) -> Any:
        return self.letter("B", N, H, k)

    @property
    def alpha_k(self) -> Any:
        return self.letter("α", H, 1, k)

    @property
    def alpha_hk(self) -> Any:
        return self.letter("α", 1, 1, h, k)

    @property
    def delta_k(self) -> Any:
        return self.letter("δ", N, 1, k)

    @property
    def G_h(self) -> Any:
        """∇_{Q_h} ℓ."""
        return self.letter("G", d, d, h)

    @property
    def g_hk(self) -> Any:
        """∂ℓ/∂α_hk."""
        return self.letter("g", 1, 1, h, k)

    @property
    def g_k(self) -> Any:
        """∂ℓ/∂α_k, a vector in R^H."""
        return self.letter("g", H, 1, k)

    @property
    def definitions(self) -> tuple[Equation, ...]:
        """b_hk = Z̄ s_hk, δ_k = γ B_k α_k − a_k, J = diag(s) − ssᵀ."""
        return (
            Equation(self.b_hk, Z_bar * self.s_hk, f"definition of {self.b_hk.name}"),
            Equation(self.delta_k, gamma * self.B_k * self.alpha_k - a_k, f"definition of {self.delta_k.name}"),
            Equation(self.J_hk, self.S_hk - self.s_hk * self.s_hk.T, f"definition of {self.J_hk.name}"),
        )

    @property
    def columns(self) -> Columns:
        """The columns of B_k."""
        return Columns(self.B_k, h, self.b_hk)

    @property
    def mixture(self) -> SumOf:
        """B_k α_k = Σ_h α_hk b_hk."""
        return SumOf(self.B_k * self.alpha_k, h, self.b_hk * self.alpha_hk, "columns of B_k")

    @property
    def gradient_Q(self) -> SumOf:
        """∇_{Q_h} ℓ = (γ/K) Σ_k α_hk V J_hk Z̄ᵀ δ_k v_kᵀ, from Lemma 1 and Lemma 5."""
        part = gamma / K * V * self.J_hk * Z_bar.T * self.delta_k * self.alpha_hk * v_k.T
        return SumOf(self.G_h, k, part, "∇_{Q_h} ℓ by Lemmas 1 and 5")

    @property
    def gradient_alpha(self) -> Equation:
        """∂ℓ/∂α_hk = (γ/K) δ_kᵀ b_hk, from Lemma 5."""
        return Equation(self.g_hk, gamma / K * self.delta_k.T * self.b_hk, "∂ℓ/∂α_hk by Lemma 5")

    @property
    def weights_sum_to_one(self) -> Fact:
        return assume(norm(self.s_hk, "1"), 1, "softmax weights are ≥ 0 and sum to 1", equal=True)

    @property
    def lemma5(self) -> Fact:
        """(Σ_k ‖δ_k‖²)^½ = √(2K(ℓ − L*))."""
        right = sp.sqrt(2 * K * self.gap)
        return assume(length(k, norm(self.delta_k)), right, "Lemma 5: Σ_k ‖δ_k‖² = 2K(ℓ − L*)", equal=True)

    @property
    def gap(self) -> Any:
        """ℓ(ξ) − L*."""
        if self.step is not None:
            return sp.IndexedBase("Δ" + self.mark, nonnegative=True)[self.step]
        return sp.Symbol(gap.name + self.mark, nonnegative=True)


HERE, THERE = Point(), Point("′")
