"""What training minimises: the population loss from second moments, with its gradients, and that of sampled prompts.

Labels follow y_k = lambda . (z_k + eps_k) with eps_k ~ N(0, tau I), so given lambda they are
Gaussian with mean lambda . z_k and variance tau |lambda|^2. Nothing here knows a minimiser.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from numerics.model import Network, mixture


def gaussian(rng: np.random.Generator, shape: tuple[int, int]) -> ndarray:
    """Independent numbers from N(0, 1)."""
    return rng.standard_normal(shape)


@dataclass(frozen=True, kw_only=True)
class LabelNoise:
    """How noisy labels are: the variance given each task (P x m -> P), and its mean given E[lambda lambda^T].

    `law` draws what is multiplied by the standard deviation.
    """

    given_task: Callable[[Float[ndarray, "P m"]], Float[ndarray, " P"]]
    mean: Callable[[Float[ndarray, "m m"]], float]
    law: Callable[[np.random.Generator, tuple[int, int]], ndarray] = gaussian


def feature_noise(tau: float) -> LabelNoise:
    """Noise N(0, tau I) on the features: given lambda, a label has variance tau |lambda|^2."""
    return LabelNoise(
        given_task=lambda tasks: tau * np.sum(tasks**2, axis=1),
        mean=lambda covariance: tau * float(np.trace(covariance)),
    )


def label_moments(
    features: Float[ndarray, "K m"], noise: LabelNoise, task_covariance: Float[ndarray, "m m"]
) -> Float[ndarray, "K K"]:
    """E[y y^T] over tasks of mean zero with the given covariance S and over label noise."""
    signal = features @ task_covariance @ features.T
    moments: ndarray = signal + noise.mean(task_covariance) * np.eye(len(features))
    return moments


def sample_tasks(
    rng: np.random.Generator, count: int, m: int, *, mean: float = 0.0, deviation: float = 1.0
) -> Float[ndarray, "P m"]:
    """`count` tasks lambda ~ N(mean 1, deviation^2 I)."""
    return mean + deviation * rng.standard_normal((count, m))


def sample_labels(
    rng: np.random.Generator, tasks: Float[ndarray, "P m"], features: Float[ndarray, "K m"], noise: LabelNoise
) -> Float[ndarray, "P K"]:
    """Noisy labels of all K tokens for each task."""
    spread = np.sqrt(noise.given_task(tasks))[:, None]
    labels: ndarray = tasks @ features.T + spread * noise.law(rng, (len(tasks), len(features)))
    return labels


def population_loss(mixed: Float[Tensor, "N K"], moments: Float[Tensor, "K K"]) -> Float[Tensor, " K"]:
    """Per token: half the expected squared error, (a' M_PP a - 2 a' M_Pk + M_kk)/2, M = E[y y^T].

    The population loss L is the mean over the K tokens.
    """
    N = len(mixed)
    quadratic = (mixed * (moments[:N, :N] @ mixed - 2 * moments[:N])).sum(dim=0)
    return (quadratic + moments.diagonal()) / 2


def loss_and_gradients(
    queries: Float[ndarray, "H d d"],
    weights: Float[ndarray, "H K"],
    tokens: Float[ndarray, "K d"],
    moments: Float[ndarray, "K K"],
    N: int,
    *,
    scale: float = 1.0,
) -> tuple[float, Float[ndarray, "H d d"], Float[ndarray, "H K"]]:
    """The population loss L in float64 and its gradients by automatic differentiation; w_h is `scale` times weights."""
    free = [torch.from_numpy(part).requires_grad_() for part in (queries, weights)]
    mixed = mixture(Network(queries=free[0], weights=scale * free[1]), torch.from_numpy(tokens), N)
    loss = population_loss(mixed, torch.from_numpy(moments)).mean()
    by_queries, by_weights = torch.autograd.grad(loss, free)
    return float(loss.detach()), by_queries.numpy(), by_weights.numpy()


def sampled_loss(mixed: Float[Tensor, "N K"], labels: Float[Tensor, "P K"]) -> Float[Tensor, " K"]:
    """Per token: half the mean squared error over P sampled prompts."""
    errors = labels[:, : len(mixed)] @ mixed - labels
    return (errors**2).mean(dim=0) / 2
