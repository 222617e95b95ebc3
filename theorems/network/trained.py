"""What training left behind, in float64, against the limit: how far the gap fell, what was learned and is answered.

How near it must be follows from what training promised, never from how near it came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import sympy as sp

from numerics.measure import mean_squared_gap, rounding
from theorems.network.assumptions import OfExperiment
from theorems.network.labelled import LABELS
from theorems.network.letters import HERE
from theorems.network.stated import evaluated
from theorems.setting.experiment import Experiment
from theorems.setting.notation import m, tau
from theorems.setting.promise import GAP_FACTOR, kept, promise, promised_gap
from verify.claim import Agreement, Assumption, Bound, Trend
from verify.prove.inequalities.quantity import norm


def measure_training(subject: OfExperiment) -> Iterator[Assumption | Trend | Bound]:
    """Training lowers the gap Δ = L − L* by a factor of at least 10⁶, and never below L*."""
    experiment = subject.experiment
    trained, promised = experiment.study.trained, promise(experiment)
    yield from promised
    gaps, error = experiment.gaps(trained.mixtures), experiment.gap_rounding(trained.mixtures)
    if kept(promised):
        yield Trend(
            name="gap falls",
            x=trained.iterations,
            y=gaps,
            expected="falls",
            factor=GAP_FACTOR,
            rounding=float(np.max(error[[0, -1]], initial=0)),
            reason=trained.stopped,
            x_label="training step",
            y_label="gap Δ",
        )
    yield Bound(
        name="no loss below L*",
        observed=-gaps,
        bound=0.0,
        rounding=error,
        reason="L* is the infimum",
        x=trained.iterations,
        x_label="training step",
    )


def inequality(experiment: Experiment, stated: sp.Expr) -> Iterator[Bound]:
    """(1/2K) ‖ŷ − ŷ*‖² is at most what is stated in ‖y‖, Δ, m and τ, for every test prompt."""
    final, data = experiment.study.trained.final, experiment.instance
    gap, error = float(experiment.gaps(final[None])[0]), float(experiment.gap_rounding(final[None])[0])
    for prompts in experiment.study.test_sets:
        network, limit = experiment.network_predictions(prompts), experiment.limit_predictions(prompts)
        size = np.sum(experiment.prompt_labels(prompts) ** 2, axis=1)
        known = {norm(LABELS): np.sqrt(size), m: data.feature_count, tau: data.noise}
        bound, slope = (evaluated(stated, known | {HERE.gap: value}) for value in (gap, error))
        # Each prediction errs by gamma_{N+m} of its terms' absolute sum, at most sqrt(N) |y| max|A|, so the root of the
        # mean of squares by sqrt(2) times that: compared with the root of the bound.
        term = np.sqrt(2) * rounding(final.size) * np.sqrt(len(final) * size) * np.abs(final).max()
        yield Bound(
            name=f"{prompts.name} prompts",
            observed=mean_squared_gap(network, limit),
            bound=bound,
            rounding=slope + 2 * np.sqrt(np.maximum(bound, 0)) * term + term**2,
            reason="λ_min(Z̄²) ≥ mτ",
        )


def measure_learned_matrix(subject: OfExperiment) -> Iterator[Assumption | Agreement]:
    """The learned matrix Ã equals the limit Â entry by entry, within what the promised gap allows."""
    experiment = subject.experiment
    promised = promise(experiment)
    yield from promised
    if not kept(promised):
        return
    # |e_j . (a_k - ahat_k)| <= |Zbar^-1 e_j| |delta_k|, and the sum of |delta_k|^2 is 2K times the gap (Lemma 5).
    reach = np.sqrt(np.diag(np.linalg.inv(experiment.theory.z_bar_squared)))
    yield Agreement(
        name="Ã against Â",
        predicted=experiment.theory.a_hat,
        observed=experiment.study.trained.final,
        tolerance=reach[:, None] * np.sqrt(2 * experiment.instance.dictionary_size * promised_gap(experiment)),
        reason="‖Z̄⁻¹e_j‖ √(2KΔ), Δ the promised gap",
    )


def predictions(experiment: Experiment, stated: Callable[[np.ndarray], np.ndarray]) -> Iterator[Assumption | Agreement]:
    """Test prompts are answered as the limit answers them, and as is `stated` for the labels in each column."""
    promised = promise(experiment)
    yield from promised
    if not kept(promised):
        return
    data, theory = experiment.instance, experiment.theory
    moved = np.sqrt(2 * data.dictionary_size * promised_gap(experiment))  # at most this is |delta_k|, by Lemma 5
    for prompts in experiment.study.test_sets:
        network, limit = experiment.network_predictions(prompts), experiment.limit_predictions(prompts)
        labels = experiment.prompt_labels(prompts).T
        # |y . (a_k - ahat_k)| <= |Zbar^-1 y| |delta_k|, and |Zbar^-1 y|^2 = y . (Z^T Z + m tau I)^-1 y.
        size = np.sqrt(np.sum(labels * np.linalg.solve(theory.z_bar_squared, labels), axis=0))
        parts = slice(0, data.prompt_length), slice(data.prompt_length, None)
        for source, answers in (("", limit), (" as stated", stated(labels))):
            for name, part in zip(("prompt labels", "unseen tokens"), parts, strict=True):
                yield Agreement(
                    name=f"{prompts.name}, {name}{source}",
                    predicted=answers[:, part],
                    observed=network[:, part],
                    tolerance=size[:, None] * moved,
                    reason="‖Z̄⁻¹y‖ √(2KΔ), Δ the promised gap",
                )
