"""Laws that violate Assumption 1 and have E λλᵀ = I, sampled and summed in numpy; and one that has another."""

import numpy as np
import pytest

from numerics.loss import feature_noise, label_moments
from theorems import assumption1_weaker
from theorems.assumption1_weaker import LABEL_MOMENTS, Law
from theorems.setting.experiment import Experiment
from theorems.setting.limit import symbol_values
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from verify.certify import as_float64, evaluate
from verify.claim import Verdict
from verify.runner import run_checks


def mean_loss(experiment: Experiment, tasks: np.ndarray, mixed: np.ndarray) -> float:
    """The loss for tasks that are equally likely, their noise averaged by hand."""
    data = experiment.instance
    weights = np.concatenate([mixed, np.zeros((len(data.features) - len(mixed), len(data.features)))]) - np.eye(
        len(data.features)
    )
    each = [
        np.sum((weights.T @ data.features @ task) ** 2) + data.noise * task @ task * np.sum(weights**2)
        for task in tasks
    ]
    return float(np.mean(each)) / (2 * len(data.features))


LAWS = {
    "axes": np.sqrt(4) * np.eye(4),
    "signs that depend on one another": np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]),
}


@pytest.mark.parametrize("law", sorted(LAWS))
def test_a_law_with_the_right_second_moments_has_the_loss_of_the_moments(law: str, quick: Experiment) -> None:
    tasks = LAWS[law].astype(float)
    assert np.allclose(tasks.T @ tasks / len(tasks), np.eye(4))
    assert np.abs(tasks.mean(axis=0)).max() > 0.4, "its mean is not 0"
    mixed = np.random.default_rng(0).standard_normal((6, 16))
    expected = quick.study.losses(mixed[None])[0].mean()
    assert mean_loss(quick, tasks, mixed) == pytest.approx(float(expected), rel=1e-12)


def test_another_second_moment_has_another_loss(quick: Experiment) -> None:
    mixed = np.random.default_rng(0).standard_normal((6, 16))
    tasks = np.diag([3.0, 2.0, 1.0, 0.1])
    assert mean_loss(quick, tasks, mixed) != pytest.approx(float(quick.study.losses(mixed[None])[0].mean()), rel=1e-3)


def test_the_stated_moments_are_the_laboratory_s(quick: Experiment) -> None:
    data = quick.instance
    stated, _ = as_float64(evaluate(LABEL_MOMENTS, symbol_values(data)))
    assert np.allclose(stated, label_moments(data.features, feature_noise(data.noise), np.eye(4)), rtol=0, atol=1e-12)


def test_a_turned_law_has_the_same_loss(quick: Experiment) -> None:
    """Twin: E λλᵀ = I is the same after a rotation of the tasks."""
    mixed = np.random.default_rng(1).standard_normal((6, 16))
    turn = np.linalg.qr(np.random.default_rng(2).standard_normal((4, 4)))[0]
    tasks = LAWS["axes"]
    assert mean_loss(quick, tasks @ turn, mixed) == pytest.approx(mean_loss(quick, tasks, mixed), rel=1e-12)


def test_every_law_of_the_certificate_is_isotropic() -> None:
    for law in assumption1_weaker._laws(5).values():
        assert np.allclose(as_float64(law * law.transpose())[0], np.eye(5), rtol=0, atol=1e-15)


def test_one_feature_is_a_law_too() -> None:
    (found,) = run_checks([assumption1_weaker.certify_laws], Law(prepare(resolve("quick", {"m": 1}))))
    assert found.verdict is Verdict.PASS
