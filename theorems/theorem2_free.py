"""Theorem 2 without τ below the line [B]: the distance from ridge regression is ‖λ‖² times the gap, and no more.

For every network, trained or not, every task λ and label noise n of variance τ‖λ‖²,
E_n (1/2K)‖ŷ − ŷ*‖² ≤ ‖λ‖² Δ, and, for Gaussian noise and x = log 1/δ, with probability at least 1 − δ
(1/2K)‖ŷ − ŷ*‖² ≤ 2 ‖λ‖² κ Δ, κ = max(1, (1 + 2√x + 2x)/m).
So T ≥ log(2B²κΔ⁽⁰⁾/ε) / log(1/(1 − η_w ζ₀/2K)) steps suffice in Theorem 2, where the paper has
2B²(‖Z‖₂² + τ(N + 2√(Nx) + 2x))Δ⁽⁰⁾/(mτε) in the logarithm, which grows without end as τ → 0.

With X = Ã − Â the error is ‖Xᵀ(Zᵀλ + n)‖²/(2K), and ‖ZX‖_F² + mτ‖X‖_F² = 2KΔ by Lemma 5. The mean is
‖XᵀZᵀλ‖² + τ‖λ‖²‖X‖_F², over 2K, and what it lacks of ‖λ‖²(‖ZX‖_F² + mτ‖X‖_F²) is a sum of squares.

Wrong if an identity leaves a remainder, if a line of the derivation does not follow, if the trained network breaks
the bound for a test task, if its error has another mean, or if a run of exactly T steps misses ε.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from random import Random as Generator
from typing import Any

import flint
import numpy as np
import sympy as sp

from numerics.loss import sample_labels
from theorems import lemma3, lemma5, theorem1
from theorems.descent.conclusion import MOST_STEPS, Promise, guaranteed_steps
from theorems.descent.runs import hypotheses, literal_run, violated
from theorems.descent.trajectory import descend
from theorems.lemma5 import BATCH, RESOLUTION, SAMPLES, SPREAD
from theorems.network.enclosed import enclose
from theorems.network.labelled import FEATURES_OF_PROMPT, LABELS, NOISE, TASK
from theorems.network.letters import HERE
from theorems.network.off_limit import X, kappa, networks_off_limit, spread
from theorems.setting import stated_constants
from theorems.setting.constants import B, Delta_0, epsilon, rate, steps
from theorems.setting.defects import noise_ignores_task
from theorems.setting.experiment import Experiment
from theorems.setting.limit import PRECISION, symbol_values
from theorems.setting.notation import K, N, Z, m, tau
from theorems.setting.study import stream
from verify.certify import as_float64, balls, evaluate
from verify.certify.compare import bound_of, upper
from verify.certify.norms import frobenius_norm, spectral_norm
from verify.claim import Assumption, Bound, Claim, Estimate, Identity, planted
from verify.infer import binomial_interval, mean_interval
from verify.prove import Equation, Random, prove, prove_expectation
from verify.prove.inequalities.chain import Chain, at_most
from verify.prove.inequalities.conclusion import conclude
from verify.prove.inequalities.lemma import Lemma, cite, hypothesis, quote
from verify.prove.inequalities.quantity import norm
from verify.prove.inequalities.rules import frobenius, same, triangle
from verify.prove.inequalities.statement import conclude_stated
from verify.prove.inequalities.system import Relation

STATEMENT = r"""
y = Z^top lambda + n, quad EE n = 0, quad EE n n^top = tau norm(lambda)^2 I_N quad ==> quad
EE_n 1/(2 K) norm(hat(y) - hat(y)^*)^2 <= norm(lambda)^2 Delta, \
n tilde cal(N)(0, tau norm(lambda)^2 I_N) quad ==> quad
PP(1/(2 K) norm(hat(y) - hat(y)^*)^2 <= 2 norm(lambda)^2 kappa Delta) >= 1 - delta, quad
kappa = max(1, (1 + 2 sqrt(x) + 2 x)/m), quad x = log 1/delta, \
T >= (log((2 B^2 kappa Delta^((0)))/epsilon))/(log 1/(1 - eta_w zeta_0 \/ 2 K)) quad "suffices in Theorem 2"
"""

SOURCE = "quadratic forms of Gaussians (B. Laurent, P. Massart, Annals of Statistics 28 (2000), Lemma 1)"
TAIL = "‖Xᵀn‖² ≤ τ‖λ‖²‖X‖_F² (1 + 2√x + 2x) with probability ≥ 1 − e⁻ˣ: its weights sum to ‖X‖_F²"

feature_noise: Any = sp.MatrixSymbol("ε", m, N)
length = sp.Symbol("ℓ", positive=True)  # ‖λ‖²


def squares(matrix: Any) -> Any:
    """‖M‖_F²."""
    return sp.Trace(matrix.T * matrix)


MEAN = squares(X.T * Z.T * TASK) + tau * length * squares(X)  # E ‖ŷ − ŷ*‖²
GAP = squares(Z * X) + m * tau * squares(X)  # 2KΔ
ROOM = length * squares((sp.Identity(m) - TASK * TASK.T / length) * Z * X) + (m - 1) * tau * length * squares(X)
STATED_ERROR = 2 * norm(TASK) ** 2 * kappa * HERE.gap
RATIO = 2 * B**2 * kappa * Delta_0 / epsilon  # by which the gap has to fall

LENGTH = Equation(TASK.T * TASK, length * sp.Identity(1), "ℓ = ‖λ‖²")
DRAWS = 20_000  # of label noise, for how often the bound is exceeded


@dataclass(frozen=True)
class NoiseFree:
    """The two bounds on the error with their factors: shares of what is stated."""

    experiment: Experiment
    _: KW_ONLY
    mean_share: sp.Expr = sp.Integer(1)
    error_share: sp.Expr = sp.Integer(1)
    label_variance: sp.Expr = tau
    steps_share: sp.Expr = sp.Integer(1)

    @property
    def kappa(self) -> float:
        """κ for the instance's m and the δ asked for, rounded up."""
        with flint.ctx.workprec(PRECISION):
            x = -flint.arb(self.experiment.parameters.delta).log()
            return max(1.0, upper((1 + 2 * x.sqrt() + 2 * x) / self.experiment.instance.feature_count))

    def network(self) -> dict[Any, Any]:
        """The letters for the trained network."""
        known = symbol_values(self.experiment.instance)
        limit = evaluate(self.experiment.limit.a_hat, known)
        return known | {X: balls(self.experiment.study.trained.final) - limit}


