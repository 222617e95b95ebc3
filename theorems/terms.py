"""The network's quantities as letters with a head h and a token k, and what is known of them.

A `Point` is a value of the parameters ξ = {Q_h, α_h}; several points carry different marks. All that
the lemmas use of the network stands here: definitions, the assumptions, and Lemma 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from theorems.constants import A_norm, Z_norm, alpha, f_max, gamma, gap
from theorems.notation import H, K, N, d
from verify.prove.inequality import Fact, assume
from verify.prove.quantity import Columns, Letter, SumOf, largest, length, norm
from verify.prove.rules import euclidean_below_one, hoelder_columns, operator_norm, sum_below_length
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
    """What the lemmas assume; a control assumes less: tokens of another length, or only |α_hk| ≤ slack · α.

    With `by_columns`, ‖Z̄ s‖ is bounded by the largest column norm, ‖Z̄ s‖ ≤ f̄_max ‖s‖₁, which is never worse
    than the paper's ‖Z̄ s‖ ≤ ‖Z̄‖₂ ‖s‖₁.
    """

    token_length: int = 1
    slack: int = 1
    by_columns: bool = False

    @property
    def token(self) -> Fact:
        return assume(norm(v_k), self.token_length, f"‖v_k‖ = {self.token_length}", equal=True)

    @property
    def prompt_token(self) -> Fact:
        return assume(norm(v_i), self.token_length, f"‖v_i‖ = {self.token_length}", equal=True)

    def mixed(self, weights: Any) -> tuple[Fact, ...]:
        """‖Z̄ s‖ ≤ ‖Z̄‖ ‖s‖₁."""
        if self.by_columns:
            return hoelder_columns(FEATURES, weights), F_MAX
        return operator_norm(Z_bar, weights), Z_SIZE, euclidean_below_one(weights)

    def bounded(self, point: Point) -> Fact:
        """|α_hk| ≤ α at the point."""
        times = "" if self.slack == 1 else f"{self.slack} "
        return assume(norm(point.alpha_hk), self.slack * alpha, f"|{point.alpha_hk.name}| ≤ {times}α")


PAPER = Setting()


def lemma3(index: Any, body: Any) -> Fact:
    """Σ_k x_k ≤ √K (Σ_k x_k²)^½: Lemma 3 for numbers."""
    return replace(sum_below_length(index, body), rule="Lemma 3", source="")


@dataclass(frozen=True)
class Point:
    """Parameters; `mark` is printed after the letter, `step` is a step of training: an index, or a fixed "t" or "0"."""

    mark: str = ""
    step: Any = None

    def letter(self, name: str, rows: Any, cols: Any, *indices: Any) -> Letter:
        below = "_" + "".join(map(str, indices)) if indices else ""
        time = "" if self.step is None else f"^({self.step})"
        when = (self.step,) if isinstance(self.step, sp.Idx) else ()
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
    def definition_b(self) -> Equation:
        return Equation(self.b_hk, Z_bar * self.s_hk, f"definition of {self.b_hk.name}")

    @property
    def definition_delta(self) -> Equation:
        right = gamma * self.B_k * self.alpha_k - a_k
        return Equation(self.delta_k, right, f"definition of {self.delta_k.name}")

    def definition_J(self, vector: Any) -> Equation:
        """J u = diag(s) u − s (sᵀu)."""
        right = self.S_hk * vector - self.s_hk * (self.s_hk.T * vector)
        return Equation(self.J_hk * vector, right, f"definition of {self.J_hk.name}")

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
        """∇_{Q_h} ℓ = (γ/K) Σ_k α_hk V J_hk Z̄ᵀ δ_k v_kᵀ, from Lemma 1."""
        part = gamma / K * V * self.J_hk * Z_bar.T * self.delta_k * self.alpha_hk * v_k.T
        return SumOf(self.G_h, k, part, "∇_{Q_h} ℓ by Lemma 1")

    @property
    def gradient_alpha(self) -> Equation:
        """∂ℓ/∂α_hk = (γ/K) δ_kᵀ b_hk, from Lemma 1."""
        return Equation(self.g_hk, gamma / K * self.delta_k.T * self.b_hk, f"{self.g_hk.name} = ∂ℓ/∂α_hk by Lemma 1")

    @property
    def gradient_alpha_k(self) -> Equation:
        """∇_{α_k} ℓ = (γ/K) B_kᵀ δ_k, the same as a vector."""
        return Equation(self.g_k, gamma / K * self.B_k.T * self.delta_k, f"{self.g_k.name} = ∇_{{α_k}} ℓ by Lemma 1")

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
        if isinstance(self.step, sp.Idx):
            return sp.IndexedBase("Δ" + self.mark, nonnegative=True)[self.step]
        time = "" if self.step is None else f"^({self.step})"
        return sp.Symbol(f"{gap.name}{self.mark}{time}", nonnegative=True)


HERE, THERE = Point(), Point("′")

t = sp.Symbol("t", integer=True, positive=True)
s = sp.Idx("s", t)  # the steps before step t
AT_S, AT_T, AT_0 = Point(step=s), Point(step="t"), Point(step="0")
