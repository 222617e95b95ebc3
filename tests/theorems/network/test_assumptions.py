"""The hypotheses on an instance: decided from what was drawn and given, each by one route."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from theorems import theorem2
from theorems.assumption2 import StartingRank, certify_rank
from theorems.network.assumptions import measure_assumptions
from theorems.setting import study as module
from theorems.setting.experiment import Experiment
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from verify.claim import Assumption, Verdict


def named(experiment: Experiment, name: str) -> list[Assumption]:
    return [found for found in measure_assumptions(theorem2.CLAIM.about(experiment)) if found.name.startswith(name)]


def test_tasks_up_to_the_b_that_was_given(quick: Experiment) -> None:
    assert all(found.verdict is Verdict.PASS for found in named(quick, "assumption4"))
    small = prepare(resolve("quick", {"B": 0.001}))
    for found in named(small, "assumption4"):
        assert found.verdict is Verdict.UNDECIDED
        assert "give --B" in found.meaning


@pytest.mark.parametrize("objective", ["population", "sampled"])
@pytest.mark.parametrize("spoil", [lambda tasks: 2 * tasks, lambda tasks: tasks + 1])
def test_tasks_of_another_law_are_seen(objective: str, spoil: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tasks themselves are tested: whoever draws others cannot pass by the moments that were meant."""
    honest = module.sample_tasks
    given = prepare(resolve("quick", {"objective": objective}))
    assert named(given, "assumption1")[0].verdict is Verdict.PASS
    monkeypatch.setattr(module, "sample_tasks", lambda *args, **laws: spoil(honest(*args, **laws)))
    assert named(given, "assumption1")[0].verdict is Verdict.UNDECIDED


def test_assumption_2_is_the_certified_one(quick: Experiment) -> None:
    (found,) = (item for item in certify_rank(StartingRank(quick)) if isinstance(item, Assumption))
    assert repr(named(quick, "assumption2")[0].margin) == repr(found.margin)
    start = replace(quick.study.start, queries=quick.study.start.queries[:3], weights=quick.study.start.weights[:3])
    few = replace(quick, study=replace(quick.study, start=start))
    assert named(few, "assumption2")[0].verdict is Verdict.UNDECIDED
