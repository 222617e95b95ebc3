"""Lemma 7: where it is nearly attained, the direct route to its constant, and rotations of the tokens as a twin."""

from dataclasses import replace

import flint
import numpy as np
import pytest

from theorems import lemma2, lemma2_sharp
from theorems.lemma7 import CLAIM, STATED, gradient_chain
from theorems.network.instances import small_networks
from theorems.network.letters import HERE
from theorems.network.points import pairs
from theorems.setting.experiment import Experiment
from verify.claim import Verdict
from verify.prove.inequalities.quantity import free
from verify.prove.inequalities.values import PRECISION, number
from verify.runner import run_checks


def test_the_constant_of_lemma_2_enters_once() -> None:
    ends = [gradient_chain(HERE, module.LIPSCHITZ).end for module in (lemma2, lemma2_sharp)]
    assert ends[0] == STATED
    assert ends[1] == STATED / 2


def test_two_opposite_tokens_attain_the_sharp_bound_to_within_one_percent() -> None:
    chain = gradient_chain(HERE, lemma2_sharp.LIPSCHITZ)
    ratios = []
    with flint.ctx.workprec(PRECISION):
        for values in small_networks():
            for place in values.places(free(chain.start), free(chain.end)):
                left, right = (number(side, values, place) for side in (chain.start, chain.end))
                ratios.append(float((left / right).mid()))
    assert 0.99 <= max(ratios) <= 1


def test_weighted_differences_of_unit_vectors_have_length_at_most_one() -> None:
    """The direct route: Σ_j s_j ‖v_j − v̄‖ ≤ (Σ_j s_j ‖v_j‖² − ‖v̄‖²)^½ ≤ 1, without Lemma 2."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        tokens = rng.standard_normal((5, 3))
        tokens /= np.linalg.norm(tokens, axis=1, keepdims=True)
        weights = rng.dirichlet(np.ones(5))
        assert weights @ np.linalg.norm(tokens - weights @ tokens, axis=1) <= 1 + 1e-12


def test_a_rotation_of_the_tokens_changes_no_verdict(quick: Experiment) -> None:
    data = quick.instance
    rotation = np.linalg.qr(np.random.default_rng(7).standard_normal((data.token_dimension,) * 2))[0]
    turned = replace(quick, study=replace(quick.study, instance=replace(data, tokens=data.tokens @ rotation)))
    assert {item.verdict for item in run_checks(CLAIM.checks, CLAIM.about(turned))} == {Verdict.PASS}


def test_gradients_match_finite_differences(quick: Experiment) -> None:
    point, _ = next(pairs(quick, "differences"))
    step = 1e-6
    for place in ((0, 0, 0), (3, 2, 5)):
        moved = []
        for sign in (1, -1):
            queries = point.queries.copy()
            queries[place] += sign * step
            moved.append(replace(point, queries=queries).gap)
        assert (moved[0] - moved[1]) / (2 * step) == pytest.approx(point.gradients[0][place], rel=1e-4, abs=1e-7)