def derive_mean(subject: NoiseFree) -> Iterator[Identity]:
    """E ‖Xᵀy‖² = ‖XᵀZᵀλ‖² + τ‖λ‖²‖X‖_F² for a given λ, and ‖λ‖²(‖ZX‖_F² + mτ‖X‖_F²) exceeds it by a sum of squares."""
    given: dict[str, Any] = {"premises": (LENGTH,), "sample": _task}
    error = X.T * (Z + feature_noise).T * TASK
    randoms = [Random(feature_noise, subject.label_variance)]
    yield prove_expectation("E ‖Xᵀy‖²", error.T * error, MEAN * sp.Identity(1), randoms=randoms, **given)
    yield prove("‖λ‖² ‖Z̄X‖_F² − E ‖Xᵀy‖²", subject.mean_share * length * GAP - MEAN, ROOM, **given)


def _task(sizes: Mapping[Any, int], rng: Generator) -> Mapping[Any, Any]:
    """λ of small integers, not all 0."""
    entries = [rng.randint(1, 3), *(rng.randint(-3, 3) for _ in range(sizes[m] - 1))]
    return {TASK: [[entry] for entry in entries], length: sum(entry * entry for entry in entries)}


def derive_tail(subject: NoiseFree) -> Iterator[Identity]:
    """The tail of ‖Xᵀn‖² and Cauchy–Schwarz for ‖XᵀZᵀλ‖ give the bound with probability, and the number of steps."""
    exact = networks_off_limit()
    stated = subject.error_share * STATED_ERROR
    name = "(1/2K)‖ŷ − ŷ*‖² ≤ 2‖λ‖²κΔ, with probability ≥ 1 − δ"
    yield conclude_stated(name, Relation(error_chain().start, stated), error_chain(), instances=exact)
    enough = hypothesis(rate**steps, 1 / RATIO, "T log(1/r) ≥ log of the stated ratio, that is r^T ≤ 1/ratio")
    reached = at_most(STATED_ERROR).by(
        hypothesis(norm(TASK), B, "Assumption 4: ‖λ‖ ≤ B"), quote(theorem1.FALL, HERE.gap, steps), enough
    )
    yield conclude("2‖λ‖²κΔ^(T) ≤ ε after T steps", reached.start, epsilon, reached, instances=exact)


