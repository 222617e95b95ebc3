"""What the induction behind Theorem 1 is about: the constants that the lemmas allow, and the defects of a control.

A `LemmaConstants` says which constant of softmax and which bound on ‖Z̄ s‖ the lemmas are used with, and what γ² is
required to be; the step sizes follow from them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp

from theorems.descent.step_sizes import StepSizes, exact_runs
from theorems.network.letters import AT_0, Setting, t
from theorems.network.softmax import Lipschitz
from theorems.setting.constants import Delta_0, L, eta, rate, zeta_0
from theorems.setting.stated_constants import SIGMA, spectral_norm
from verify.prove.inequalities.chain import Fact
from verify.prove.inequalities.lemma import hypothesis
from verify.prove.inequalities.quantity import norm
from verify.prove.inequalities.values import Values

GAP = rate**t * Delta_0


@dataclass(frozen=True, kw_only=True)
class LemmaConstants:
    """Lemma 2's constant, the setting of the lemmas, the requirement on γ², Lemma 10's matrix, α and D.

    A control takes η_Q ≤ boost/L instead of 1/L, or a ζ_0 that is `zeta` times the least eigenvalue.
    """

    softmax: Lipschitz
    setting: Setting
    gamma_squared: sp.Expr
    matrix: sp.ImmutableMatrix
    alpha: sp.Expr
    D: sp.Expr
    boost: int = 1
    zeta: int = 1

    @cached_property
    def step_sizes(self) -> StepSizes:
        """The step sizes that follow."""
        return StepSizes(
            gamma_squared=self.gamma_squared,
            alpha=self.alpha,
            D=self.D,
            matrix=self.matrix,
            L=spectral_norm(self.matrix),
            sigma=SIGMA,
            boost=self.boost,
            zeta=self.zeta,
        )

    @property
    def least_fact(self) -> Fact:
        """ζ_0 ≤ λ_min(B_k^(0) B_k^(0)ᵀ) for every k."""
        least, words = sp.sqrt(zeta_0 / self.zeta), "Assumption 2, ζ_0 = min_k λ_min(B_k^(0) B_k^(0)ᵀ)"
        known: Fact = hypothesis(least, norm(AT_0.B_k, "least"), words)
        return known

    @property
    def step_size_fact(self) -> Fact:
        """η_Q ≤ 1/L."""
        known: Fact = hypothesis(eta * L, self.boost, f"η_Q ≤ {self.boost}/L")
        return known


@dataclass(frozen=True, kw_only=True)
class Induction:
    """A theorem's constants, read when a check runs, and what a defect changes: γ² by a power of ζ_0, boost and zeta.

    Further defects: η_w ζ_0/(2K) is `rate` times as large, and η_Q σ ≤ `half`.
    """

    stated: Callable[[], LemmaConstants]
    zeta_power: int = 0
    boost: int = 1
    zeta: int = 1
    rate: int = 1
    half: sp.Expr = sp.Rational(1, 2)

    @property
    def constants(self) -> LemmaConstants:
        """The constants with the defects."""
        stated = self.stated()
        required = stated.gamma_squared * zeta_0**self.zeta_power
        return replace(stated, gamma_squared=required, boost=self.boost, zeta=self.zeta)

    @property
    def small_runs(self) -> tuple[Values, ...]:
        """Exact runs with these constants, on which lines of a proof are tried."""
        return exact_runs(self.constants.step_sizes)

    def claimed(self, stated: sp.Expr) -> sp.Expr:
        """What the gap is claimed to be multiplied by in one step, at most, given what is stated."""
        return 1 - self.rate * (1 - stated)
