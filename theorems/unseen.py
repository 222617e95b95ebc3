"""Unseen tokens and tasks [T, constants B]: one number, the gap, is the error on tasks of training and on other ones.

The paper says that the trained transformer generalises to unseen tokens and to tasks λ from outside the training
distribution, and its Figure 2a shows three curves that fall together, out of domain above in domain. For every network,
trained or not, with ŷ its answers for all K tokens, ŷ* the limit's and Δ its gap: where E λλᵀ = I, as in training,
E (1/K)‖ŷ − ŷ*‖² = 2Δ, and for tasks of independent entries with mean 1 and variance 4, those of Figure 2a,
4 · 2Δ < E (1/K)‖ŷ − ŷ*‖² ≤ (m + 4) · 2Δ unless Δ = 0.
So both errors vanish with the gap, which is what generalisation means here; and that the one lies above the other is
forced by the scale of the tasks, whatever was learned.

With X = Ã − Â these are ‖Z̄X‖_F² = 2KΔ (Lemma 5) and 4‖ZX‖_F² + ‖1ᵀZX‖² + 5mτ‖X‖_F², which exceeds 4‖Z̄X‖_F² by
‖1ᵀZX‖² + mτ‖X‖_F², and is below (m + 4)‖Z̄X‖_F² by m‖ΠZX‖_F² + (m − 1)mτ‖X‖_F², Π = I − 11ᵀ/m. For m = 1 the right
end is attained by every network.

Wrong if an identity leaves a remainder, if a network along training leaves the interval, or if sampled prompts have
another mean error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from random import Random as Generator
from typing import Any

import flint
import numpy as np
import sympy as sp

from numerics.loss import sample_labels, sample_tasks
from numerics.measure import rounding
from theorems.lemma5 import BATCH, RESOLUTION, SAMPLES, SPREAD
from theorems.setting.defects import labels_shuffled, noise_ignores_task, penalty_n_tau, penalty_twice
from theorems.setting.experiment import Experiment
from theorems.setting.limit import PRECISION, symbol_values
from theorems.setting.notation import K, N, Z, m, tau
from theorems.setting.study import OUT_OF_DOMAIN_DEVIATION, OUT_OF_DOMAIN_MEAN, stream
from verify.certify import as_float64, balls, evaluate
from verify.claim import Agreement, Bound, Claim, Estimate, Identity, planted
from verify.infer import mean_interval
from verify.prove import Equation, Random, prove, prove_expectation

STATEMENT = r"""
EE lambda lambda^top = I quad ==> quad EE 1/K norm(hat(y) - hat(y)^*)^2 = 2 Delta, \
lambda_i "independent," quad EE lambda_i = 1, quad "Var" lambda_i = 4, quad Delta > 0 quad ==> quad
4 dot 2 Delta < EE 1/K norm(hat(y) - hat(y)^*)^2 <= (m + 4) dot 2 Delta
"""

X: Any = sp.MatrixSymbol("X", N, K)  # Ã − Â
ones: Any = sp.MatrixSymbol("𝟏", m, 1)
task: Any = sp.MatrixSymbol("g", m, 1)  # a task less its mean, over its deviation
noise: Any = sp.MatrixSymbol("ε", m, N)

MEAN, DEVIATION = sp.Integer(1), sp.Integer(2)  # λ = MEAN · 1 + DEVIATION · g


def squares(matrix: Any) -> Any:
    """‖M‖_F²."""
    return sp.Trace(matrix.T * matrix)


IN_DOMAIN = squares(Z * X) + m * tau * squares(X)  # K times the mean error, 2KΔ
OUT_OF_DOMAIN = 4 * squares(Z * X) + squares(ones.T * Z * X) + 5 * m * tau * squares(X)
LOW, HIGH = sp.Integer(4), m + 4
LOW_ROOM = squares(ones.T * Z * X) + m * tau * squares(X)
HIGH_ROOM = m * squares((sp.Identity(m) - ones * ones.T / m) * Z * X) + (m - 1) * m * tau * squares(X)
GAPS = sp.Integer(2)  # Δ's in the mean error in domain

ONES = Equation(ones.T * ones, m * sp.Identity(1), "1ᵀ1 = m")


@dataclass(frozen=True)
class Transfer:
    """A network's two mean errors: the ends of the stated interval, and the number of gaps, times wrong factors.

    `mean` and `deviation` are those of the tasks out of domain.
    """

    experiment: Experiment
    _: KW_ONLY
    low: sp.Expr = sp.Integer(1)
    high: sp.Expr = sp.Integer(1)
    gaps: sp.Expr = sp.Integer(1)
    mean: sp.Expr = MEAN
    deviation: sp.Expr = DEVIATION

    @cached_property
    def values(self) -> dict[Any, Any]:
        """The instance's letters, and 1."""
        count = self.experiment.instance.feature_count
        return symbol_values(self.experiment.instance) | {ones: balls(np.ones((count, 1)))}

    @cached_property
    def limit(self) -> Any:
        """Â."""
        return evaluate(self.experiment.limit.a_hat, self.values)

    def at(self, mixture: np.ndarray) -> dict[Any, Any]:
        """The letters for a network with this Ã."""
        return self.values | {X: balls(mixture) - self.limit}


