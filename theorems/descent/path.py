"""The constants of the induction that follows the whole path: bounds on ‖α^(t)‖_F and ‖Q^(t) − Q^(0)‖_F at step t.

With p_t = 1 − √Δ^(t)/√Δ^(0) they are ‖α^(t)‖_F ≤ α p_t and ‖Q^(t) − Q^(0)‖_F ≤ (its bound) p_t.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from theorems.descent.induction import LemmaConstants
from theorems.network.letters import AT_0, AT_T, h, k
from theorems.setting.constants import Delta_0, alpha
from verify.prove.inequalities.chain import Fact
from verify.prove.inequalities.lemma import define, hypothesis
from verify.prove.inequalities.quantity import length, norm

WALKED = 1 - sp.sqrt(AT_T.gap) / sp.sqrt(Delta_0)  # p_t


@dataclass(frozen=True, kw_only=True)
class PathConstants(LemmaConstants):
    """`alpha` bounds ‖α^(t)‖_F, and `queries` bounds ‖Q^(t) − Q^(0)‖_F."""

    queries: sp.Expr

    @property
    def weights_fact(self) -> Fact:
        """‖α^(t)‖_F ≤ α p_t."""
        grown, bound = length((h, k), norm(AT_T.alpha_hk)), self.alpha * WALKED
        known: Fact = hypothesis(grown, bound, "induction hypothesis: the weights at t")
        return known

    @property
    def queries_fact(self) -> Fact:
        """‖Q^(t) − Q^(0)‖_F ≤ (its bound) p_t."""
        turned, bound = length(h, norm(AT_T.Q_h - AT_0.Q_h, "F")), self.queries * WALKED
        known: Fact = hypothesis(turned, bound, "induction hypothesis: Q at t")
        return known

    @property
    def named(self) -> Fact:
        """α is the bound on the weights."""
        known: Fact = define(alpha, self.alpha, "α is the bound on ‖α^(t)‖_F")
        return known
