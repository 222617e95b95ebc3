"""What a training run promises, judged without the theory: its excess over the least loss of any mixture matrix.

The least loss over all N × K matrices is found by solving the normal equations of the moments, so neither the limit
nor L* enters. A run that ended before its promise says nothing about where training leads: it is undecided.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from theorems.setting.experiment import Experiment
from verify.claim import Assumption, Verdict

GAP_FACTOR = 1e6  # "training reaches the minimum" means here: the excess loss falls by a million


@lru_cache(maxsize=8)
def excess(experiment: Experiment) -> tuple[float, float, float]:
    """The excess loss at the start and at the end of training, and a bound on the rounding error of either."""
    study = experiment.study
    N, moments, mixtures = experiment.instance.prompt_length, study.moments, study.trained.mixtures[[0, -1]]
    best = np.linalg.solve(moments[:N, :N], moments[:N])
    residual = moments[:N, :N] @ best - moments[:N]
    # A matrix whose gradient is r has at most |r|^2 / (2 lambda_min) more than the least loss, per token.
    missed = np.sum(residual**2) / (2 * len(moments) * np.linalg.eigvalsh(moments[:N, :N])[0])
    losses, errors = study.losses(np.stack([*mixtures, best])), study.loss_rounding(np.stack([*mixtures, best]))
    found, wrong = losses.mean(axis=1), errors.mean(axis=1)
    return float(found[0] - found[2]), float(found[1] - found[2]), float(wrong[:2].max() + wrong[2] + missed)


def promised_gap(experiment: Experiment) -> float:
    """The gap that a run which keeps its promise does not exceed: a millionth of the excess loss at the start."""
    return excess(experiment)[0] / GAP_FACTOR


def promise(experiment: Experiment) -> tuple[Assumption, ...]:
    """That training lowered the excess loss by `GAP_FACTOR`; nothing where a network is presented as trained."""
    if experiment.presented:
        return ()
    recipe, trained = experiment.study.recipe, experiment.study.trained
    first, last, error = excess(experiment)
    fall = f"fell by a factor of {first / last:.2g}" if last > error else f"fell to its rounding error {error:.1g}"
    known = {"excess_initial": first, "excess_final": last, "excess_rounding": error}
    known |= {"training_steps": int(trained.iterations[-1])} | (
        {"training_factor": first / last} if last > error else {}
    )
    told = f"{recipe.optimizer} made {trained.iterations[-1]} steps and the excess loss {fall}; {GAP_FACTOR:g} is asked"
    advice = f"{trained.stopped}; give more --steps, another --optimizer or step sizes"
    return (
        Assumption(
            name="training's promise",
            margin=first / GAP_FACTOR - last,
            rounding=(1 + 1 / GAP_FACTOR) * error,
            meaning=f"{told}; {advice}" if not last <= first / GAP_FACTOR - error else told,
            quantities=known,
        ),
    )


def kept(assumptions: tuple[Assumption, ...]) -> bool:
    """Whether what the run promised can be relied on."""
    return all(found.verdict is Verdict.PASS for found in assumptions)
