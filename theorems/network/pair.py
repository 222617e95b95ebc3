"""Two points ξ, ξ′: how far they are from each other, and how far their gradients are, over all heads and tokens."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from theorems.network.letters import HERE, PAPER, THERE, Point, Setting, h, k
from theorems.network.softmax import GENERIC, Lipschitz
from verify.prove.inequalities.quantity import length, norm


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two points, and with which constant of softmax and which assumptions their gradients are compared."""

    here: Point = HERE
    there: Point = THERE
    softmax: Lipschitz
    setting: Setting = PAPER

    @property
    def moved_Q(self) -> sp.Expr:
        return norm(self.here.Q_h - self.there.Q_h, "F")

    @property
    def moved_alpha(self) -> sp.Expr:
        return norm(self.here.alpha_hk - self.there.alpha_hk)

    @property
    def distances(self) -> tuple[sp.Expr, sp.Expr]:
        """‖Q − Q′‖_F over all heads, and ‖α − α′‖_F."""
        return length(h, self.moved_Q), length((h, k), self.moved_alpha)

    @property
    def gradients(self) -> tuple[sp.Expr, sp.Expr]:
        """‖∇_Q ℓ − ∇_Q ℓ′‖_F over all heads, and ‖∇_α ℓ − ∇_α ℓ′‖_F."""
        by_queries, by_weights = (self.here.G_h - self.there.G_h, self.here.g_hk - self.there.g_hk)
        return length(h, norm(by_queries, "F")), length((h, k), norm(by_weights))


FAR_Q, FAR_ALPHA = Pair(softmax=GENERIC).distances
