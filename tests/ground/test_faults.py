"""Faults planted in the libraries, one at a time: the self-tests see each, and no claim that rests on it passes."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
import sympy.physics.units  # noqa: F401  simplify loads it, and is tested where it is loaded
import torch._dynamo  # noqa: F401  likewise for the optimizers

from tests.ground import faults_exact, faults_floats
from tests.ground.breaking import Fault
from theorems.setting.experiment import Experiment
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from theorems.theorem2 import RidgeRegression, measure_training
from verify.claim import Verdict, grade_of
from verify.discovery import load
from verify.ground import areas_of, grounds_of, outcomes_of
from verify.runner import run

pytestmark = pytest.mark.whole

FAULTS = (*faults_floats.FAULTS, *faults_exact.FAULTS)
# One of each kind, with a claim that takes seconds; all others run with `make test-long`.
SHORT = {
    "exp off by 1e-6",
    "inverse without radii",
    "expand drops a term",
    "χ² tail halved",
    "softmax times 1.001",
    "normal numbers are uniform",
}


@pytest.fixture(scope="module")
def quick() -> Experiment:
    """A small experiment, trained."""
    experiment = prepare(resolve("quick", {}))
    assert experiment.study.trained.diverged_at is None
    return experiment


@pytest.fixture(scope="module")
def fresh() -> Experiment:
    """An experiment that is not trained yet."""
    return prepare(resolve("quick", {}))


def by_name(fault: Fault) -> str:
    return fault.name


def test_there_are_faults_enough() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 60


@pytest.mark.parametrize("fault", FAULTS, ids=by_name)
def test_a_self_test_sees_the_fault(fault: Fault, apart: Callable[..., Any], fresh: Experiment) -> None:
    seen = apart(fault, lambda: [test.name for test in outcomes_of(grounds_of(fresh), {fault.area}) if test.trouble])
    assert seen


@pytest.mark.parametrize("fault", FAULTS, ids=by_name)
def test_the_claim_rests_on_what_is_broken(fault: Fault) -> None:
    assert fault.area in areas_of(map(grade_of, load("theorems", fault.claim).checks))


def _marked() -> Iterator[Any]:
    for fault in FAULTS:
        yield pytest.param(fault, id=fault.name, marks=() if fault.name in SHORT else pytest.mark.long)


@pytest.mark.parametrize("fault", tuple(_marked()))
def test_no_claim_on_it_passes(fault: Fault, apart: Callable[..., Any]) -> None:
    claim = load("theorems", fault.claim)

    def verdict() -> str:
        subject = prepare(resolve("quick", {}))
        return str(run(claim, subject, subject).verdict)

    assert apart(fault, verdict) != "pass"


def test_softmax_that_breaks_after_the_first_test_is_seen_at_the_last_weights(apart: Callable[..., Any]) -> None:
    """The fault comes with the first check: what was tested before is no longer what is used."""
    [fault] = [fault for fault in FAULTS if fault.name == "softmax times 1.001"]
    nothing = replace(fault, plant=nullcontext)

    def reasons() -> list[str]:
        subject, claim = prepare(resolve("quick", {})), load("theorems", "theorem2")
        plant = fault.plant()

        def measure_and_break(ridge: RidgeRegression) -> Iterator[Any]:
            """Softmax breaks."""
            plant.__enter__()
            yield from measure_training(ridge)

        broken = replace(claim, checks=(measure_and_break,), controls={}, catches={}, drops=())
        return [text for verdict, text in run(broken, subject, subject).reasons if verdict is Verdict.ERROR]

    found = apart(nothing, reasons)
    assert any("softmax at the last weights" in text for text in found)


def test_every_ground_of_an_experiment_holds_before_and_after_training(quick: Experiment, fresh: Experiment) -> None:
    for experiment, when in ((fresh, "first"), (quick, "last")):
        outcomes = outcomes_of(experiment.grounds())
        assert [(test.name, test.trouble) for test in outcomes if test.trouble] == []
        assert f"softmax at the {when} weights" in {test.name for test in outcomes}


def test_noise_of_another_law_is_seen_in_the_subject_itself(fresh: Experiment) -> None:
    half = replace(fresh.study.noise, given_task=lambda tasks: 0.5 * fresh.study.noise.given_task(tasks))
    changed = replace(fresh, study=replace(fresh.study, noise=half))
    troubles = [test.trouble for test in outcomes_of(changed.grounds(), {"random"}) if test.trouble]
    assert troubles
    assert "label noise" in troubles[0]


def test_digits_other_than_those_that_ship_are_named(apart: Callable[..., Any]) -> None:
    subject = prepare(resolve("quick", {"data": "digits"}))
    assert [test.trouble for test in outcomes_of(subject.grounds()) if test.trouble] == []
    name, area, claim, plant = faults_floats.DIGITS[0]
    fault = Fault(name=name, area=area, claim=claim, plant=plant)
    seen = apart(fault, lambda: [test.name for test in outcomes_of(subject.grounds()) if test.trouble])
    assert seen == ["scikit-learn's digits"]
