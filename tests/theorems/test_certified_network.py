"""The certified network: against multiprecision from the definitions, twins, and weights that are off by a little."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import flint
import mpmath
import numpy as np
import pytest
import torch

from numerics.instance import Instance
from numerics.model import Network, full_attention
from theorems.certified_network import (
    CLAIM,
    TrainedNetwork,
    _up,
    certify_every_prompt,
    certify_gap,
    measure_float64,
)
from theorems.network.problem import trained_problem_of
from theorems.network.trained_balls import enclosed_training
from theorems.setting.experiment import Experiment
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from theorems.setting.tail import x_delta
from verify.certify import as_float64, balls
from verify.claim import Bound, Verdict
from verify.runner import run


@pytest.fixture(scope="module")
def in_float64() -> Experiment:
    return prepare(resolve("quick", {"precision": "float64"}))


def with_network(experiment: Experiment, network: Network, instance: Instance | None = None) -> Experiment:
    """The same experiment with another trained network, and other data if given."""
    study = replace(experiment.study, instance=instance or experiment.instance)
    vars(study)["trained"] = replace(experiment.study.trained, network=network)
    return replace(experiment, study=study)


def learned_matrix(experiment: Experiment) -> Any:
    """Ã by Eq. (8) in mpmath, from Python's exact view of the numbers."""
    data, network = experiment.instance, experiment.study.trained.network
    tokens, N = mpmath.matrix(data.tokens.tolist()), data.prompt_length
    result = mpmath.zeros(N, len(data.tokens))
    for query, weights in zip(network.queries.tolist(), network.weights.tolist(), strict=True):
        logits = tokens[:N, :] * mpmath.matrix(query) * tokens.T
        for k, weight in enumerate(weights):
            powers = [mpmath.exp(logits[n, k]) for n in range(N)]
            for n in range(N):
                result[n, k] += mpmath.mpf(weight) * powers[n] / mpmath.fsum(powers)
    return result


def limit_matrix(data: Instance) -> Any:
    """Â, column by column by Gaussian elimination in mpmath."""
    N, penalty = data.prompt_length, data.feature_count * mpmath.mpf(data.noise)
    features = mpmath.matrix(data.features.tolist())
    gram = features[:N, :] * features.T
    for n in range(N):
        gram[n, n] += penalty
    return mpmath.inverse(gram[:, :N]) * gram  # the first N columns of Z̄² Â are Z̄² itself


def contains(ball: Any, number: Any) -> bool:
    """Whether the ball meets an interval of 30 digits around the number."""
    near = flint.arb(mpmath.nstr(number, 40))
    return bool(ball.overlaps(near * flint.arb(1, flint.arb("1e-30"))))


def test_the_checks_pass_and_every_defect_is_rejected(quick: Experiment) -> None:
    outcome = run(CLAIM, quick, quick)
    assert outcome.reasons == ()
    assert [control.name for control in outcome.controls if not control.rejected] == []


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_enclosures_hold_what_the_definitions_give_in_multiprecision(
    precision: str, quick: Experiment, in_float64: Experiment
) -> None:
    experiment = quick if precision == "float32" else in_float64
    data, found = experiment.instance, enclosed_training(experiment)
    assert found is not None
    with mpmath.workdps(60), flint.ctx.workprec(found.bits):
        learned, limit = learned_matrix(experiment), limit_matrix(data)
        error = learned - limit
        features = mpmath.matrix(data.features.tolist())
        noisy = data.feature_count * mpmath.mpf(data.noise)
        moments = features[: data.prompt_length, :] * features.T
        moments = moments[:, : data.prompt_length] + noisy * mpmath.eye(data.prompt_length)
        quadratic = error.T * moments * error
        gap = mpmath.fsum(quadratic[k, k] for k in range(error.cols)) / (2 * error.cols)
        assert contains(found.gap, gap)
        assert contains(found.excess, gap)
        distances = [mpmath.norm(error[:, k]) for k in range(error.cols)]
        rows = found.error.transpose().tolist()
        for row, distance in zip(rows, distances, strict=True):
            assert contains(sum((x * x for x in row), flint.arb(0)).sqrt(), distance)
        assert all(contains(found.learned[n, k], learned[n, k]) for n in range(error.rows) for k in range(error.cols))


