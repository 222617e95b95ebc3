"""Theorem 2's conclusion in balls: T by hand, the worst prompt by brute force, and runs that are too short."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import flint
import numpy as np
import pytest

from theorems.descent import conclusion as certified_conclusion
from theorems.descent.conclusion import Promise, conclude_at, guaranteed_steps
from theorems.descent.runs import literal_run
from theorems.descent.trajectory import DescentRun, descend
from theorems.network.enclosed import enclose
from theorems.setting.defects import penalty_twice
from theorems.setting.experiment import Experiment
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from theorems.setting.tail import x_delta
from theorems.theorem2 import RATIO, STATED_ERROR, RidgeRegression, certify_conclusion
from verify.claim import Finding, Verdict, worst

PROMISE = Promise(epsilon=1e-3, delta=0.05, B=3.0, ratio=RATIO, error=STATED_ERROR)


@pytest.fixture
def plan(quick: Experiment) -> DescentRun:
    return literal_run(quick)


def by_name(findings: Any) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


def ending(plan: DescentRun, steps: int) -> dict[str, Finding]:
    """What is concluded after that many steps."""
    short = replace(plan, steps=steps)
    run = descend(short)
    with flint.ctx.workprec(run.bits):
        return by_name(conclude_at(short, run, PROMISE))


def test_T_is_the_number_of_the_theorem(plan: DescentRun) -> None:
    data, prescription = plan.problem.instance, plan.prescription
    N, K, m, tau = 2, 4, 2, data.noise
    features = data.features[:N]
    square = features @ features.T + m * tau * np.eye(N)
    limit = np.linalg.solve(square, data.features[:N] @ data.features.T + m * tau * np.eye(N, K))
    gap = np.trace(limit.T @ square @ limit) / (2 * K)  # at w = 0
    x = N + 2 * math.sqrt(N * math.log(20)) + 2 * math.log(20)
    ratio = 2 * 9 * (np.linalg.norm(features, 2) ** 2 + tau * x) * gap / (m * tau * 1e-3)
    rate = float(prescription.rate.mid())
    assert guaranteed_steps(plan, PROMISE) == math.ceil(math.log(ratio) / -math.log1p(-rate))
    assert guaranteed_steps(plan, replace(PROMISE, epsilon=1e9)) == 0


def test_the_conclusion_holds_after_T_steps_and_not_after_a_tenth(plan: DescentRun) -> None:
    needed = guaranteed_steps(plan, PROMISE)
    assert worst(finding.verdict for finding in ending(plan, needed).values()) is Verdict.PASS
    early = ending(plan, needed // 10)
    assert early["every prompt, literal instance"].verdict is Verdict.FAIL
    assert early["the worst prompt found"].verdict is Verdict.PASS  # it is still below what holds for every prompt


def test_the_worst_prompt_is_at_least_as_bad_as_any_of_many(plan: DescentRun) -> None:
    """Oracle: a fine grid over the two circles that λ and n run through, in numpy."""
    run = descend(replace(plan, steps=20))
    data = plan.problem.instance
    with flint.ctx.workprec(run.bits):
        enclosed = enclose(plan.problem)
        learned = enclosed.mixture(enclosed.attention(run.queries), run.weights)
        error = np.array((learned - enclosed.a_hat).transpose().mid().tolist(), dtype=float)
        reach = math.sqrt(data.noise * float(x_delta(2, PROMISE.delta).mid()))
        found = by_name(conclude_at(replace(plan, steps=20), run, PROMISE))["the worst prompt found"]
    angles = np.linspace(0, 2 * np.pi, 721)
    circle = np.stack([np.cos(angles), np.sin(angles)])
    signals = 3 * data.features[:2] @ circle
    labels = signals[:, :, None] + 3 * reach * circle[:, None, :]
    losses = np.sum(np.einsum("kn,nab->kab", error, labels) ** 2, axis=0) / 8
    assert float(np.max(found.observed)) == pytest.approx(losses.max(), rel=1e-4)  # type: ignore[union-attr]
    assert np.max(found.observed) >= losses.max() * (1 - 1e-9)  # type: ignore[union-attr]


def test_a_wrong_penalty_is_refuted(quick: Experiment) -> None:
    found = by_name(certify_conclusion(RidgeRegression(penalty_twice.plant(quick))))
    assert found["every prompt, literal instance"].verdict is Verdict.FAIL


def test_the_literal_instance_stands_for_itself_and_for_larger_ones(quick: Experiment) -> None:
    own = by_name(certify_conclusion(RidgeRegression(prepare(resolve("literal", {})))))
    other = by_name(certify_conclusion(RidgeRegression(quick)))
    for found, name in ((own, "this instance"), (other, "literal instance")):
        assert found[f"T steps made, {name}"].verdict is Verdict.PASS
        assert found[f"every prompt, {name}"].verdict is Verdict.PASS


def test_a_smaller_error_asks_for_more_steps_at_the_rate_of_the_theorem(plan: DescentRun) -> None:
    """Twin: ε divided by 1000 adds log 1000 / log(1/(1 − rate)) steps."""
    rate = float(plan.prescription.rate.mid())
    more = guaranteed_steps(plan, replace(PROMISE, epsilon=1e-6)) - guaranteed_steps(plan, PROMISE)
    assert more == pytest.approx(math.log(1000) / -math.log1p(-rate), abs=1)


def test_steps_out_of_reach_are_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certified_conclusion, "MOST_STEPS", 50)
    found = by_name(certify_conclusion(RidgeRegression(prepare(resolve("literal", {})))))
    assert found["T steps made, this instance"].verdict is Verdict.UNDECIDED
    assert "more than 50 steps are not followed" in found["T steps made, this instance"].reading
    assert "every prompt, this instance" not in found


def test_a_broken_hypothesis_leaves_only_its_name() -> None:
    for given, name in (({"start_weights": 1.0}, "w⁽⁰⁾ = 0"), ({"H": 1}, "assumption2")):
        found = by_name(certify_conclusion(RidgeRegression(prepare(resolve("literal", given)))))
        assert found[name].verdict is Verdict.UNDECIDED
        assert not any(key.startswith("every prompt") for key in found)


def test_a_rate_of_1e_minus_19_and_less_is_a_number_of_steps_or_none_and_never_an_exception(plan: DescentRun) -> None:
    least = float(plan.prescription.rate.mid())
    for rate in (1e-19, 1e-60, 1e-150):
        slow = replace(plan, step_factor=rate / least)
        assert guaranteed_steps(slow, PROMISE) == pytest.approx(guaranteed_steps(plan, PROMISE) * least / rate, rel=0.1)
        assert slow.prescription.guaranteed_steps(1e3) == pytest.approx(math.log(1e3) / rate, rel=0.1)
    unknown = replace(plan.prescription, zeta_0=flint.arb("nan"))
    assert unknown.guaranteed_steps(1e3) == math.inf


def test_a_number_of_steps_that_is_out_of_reach_is_undecided_without_a_step(quick: Experiment) -> None:
    slow = replace(quick, parameters=replace(quick.parameters, step_factor=1e-17))
    made = by_name(certify_conclusion(RidgeRegression(slow)))["T steps made, literal instance"]
    assert made.verdict is Verdict.UNDECIDED
    assert "more than 4000 steps are not followed" in made.reading