def error_chain() -> Chain:
    """‖Xᵀy‖²/(2K) ≤ 2‖λ‖²κΔ, where the noise obeys its tail."""
    signal, mixed = FEATURES_OF_PROMPT.T * TASK, FEATURES_OF_PROMPT * X
    pulled, noise = norm(mixed, "F") * norm(TASK), sp.sqrt(tau * spread) * norm(TASK) * norm(X, "F")
    parts = same(X.T * LABELS, X.T * signal + X.T * NOISE, "y = Zᵀλ + n", hypothesis(LABELS, signal + NOISE, "labels"))
    error = at_most(norm(X.T * LABELS) ** 2 / (2 * K)).by(
        parts,
        triangle(X.T * signal, X.T * NOISE),
        frobenius(mixed, TASK),
        cite(norm(X.T * NOISE), noise, TAIL, source=SOURCE),
        quote(lemma3.PAIR, pulled, noise),
    )
    above = (hypothesis(1, kappa, "κ ≥ 1"), hypothesis(spread, m * kappa, "κ ≥ (1 + 2√x + 2x)/m"))
    both = kappa * (norm(mixed, "F") ** 2 + m * tau * norm(X, "F") ** 2) * norm(TASK) ** 2 / K
    shared = at_most(norm(X, "F") ** 2 * spread).by(above[1]).fact("κ ≥ (1 + 2√x + 2x)/m, times ‖X‖_F²")
    level = at_most(norm(mixed, "F") ** 2).to(kappa * norm(mixed, "F") ** 2, above[0]).fact("κ ≥ 1, times ‖ZX‖_F²")
    return error.to(both, shared, level).by(quote(LOSS))


def _split() -> Iterator[Identity]:
    """What ‖ZX‖_F² + mτ‖X‖_F² = 2KΔ rests on: Z̄² = ZᵀZ + mτI, and Lemma 5."""
    gram = Z.T * Z + m * tau * sp.Identity(N)
    yield prove("‖Z̄X‖_F² = ‖ZX‖_F² + mτ‖X‖_F²", sp.Trace(X.T * gram * X), GAP)
    yield from lemma5.GAP.proved


LOSS = Lemma(
    __name__,
    "Lemma 5: ‖ZX‖_F² + mτ‖X‖_F² = 2KΔ for X = Ã − Â",
    lambda: Relation(norm(FEATURES_OF_PROMPT * X, "F") ** 2 + m * tau * norm(X, "F") ** 2, 2 * K * HERE.gap, True),
    _split,
)


def certify_mean(subject: NoiseFree) -> Iterator[Bound]:
    """For every test task the trained network's mean error over the label noise is at most ‖λ‖²Δ."""
    with flint.ctx.workprec(PRECISION):
        known = subject.network()
        gap = evaluate(GAP, known)
        for prompts in subject.experiment.study.test_sets:
            tasks = [balls(task[:, None]) for task in prompts.tasks]
            sizes = [(task.transpose() * task)[0, 0] for task in tasks]
            means = [evaluate(MEAN, known | {TASK: t, length: s}) for t, s in zip(tasks, sizes, strict=True)]
            allowed = [evaluate(subject.mean_share, known) * size * gap for size in sizes]
            yield bound_of(f"{prompts.name} tasks", means, allowed, "E ‖Xᵀy‖² ≤ ‖λ‖²‖Z̄X‖_F²")