def derive_errors(subject: Transfer) -> Iterator[Identity]:
    """The mean of ‖yᵀX‖² is ‖ZX‖_F² + mτ‖X‖_F² in domain, 4‖ZX‖_F² + ‖1ᵀZX‖² + 5mτ‖X‖_F² out of domain."""
    for name, drawn, stated in (
        ("in domain, λ = g", task, IN_DOMAIN),
        ("out of domain, λ = 1 + 2g", subject.mean * ones + subject.deviation * task, OUT_OF_DOMAIN),
    ):
        error = X.T * (Z + noise).T * drawn
        yield prove_expectation(
            name,
            error.T * error,
            stated * sp.Identity(1),
            randoms=[Random(noise, tau), Random(task)],
            premises=(ONES,),
            sample=_all_ones,
        )


def derive_interval(subject: Transfer) -> Iterator[Identity]:
    """The error out of domain is 4 times that in domain plus a sum of squares, and m + 4 times it less another."""
    gram = Z.T * Z + m * tau * sp.Identity(N)
    yield prove("‖Z̄X‖_F² = ‖ZX‖_F² + mτ‖X‖_F²", sp.Trace(X.T * gram * X), IN_DOMAIN)
    given: dict[str, Any] = {"premises": (ONES,), "sample": _all_ones}
    yield prove("out − 4 in", OUT_OF_DOMAIN - subject.low * LOW * IN_DOMAIN, LOW_ROOM, **given)
    yield prove("(m + 4) in − out", subject.high * HIGH * IN_DOMAIN - OUT_OF_DOMAIN, HIGH_ROOM, **given)


def _all_ones(sizes: Mapping[Any, int], rng: Generator) -> Mapping[Any, Any]:
    return {ones: [[1]] * sizes[m]}


def certify_interval(subject: Transfer) -> Iterator[Bound]:
    """Along training the error out of domain stays between 4 and m + 4 times that in domain."""
    trained = subject.experiment.study.trained
    with flint.ctx.workprec(PRECISION):
        known = [subject.at(mixture) for mixture in trained.mixtures]
        inside = [evaluate(IN_DOMAIN, given) for given in known]
        outside = [evaluate(OUT_OF_DOMAIN, given) for given in known]
        low, high = (evaluate(factor, subject.values) for factor in (subject.low * LOW, subject.high * HIGH))
        ends = [[end * error for error in inside] for end in (low, high)]
    along: dict[str, Any] = {"x": trained.iterations, "x_label": "training step"}
    yield Bound(name="4 in ≤ out", observed=ends[0], bound=outside, reason="E λλᵀ = 4I + 11ᵀ ⪰ 4I", **along)
    if subject.experiment.instance.feature_count > 1:  # with one feature the two are equal
        yield Bound(name="out ≤ (m + 4) in", observed=outside, bound=ends[1], reason="4I + 11ᵀ ⪯ (m + 4)I", **along)


