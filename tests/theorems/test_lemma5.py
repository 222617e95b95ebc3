"""Lemma 5: the constant as printed is refuted by a witness that replays, and misses exactly the labels' noise."""

import re
from fractions import Fraction

import numpy as np
import pytest

from theorems import lemma5
from theorems.experiment import Experiment
from theorems.notation import K, N, P, Z, Z_query, Z_tilde, m, tau
from theorems.selection import P_Q
from verify.claim import Identity, Verdict
from verify.prove import Instance, Random
from verify.prove.expectation import average
from verify.runner import run_checks


def _identity(experiment: Experiment | lemma5.Variant) -> Identity:
    return next(iter(lemma5.derive_loss(experiment)))


def test_the_constant_as_printed_misses_the_noise_of_the_unseen_labels(quick: Experiment) -> None:
    """The witness replays, and at it the two sides differ by exactly (K − N) mτ / 2K."""
    identity = _identity(lemma5.constant_as_printed(quick))
    assert identity.status == "refuted"
    symbols = [N, K, m, tau, P, P_Q, Z, Z_query, Z_tilde, lemma5.A_tilde]
    instance = Instance.read(str(identity.witness), symbols)
    labels = (Z_tilde + lemma5.noise).T * lemma5.task
    errors = labels.T * P.T * lemma5.A_tilde - labels.T
    randoms = [Random(lemma5.noise, tau), Random(lemma5.task)]
    ((replayed,),) = average(errors * errors.T / (2 * K), instance, randoms)
    left, right = (Fraction(value) for value in re.findall(r"(?:left|right) = \[\[(\S+)\]\]", str(identity.witness)))
    sizes = instance.values
    assert replayed == left
    assert left - right == (sizes[K] - sizes[N]) * sizes[m] * sizes[tau] / (2 * sizes[K])


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
    printed = run_checks([lemma5.estimate_loss], lemma5.constant_as_printed(quick))[0]
    honest = run_checks([lemma5.estimate_loss], quick)[0]
    assert (honest.verdict, printed.verdict) == (Verdict.PASS, Verdict.FAIL)
