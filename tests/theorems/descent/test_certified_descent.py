"""Descent in balls: against the network from its definitions, against float64, and when resources run out."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from typing import Any

import flint
import numpy as np
import pytest
import torch

from numerics.loss import population_loss
from numerics.model import Network, mixture
from theorems.descent.astray import (
    fewer_heads_than_labels,
    gamma_too_small,
    large_steps,
    weights_start_elsewhere,
)
from theorems.descent.certified_descent import certify_descent, certify_induction, measure_descent
from theorems.descent.float_descent import float_descent, gap_error
from theorems.descent.prescription import prescribe
from theorems.descent.runs import STEPS, literal_run, runs_of
from theorems.descent.trajectory import DescentRun, descend
from theorems.network.enclosed import enclose
from theorems.network.exact import ExactNetwork, State
from theorems.network.problem import problem_of
from theorems.setting.experiment import Experiment
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from verify.certify import balls
from verify.certify.balls import NotPositiveDefiniteError
from verify.claim import Assumption, Verdict, worst


@dataclass(frozen=True)
class Runs:
    """What the checks look at."""

    runs: tuple[DescentRun, ...]


def rationals(matrix: np.ndarray) -> tuple[tuple[Fraction, ...], ...]:
    return tuple(tuple(map(Fraction, row)) for row in matrix.tolist())


@pytest.fixture
def plan(quick: Experiment) -> DescentRun:
    return literal_run(quick)


def test_two_steps_agree_with_the_network_from_its_definitions(plan: DescentRun) -> None:
    """Oracle: `theorems.network.exact`, entry by entry, in the variables of Lemma 6."""
    data, prescription = plan.problem.instance, plan.prescription
    with flint.ctx.workprec(200):
        network = ExactNetwork(
            tokens=rationals(data.tokens),
            features=rationals(data.features),
            prompt=data.prompt_length,
            tau=Fraction(data.noise),
            gamma=Fraction(prescription.gamma),
        )
        state = State(queries=tuple(map(rationals, plan.problem.queries)), alpha=rationals(plan.problem.weights))
        found = descend(replace(plan, steps=2)).moments
        for moment in found:
            assert moment.gap.overlaps(network.gap(state))
            assert network.gap(state).rel_accuracy_bits() > 60
            state = network.descend(state, flint.arb(prescription.step_queries))


def test_gradients_agree_with_automatic_differentiation(plan: DescentRun) -> None:
    data, rng = plan.problem.instance, np.random.default_rng(0)
    weights = rng.standard_normal(plan.problem.weights.shape)
    with flint.ctx.workprec(128):
        enclosed = enclose(plan.problem)
        attention = enclosed.attention([balls(query) for query in plan.problem.queries])
        exact = balls(weights).tolist()
        mixed = enclosed.mixture(attention, exact)
        by_queries, by_weights = enclosed.gradients(attention, exact, mixed)
        loss = float(enclosed.loss(mixed).mid())
        moments = enclosed.cross
        gap = enclosed.gap(mixed)
        assert (enclosed.loss(mixed) - enclosed.loss_star).overlaps(gap)
        assert gap.rel_accuracy_bits() > 90
    second = data.features @ data.features.T + data.feature_count * data.noise * np.eye(len(data.features))
    assert float(moments[0, 1].mid()) == pytest.approx(second[0, 1])
    theta = [torch.from_numpy(x.copy()).requires_grad_() for x in (plan.problem.queries, weights)]
    network = Network(queries=theta[0], weights=theta[1])
    value = population_loss(
        mixture(network, torch.from_numpy(data.tokens), data.prompt_length), torch.from_numpy(second)
    ).mean()
    value.backward()
    assert loss == pytest.approx(float(value.detach()))
    assert theta[0].grad is not None
    assert theta[1].grad is not None
    found = np.array([Q.mid().tolist() for Q in by_queries], dtype=float)
    assert found == pytest.approx(theta[0].grad.numpy(), abs=1e-11)
    slopes = np.array([[float(g.mid()) for g in row] for row in by_weights])
    assert slopes == pytest.approx(theta[1].grad.numpy(), abs=1e-11)


def test_float64_errors_cover_the_distance_to_the_exact_run(plan: DescentRun) -> None:
    run = descend(plan)
    gaps, away = np.array(list(islice(float_descent(plan), plan.steps + 1))).T
    exact = np.array([float(moment.gap.mid()) for moment in run.moments])
    errors = [gap_error(plan, gap, off) for gap, off in zip(gaps.tolist(), away.tolist(), strict=True)]
    assert np.all(np.abs(gaps - exact) <= errors)
    assert gaps[-1] > 1e30 * exact[-1]  # float64 stalls while the exact gap goes on falling


def test_a_naive_comparison_in_float64_would_report_a_violation(plan: DescentRun) -> None:
    """The bound falls below the floor of float64; the check stops there instead."""
    gaps = np.array([gap for gap, _ in islice(float_descent(plan), 1501)])
    bounds = (1 - float(plan.prescription.rate.mid())) ** np.arange(1501) * gaps[0]
    assert np.any(gaps > bounds)
    assert worst(finding.verdict for finding in measure_descent(Runs((plan,)))) is Verdict.PASS


def test_bits_that_run_out_are_undecided_with_the_steps_certified_so_far(
    plan: DescentRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("theorems.descent.trajectory.QUARTER_BITS", 0)
    monkeypatch.setattr("theorems.descent.trajectory.LIMIT", 64)
    short = replace(plan, steps=999, note="short of bits")
    found = {finding.name: finding for finding in certify_descent(Runs((short,)))}
    assert found["steps certified, literal instance"].verdict is Verdict.UNDECIDED
    assert re.search(r"\d+ of 999 with 64 bits", found["steps certified, literal instance"].reading)
    assert found["Δ⁽ᵗ⁾ ≤ (1 − η_wζ₀/2K)ᵗ Δ⁽⁰⁾, literal instance"].verdict is Verdict.PASS
    assert Verdict.FAIL not in {finding.verdict for finding in found.values()}


def test_an_instance_within_reach_is_followed_to_the_end() -> None:
    literal = prepare(resolve("literal", {}))
    (own,) = runs_of(literal)
    assert own.name == "this instance"
    assert own.steps == STEPS


def test_an_instance_without_rank_has_no_step_sizes_and_is_named() -> None:
    few = prepare(resolve("quick", {"H": 5}))
    with pytest.raises(NotPositiveDefiniteError, match="choose H at least N"):
        prescribe(problem_of(few))
    own = [finding for finding in certify_descent(Runs(runs_of(few))) if "this instance" in finding.reading]
    assert [(finding.name, finding.verdict) for finding in own] == [("assumption2", Verdict.UNDECIDED)]
    names = {finding.name: finding.verdict for finding in certify_induction(Runs(runs_of(few)))}
    assert names == {"N ≤ rank B_k": Verdict.UNDECIDED, "assumption2": Verdict.UNDECIDED}


def test_each_broken_hypothesis_is_named(quick: Experiment) -> None:
    for defect, name in (
        (large_steps, "η_Q ≤ 1/L"),
        (gamma_too_small, "γ large enough"),
        (fewer_heads_than_labels, "assumption2"),
        (weights_start_elsewhere, "w⁽⁰⁾ = 0"),
    ):
        found = {finding.name: finding.verdict for finding in certify_descent(Runs((defect(quick),)))}
        assert found[name] is Verdict.UNDECIDED, name


WRONG = [
    ({"gamma_factor": 0.5}, "γ large enough"),
    ({"step_factor": 3.0}, "η_Q ≤ 1/L"),
    ({"start_weights": 1.0}, "w⁽⁰⁾ = 0"),
    ({"H": 1}, "assumption2"),
]


@pytest.mark.parametrize(("given", "name"), WRONG)
@pytest.mark.parametrize("check", [certify_descent, certify_induction, measure_descent])
def test_a_hypothesis_that_fails_is_named_and_nothing_runs(check: Any, given: dict[str, Any], name: str) -> None:
    found = list(check(Runs(runs_of(prepare(resolve("literal", given))))))
    broken = [finding for finding in found if finding.verdict is not Verdict.PASS]
    assert name in [finding.name for finding in broken]
    assert all(isinstance(finding, Assumption) and finding.verdict is Verdict.UNDECIDED for finding in broken)
    assert all(isinstance(finding, Assumption) for finding in found)
    assert any("--force runs the descent nevertheless" in finding.reading for finding in broken)


@pytest.mark.parametrize(("given", "name"), WRONG)
def test_a_forced_run_reports_what_happens_and_still_names_the_hypothesis(given: dict[str, Any], name: str) -> None:
    (own,) = runs_of(prepare(resolve("literal", given | {"force": True})))
    found = list(certify_descent(Runs((replace(own, steps=30),))))
    assert [finding.name for finding in found if isinstance(finding, Assumption) and finding.verdict] == [name]
    assert any(finding.name.startswith("Δ⁽ᵗ⁾ ≤ ") for finding in found)
    assert not any("--force" in finding.reading for finding in found)


def test_one_head_forced_does_not_reach_the_infimum() -> None:
    (own,) = runs_of(prepare(resolve("literal", {"H": 1, "force": True})))
    verdicts = {finding.name: finding.verdict for finding in certify_descent(Runs((replace(own, steps=100),)))}
    assert verdicts["Δ⁽ᵗ⁾ ≤ (1 − η_wζ₀/2K)ᵗ Δ⁽⁰⁾, this instance"] is Verdict.FAIL


def test_equal_problems_are_recognised(plan: DescentRun, quick: Experiment) -> None:
    assert problem_of(quick) == problem_of(quick)
    assert problem_of(quick) != plan.problem
    assert plan.problem != "a problem"
