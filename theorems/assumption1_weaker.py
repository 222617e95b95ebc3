"""Assumption 1, weaker [B]: of the law of the tasks only E λλᵀ = I is used, neither independence nor a mean of zero.

The paper assumes that the entries of λ are independent with mean 0 and variance 1. Lemma 5, and with it the limit Â and
everything that is said of training, holds for every law with E λλᵀ = I (then E‖λ‖² = m): the loss is
(1/2K) Σ_k ‖δ_k‖² + L* all the same, so gradient descent makes the same steps. For instance λ may be one of the vectors
√m e_1, …, √m e_m, each with probability 1/m: its entries are never negative, have mean 1/√m and exclude one another.

Proved for laws on any finite number of tasks, λ = c_i with probability p_i, which are matrices Λ of columns √p_i c_i
with ΛΛᵀ = I; that a law enters through E λλᵀ alone is argued for all others. If E λλᵀ ≠ I the statement is false.

Wrong if an identity leaves a remainder, or if on the instance such a law gives another loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from fractions import Fraction
from random import Random as Generator
from typing import Any

import flint
import numpy as np
import sympy as sp

from numerics.loss import sample_labels
from theorems.lemma5 import BATCH, LOSS_STAR, RESOLUTION, SAMPLES, SPREAD, level, noise, penalty
from theorems.setting.defects import noise_ignores_task, penalty_n_tau, penalty_twice
from theorems.setting.experiment import Experiment
from theorems.setting.limit import PRECISION, symbol_values
from theorems.setting.notation import Drawn, K, Sizes, Z_tilde, m, tau
from theorems.setting.study import stream
from verify.certify import balls, evaluate
from verify.claim import Argument, Bound, Claim, Estimate, Identity, Step, planted
from verify.infer import mean_interval
from verify.prove import Equation, Random, prove_expectation

STATEMENT = r"""
EE lambda lambda^top = I, quad epsilon_k "independent of" lambda, quad EE epsilon_k = 0, quad
EE epsilon_k epsilon_k^top = tau I quad ==> \
EE y y^top = tilde(Z)^top tilde(Z) + m tau I, quad
L(theta) = 1/(2 K) sum_(k=1)^K norm(delta_k)^2 + L^* quad "as in Lemma 5"
"""

count = sp.Symbol("r", integer=True, positive=True)  # of the tasks that have a positive probability
tasks = sp.MatrixSymbol("Λ", m, count)  # its columns are √p_i c_i

LABEL_MOMENTS = Z_tilde.T * Z_tilde + m * tau * sp.Identity(K)  # E yyᵀ
DIGITS = 30


@dataclass(frozen=True)
class Law:
    """A law of the tasks, whose E λλᵀ is I times `scale` if it is `isotropic`, and any matrix otherwise."""

    experiment: Experiment
    _: KW_ONLY
    scale: sp.Expr = sp.Integer(1)
    isotropic: bool = True
    noise_variance: sp.Expr = tau


def derive_moments(subject: Law) -> Iterator[Identity]:
    """E yyᵀ = Z̃ᵀZ̃ + mτI, from which the proof of Lemma 5 goes on, for every law on finitely many tasks."""
    premise = Equation(tasks * tasks.T, subject.scale * sp.Identity(m), "ΛΛᵀ = E λλᵀ = I")

    def drawn(sizes: Sizes, rng: Generator) -> Drawn:
        return _law(sizes, rng, int(sp.sqrt(subject.scale))) if subject.isotropic else {}

    labels = (Z_tilde + noise).T * tasks
    yield prove_expectation(
        "Σ_i p_i E(yyᵀ given λ = c_i) = Z̃ᵀZ̃ + mτI",
        labels * labels.T,
        LABEL_MOMENTS,
        randoms=[Random(noise, subject.noise_variance)],
        premises=(premise,) if subject.isotropic else (),
        sample=drawn,
    )


def _law(sizes: Sizes, rng: Generator, factor: int) -> Drawn:
    """The first m rows of a product of rational rotations, times the factor; None for fewer tasks than m."""
    size = sizes[count]
    if size < sizes[m]:
        return None
    rows = [[Fraction(i == j) for j in range(size)] for i in range(sizes[m])]
    for place in range(size - 1):
        cosine, sine = (Fraction(part, 5) for part in rng.choice(((3, 4), (4, -3), (0, 5))))
        for row in rows:
            first, second = row[place : place + 2]
            row[place : place + 2] = [cosine * first - sine * second, sine * first + cosine * second]
    return {tasks: [[factor * entry for entry in row] for row in rows]}


def argue_every_law(subject: Law) -> Iterator[Argument]:
    """Any other law gives the same loss as one on finitely many tasks with the same E λλᵀ."""
    yield Argument(
        name="the loss depends on the law through E λλᵀ",
        steps=(
            Step(expression="given λ, the mean of (ŷ_k − y_k)² is λᵀQ_kλ for a matrix Q_k", rule="y is linear in λ"),
            Step(expression="E λᵀQ_kλ = tr(Q_k E λλᵀ)", rule="linearity of the mean"),
        ),
    )


def certify_laws(subject: Law) -> Iterator[Bound]:
    """Three laws that violate Assumption 1 have the loss of Lemma 5 at a random Ã, exactly."""
    experiment, known = subject.experiment, symbol_values(subject.experiment.instance)
    data, rng = experiment.instance, stream(0, "weaker assumption")
    prompt, tokens, size = data.prompt_length, data.dictionary_size, data.feature_count
    with flint.ctx.workprec(PRECISION):
        mixed = balls(rng.standard_normal((prompt, tokens)))
        apart = mixed - evaluate(experiment.limit.a_hat, known)
        level_of = evaluate(experiment.limit.penalty, known)
        least = evaluate(LOSS_STAR, known | {penalty: level_of, level: level_of})
        square = apart.transpose() * (evaluate(experiment.limit.z_bar_squared, known) * apart)
        stated = square.trace() / (2 * tokens) + least
        weights = flint.arb_mat([[int(i == j) for j in range(tokens)] for i in range(prompt)]).transpose() * mixed
        weights -= flint.arb_mat([[int(i == j) for j in range(tokens)] for i in range(tokens)])
        for name, law in _laws(size).items():
            law = law * evaluate(sp.sqrt(subject.scale), known)
            signal = weights.transpose() * (known[Z_tilde].transpose() * law)
            found = (_squares(signal) + evaluate(tau, known) * _squares(law) * _squares(weights)) / (2 * tokens)
            yield Bound(
                name=name,
                observed=[abs(found - stated)],
                bound=[stated * flint.arb(10) ** -DIGITS],
                reason=f"the loss of Lemma 5, to {DIGITS} digits",
            )


def _laws(size: int) -> dict[str, flint.arb_mat]:
    """Λ for λ one of √m e_i; for tasks of two lengths along the axes; and for the first, turned."""
    short, long = flint.fmpq(3, 5), flint.fmpq(4, 5)
    axes = [[flint.fmpq(int(i == j)) for j in range(size)] for i in range(size)]
    turned = [row[:] for row in axes]
    for place in range(size - 1):
        for row in turned:
            first, second = row[place : place + 2]
            row[place : place + 2] = [short * first - long * second, long * first + short * second]
    both = [[short * x for x in row] + [long * x for x in row] for row in axes]
    laws = {"λ is one of √m e_i": axes, "tasks of two lengths": both, "√m e_i, turned": turned}
    return {name: flint.arb_mat(flint.fmpq_mat(rows)) for name, rows in laws.items()}


def _squares(matrix: flint.arb_mat) -> Any:
    return sum((entry * entry for entry in matrix.entries()), flint.arb(0))


def estimate_loss(subject: Law) -> Iterator[Estimate]:
    """Sampled prompts with λ one of √m e_i, none negative and all of mean 1/√m, have the loss L* at the limit."""
    experiment, theory = subject.experiment, subject.experiment.theory
    data, rng, losses = experiment.instance, stream(experiment.study.seed, "weaker assumption"), []
    size, prompt = data.feature_count, data.prompt_length
    scale = float(subject.scale)
    for _ in range(SAMPLES // BATCH):
        drawn = np.sqrt(scale * size) * np.eye(size)[rng.integers(size, size=BATCH)]
        labels = sample_labels(rng, drawn, data.features, experiment.study.noise)
        losses.append(np.mean((labels[:, :prompt] @ theory.a_hat - labels) ** 2, axis=1) / 2)
    # A quadratic form in λ is at most ‖λ‖² = m times its trace, which is its mean, and the noise adds the factor 3 of
    # Lemma 5: the second moment is at most 3m times the mean squared.
    spread = np.sqrt(3 * size - 1)
    yield Estimate(
        name="mean loss at the limit",
        allowed=(theory.loss_star, theory.loss_star),
        resolution=RESOLUTION * float(spread / SPREAD) * theory.loss_star,
        interval=mean_interval(np.concatenate(losses), float(spread)),
        reason=f"median of means, {SAMPLES} prompts",
    )


CLAIM = Claim(
    statement=STATEMENT,
    about=Law,
    heeds=("N", "K", "d", "m", "tau", "seed", "data", "tokens"),
    builds_on=("lemma5",),
    checks=(derive_moments, argue_every_law, certify_laws, estimate_loss),
    controls=dict(
        variance_four=planted("E λλᵀ = 4I.", scale=sp.Integer(4)),
        not_isotropic=planted("E λλᵀ is any matrix.", isotropic=False),
        noise_variance_squared=planted("The noise has variance τ².", noise_variance=tau**2),
        penalty_n_tau=penalty_n_tau,
        penalty_twice=penalty_twice,
        noise_ignores_task=noise_ignores_task,
    ),
    stated=("LABEL_MOMENTS",),
    drops=("variance_four", "not_isotropic", "noise_ignores_task"),
    catches={
        derive_moments: ("variance_four", "not_isotropic", "noise_variance_squared"),
        certify_laws: ("variance_four", "penalty_n_tau", "penalty_twice"),
        estimate_loss: ("variance_four", "noise_ignores_task"),
    },
)
