"""The step sizes of Theorem 1 in float64 against its formulas, typed once more in numpy."""

import numpy as np
import pytest

from theorems import theorem1
from theorems.descent.step_sizes import FLOAT_STEPS, float_run
from theorems.setting.constants import zeta_0
from theorems.setting.experiment import Experiment


def test_the_float_run_uses_the_numbers_of_the_theorem(quick: Experiment) -> None:
    run = float_run(quick, theorem1.stated_constants().step_sizes)
    assert run is not None
    assert len(run.points) == FLOAT_STEPS + 1
    numbers, (heads, tokens) = run.numbers, run.points[0].alpha.shape
    theory = quick.theory
    z_norm, f = np.linalg.norm(theory.z_bar, 2), np.linalg.norm(theory.z_bar, axis=0).max()
    gap = np.sum((theory.z_bar @ theory.a_hat) ** 2) / (2 * tokens)
    expected = 128 * (2 + 2**0.5) * tokens**1.5 * heads**0.5 * z_norm**2 * f * gap * numbers[zeta_0] ** -2.5
    assert numbers[theorem1.gamma] ** 2 == pytest.approx(expected, rel=1e-6)
    assert np.all(np.diff(run.gap_errors(np.full(len(run.points), gap))) > 0)
