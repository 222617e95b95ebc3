"""Drift: the constants typed once more by hand, and the geometric series in exact arithmetic."""

from fractions import Fraction

import pytest
import sympy as sp

from theorems import lemma2, lemma2_sharp
from theorems.drift import features_chain, gamma_squared, weights_chain
from theorems.network.letters import Setting
from theorems.network.softmax import GENERIC
from theorems.setting.constants import Delta_0, Z_norm, f_max, gamma, zeta_0
from theorems.setting.notation import H, K
from theorems.setting.stated_constants import STATED_ALPHA, STATED_DRIFT, STATED_ROOM

NUMBERS = {K: 7, H: 5, Z_norm: 2, f_max: sp.Rational(3, 2), Delta_0: 3, zeta_0: sp.Rational(1, 4), gamma: 1000}


def test_the_bounds_are_those_of_the_paper_page() -> None:
    alpha = 4 * sp.sqrt(2 * 7) * 2 * sp.sqrt(3) / (1000 * sp.Rational(1, 4))
    drift = 128 * 7 ** sp.Rational(3, 2) * sp.sqrt(5) * 4 * sp.Rational(3, 2) * 3 / (1000**2 * sp.Rational(1, 16))
    assert sp.simplify(weights_chain().end.subs(NUMBERS) - alpha) == 0
    assert sp.simplify(features_chain(lemma2.LIPSCHITZ).end.subs(NUMBERS) - drift) == 0
    assert sp.simplify(STATED_ALPHA.subs(NUMBERS) - alpha) == sp.simplify(STATED_DRIFT.subs(NUMBERS) - drift) == 0


def test_the_requirement_makes_the_drift_exactly_fill_the_room() -> None:
    least = gamma_squared(lemma2.LIPSCHITZ)
    assert sp.simplify(STATED_DRIFT.subs(gamma, sp.sqrt(least)) - STATED_ROOM) == 0


@pytest.mark.parametrize(("softmax", "factor"), [(lemma2.LIPSCHITZ, 1), (lemma2_sharp.LIPSCHITZ, sp.Rational(1, 4))])
def test_the_constant_of_lemma_2_enters_squared(softmax: object, factor: sp.Expr) -> None:
    ratio = features_chain(softmax).end / STATED_DRIFT  # type: ignore[arg-type]
    assert sp.simplify(ratio - factor) == 0
    assert sp.simplify(features_chain(GENERIC).end / STATED_DRIFT - GENERIC.value**2 / 4) == 0


def test_with_column_norms_the_spectral_norm_is_gone() -> None:
    chain = features_chain(lemma2_sharp.LIPSCHITZ, Setting(by_columns=True))
    assert not chain.end.has(Z_norm)
    assert sp.simplify(chain.end - STATED_DRIFT.subs(Z_norm, f_max) / 4) == 0


def test_geometric_series_stay_below_two_over_the_gap() -> None:
    for numerator in range(1, 10):
        q = Fraction(numerator, 10)
        assert sum(q**s for s in range(200)) <= 2 / (1 - q**2)
