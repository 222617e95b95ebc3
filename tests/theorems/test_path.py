"""The path of gradient descent: its constants by hand, and what a smaller ball or a longer step makes of the proof."""

from dataclasses import replace

import pytest
import sympy as sp

from tests.theorems.conftest import quick_outcome
from theorems import path
from theorems.path import PaidPath, derive_bounds, derive_growth, derive_step
from theorems.setting.constants import Delta_0, f_max, gamma, zeta_0
from theorems.setting.experiment import Experiment
from theorems.setting.notation import K
from verify.claim import Verdict


def test_the_stated_bounds_typed_by_hand() -> None:
    numbers = {K: 7, f_max: sp.Rational(3, 2), Delta_0: 3, zeta_0: sp.Rational(1, 4), gamma: 5}
    assert float(path.STATED_ALPHA.subs(numbers)) == pytest.approx(4 * (7 * 3) ** 0.5 / (5 * 0.5), rel=1e-14)
    by_hand = 16 * 2**0.5 * 1.5 * 7 * 3 / (25 * 0.25**1.5)
    assert float(path.STATED_QUERIES.subs(numbers)) == pytest.approx(by_hand, rel=1e-14)


def test_it_passes_and_every_control_is_rejected() -> None:
    outcome = quick_outcome("path")
    assert outcome.verdict is Verdict.PASS
    assert [control.name for control in outcome.controls if not control.rejected] == []


def test_where_zeta_is_overstated_nothing_that_needs_it_is_proved(quick: Experiment) -> None:
    """The bound on the next weights needs no ζ₀; that the gap pays does, and the growth along the path."""
    subject = PaidPath(quick, zeta=4)
    assert {found.status for found in derive_growth(subject)} == {"unknown"}
    inside, along, paid, half = derive_step(subject)
    assert (inside.status, along.status) == ("proved", "proved")
    assert (paid.status, half.status) == ("unknown", "unknown")


def test_a_smaller_share_is_no_constant_of_the_chains(quick: Experiment) -> None:
    subject = PaidPath(quick, share=sp.Rational(99, 100))
    assert {found.verdict for found in derive_bounds(subject)} == {Verdict.FAIL}


def test_half_of_the_smoothness_does_not_carry_the_step(quick: Experiment) -> None:
    stated = path.stated_constants()
    half = replace(stated, matrix=stated.matrix / 2)
    assert any(found.status != "proved" for found in derive_step(PaidPath(quick, stated=lambda: half)))
