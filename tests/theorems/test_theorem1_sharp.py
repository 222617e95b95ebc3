"""The sharper Theorem 1: its constants typed once more by hand, and what it gains."""

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

from theorems import theorem1, theorem1_sharp
from theorems.descent.induction import Induction
from theorems.setting.constants import Delta_0, Z_norm, f_max, zeta_0
from theorems.setting.experiment import Experiment
from theorems.setting.notation import H, K
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from theorems.theorem1_sharp import SharperConvergence


def test_the_requirement_is_32_times_2_plus_root_2() -> None:
    numbers = {K: 7, H: 5, Z_norm: 2, f_max: sp.Rational(3, 2), Delta_0: 3, zeta_0: sp.Rational(1, 4)}
    by_hand = 32 * (2 + 2**0.5) * 7**1.5 * 5**0.5 * 1.5**3 * 3 * 0.25**-2.5
    assert float(theorem1_sharp.STATED_GAMMA.subs(numbers)) == pytest.approx(by_hand, rel=1e-14)


def test_the_sharper_theorem_gains_in_gamma_L_and_steps(quick: Experiment) -> None:
    gains = {bound.name: bound.slack for bound in theorem1_sharp.measure_gain(SharperConvergence(quick))}
    assert gains["γ, sharp Lemma 2"] == pytest.approx(2)
    assert 3.9 < gains["L at that γ, sharp Lemma 2"] <= 4.001
    ratio = (np.linalg.norm(quick.theory.z_bar, 2) / np.linalg.norm(quick.theory.z_bar, axis=0).max()) ** 2
    assert gains["γ, and column norms"] == pytest.approx(2 * ratio**0.5)
    assert 1 < gains["guaranteed steps at the γ of Theorem 1, sharp Lemma 2"] < 1.1
    assert 0.9 * ratio < gains["guaranteed steps at the γ of Theorem 1, and column norms"] < 1.1 * ratio


def test_the_sharper_theorem_concludes_with_the_constants_that_it_states() -> None:
    stated = theorem1_sharp.stated_constants()
    assert stated.matrix == theorem1_sharp.STATED_MATRIX
    assert stated.gamma_squared == theorem1_sharp.STATED_GAMMA
    half = replace(stated, matrix=theorem1_sharp.STATED_MATRIX / 2)
    assert next(theorem1.derive_induction(Induction(stated=lambda: half))).status != "proved"


def test_without_enough_heads_nothing_is_measured() -> None:
    few = SharperConvergence(prepare(resolve("quick", {"H": 3})))
    assert not [*theorem1_sharp.measure_run(few), *theorem1_sharp.measure_gain(few)]


def test_what_is_gained_is_among_the_quantities(quick: Experiment) -> None:
    found = [*theorem1_sharp.measure_gain(SharperConvergence(quick))]
    told = [bound for bound in found if "at its own γ" in bound.reason]
    assert [f"{bound.quantities['steps_at_own_gamma']:.6g}" for bound in told] == [
        bound.reason.rpartition(" ")[2] for bound in told
    ]
