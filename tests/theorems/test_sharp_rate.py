"""Sharp rate: the closed form against eigenvectors in float64, and a rate known by hand."""

from __future__ import annotations

from dataclasses import replace

import flint
import numpy as np
import pytest

from theorems.descent.float_descent import float_problem
from theorems.descent.frozen_modes import BITS, gaps_at_powers
from theorems.descent.runs import literal_run
from theorems.setting.experiment import Experiment
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from theorems.sharp_rate import CLAIM, SharpRate, _steps_to, certify_asymptotic_rate, certify_closed_form
from verify.claim import Bound, Verdict
from verify.runner import run_checks


def test_the_closed_form_agrees_with_eigenvectors_in_float64(quick: Experiment) -> None:
    run = literal_run(quick)
    data, step = float_problem(run), float(run.prescription.step_weights.mid())
    s, (_, K, _, _) = data.attention(run.problem.queries), run.problem.sizes
    found = gaps_at_powers(run, 1.0, 6)
    assert found is not None
    for j, gap in enumerate(found[1:]):
        total = 0.0
        for k in range(K):
            B = data.z_bar @ s[:, :, k].T
            values, vectors = np.linalg.eigh(B @ B.T)
            parts = vectors.T @ (data.z_bar @ data.a_hat[:, k])
            total += float(np.sum((1 - step / K * values) ** (2 * 2**j) * parts**2))
        assert float(gap.mid()) == pytest.approx(total / (2 * K), rel=1e-10)


def test_twin_relabelled_heads(quick: Experiment) -> None:
    run = literal_run(quick)
    turned = replace(run.problem, queries=run.problem.queries[::-1].copy(), weights=run.problem.weights[::-1].copy())
    found, again = gaps_at_powers(run, 1.0, 3), gaps_at_powers(replace(run, problem=turned), 1.0, 3)
    assert found is not None
    assert again is not None
    with flint.ctx.workprec(BITS):
        for a, b in zip(found, again, strict=True):
            assert abs(a / b - 1) < 1e-6  # the step sizes depend on ζ₀ only through its enclosure


def test_the_chord_gives_the_steps_of_a_pure_exponential() -> None:
    times = np.array([1, 2, 4, 8])
    logarithms = [flint.arb(0), *(flint.arb(-0.5) * int(t) for t in times)]
    assert _steps_to(flint.arb(-2.5), logarithms, times) == pytest.approx(6.0)  # log Δ reaches −2.5 at t = 5
    assert _steps_to(flint.arb(-10), logarithms, times) == float("inf")


def test_an_instance_without_rank_is_named() -> None:
    findings = list(certify_asymptotic_rate(SharpRate(prepare(resolve("quick", {"H": 5})))))
    assert [item.name for item in findings if item.verdict is not Verdict.PASS] == ["assumption2"]


def test_bits_that_run_out_decide_nothing(quick: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("theorems.sharp_rate.gaps_at_powers", lambda *_: None)
    findings = [*certify_asymptotic_rate(SharpRate(quick)), *certify_closed_form(SharpRate(quick))]
    assert {item.verdict for item in findings if isinstance(item, Bound)} == {Verdict.UNDECIDED}


def test_no_check_breaks_down(quick: Experiment) -> None:
    assert [item.error for item in run_checks(CLAIM.checks, SharpRate(quick)) if item.error] == []
