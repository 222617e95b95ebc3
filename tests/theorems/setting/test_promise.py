"""A run that ended early decides nothing; a network presented as trained is judged by what training promises."""

from __future__ import annotations

from dataclasses import replace

import pytest

from theorems.setting.defects import one_head, penalty_n_tau, untrained
from theorems.setting.experiment import Experiment
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from theorems.setting.promise import excess, kept, promise, promised_gap
from theorems.theorem2 import RidgeRegression, measure_learned_matrix, measure_predictions, measure_training
from verify.claim import Assumption, Defect, Verdict, worst

CHECKS = measure_training, measure_learned_matrix, measure_predictions


def verdicts(experiment: Experiment) -> list[Verdict]:
    return [worst(finding.verdict for finding in check(RidgeRegression(experiment))) for check in CHECKS]


@pytest.mark.parametrize(
    "given",
    [{"steps": 0}, {"steps": 3}, {"H": 6}, {"optimizer": "gd", "steps": 50}, {"objective": "sampled"}, {"d": 2}],
)
def test_a_budget_that_ended_is_undecided_and_says_what_to_give(given: dict[str, object]) -> None:
    experiment = prepare(resolve("quick", given))
    assert verdicts(experiment) == [Verdict.UNDECIDED] * 3
    (found,) = promise(experiment)
    assert f"{experiment.study.recipe.optimizer} made {experiment.study.trained.iterations[-1]} steps" in found.meaning
    assert "the excess loss fell by a factor of" in found.meaning
    assert "give more --steps" in found.meaning


@pytest.mark.parametrize("defect", [untrained, one_head])
def test_a_network_presented_as_trained_fails_every_check(defect: Defect, quick: Experiment) -> None:
    assert verdicts(defect.plant(quick)) == [Verdict.FAIL] * 3


def test_a_wrong_limit_fails_where_training_kept_its_promise(quick: Experiment) -> None:
    assert verdicts(quick) == [Verdict.PASS] * 3
    wrong = penalty_n_tau.plant(quick)
    assert kept(promise(wrong))
    assert Verdict.FAIL in verdicts(wrong)[:1]
    assert verdicts(wrong)[1:] == [Verdict.FAIL] * 2


def test_the_promise_does_not_ask_the_theory(quick: Experiment) -> None:
    """Oracle: the gap of Lemma 5, which is the excess loss where the theory is right, and differs where it is wrong."""
    gaps = quick.gaps(quick.study.trained.mixtures[[0, -1]])
    first, last, error = excess(quick)
    assert abs(first - gaps[0]) <= error + float(quick.gap_rounding(quick.study.trained.mixtures[:1])[0])
    assert abs(last - gaps[1]) <= error + float(quick.gap_rounding(quick.study.trained.mixtures[-1:])[0])
    assert excess(penalty_n_tau.plant(quick)) == (first, last, error)
    assert promised_gap(quick) == first / 1e6


def test_the_tolerance_does_not_follow_the_learned_matrix(quick: Experiment) -> None:
    """A network that is worse gets no more room."""
    trained = quick.study.trained
    study = replace(quick.study)
    vars(study)["trained"] = replace(trained, mixtures=trained.mixtures + 0.3)
    worse = replace(quick, study=study, presented=True)
    (before,) = (
        finding for finding in measure_learned_matrix(RidgeRegression(quick)) if not isinstance(finding, Assumption)
    )
    (after,) = (
        finding for finding in measure_learned_matrix(RidgeRegression(worse)) if not isinstance(finding, Assumption)
    )
    assert float(after.tolerance.max()) <= 2 * float(before.tolerance.max())  # type: ignore[union-attr]
    assert after.verdict is Verdict.FAIL
