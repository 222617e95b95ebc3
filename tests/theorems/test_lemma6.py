"""Lemma 6: a γ that is no power of two, where rounding does differ, and the trainer of the laboratory."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from numerics.recipe import Recipe
from numerics.training import train
from theorems import lemma6
from theorems.setting.experiment import Experiment


@pytest.mark.parametrize("gamma", [1.0, 3.0, 0.3])
def test_other_factors_agree_to_rounding(quick: Experiment, gamma: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lemma6, "GAMMA", gamma)
    subject = lemma6.Rescaling(quick)
    two, one = lemma6._run(subject, rescaled=False), lemma6._run(subject, rescaled=True)
    for predicted, observed in zip(two, one, strict=True):
        assert np.allclose(predicted, observed, rtol=1e-9, atol=1e-12)


def test_the_trainer_takes_the_same_steps(quick: Experiment) -> None:
    """Independent oracle: numerics.training with two step sizes."""
    subject = lemma6.Rescaling(quick)
    rate = 2.0**-4 / float(np.trace(quick.study.moments))
    queries, weights, _ = lemma6._run(subject, rescaled=True)
    start = lemma6.stream(quick.study.seed, "lemma6").standard_normal(weights.shape) / len(weights)
    recipe = Recipe(
        steps=lemma6.STEPS,
        optimizer="gd",
        rate_queries=rate,
        rate_weights=lemma6.GAMMA**2 * rate,
        precision="float64",
        gradient_tolerance=0.0,
    )
    trained = train(
        quick.instance, replace(quick.study.start, weights=torch.from_numpy(start)), recipe, moments=quick.study.moments
    ).network
    assert np.allclose(trained.weights.numpy(), weights, rtol=1e-9, atol=1e-12)
    assert np.allclose(trained.queries.numpy(), queries, rtol=1e-9, atol=1e-12)
