"""The two losses: exact algebra, their gradients, and the sampled loss tending to the population loss."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from numerics.loss import (
    LabelNoise,
    feature_noise,
    label_moments,
    loss_and_gradients,
    population_loss,
    sample_labels,
    sample_tasks,
    sampled_loss,
)
from numerics.measure import rounding, token_loss_rounding
from numerics.model import Network, mixture

N, K, M, TAU = 3, 6, 2, 0.7
PROMPTS = 200_000
RATE = 1e-6  # declared error rate of every statistical comparison below; the seeds are fixed

numbers = st.floats(-100, 100, allow_subnormal=False).map(lambda x: x if abs(x) > 1e-6 else 0.0)
exact = np.vectorize(Fraction, otypes=[object])


def test_label_variance_grows_with_the_task() -> None:
    noise = feature_noise(0.5)
    tasks = np.array([[0.0, 0.0], [3.0, 4.0], [1.0, -2.0]])
    assert noise.given_task(tasks).tolist() == [0.0, 12.5, 2.5]
    assert noise.mean(np.array([[2.0, 7.0], [7.0, 3.0]])) == 2.5


@given(arrays(np.float64, (K, M), elements=numbers), arrays(np.float64, (M, M), elements=numbers))
def test_label_moments_are_the_exact_expectation(features: np.ndarray, factor: np.ndarray) -> None:
    covariance = factor @ factor.T
    moments = label_moments(features, feature_noise(TAU), covariance)
    F, S = exact(features), exact(covariance)
    error = np.abs(exact(moments) - (F @ S @ F.T + Fraction(TAU) * np.trace(S) * np.eye(K, dtype=int)))
    # two nested sums of M products, the trace, its product with tau and one addition
    size = np.abs(features)
    scale = size @ np.abs(covariance) @ size.T + TAU * np.trace(covariance) * np.eye(K)
    assert (error <= exact(rounding(3 * M + 4) * scale)).all()


@given(arrays(np.float64, (N, K), elements=numbers), arrays(np.float64, (K, K), elements=numbers))
def test_population_loss_is_half_the_quadratic_form(mixed: np.ndarray, root: np.ndarray) -> None:
    moments = root + root.T  # symmetric exactly
    losses = population_loss(torch.from_numpy(mixed), torch.from_numpy(moments)).numpy()
    errors = np.vstack([exact(mixed), np.zeros((K - N, K), dtype=int)]) - np.eye(K, dtype=int)  # prediction - label
    by_hand = np.einsum("ik,ij,jk->k", errors, exact(moments), errors) / 2
    assert (np.abs(exact(losses) - by_hand) <= exact(token_loss_rounding(mixed, np.abs(moments), 0))).all()


@given(arrays(np.float64, (N, K), elements=numbers), arrays(np.float64, (4, K), elements=numbers))
def test_sampled_loss_is_half_the_mean_square(mixed: np.ndarray, labels: np.ndarray) -> None:
    losses = sampled_loss(torch.from_numpy(mixed), torch.from_numpy(labels)).numpy()
    for k in range(K):
        squares = [
            (sum(Fraction(y[i]) * Fraction(mixed[i, k]) for i in range(N)) - Fraction(y[k])) ** 2 for y in labels
        ]
        scale = sum((np.abs(y[:N]) @ np.abs(mixed[:, k]) + abs(y[k])) ** 2 for y in labels) / (2 * len(labels))
        # an error of N products and a subtraction, twice; the square, a mean of 4, the half; as much for `scale`
        assert abs(Fraction(losses[k]) - sum(squares) / (2 * len(labels))) <= rounding(2 * (2 * N + 9)) * scale


def test_losses_have_the_gradients_of_finite_differences() -> None:
    rng = np.random.default_rng(0)
    mixed = torch.from_numpy(rng.standard_normal((N, K))).requires_grad_()
    root, labels = (torch.from_numpy(rng.standard_normal((K, K))) for _ in range(2))
    # Both losses are quadratic, so central differences do not truncate; they round at u |f| / h = 1e-10 |f|, |f| < 1e2.
    assert torch.autograd.gradcheck(lambda a: population_loss(a, root @ root.T), (mixed,), eps=1e-6, atol=1e-7)
    assert torch.autograd.gradcheck(lambda a: sampled_loss(a, labels), (mixed,), eps=1e-6, atol=1e-7)


def constant_noise(level: float) -> LabelNoise:
    """Label noise that ignores the task: the planted wrong law."""
    return LabelNoise(given_task=lambda tasks: np.full(len(tasks), level), mean=lambda covariance: level)


def limit_score(sampled_law: LabelNoise, claimed_law: LabelNoise, mean: float, deviation: float) -> float:
    """|sampled - population| in standard errors: P prompts drawn by one noise law, moments computed by another.

    A prompt's loss is a polynomial of degree 4 in Gaussians: all moments are finite, the central limit holds.
    """
    rng = np.random.default_rng(0)
    features, mixed = rng.standard_normal((K, M)), rng.standard_normal((N, K))
    tasks = sample_tasks(rng, PROMPTS, M, mean=mean, deviation=deviation)
    labels = sample_labels(rng, tasks, features, sampled_law)
    second_moment = deviation**2 * np.eye(M) + mean**2 * np.ones((M, M))  # E[lambda lambda^T]
    moments = label_moments(features, claimed_law, second_moment)
    population = population_loss(torch.from_numpy(mixed), torch.from_numpy(moments)).mean()
    sampled = sampled_loss(torch.from_numpy(mixed), torch.from_numpy(labels)).mean()
    per_prompt = np.mean((labels[:, :N] @ mixed - labels) ** 2, axis=1) / 2
    return abs(float(sampled - population)) / (per_prompt.std() / np.sqrt(PROMPTS))


TASK_LAWS = [(0.0, 1.0), (1.0, 2.0)]  # in domain, and out of domain as in the paper's Section 5
NOISE_LAWS = [feature_noise(TAU), constant_noise(TAU)]


@pytest.mark.parametrize(("mean", "deviation"), TASK_LAWS)
@pytest.mark.parametrize(("sampled_law", "claimed_law"), list(product(NOISE_LAWS, NOISE_LAWS)))
def test_sampled_loss_tends_to_population_loss_of_its_own_noise_law(
    sampled_law: LabelNoise, claimed_law: LabelNoise, mean: float, deviation: float
) -> None:
    within = limit_score(sampled_law, claimed_law, mean, deviation) <= stats.norm.isf(RATE / 2)
    assert within == (sampled_law is claimed_law)


def chi_square_agrees(sum_of_squares: np.ndarray, variance: np.ndarray, degrees: int) -> bool:
    """Every sum of squares over its variance lies in the exact chi-square interval, Bonferroni over the entries."""
    law, share = stats.chi2(degrees), RATE / np.size(sum_of_squares)
    ratio = sum_of_squares / variance
    return bool(np.all((law.ppf(share / 2) <= ratio) & (ratio <= law.isf(share / 2))))


@pytest.mark.parametrize(("claimed", "right"), [(TAU, True), (TAU * M, False), (1.02 * TAU, False)])
def test_sampled_loss_of_each_token_has_its_exact_law(claimed: float, right: bool) -> None:
    rng = np.random.default_rng(1)
    features, mixed = rng.standard_normal((K, M)), 0.1 * rng.standard_normal((N, K))
    labels = sample_labels(rng, sample_tasks(rng, PROMPTS, M), features, constant_noise(TAU))
    losses = sampled_loss(torch.from_numpy(mixed), torch.from_numpy(labels)).numpy()
    moments = label_moments(features, constant_noise(claimed), np.eye(M))
    expected = population_loss(torch.from_numpy(mixed), torch.from_numpy(moments)).numpy()
    # labels are jointly Gaussian under this law, so an error is N(0, 2 loss) and P losses make a chi-square
    assert chi_square_agrees(2 * PROMPTS * losses, 2 * expected, PROMPTS) == right


@pytest.mark.parametrize(("mean", "deviation"), TASK_LAWS)
def test_tasks_have_the_law_asked_for(mean: float, deviation: float) -> None:
    tasks = sample_tasks(np.random.default_rng(2), 20_000, M, mean=mean, deviation=deviation)
    assert tasks.shape == (20_000, M)
    scores = (tasks - mean) / deviation
    assert chi_square_agrees(np.sum(scores**2, axis=0), np.ones(M), 20_000)
    assert abs(scores.sum()) <= stats.norm.isf(RATE / 2) * np.sqrt(scores.size)  # exactly normal


@pytest.mark.parametrize(("claimed", "right"), [(feature_noise(TAU), True), (constant_noise(TAU * M), False)])
def test_label_noise_has_the_variance_of_its_task(claimed: LabelNoise, right: bool) -> None:
    rng = np.random.default_rng(3)
    features = rng.standard_normal((K, M))
    tasks = np.repeat([[0.1, 0.2], [3.0, -1.0]], 10_000, axis=0)  # a small and a large task
    labels = sample_labels(rng, tasks, features, feature_noise(TAU))
    residuals = (labels - tasks @ features.T) ** 2 / claimed.given_task(tasks)[:, None]
    sums = residuals.reshape(2, -1).sum(axis=1)
    assert chi_square_agrees(sums, np.ones(2), 10_000 * K) == right


def test_without_noise_labels_are_the_features_seen_by_the_task() -> None:
    rng = np.random.default_rng(4)
    tasks, features = rng.integers(-9, 9, (5, M)) * 1.0, rng.integers(-9, 9, (K, M)) * 1.0  # exact in float64
    silent = constant_noise(0.0)
    assert np.array_equal(sample_labels(rng, tasks, features, silent), tasks @ features.T)


def test_a_seed_fixes_tasks_and_labels() -> None:
    features = np.ones((K, M))
    draws = []
    for seed in (7, 7, 8):
        rng = np.random.default_rng(seed)
        draws.append(sample_labels(rng, sample_tasks(rng, 3, M), features, feature_noise(TAU)))
    assert np.array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


def test_gradients_are_those_of_the_loss() -> None:
    """Oracle: central differences of the loss in float64, along every entry of w and some of Q."""
    rng = np.random.default_rng(0)
    tokens, features = rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
    moments, scale, step = label_moments(features, feature_noise(TAU), np.eye(2)), 1.5, 1e-6
    point = rng.standard_normal((2, 3, 3)), rng.standard_normal((2, 5))
    loss, *found = loss_and_gradients(*point, tokens, moments, N, scale=scale)
    network = Network(queries=torch.from_numpy(point[0]), weights=scale * torch.from_numpy(point[1]))
    assert loss == float(
        population_loss(mixture(network, torch.from_numpy(tokens), N), torch.from_numpy(moments)).mean()
    )
    for part, slopes in enumerate(found):
        for place in list(np.ndindex(point[part].shape))[:10]:
            ends = []
            for sign in (1, -1):
                moved = [array.copy() for array in point]
                moved[part][place] += sign * step
                ends.append(loss_and_gradients(moved[0], moved[1], tokens, moments, N, scale=scale)[0])
            assert slopes[place] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-7)
