"""A small experiment, trained once for the whole folder."""

import pytest

from theorems.experiment import Experiment
from theorems.parameters import prepare, resolve


@pytest.fixture(scope="session")
def quick() -> Experiment:
    return prepare(resolve("quick", {}))
