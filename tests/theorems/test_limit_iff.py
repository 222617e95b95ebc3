"""Limit, both ways: the two halves as eigenvalue bounds, and the exact instances of the premise."""

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from theorems import limit_iff
from theorems.setting.experiment import Experiment
from theorems.setting.notation import K, N, Z, m, tau
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from verify.claim import Verdict


def test_the_two_halves_are_rayleigh_quotients(quick: Experiment) -> None:
    """Independent oracle: ‖Z̄X‖_F² / ‖X‖_F² lies between the extreme eigenvalues of Z̄²."""
    rng = np.random.default_rng(0)
    values = np.linalg.eigvalsh(quick.theory.z_bar_squared)
    for _ in range(50):
        X = rng.standard_normal(quick.theory.a_hat.shape)
        quotient = np.sum((quick.theory.z_bar @ X) ** 2) / np.sum(X**2)
        assert quick.theory.penalty * (1 - 1e-12) <= values[0] <= quotient <= values[-1] * (1 + 1e-12)


@pytest.mark.parametrize("sizes", [{N: 1, m: 3}, {N: 3, m: 1}, {N: 2, m: 2}])
def test_the_sample_satisfies_the_premise(sizes: dict[object, int]) -> None:
    found = limit_iff._diagonal(m * tau, sizes, random.Random(1))
    features, root = np.array(found[Z]), np.array(found[limit_iff.M])
    level = Fraction(str(found[limit_iff.top])) - sizes[m] * Fraction(str(found[tau]))
    assert np.array_equal(features.T @ features + root.T @ root, int(level) * np.eye(sizes[N], dtype=int))


def test_each_constant_is_refuted_by_its_own_half(quick: Experiment) -> None:
    def verdicts(subject: limit_iff.BothEnds) -> list[Verdict]:
        return [
            f.verdict for f in (*limit_iff.derive_lower_constant(subject), *limit_iff.derive_upper_constant(subject))
        ]

    assert verdicts(limit_iff.BothEnds(quick)) == [Verdict.PASS] * 3
    assert verdicts(limit_iff.BothEnds(quick, lower=2.0)) == [Verdict.PASS, Verdict.FAIL, Verdict.PASS]
    assert verdicts(limit_iff.BothEnds(quick, upper=0.5)) == [Verdict.PASS, Verdict.PASS, Verdict.FAIL]


@pytest.mark.parametrize(("features", "reached"), [(3, True), (6, False)])
def test_the_left_end_is_attained_exactly_if_z_has_a_kernel(features: int, reached: bool) -> None:
    """Independent oracle: the least eigenvalue of Z̄² against mτ; a rank-deficient Z with m ≥ N has a kernel too."""
    experiment = prepare(resolve("quick", {"m": features, "N": 5}))
    least = np.linalg.eigvalsh(experiment.theory.z_bar_squared)[0]
    assert (least < experiment.theory.penalty * (1 + 1e-9)) == reached
    names = {finding.name: finding.verdict for finding in limit_iff.measure_attained(limit_iff.BothEnds(experiment))}
    left = "left end attained" if reached else "left end < Δ: not attained"
    assert names == {left: Verdict.PASS, "right end attained": Verdict.PASS}
    equal = experiment.instance.features.copy()
    equal[1] = equal[0]
    study = replace(experiment.study, instance=replace(experiment.instance, features=equal))
    subject = limit_iff.BothEnds(replace(experiment, study=study))
    names = {finding.name: finding.verdict for finding in limit_iff.measure_attained(subject)}
    assert names == {"left end attained": Verdict.PASS, "right end attained": Verdict.PASS}


@pytest.mark.parametrize("sizes", [{N: 1, m: 1, K: 2}, {N: 3, m: 2, K: 4}, {N: 2, m: 3, K: 5}])
def test_the_samples_of_the_attained_ends_satisfy_their_premises(sizes: dict[object, int]) -> None:
    rng = random.Random(0)
    kernel, inverse = limit_iff._null_vector(sizes, rng), limit_iff._left_inverse(sizes, rng)
    assert (kernel is None) == (sizes[N] < 2)
    if kernel is not None:
        assert not np.any(np.array(kernel[Z]) @ np.array(kernel[limit_iff.u]))
    assert (inverse is None) == (sizes[m] < sizes[N])
    if inverse is not None:
        product = np.array(inverse[limit_iff.W], dtype=float) @ np.array(inverse[Z], dtype=float)
        assert np.allclose(product, np.eye(sizes[N]))
