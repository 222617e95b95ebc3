"""Lemma 5: the constant as printed is refuted by a witness that replays, and misses exactly the labels' noise."""

import re
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from theorems import lemma5
from theorems.lemma5 import P_Q, Decomposition
from theorems.setting.experiment import Experiment
from theorems.setting.notation import K, N, P, Z, Z_query, Z_tilde, m, tau
from verify.claim import Verdict
from verify.prove import Instance
from verify.runner import run_checks


def test_the_constant_as_printed_misses_the_noise_of_the_unseen_labels(quick: Experiment) -> None:
    """The witness replays, and at it the two sides differ by exactly (K − N) mτ."""
    printed = Decomposition(quick, targets_noisy=False)
    *others, last = lemma5.derive_loss(printed)
    assert all(identity.status == "proved" for identity in others)
    assert last.status == "refuted"
    instance = Instance.read(str(last.witness), [N, K, m, tau, P, P_Q, Z, Z_query, Z_tilde])
    left, right = (Fraction(value) for value in re.findall(r"(?:left|right) = \[\[(\S+)\]\]", str(last.witness)))
    constant = 2 * K * printed.evaluated(lemma5.LOSS_STAR)
    assert instance.evaluate(constant * sp.Identity(1)) == ((right,),)
    sizes = instance.values
    assert left - right == (sizes[K] - sizes[N]) * sizes[m] * sizes[tau]


def test_prompt_tokens_contribute_nothing(quick: Experiment) -> None:
    """Independent oracle: the loss of each token at Â, from the moments of the laboratory."""
    losses = quick.study.losses(quick.theory.a_hat[None])[0]
    error = quick.study.loss_rounding(quick.theory.a_hat[None])[0]
    prompt = quick.instance.prompt_length
    assert np.all(np.abs(losses[:prompt]) <= error[:prompt])
    assert np.all(losses[prompt:] > error[prompt:])
    assert losses.mean() == pytest.approx(quick.theory.loss_star, rel=1e-12)


def test_the_loss_of_any_matrix_is_its_distance_plus_the_constant(quick: Experiment) -> None:
    rng = np.random.default_rng(0)
    mixtures = rng.standard_normal((20, *quick.theory.a_hat.shape))
    distance = quick.theory.z_bar @ (mixtures - quick.theory.a_hat)
    expected = np.sum(distance**2, axis=(1, 2)) / (2 * quick.instance.dictionary_size)
    assert np.allclose(quick.gaps(mixtures), expected, rtol=1e-12, atol=float(quick.gap_rounding(mixtures).max()))


def test_sampling_tells_the_two_constants_apart(quick: Experiment) -> None:
    """The kind of numbers in the audit: the estimate contains L* with the term, and excludes it without."""
    printed = run_checks([lemma5.estimate_loss], Decomposition(quick, targets_noisy=False))[0]
    honest = run_checks([lemma5.estimate_loss], Decomposition(quick))[0]
    assert (honest.verdict, printed.verdict) == (Verdict.PASS, Verdict.FAIL)