def measure_gap(subject: Transfer) -> Iterator[Agreement]:
    """Along training the mean error in domain is 2Δ, with Δ from the population loss."""
    experiment, trained = subject.experiment, subject.experiment.study.trained
    count, gaps = experiment.instance.dictionary_size, float(subject.gaps * GAPS)
    with flint.ctx.workprec(PRECISION):
        errors = [float((evaluate(IN_DOMAIN, subject.at(each)) / count).mid()) for each in trained.mixtures]
    yield Agreement(
        name="mean error in domain",
        predicted=gaps * experiment.gaps(trained.mixtures),
        observed=np.array(errors),
        tolerance=(abs(gaps) + rounding(4)) * experiment.gap_rounding(trained.mixtures),
        reason="rounding of the loss",
    )


def estimate_errors(subject: Transfer) -> Iterator[Estimate]:
    """Sampled prompts in and out of domain have the mean errors that are stated, the network answering."""
    experiment = subject.experiment
    known, count = subject.at(experiment.study.trained.final), experiment.instance.dictionary_size
    for name, mean, deviation, stated in (
        ("in-domain", 0.0, 1.0, IN_DOMAIN),
        ("out-of-domain", OUT_OF_DOMAIN_MEAN, OUT_OF_DOMAIN_DEVIATION, OUT_OF_DOMAIN),
    ):
        with flint.ctx.workprec(PRECISION):
            claimed = float((evaluate(subject.gaps * stated, known) / count).mid())
        errors = _sampled(experiment, as_float64(known[X])[0], name, mean, deviation)
        yield Estimate(
            name=f"mean error, {name} prompts",
            allowed=(claimed, claimed),
            resolution=RESOLUTION * claimed,
            # A normal number of any mean and variance has E x⁴ ≤ 3 (E x²)², so tasks with a mean spread no more.
            interval=mean_interval(errors, SPREAD),
            reason=f"median of means, {SAMPLES} prompts",
        )


def _sampled(experiment: Experiment, apart: np.ndarray, name: str, mean: float, deviation: float) -> np.ndarray:
    """(1/K)‖ŷ − ŷ*‖² of sampled prompts; what is `apart`, Ã − Â, is taken first, so that nothing cancels."""
    rng, data, errors = stream(experiment.study.seed, f"unseen {name}"), experiment.instance, []
    final = experiment.study.trained.final
    for _ in range(SAMPLES // BATCH):
        tasks = sample_tasks(rng, BATCH, data.feature_count, mean=mean, deviation=deviation)
        labels = sample_labels(rng, tasks, data.features, experiment.study.noise)[:, : data.prompt_length]
        errors.append(np.mean((labels @ apart + (experiment.shown(labels) - labels) @ final) ** 2, axis=1))
    return np.concatenate(errors)


CLAIM = Claim(
    statement=STATEMENT,
    about=Transfer,
    heeds=("instance", "start", "training"),
    builds_on=("lemma5",),
    checks=(derive_errors, derive_interval, certify_interval, measure_gap, estimate_errors),
    controls=dict(
        six_fold=planted("The error out of domain is at least 6 times that in domain.", low=sp.Rational(3, 2)),
        half_the_end=planted("It is at most (m + 4)/2 times that in domain.", high=sp.Rational(1, 2)),
        one_gap=planted("The mean error in domain is Δ.", gaps=sp.Rational(1, 2)),
        no_mean=planted("Tasks out of domain have mean 0.", mean=sp.Integer(0)),
        penalty_n_tau=penalty_n_tau,
        penalty_twice=penalty_twice,
        noise_ignores_task=noise_ignores_task,
        labels_shuffled=labels_shuffled,
    ),
    stated=("IN_DOMAIN", "OUT_OF_DOMAIN", "LOW", "HIGH", "LOW_ROOM", "HIGH_ROOM", "GAPS"),
    drops=("no_mean", "noise_ignores_task"),
    catches={
        derive_errors: ("no_mean",),
        derive_interval: ("six_fold", "half_the_end"),
        certify_interval: ("six_fold", "half_the_end"),
        measure_gap: ("one_gap", "penalty_n_tau", "penalty_twice", "noise_ignores_task"),
        estimate_errors: ("one_gap", "noise_ignores_task", "labels_shuffled"),
    },
)
