"""A lemma's statement as it stands or with a defect planted: what its checks look at."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import sympy as sp

from theorems.network.letters import PAPER, Setting
from theorems.setting.experiment import Experiment
from verify.prove.inequalities.system import Relation


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The experiment, the stated bound times a rational `factor` and to a `power`, and what is assumed."""

    experiment: Experiment
    factor: Any = 1
    power: Any = 1
    setting: Setting = field(default=PAPER)


def variant_of(subject: Experiment | Variant) -> Variant:
    """The statement as it stands, unless a defect is planted already."""
    return subject if isinstance(subject, Variant) else Variant(experiment=subject)


def as_stated(variant: Variant, relation: Relation) -> Relation:
    """The inequality that the variant states."""
    return replace(relation, right=stated(variant, relation.right))


def stated(variant: Variant, bound: Any) -> Any:
    """The bound that the variant states; a rational power of a symbol stays exact."""
    power = variant.power
    return variant.factor * bound ** (sp.Rational(power) if isinstance(bound, sp.Basic) else float(power))