def test_float32_weights_enter_exactly(quick: Experiment, in_float64: Experiment) -> None:
    for experiment, exact in ((quick, True), (in_float64, False)):
        problem, network = trained_problem_of(experiment), experiment.study.trained.network
        for used, trained in ((problem.queries, network.queries), (problem.weights, network.weights)):
            assert np.array_equal(used, trained.numpy())
            assert bool(torch.equal(trained.to(torch.float32).double(), trained)) is exact
        assert all(entry.is_exact() for entry in balls(problem.weights).entries())
        assert float(balls(problem.weights)[0, 0].mid()) == problem.weights[0, 0]


def test_the_transformer_itself_answers_the_worst_prompt_as_certified(quick: Experiment) -> None:
    """Oracle: full attention with embedding matrices, and ridge regression by normal equations, in float64."""
    data, found = quick.instance, enclosed_training(quick)
    assert found is not None
    with flint.ctx.workprec(found.bits):
        error = as_float64(found.error)[0]
        told = [finding.reading for finding in certify_every_prompt(TrainedNetwork(quick))]
    norms = np.linalg.norm(error, axis=0)
    token, R = int(norms.argmax()), radius(quick)
    labels = R * error[:, token] / norms[token]
    answers = full_attention(
        quick.study.trained.network,
        torch.from_numpy(data.tokens.copy()),
        torch.from_numpy(labels),
        torch.eye(data.token_dimension, dtype=torch.float64),
    )
    prompt = data.features[: data.prompt_length]
    gram = prompt.T @ prompt + data.feature_count * data.noise * np.eye(data.feature_count)
    ridge = data.features @ np.linalg.solve(gram, prompt.T @ labels)
    expected = np.where(np.arange(len(data.features)) < data.prompt_length, np.resize(labels, len(ridge)), ridge)
    errors = np.abs(answers.diagonal().numpy() - expected)
    assert errors.argmax() == token
    assert errors[token] == pytest.approx(R * norms[token], rel=1e-9)
    assert f"at most {_up(flint.arb(errors[token])):.4g} for all ‖y‖ ≤ R = {R:.4g}" in told[0]
    assert f"ŷ_k = {answers[token, token]:.6g}" in told[4]


def radius(experiment: Experiment) -> float:
    """R, as the report names it."""
    return next(iter(certify_every_prompt(TrainedNetwork(experiment)))).quantities["R"]


def test_no_sampled_prompt_is_worse_and_few_are_outside(quick: Experiment) -> None:
    findings = {finding.name: finding for finding in certify_every_prompt(TrainedNetwork(quick))}
    usual, supremum = (
        float(np.max(getattr(findings["prompts with λ ∼ N(0, I)"], side))) for side in ("observed", "bound")
    )
    prompts, R = quick.study.prompts(out_of_domain=False), radius(quick)
    task, noise = (
        float((level * x_delta(size, quick.parameters.delta)).sqrt().mid())
        for level, size in ((1, quick.instance.feature_count), (quick.instance.noise, quick.instance.prompt_length))
    )
    labels = quick.prompt_labels(prompts)
    errors = np.abs(quick.network_predictions(prompts) - quick.limit_predictions(prompts)).max(axis=1)
    sizes, tasks = np.linalg.norm(labels, axis=1), np.linalg.norm(prompts.tasks, axis=1)
    residuals = np.linalg.norm(labels - prompts.tasks @ quick.instance.features[: labels.shape[1]].T, axis=1)
    typical = (tasks <= task) & (residuals <= noise * tasks)
    delta = quick.parameters.delta
    assert typical.mean() >= 1 - 2 * delta
    assert np.all(sizes[typical] <= R)
    assert errors[typical].max() <= usual <= supremum
    assert errors[sizes <= R].max() <= supremum
    assert errors.max() > usual / 10  # it is not far above what happens


