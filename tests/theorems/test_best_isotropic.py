"""Where the paper's Nτ is right: sampled tasks on the range of Z, and numpy's least squares."""

import numpy as np
import pytest


def error(penalty: float, features: np.ndarray, unseen: np.ndarray, level: float) -> float:
    """The mean of (yᵀâ(c) − λᵀz_k)² over λ = Ug and the noise, by the covariance of the tasks."""
    basis = np.linalg.qr(features)[0]
    answer = np.linalg.solve(features.T @ features + penalty * np.eye(features.shape[1]), features.T @ unseen)
    missed = basis.T @ (features @ answer - unseen)
    return float(missed @ missed + features.shape[1] * level * answer @ answer)


@pytest.mark.parametrize(("size", "prompt"), [(4, 2), (5, 5), (7, 3)])
def test_the_least_error_is_at_n_tau_and_at_no_other_penalty(size: int, prompt: int) -> None:
    rng = np.random.default_rng(size)
    features, unseen, level = rng.standard_normal((size, prompt)), rng.standard_normal(size), 0.4
    least = error(prompt * level, features, unseen, level)
    assert all(error(factor * prompt * level, features, unseen, level) > least for factor in (0.5, 0.9, 1.1, 2))


def test_sampled_tasks_have_that_error() -> None:
    rng = np.random.default_rng(0)
    features, unseen, level = rng.standard_normal((5, 3)), rng.standard_normal(5), 0.4
    tasks = rng.standard_normal((200_000, 3)) @ np.linalg.qr(features)[0].T
    noise = np.sqrt(level) * np.linalg.norm(tasks, axis=1, keepdims=True) * rng.standard_normal((len(tasks), 3))
    answer = np.linalg.solve(features.T @ features + 3 * level * np.eye(3), features.T @ unseen)
    found = np.mean(((tasks @ features + noise) @ answer - tasks @ unseen) ** 2)
    assert found == pytest.approx(error(3 * level, features, unseen, level), rel=0.02)
    assert np.mean(np.sum(tasks**2, axis=1)) == pytest.approx(3, rel=0.02)


def test_a_rotation_changes_nothing() -> None:
    """Twin: the range turns with Z."""
    rng = np.random.default_rng(1)
    features, unseen = rng.standard_normal((5, 3)), rng.standard_normal(5)
    turn = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    assert error(0.7, turn @ features, turn @ unseen, 0.2) == pytest.approx(error(0.7, features, unseen, 0.2))
