"""A small experiment, trained once for the whole folder, and the run of every claim on it, made once."""

from functools import cache

import pytest

from theorems.setting.experiment import Experiment
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from verify.claim import Claim
from verify.discovery import entries, load
from verify.runner import Outcome, run

ENTRIES = {entry.id: entry for entry in entries("theorems")}


@cache
def _quick() -> Experiment:
    return prepare(resolve("quick", {}))


@pytest.fixture(scope="session")
def quick() -> Experiment:
    return _quick()


def claim_of(name: str) -> Claim:
    claim = load("theorems", name)
    assert isinstance(claim, Claim)
    return claim


@cache
def quick_outcome(name: str) -> Outcome:
    """The run of a claim on the small experiment; its tests are one group, so that one worker makes it."""
    return run(claim_of(name), _quick(), _quick())


def for_each(*names: str) -> pytest.MarkDecorator:
    """A test for each claim of these names, on its whole run; those of one claim share it in one worker."""
    marked = [pytest.param(name, marks=(pytest.mark.xdist_group(name), pytest.mark.whole)) for name in sorted(names)]
    return pytest.mark.parametrize("name", marked)
