"""Theorem 2: breaking what lies underneath turns the verdict; twins and tails."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

import numerics.baselines
import theorems.ridge
from numerics.instance import Instance
from theorems.setting.experiment import Experiment
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from theorems.setting.tail import x_delta
from theorems.theorem2 import CLAIM, estimate_label_norm
from verify.claim import Verdict, worst
from verify.runner import run_checks


def verdict_of(experiment: Experiment) -> Verdict:
    return worst(item.verdict for item in run_checks(CLAIM.checks, CLAIM.about(experiment)))


def failed_checks(experiment: Experiment) -> set[str]:
    return {item.check for item in run_checks(CLAIM.checks, CLAIM.about(experiment)) if item.verdict is Verdict.FAIL}


def test_a_broken_optimiser_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = torch.optim.Adam.step

    def uphill(self: Any, closure: Any = None) -> Any:
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad.neg_()
        return honest(self, closure)

    monkeypatch.setattr(torch.optim.Adam, "step", uphill)
    climbed = prepare(resolve("quick", {"steps": 100}))
    assert verdict_of(climbed) is Verdict.UNDECIDED
    assert "measure_training" in failed_checks(replace(climbed, presented=True))


def test_a_broken_ridge_oracle_turns_the_verdict(quick: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        theorems.ridge, "ridge_sklearn", lambda X, y, penalty: numerics.baselines.ridge_sklearn(X, y, 1.01 * penalty)
    )
    assert failed_checks(quick) == {"measure_oracles"}


def test_a_broken_softmax_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    # Uniform attention: all heads equal, so the mixture has rank one and cannot reach the limit.
    monkeypatch.setattr(torch, "softmax", lambda logits, dim: torch.ones_like(logits) / logits.shape[dim] + 0 * logits)
    stuck = prepare(resolve("quick", {}))
    assert verdict_of(stuck) is Verdict.UNDECIDED
    assert "measure_learned_matrix" in failed_checks(replace(stuck, presented=True))


def test_a_drifting_learned_matrix_is_caught(quick: Experiment) -> None:
    trained = quick.study.trained
    mixtures = trained.mixtures.copy()
    mixtures[-1, 0, -1] += 1e-2
    study = replace(quick.study)
    vars(study)["trained"] = replace(trained, mixtures=mixtures)
    assert {"measure_training", "measure_learned_matrix"} <= failed_checks(replace(quick, study=study, presented=True))


def test_diverging_training_decides_nothing_and_says_at_which_step() -> None:
    experiment = prepare(resolve("quick", {"optimizer": "gd", "rate_queries": 1e6, "rate_weights": 1e6}))
    evidence = {item.check: item for item in run_checks(CLAIM.checks, CLAIM.about(experiment))}
    training = evidence["measure_training"]
    assert training.verdict is Verdict.UNDECIDED
    assert f"at step {experiment.study.trained.diverged_at}" in experiment.study.trained.stopped
    assert not any(
        finding.verdict is Verdict.PASS
        for check in ("measure_inequality", "measure_learned_matrix", "measure_predictions")
        for finding in evidence[check].findings
    )


def test_relabelling_the_tokens_changes_no_verdict(quick: Experiment) -> None:
    """Metamorphic twin: rotating all tokens is a symmetry of the statement."""
    data = quick.instance
    rotation = np.linalg.qr(np.random.default_rng(7).standard_normal((data.token_dimension,) * 2))[0]
    turned = Instance(
        tokens=data.tokens @ rotation,
        features=data.features,
        prompt_length=data.prompt_length,
        noise=data.noise,
        source="rotated",
    )
    assert verdict_of(replace(quick, study=replace(quick.study, instance=turned))) is Verdict.PASS


def test_raw_tokens_leave_the_theorem_undecided_and_name_the_assumption() -> None:
    evidence = run_checks(CLAIM.checks[:1], CLAIM.about(prepare(resolve("quick", {"raw_tokens": True}))))
    unit_norm = next(finding for finding in evidence[0].findings if finding.name == "unit norm")
    assert unit_norm.verdict is Verdict.UNDECIDED
    assert "does not hold" in unit_norm.reading


@pytest.mark.parametrize("N", [1, 2, 6, 30, 150, 1000])
@pytest.mark.parametrize("delta", [0.5, 0.05, 1e-3, 1e-9])
def test_the_laurent_massart_threshold_covers_the_exact_tail(N: int, delta: float) -> None:
    assert stats.chi2(N).sf(float(x_delta(N, delta).upper())) <= delta


def test_two_runs_with_one_seed_give_the_same_numbers() -> None:
    first, second = (prepare(resolve("quick", {"steps": 50})) for _ in range(2))
    assert np.array_equal(first.study.trained.mixtures, second.study.trained.mixtures)
    assert first.quantities() == second.quantities()


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_theorem2_passes_on_cuda() -> None:
    experiment = prepare(resolve("quick", {"device": "cuda"}))
    assert verdict_of(experiment) is Verdict.PASS
    assert experiment.provenance()["device"] != "cpu"


def test_noise_that_rounding_swallows_is_undecided_and_not_of_another_law() -> None:
    lost = prepare(resolve("quick", {"tau": 1e-36}))
    (evidence,) = run_checks([estimate_label_norm], CLAIM.about(lost))
    assert evidence.verdict is Verdict.UNDECIDED
    assert "rounding moves a label by" in evidence.summary


@pytest.mark.parametrize("given", [{"tau": 1e-150}, {"tau": 1e150}, {"beta": 1e150}, {"start_weights": 1e150}])
def test_magnitudes_beyond_float64_are_undecided_and_never_an_error(given: dict[str, float]) -> None:
    extreme = prepare(resolve("quick", given | {"steps": 20}))
    checks = [check for check in CLAIM.checks if check.__name__.startswith(("measure", "estimate"))]
    found = {item.check: item.verdict for item in run_checks(checks, CLAIM.about(extreme))}
    assert set(found.values()) <= {Verdict.PASS, Verdict.UNDECIDED}
    assert all(isinstance(value, (int, float)) for value in extreme.quantities().values())


def test_features_near_the_end_of_float64_have_no_quantities_and_no_exception(quick: Experiment) -> None:
    data = replace(quick.instance, features=quick.instance.features * 1e200)
    assert replace(quick, study=replace(quick.study, instance=data)).quantities() == {}
