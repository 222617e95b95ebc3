"""No tolerance is made from the observation that it judges: what is worse gets no more room, by check and by defect.

A bound on rounding errors is relative to the numbers that are rounded; so it may grow with them, by a few units in the
last place of what was compared and no more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from theorems.setting.experiment import Experiment
from verify.claim import Agreement, Bound, Estimate, Trend, Verdict
from verify.discovery import load
from verify.exact import middles
from verify.runner import run_checks

FACTORS = (1.01, 2.0, 10.0, 0.0, float("nan"))
ROUNDING = 1e-8  # by what share of the numbers that are compared their rounding error may grow with them
BY_SOFTMAX = ("assumption2", "eq8", "lemma1", "lemma2", "lemma7", "lemma8", "lemma9", "lemma10", "pl")
BY_TRAINING = ("theorem2", "limit_iff", "certified_network")


def findings(name: str, experiment: Experiment) -> dict[str, Any]:
    """What the numeric checks of a claim find, by check and name."""
    claim: Any = load("theorems", name)
    checks = [check for check in claim.checks if check.__name__.startswith(("measure", "certify", "estimate"))]
    evidence = run_checks(checks, claim.about(experiment))
    return {
        f"{item.check}: {finding.name}": finding
        for item in evidence
        for finding in item.findings
        if isinstance(finding, Agreement | Bound | Trend | Estimate)
    }


def room(finding: Any) -> float:
    """The largest error that is allowed for."""
    allowed = getattr(finding, "tolerance", getattr(finding, "rounding", getattr(finding, "resolution", 0.0)))
    return float(np.max(middles(np.asarray(allowed)), initial=0.0))


def size(finding: Any) -> float:
    """The largest number that was compared."""
    seen = [getattr(finding, field) for field in ("predicted", "observed", "bound", "y") if hasattr(finding, field)]
    return max((float(np.max(np.abs(middles(np.asarray(part))), initial=0.0)) for part in seen), default=0.0)


def judged(name: str, factor: float, sound: Experiment, broken: Experiment, spoil: Callable[[], None]) -> None:
    before = findings(name, sound)
    spoil()
    after = findings(name, broken)
    both = before.keys() & after.keys()
    assert both or np.isnan(factor), "there is something to compare, or the check broke off"
    for key in both:
        if np.isnan(factor):
            changed = before[key].reading != after[key].reading
            assert not changed or after[key].verdict is not Verdict.PASS or np.isfinite(size(after[key])), key
        elif np.isfinite(room(after[key])):
            grown = room(after[key]) - room(before[key])
            assert grown <= ROUNDING * (size(after[key]) + size(before[key])), f"{key}: {room(before[key])} + {grown}"


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("name", BY_SOFTMAX)
def test_a_broken_softmax_gets_no_more_room(
    name: str, factor: float, quick: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    softmax = torch.softmax
    judged(
        name,
        factor,
        quick,
        quick,
        lambda: monkeypatch.setattr(torch, "softmax", lambda *given, **more: factor * softmax(*given, **more)),
    )


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("name", BY_TRAINING)
def test_a_worse_network_gets_no_more_room(name: str, factor: float, quick: Experiment) -> None:
    trained = quick.study.trained
    study = replace(quick.study)
    network = replace(trained.network, weights=factor * trained.network.weights)
    mixtures = np.concatenate([trained.mixtures[:-1], factor * trained.mixtures[-1:]])
    vars(study)["trained"] = replace(trained, mixtures=mixtures, network=network)
    judged(name, factor, replace(quick, presented=True), replace(quick, study=study, presented=True), lambda: None)


@pytest.mark.parametrize("factor", [1.01, 2.0, 10.0, 0.0])
def test_a_worse_network_fails(factor: float, quick: Experiment) -> None:
    trained = quick.study.trained
    study = replace(quick.study)
    vars(study)["trained"] = replace(trained, mixtures=factor * trained.mixtures)
    found = findings("theorem2", replace(quick, study=study, presented=True))
    assert found["measure_learned_matrix: Ã against Â"].verdict is Verdict.FAIL
    assert found["measure_predictions: in-domain, unseen tokens as stated"].verdict is Verdict.FAIL
