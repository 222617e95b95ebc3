"""What the bound lemmas are about: inequalities as they are stated, or with a defect, on an experiment."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from fractions import Fraction

import sympy as sp

from theorems.network.letters import PAPER, Setting
from theorems.setting.experiment import Experiment
from verify.prove.inequalities.system import Relation


@dataclass(frozen=True)
class StatedBounds:
    """The experiment, the stated bounds times a rational `factor` and to a `power`, and what is assumed."""

    experiment: Experiment
    _: KW_ONLY
    factor: int | Fraction = 1
    power: int | Fraction = 1
    setting: Setting = PAPER

    def relation(self, stated: Relation) -> Relation:
        """The inequality with the bound that is claimed here."""
        return replace(stated, right=self.bound(stated.right))

    def bound(self, stated: sp.Expr | float) -> sp.Expr | float:
        """The bound that is claimed here; a rational power of a symbol stays exact."""
        power = sp.Rational(self.power) if isinstance(stated, sp.Basic) else float(self.power)
        return self.factor * stated**power
