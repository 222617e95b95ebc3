"""Noiseless features against numpy's pseudoinverse, and the limit τ → 0 on numbers."""

from dataclasses import replace

import numpy as np
import pytest

from numerics.instance import synthetic
from theorems.setting.limit import Limit, limit_values


@pytest.mark.parametrize(("N", "m"), [(5, 5), (6, 3), (4, 1)])
def test_every_label_is_reproduced(N: int, m: int) -> None:
    rng = np.random.default_rng(N)
    features = rng.standard_normal((m, N + 4))
    limit = np.linalg.pinv(features[:, :N]) @ features
    tasks = rng.standard_normal((20, m))
    condition = np.linalg.cond(features[:, :N])
    tolerance = 100 * features.size * condition * np.finfo(float).eps * np.abs(tasks @ features).max()
    assert np.allclose(tasks @ features[:, :N] @ limit, tasks @ features, rtol=0, atol=tolerance)


def test_the_limit_of_small_noise_is_the_pseudoinverse_on_unseen_tokens_only() -> None:
    """Â(τ) → Z†z_k for unseen tokens, but to unit vectors on the prompt, where Z†Z differs when m < N."""
    data = synthetic(np.random.default_rng(0), N=6, K=9, d=4, m=3, tau=1.0)
    Z = data.features[:6].T
    pseudo = np.linalg.pinv(Z) @ data.features.T
    distances = []
    for tau in (1e-3, 1e-6):
        a_hat = limit_values(Limit(), replace(data, noise=tau)).a_hat
        assert np.abs(a_hat[:, :6] - np.eye(6)).max() < 1e-12
        distances.append(np.abs(a_hat[:, 6:] - pseudo[:, 6:]).max())
    assert distances[1] == pytest.approx(1e-3 * distances[0], rel=0.05)  # the rate is τ
    assert np.abs(pseudo[:, :6] - np.eye(6)).max() > 0.1
