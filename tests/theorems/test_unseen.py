"""The two mean errors from the laboratory's moments, and networks at either end of the interval."""

import numpy as np
import pytest

from numerics.instance import synthetic
from numerics.loss import feature_noise, label_moments
from theorems import unseen
from theorems.setting.experiment import Experiment
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from theorems.unseen import Transfer
from verify.claim import Verdict
from verify.runner import run_checks


def errors(features: np.ndarray, prompt: int, level: float, apart: np.ndarray) -> tuple[float, float]:
    """tr XᵀE[yyᵀ]X with the moments of tasks of training, and of those out of domain."""
    m = features.shape[1]
    inside, outside = (
        label_moments(features, feature_noise(level), covariance)[:prompt, :prompt]
        for covariance in (np.eye(m), 4 * np.eye(m) + np.ones((m, m)))
    )
    return float(np.sum(apart * (inside @ apart))), float(np.sum(apart * (outside @ apart)))


@pytest.mark.parametrize(("m", "level"), [(1, 0.1), (4, 0.1), (6, 2.0), (3, 1e-6)])
def test_every_network_is_in_the_interval(m: int, level: float) -> None:
    rng = np.random.default_rng(m)
    data = synthetic(rng, N=5, K=9, d=4, m=m, tau=level)
    for _ in range(20):
        inside, outside = errors(data.features, 5, level, rng.standard_normal((5, 9)))
        assert 4 * inside < outside <= (m + 4) * inside * (1 + 1e-12)


def test_the_right_end_is_attained_with_one_feature() -> None:
    rng = np.random.default_rng(0)
    data = synthetic(rng, N=5, K=9, d=4, m=1, tau=0.3)
    inside, outside = errors(data.features, 5, 0.3, rng.standard_normal((5, 9)))
    assert outside == pytest.approx(5 * inside, rel=1e-12)


def test_the_left_end_is_approached_where_noise_vanishes_and_tasks_sum_to_nothing() -> None:
    """X with 1ᵀZX = 0: the mean of the tasks is not seen."""
    rng = np.random.default_rng(1)
    data = synthetic(rng, N=5, K=9, d=4, m=3, tau=1e-9)
    seen = data.features[:5].sum(axis=1)
    apart = rng.standard_normal((5, 9))
    apart -= np.outer(seen, seen @ apart) / (seen @ seen)
    inside, outside = errors(data.features, 5, 1e-9, apart)
    assert outside / inside == pytest.approx(4, abs=1e-6)


def test_a_larger_difference_has_the_same_ratio(quick: Experiment) -> None:
    """Twin: both errors are quadratic in Ã − Â."""
    rng = np.random.default_rng(2)
    apart = rng.standard_normal((6, 16))
    first, second = (errors(quick.instance.features, 6, 0.1, factor * apart) for factor in (1.0, 3.0))
    assert second == pytest.approx(tuple(9 * error for error in first), rel=1e-12)


@pytest.mark.parametrize("options", [{"m": 1}, {"steps": 0}, {"start_weights": 1.0, "steps": 5}])
def test_one_feature_and_networks_that_were_hardly_trained(options: dict[str, float]) -> None:
    subject = Transfer(prepare(resolve("quick", options)))
    evidence = run_checks([unseen.certify_interval, unseen.measure_gap], subject)
    assert [item.verdict for item in evidence] == [Verdict.PASS, Verdict.PASS]
