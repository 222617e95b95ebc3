"""A small experiment, trained once for the whole folder."""

import pytest

from theorems.setting.experiment import Experiment, prepare
from theorems.setting.parameters import resolve


@pytest.fixture(scope="session")
def quick() -> Experiment:
    return prepare(resolve("quick", {}))
