"""Faults planted in the libraries, one at a time: the self-tests see each, and no claim that rests on it passes."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sympy.physics.units  # noqa: F401  simplify loads it, and is tested where it is loaded

from tests.ground import faults_exact, faults_floats
from tests.ground.breaking import Fault
from theorems.experiment import Experiment
from theorems.parameters import prepare, resolve
from verify.claim import grade_of
from verify.discovery import load
from verify.ground import areas_of, grounds_of, outcomes_of
from verify.runner import run

ALL = (*faults_floats.FAULTS, *faults_exact.FAULTS)
FAULTS = tuple(fault for fault in ALL if fault.area not in ("network", "random"))
# One of each kind, with a claim that takes seconds; all others run with `make test-long`.
SHORT = {
    "exp off by 1e-6", "upper end is the midpoint", "inverse without radii", "expand drops a term", "χ² tail halved",
    "rational sums off by one", "inverse a hundred times too large", "absolute value halved", "binomial tail halved",
}  # fmt: skip


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
