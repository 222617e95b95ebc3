"""Clean labels of unseen tokens: the least loss and its minimiser by solving the normal equations in numpy."""

import numpy as np
import pytest

from numerics.loss import feature_noise, label_moments
from theorems.clean_targets import PRINTED
from theorems.setting.experiment import Experiment
from theorems.setting.limit import symbol_values
from verify.certify import evaluate


def normal_equations(experiment: Experiment) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """E yyᵀ of the prompt, E y times the targets, and E of the squared targets, unseen ones without noise."""
    data = experiment.instance
    prompt, unit = data.prompt_length, np.eye(data.feature_count)
    noisy = label_moments(data.features, feature_noise(data.noise), unit)
    clean = data.features @ data.features.T
    squares = np.where(np.arange(len(clean)) < prompt, np.diag(noisy), np.diag(clean))
    targets = np.concatenate([noisy[:prompt, :prompt], clean[:prompt, prompt:]], axis=1)
    return noisy[:prompt, :prompt], targets, squares


def test_the_least_loss_is_the_printed_constant_and_its_minimiser_the_limit(quick: Experiment) -> None:
    square, targets, squares = normal_equations(quick)
    best = np.linalg.solve(square, targets)
    least = float(np.sum(squares) - np.sum(best * targets)) / (2 * len(squares))
    printed = float(evaluate(PRINTED, symbol_values(quick.instance)).mid())
    assert least == pytest.approx(printed, rel=1e-10)
    assert np.allclose(best, quick.theory.a_hat, rtol=0, atol=1e-12)
    assert quick.theory.loss_star - least == pytest.approx(10 * 0.4 / 32)  # (K − N) mτ/2K


def test_the_excess_of_any_matrix_is_its_distance(quick: Experiment) -> None:
    square, targets, squares = normal_equations(quick)
    rng = np.random.default_rng(0)
    printed = float(evaluate(PRINTED, symbol_values(quick.instance)).mid())
    for _ in range(10):
        mixed = rng.standard_normal(targets.shape)
        loss = np.sum(mixed * (square @ mixed - 2 * targets)) + np.sum(squares)
        apart = quick.theory.z_bar @ (mixed - quick.theory.a_hat)
        assert loss / (2 * len(squares)) == pytest.approx(printed + np.sum(apart**2) / (2 * len(squares)), rel=1e-10)


def test_an_order_of_the_unseen_tokens_changes_nothing(quick: Experiment) -> None:
    """Twin: L* is a sum over the unseen tokens."""
    features = quick.instance.features
    prompt = quick.instance.prompt_length
    square, _, _ = normal_equations(quick)
    each = [
        float(z @ z - (features[:prompt] @ z) @ np.linalg.solve(square, features[:prompt] @ z))
        for z in features[prompt:][::-1]
    ]
    printed = float(evaluate(PRINTED, symbol_values(quick.instance)).mid())
    assert sum(each) / (2 * len(features)) == pytest.approx(printed, rel=1e-10)