def test_twin_permuted_heads(quick: Experiment) -> None:
    network, order = quick.study.trained.network, torch.arange(len(quick.study.start.queries) - 1, -1, -1)
    twin = with_network(quick, Network(queries=network.queries[order], weights=network.weights[order]))
    one, two = enclosed_training(quick), enclosed_training(twin)
    assert one is not None
    assert two is not None
    assert one.gap.overlaps(two.gap)
    assert all(x.overlaps(y) for x, y in zip(one.error.entries(), two.error.entries(), strict=True))


def test_twin_doubled_features_and_four_times_the_noise(quick: Experiment) -> None:
    """Z doubled and τ times four leave Â alone, so distances stay, Δ is four times and R twice as large."""
    data = replace(quick.instance, features=2 * quick.instance.features, noise=4 * quick.instance.noise)
    twin = with_network(quick, quick.study.trained.network, data)
    one, two = enclosed_training(quick), enclosed_training(twin)
    assert one is not None
    assert two is not None
    with flint.ctx.workprec(one.bits):
        assert (4 * one.gap).overlaps(two.gap)
        assert (4 * one.excess).overlaps(two.excess)
        assert all(x.overlaps(y) for x, y in zip(one.error.entries(), two.error.entries(), strict=True))
    assert radius(twin) == pytest.approx(2 * radius(quick), rel=1e-3)  # rounded up to four digits
    assert worst(certify_every_prompt(TrainedNetwork(twin))) is Verdict.PASS


def worst(findings: Any) -> Verdict:
    return max(finding.verdict for finding in findings)


def test_one_weight_off_by_a_billionth_is_noticed(quick: Experiment) -> None:
    network = quick.study.trained.network
    weights = network.weights.clone()
    weights[0, 0] += 1e-9
    moved = with_network(quick, Network(queries=network.queries, weights=weights))
    assert (
        worst(certify_gap(TrainedNetwork(moved))) is Verdict.PASS
    )  # still a good network, but not the one that was measured
    assert [finding.verdict for finding in measure_float64(TrainedNetwork(moved))] == [Verdict.FAIL, Verdict.PASS]


def test_half_the_largest_error_and_half_of_each_bound_are_refuted(quick: Experiment) -> None:
    found = [
        finding for finding in certify_every_prompt(TrainedNetwork(quick, factor=0.5)) if isinstance(finding, Bound)
    ]
    missed = ["prompts with λ ∼ N(0, I)", "worst prompt for one token: ‖y‖ ≤ R", "worst prompt for all tokens: ‖y‖ ≤ R"]
    assert [finding.name for finding in found if finding.verdict is not Verdict.FAIL] == missed
    assert len(found) == 7


def test_weights_that_are_not_numbers_do_not_pass(quick: Experiment) -> None:
    network = quick.study.trained.network
    broken = with_network(quick, Network(queries=network.queries, weights=network.weights * float("nan")))
    assert worst(certify_gap(TrainedNetwork(broken))) is Verdict.UNDECIDED
    assert worst(certify_every_prompt(TrainedNetwork(broken))) is Verdict.UNDECIDED
    assert worst(measure_float64(TrainedNetwork(broken))) is Verdict.UNDECIDED


def test_a_noise_level_that_leaves_the_matrix_singular_is_undecided(quick: Experiment) -> None:
    singular = with_network(quick, quick.study.trained.network, replace(quick.instance, noise=1e-20))
    assert enclosed_training(singular) is None
    assert [finding.verdict for finding in certify_gap(TrainedNetwork(singular))] == [Verdict.UNDECIDED]
    assert not list(certify_every_prompt(TrainedNetwork(singular)))
    assert not list(measure_float64(TrainedNetwork(singular)))


def test_printed_bounds_are_rounded_up() -> None:
    assert [_up(ball) for ball in (flint.arb(1) / 3, flint.arb(2) ** -40, flint.arb(0.25))] == [0.3334, 9.095e-13, 0.25]
