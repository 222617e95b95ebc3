"""The trained network in balls: Ã(θ), Ã − Â and the gap for the weights θ that training left, as exact rationals."""

from __future__ import annotations

from dataclasses import dataclass

import flint
import numpy as np

from theorems.network.enclosed import Ball, Matrix, enclose
from theorems.network.problem import problem_of, trained_problem_of
from theorems.setting.experiment import Experiment
from verify.certify import balls
from verify.certify.precision import until_decided

ACCURACY = 40  # bits of Δ, by Lemma 5 and from the moments
START_BITS, LIMIT = 128, 1024  # L − L* loses the digits by which Δ is smaller than L, some 30 bits


@dataclass(frozen=True, kw_only=True)
class EnclosedTraining:
    """Enclosures with `bits` bits: Ã(θ), Ã − Â, Δ by Lemma 5 and as L − L* from the moments, and Δ⁽⁰⁾."""

    bits: int
    learned: Matrix
    error: Matrix
    gap: Ball
    excess: Ball
    start: Ball


def enclosed_training(experiment: Experiment) -> EnclosedTraining | None:
    """The trained network at a precision that gives Δ to `ACCURACY` bits in both ways, or with `LIMIT` bits.

    None if not even then ZᵀZ + mτI is known to be regular.
    """
    trained, start = trained_problem_of(experiment), problem_of(experiment)
    seen = balls(experiment.shown(np.eye(trained.sizes[0])))  # what the network gets to see of each label

    def compute() -> EnclosedTraining:
        enclosed = enclose(trained)
        before, learned = enclosed.mixture_of(start), seen * enclosed.mixture_of(trained)
        return EnclosedTraining(
            bits=flint.ctx.prec,
            learned=learned,
            error=learned - enclosed.a_hat,
            start=enclosed.gap(before),
            gap=enclosed.gap(learned),
            excess=enclosed.loss(learned) - enclosed.loss_star,
        )

    return until_decided(
        compute, lambda c: (c.gap + c.excess).rel_accuracy_bits() >= ACCURACY, bits=START_BITS, limit=LIMIT
    ).value