def estimate_errors(subject: NoiseFree) -> Iterator[Estimate]:
    """For the task of ones, sampled noise gives the stated mean, and exceeds the bound with probability at most δ."""
    experiment, data = subject.experiment, subject.experiment.instance
    task, rng = np.ones((1, data.feature_count)), stream(experiment.study.seed, "theorem2_free")
    with flint.ctx.workprec(PRECISION):
        known = subject.network()
        at_task = known | {TASK: balls(task.T), length: flint.arb(data.feature_count)}
        mean, gap = (float(evaluate(stated, at_task).mid()) for stated in (MEAN, GAP))
        apart = as_float64(known[X])[0]
    errors = []
    for _ in range(SAMPLES // BATCH):
        labels = sample_labels(rng, np.repeat(task, BATCH, axis=0), data.features, experiment.study.noise)
        errors.append(np.sum((labels[:, : data.prompt_length] @ apart) ** 2, axis=1))
    found, delta = np.concatenate(errors), experiment.parameters.delta
    yield Estimate(
        name="mean of ‖ŷ − ŷ*‖²",
        allowed=(mean, mean),
        resolution=RESOLUTION * mean,
        # With a mean, a normal number still has E x⁴ ≤ 3 (E x²)²: the spread is no larger than for sampled tasks.
        interval=mean_interval(found, SPREAD),
        reason=f"median of means, {SAMPLES} draws of the noise",
    )
    allowed = float(subject.error_share) * 2 * data.feature_count * subject.kappa * gap
    yield Estimate(
        name="‖ŷ − ŷ*‖²/2K exceeds 2‖λ‖²κΔ",
        allowed=(0.0, delta),
        interval=binomial_interval(int(np.sum(found[:DRAWS] > allowed)), DRAWS),
        reason=f"Clopper–Pearson, {DRAWS} draws of the noise; at most δ is stated",
    )


def certify_steps(subject: NoiseFree) -> Iterator[Assumption | Bound]:
    """On the literal instance, after exactly T steps, all prompts whose noise obeys the tail are within ε."""
    given = subject.experiment.parameters
    plan = literal_run(subject.experiment)
    count = plan.problem.instance.feature_count
    with flint.ctx.workprec(PRECISION):
        x = -flint.arb(given.delta).log()
        tail = 1 + 2 * x.sqrt() + 2 * x
    stated = RATIO.subs(kappa, sp.Rational(max(1.0, upper(tail / count))))
    yield from hypotheses(plan)
    if violated(plan):
        return
    promise = Promise(ratio=stated, error=STATED_ERROR, epsilon=given.epsilon, delta=given.delta, B=given.B)
    needed = guaranteed_steps(plan, promise)
    before = guaranteed_steps(plan, replace(promise, ratio=stated_constants.RATIO))
    asked = math.ceil(float(subject.steps_share) * needed) if needed <= MOST_STEPS else needed
    made = replace(plan, steps=int(asked) if asked <= MOST_STEPS else 0)
    run = descend(made)
    told = {name: T for name, T in (("T", needed), ("T_theorem2", before)) if math.isfinite(T)}
    steps_made = ([flint.arb(asked)], [flint.arb(run.reached, max(0, asked - run.reached))])  # too many: undecided
    yield bound_of("T steps made", *steps_made, "T as stated", elsewhere=plan.elsewhere, quantities=told)
    if run.reached >= asked:
        with flint.ctx.workprec(run.bits):
            yield replace(_conclusion(made, run, tail, promise), elsewhere=plan.elsewhere)


def _conclusion(plan: Any, run: Any, tail: Any, promise: Promise) -> Bound:
    """B²(‖ZX‖₂ + √(τt)‖X‖_F)²/2K at the end of the run, which no prompt whose noise obeys the tail exceeds."""
    data, enclosed = plan.problem.instance, enclose(plan.problem)
    learned = enclosed.mixture(enclosed.attention(run.queries), run.weights)
    apart = learned - enclosed.a_hat
    features = balls(data.features[: data.prompt_length]).transpose()
    worst = spectral_norm(features * apart) + (data.noise * tail).sqrt() * frobenius_norm(apart)
    found = (promise.B * worst) ** 2 / (2 * enclosed.K)
    return bound_of("every such prompt", [found], [flint.arb(promise.epsilon)], "(1/2K)‖ŷ − ŷ*‖² against ε")


CLAIM = Claim(
    statement=STATEMENT,
    about=NoiseFree,
    heeds=("instance", "start", "training", "promise"),
    builds_on=("lemma3", "lemma5", "theorem1"),
    cites=(
        "elementary norm inequalities (Horn, Johnson, Matrix Analysis, 2nd ed., Chapter 5)",
        "quadratic forms of Gaussians (B. Laurent, P. Massart, Annals of Statistics 28 (2000), Lemma 1)",
    ),
    checks=(derive_mean, derive_tail, certify_mean, certify_steps, estimate_errors),
    controls=dict(
        tenth_of_the_mean=planted("The mean error is at most ‖λ‖²Δ/10.", mean_share=sp.Rational(1, 10)),
        hundredth_of_the_error=planted("The bound with probability is ‖λ‖²κΔ/50.", error_share=sp.Rational(1, 100)),
        variance_squared=planted("Labels have noise of variance τ²‖λ‖².", label_variance=tau**2),
        tenth_of_the_steps=planted("A tenth of the T steps suffices.", steps_share=sp.Rational(1, 10)),
        noise_ignores_task=noise_ignores_task,
    ),
    stated=("MEAN", "GAP", "ROOM", "STATED_ERROR", "RATIO"),
    drops=("noise_ignores_task",),
    catches={
        derive_mean: ("tenth_of_the_mean", "variance_squared"),
        derive_tail: ("hundredth_of_the_error",),
        certify_mean: ("tenth_of_the_mean",),
        certify_steps: ("tenth_of_the_steps",),
        estimate_errors: ("hundredth_of_the_error", "noise_ignores_task"),
    },
)
