"""The least error of an unseen token by least squares in numpy, and the remark on N = m, refuted by what replays."""

import re
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp

from theorems import remark_m_vs_n, risk_falls
from theorems.risk_falls import Lengths
from theorems.setting.experiment import Experiment
from theorems.setting.notation import m, tau, z_k
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from verify.claim import Verdict
from verify.prove import Instance
from verify.runner import run_checks


def least_error(features: np.ndarray, unseen: np.ndarray, level: float) -> float:
    """min_a ‖Za − z‖² + mτ‖a‖², by least squares on the augmented system."""
    size, prompt = features.shape
    design = np.vstack([features, np.sqrt(size * level) * np.eye(prompt)])
    target = np.concatenate([unseen, np.zeros(prompt)])
    answer = np.linalg.lstsq(design, target, rcond=None)[0]
    return float(np.sum((design @ answer - target) ** 2))


@pytest.mark.parametrize("size", [1, 3, 6])
def test_least_squares_finds_the_stated_error_and_it_falls(size: int) -> None:
    rng = np.random.default_rng(size)
    features, unseen, level = rng.standard_normal((size, 12)), rng.standard_normal(size), 0.2
    found = [least_error(features[:, :length], unseen, level) for length in range(1, 13)]
    penalty = size * level
    for length, error in enumerate(found, start=1):
        square = features[:, :length] @ features[:, :length].T + penalty * np.eye(size)
        assert error == pytest.approx(penalty * unseen @ np.linalg.solve(square, unseen), rel=1e-9)
    assert all(after < before for before, after in pairwise(found))


def test_the_order_of_the_prompt_does_not_matter() -> None:
    """Twin: the error of a whole prompt is the same in any order, so falls along two orders have one sum."""
    rng = np.random.default_rng(0)
    features, unseen = rng.standard_normal((3, 8)), rng.standard_normal(3)
    assert least_error(features[:, ::-1], unseen, 0.3) == pytest.approx(least_error(features, unseen, 0.3), rel=1e-12)


def test_the_longest_prompt_passes_where_the_paper_s_length_fails(quick: Experiment) -> None:
    (right,) = run_checks([risk_falls.certify_best_length], Lengths(quick))
    (wrong,) = run_checks([risk_falls.certify_best_length], remark_m_vs_n.at_m(quick))
    assert (right.verdict, wrong.verdict) == (Verdict.PASS, Verdict.FAIL)


def test_where_there_is_no_longer_prompt_than_m_the_instance_refutes_nothing() -> None:
    many = prepare(resolve("quick", {"m": 20}))
    (found,) = run_checks([risk_falls.certify_best_length], remark_m_vs_n.at_m(many))
    assert found.findings == ()
    assert found.verdict is Verdict.UNDECIDED


def test_the_witness_is_one_feature_that_all_tokens_share(quick: Experiment) -> None:
    (found,) = remark_m_vs_n.certify_witness(remark_m_vs_n.at_m(quick))
    assert found.verdict is Verdict.FAIL
    assert [Fraction(1, count + 1) for count in (1, 2)] == [Fraction(1, 2), Fraction(1, 3)]
    assert [float(ball[0].mid()) for ball in (found.observed, found.bound)] == [1 / 2, 1 / 3]


def test_the_prover_s_witness_replays_in_fractions(quick: Experiment) -> None:
    (found,) = remark_m_vs_n.derive_no_better(remark_m_vs_n.at_m(quick))
    assert found.witness is not None
    more = remark_m_vs_n.more
    Z, W = sp.MatrixSymbol("Z", m, m), sp.MatrixSymbol("W", m, m + more)
    instance = Instance.read(found.witness, [m, more, tau, z_k, Z, W])
    named = [Fraction(each) for each in re.findall(r"(?:left|right) = \[\[(\S+)\]\]", found.witness)]
    assert [instance.evaluate(remark_m_vs_n._error(each))[0][0] for each in (W, Z)] == named
    assert named[0] < named[1], "the longer prompt has the smaller error"
    columns = [list(zip(*instance.values[each], strict=True)) for each in (W, Z)]
    assert columns[0][: len(columns[1])] == columns[1], "it goes on from the shorter one"
