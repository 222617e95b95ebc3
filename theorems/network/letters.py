"""The network's quantities as letters with a head h and a token k: their definitions and the assumptions on them.

A `Point` is a value of the parameters ξ = {Q_h, α_h}; several points carry different marks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from theorems.setting.constants import A_norm, Z_norm, alpha, f_max, gamma, gap
from theorems.setting.notation import H, K, N, d
from verify.prove.inequalities.chain import Fact
from verify.prove.inequalities.lemma import Premise, define, hypothesis
from verify.prove.inequalities.quantity import Columns, Diagonal, Letter, SumOf, largest, norm
from verify.prove.inequalities.rules import euclidean_below_one, hoelder_columns, mixture, operator_norm, unit_vector

h, k, i = sp.Idx("h", H), sp.Idx("k", K), sp.Idx("i", N)

V, v_k, v_i = Letter("V", d, N), Letter("v_k", d, 1, k), Letter("v_i", d, 1, i)
Z_bar, z_bar_i = Letter("Z̄", N, N), Letter("z̄_i", N, 1, i)
A, a_k, e_k = Letter("A", N, K), Letter("a_k", N, 1, k), Letter("e_k", K, 1, k)

PROMPT = Columns(V, i, v_i)
FEATURES = Columns(Z_bar, i, z_bar_i)

UNIT_VECTOR = unit_vector(Columns(sp.Identity(K), k, e_k))
Z_SIZE = define(Z_norm, norm(Z_bar, "op"), "‖Z̄‖ is the spectral norm")
A_SIZE = define(A_norm, norm(A, "op"), "‖A‖₂ is the spectral norm")
F_MAX = define(f_max, largest(i, norm(z_bar_i)), "f̄_max is the largest column norm of Z̄")
TARGET = define(a_k, A * e_k, "a_k is column k of A")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What the lemmas assume; a control assumes less: tokens of another length, or only |α_hk| ≤ slack · α.

    With `by_columns`, ‖Z̄ s‖ is bounded by the largest column norm, ‖Z̄ s‖ ≤ f̄_max ‖s‖₁, which is never worse
    than the paper's ‖Z̄ s‖ ≤ ‖Z̄‖₂ ‖s‖₁. `bounds` says where |α_hk| ≤ α is known from elsewhere, not supposed.
    """

    token_length: int = 1
    slack: int = 1
    by_columns: bool = False
    bounds: tuple[tuple[Point, Fact], ...] = ()

    @property
    def token(self) -> Fact:
        known: Fact = hypothesis(norm(v_k), self.token_length, f"‖v_k‖ = {self.token_length}", equal=True)
        return known

    @property
    def prompt_token(self) -> Fact:
        known: Fact = hypothesis(norm(v_i), self.token_length, f"‖v_i‖ = {self.token_length}", equal=True)
        return known

    def mixed(self, weights: Any) -> tuple[Fact, ...]:
        """‖Z̄ s‖ ≤ ‖Z̄‖ ‖s‖₁."""
        if self.by_columns:
            return hoelder_columns(FEATURES, weights), F_MAX
        return operator_norm(Z_bar, weights), Z_SIZE, euclidean_below_one(weights)

    def bounded(self, point: Point) -> Fact:
        """|α_hk| ≤ α at the point."""
        times = "" if self.slack == 1 else f"{self.slack} "
        name = f"|{point.alpha_hk.name}| ≤ {times}α"
        known: Fact = dict(self.bounds).get(point) or hypothesis(norm(point.alpha_hk), self.slack * alpha, name)
        return known


PAPER = Setting()


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
    def definition_b(self) -> Premise:
        return _named(self.b_hk, Z_bar * self.s_hk)

    @property
    def definition_delta(self) -> Premise:
        return _named(self.delta_k, gamma * self.B_k * self.alpha_k - a_k)

    @property
    def definition_J(self) -> Premise:
        """J = diag(s) − s sᵀ."""
        return _named(self.J_hk, self.S_hk - self.s_hk * self.s_hk.T)

    @property
    def diagonal(self) -> Diagonal:
        """S_hk = diag(s_hk)."""
        return Diagonal(self.S_hk, self.s_hk)

    @property
    def columns(self) -> Columns:
        """The columns of B_k."""
        return Columns(self.B_k, h, self.b_hk)

    @property
    def mixture(self) -> SumOf:
        """B_k α_k = Σ_h α_hk b_hk."""
        found: SumOf = mixture(self.columns, self.alpha_k, self.alpha_hk)
        return found

    @property
    def weights_sum_to_one(self) -> Fact:
        words = f"{self.s_hk.name} is a softmax: its weights are ≥ 0 and sum to 1"
        known: Fact = hypothesis(norm(self.s_hk, "1"), 1, words, equal=True)
        return known

    @property
    def gap(self) -> Any:
        """ℓ(ξ) − L*."""
        if isinstance(self.step, sp.Idx):
            return sp.IndexedBase("Δ" + self.mark, nonnegative=True)[self.step]
        time = "" if self.step is None else f"^({self.step})"
        return sp.Symbol(f"{gap.name}{self.mark}{time}", nonnegative=True)


def _named(letter: Letter, expression: Any) -> Premise:
    known: Premise = define(letter, expression, f"definition of {letter.name}")
    return known


HERE, THERE = Point(), Point("′")

t = sp.Symbol("t", integer=True, nonnegative=True)
s = sp.Idx("s", t)  # the steps before step t
r = sp.Idx("r", (0, s - 1))  # the steps before step s
p = sp.Idx("p", t + 1)  # the steps up to step t
AT_R, AT_S, AT_T, AT_0 = Point(step=r), Point(step=s), Point(step="t"), Point(step="0")
AT_P, AT_NEXT = Point(step=p), Point(step="t+1")
BETWEEN = Point("ᵘ")  # ξᵘ = ξ − u η_Q ∇ℓ(ξ) with 0 ≤ u ≤ 1, a point of the segment from ξ to ξ⁺
