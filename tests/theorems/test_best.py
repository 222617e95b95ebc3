"""The best penalty against scipy's minimiser, and the paper's, refuted by what replays."""

import re
from fractions import Fraction

import flint
import numpy as np
import pytest
import sympy as sp
from scipy.optimize import minimize_scalar

from theorems import best, best_as_stated, best_slope
from theorems.setting.experiment import Experiment
from theorems.setting.limit import PRECISION
from theorems.setting.notation import N, Z, m, tau, z_k
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from verify.claim import Verdict
from verify.prove import Instance
from verify.runner import run_checks


def error(penalty: float, features: np.ndarray, unseen: np.ndarray, noise: float) -> float:
    """R(c), of the textbook form: squared bias plus variance, in R^m."""
    size = len(features)
    ridge = np.linalg.solve(features @ features.T + penalty * np.eye(size), features)
    bias = unseen - ridge @ features.T @ unseen
    return float(bias @ bias + noise * np.sum((ridge.T @ unseen) ** 2))


@pytest.mark.parametrize(("size", "prompt"), [(3, 7), (5, 5), (6, 2)])
def test_scipy_finds_the_minimum_at_m_tau(size: int, prompt: int) -> None:
    rng = np.random.default_rng(size)
    features, unseen, level = rng.standard_normal((size, prompt)), rng.standard_normal(size), 0.3
    found = minimize_scalar(
        lambda power: error(np.exp(power), features, unseen, size * level), bounds=(-8, 8), method="bounded"
    )
    assert np.exp(found.x) == pytest.approx(size * level, rel=1e-3)


def test_rotated_features_have_the_same_errors(quick: Experiment) -> None:
    """Twin: R(c) at every token is the same for UZ and Uz_k with U orthogonal."""
    rng = np.random.default_rng(2)
    features, unseen = rng.standard_normal((4, 6)), rng.standard_normal(4)
    rotation = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    for penalty in (0.1, 2.0):
        assert error(penalty, rotation @ features, rotation @ unseen, 0.4) == pytest.approx(
            error(penalty, features, unseen, 0.4), rel=1e-12
        )


@pytest.mark.parametrize("check", [best_slope.derive_stationary, best.certify_penalties, best.measure_penalties])
def test_the_checks_that_refute_the_paper_pass_with_its_correction(check: object, quick: Experiment) -> None:
    (right,) = run_checks([check], best.Choice(quick))  # type: ignore[list-item]
    (wrong,) = run_checks([check], best_as_stated.as_printed(quick))  # type: ignore[list-item]
    assert (right.verdict, wrong.verdict) == (Verdict.PASS, Verdict.FAIL)


def test_the_witness_replays_in_fractions(quick: Experiment) -> None:
    """By hand: two tokens of one feature 1, τ = 2, so that R(c) = (c² + 4)/(c + 2)²."""
    (found,) = best_as_stated.certify_witness(best_as_stated.as_printed(quick))
    assert found.verdict is Verdict.FAIL
    sides = [Fraction(c * c + 4, (c + 2) ** 2) for c in (4, 2)]
    assert sides == [Fraction(5, 9), Fraction(1, 2)]
    with flint.ctx.workprec(PRECISION):
        for ball, value in zip((found.observed, found.bound), sides, strict=True):
            assert ball[0].overlaps(flint.arb(flint.fmpq(value.numerator, value.denominator)))
            assert ball[0].rad() < 2**-200


def test_the_witness_of_the_prover_replays(quick: Experiment) -> None:
    """At it the derivative of R at Nτ, by hand from the two singular directions of Z, is the number it names."""
    (found,) = best_slope.derive_stationary(best_as_stated.as_printed(quick))
    assert found.witness is not None
    instance = Instance.read(found.witness, [N, m, tau, Z, z_k])
    slope = best_slope.SLOPE.subs({best.p: m * tau, best.c: N * tau})
    named = Fraction(re.findall(r"left = \[\[(\S+)\]\]", found.witness)[0])
    assert instance.evaluate(slope) == ((named,),)
    assert named != 0


def test_where_n_is_m_there_is_one_penalty_and_nothing_to_refute() -> None:
    same = prepare(resolve("quick", {"N": 4}))
    evidence = run_checks([best.certify_penalties, best.measure_penalties], best_as_stated.as_printed(same))
    assert [item.verdict for item in evidence] == [Verdict.PASS, Verdict.PASS]
    assert "Nτ" not in {name for name, *_ in best._compared(best.Choice(same))}


def test_two_names_of_one_penalty_are_no_rivals(quick: Experiment) -> None:
    assert "mτ" not in best.rivals(best.Choice(quick))
    assert "Nτ" not in best.rivals(best.Choice(quick, multiple=N / sp.Symbol("m", integer=True, positive=True)))
