"""Theorem 2 [T, constants R]: the trained transformer performs ridge regression over the basis functions.

In Theorem 1's setting, for ε > 0 and δ ∈ (0, 1): after
T ≥ log( 2B²(‖Z‖₂² + τ(N + 2√(N log 1/δ) + 2 log 1/δ)) Δ⁽⁰⁾ / (mτε) ) / log(1 / (1 − η_w ζ₀/2K)) steps,
for any prompt with ‖λ‖ ≤ B, with probability at least 1 − δ over its label noise,
(1/2K) ‖ŷ − ŷ*‖² ≤ ε, where ŷ*_k = y_k on the prompt and ŷ*_k = λ̂ᵀz_k on unseen tokens.

The bound rests on two steps, both checked here: (1/2K) ‖ŷ − ŷ*‖² ≤ ‖y‖² Δ / (mτ) for every y, and
the tail of ‖y‖². Training that does not come a million times nearer to the least loss leaves this undecided.

Wrong if one prompt breaks the inequality, if a run of exactly T steps misses ε, if training that came so near
learned another matrix than the limit or another least loss than L*, or if the label noise has another law.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import sympy as sp

from theorems import lemma3, lemma5, limit_iff, theorem1
from theorems.descent.conclusion import Promise, conclusion
from theorems.network.assumptions import measure_assumptions
from theorems.network.label_noise import NoiseThreshold, label_norms, measure_tail_law
from theorems.network.labelled import FEATURES_OF_PROMPT, LABELS, NOISE, TASK, labelled_networks
from theorems.network.letters import HERE, Z_bar, k
from theorems.network.trained import inequality, measure_learned_matrix, measure_training, predictions
from theorems.ridge import derive_minimiser, derive_push_through, measure_oracles
from theorems.setting import defects
from theorems.setting.answers import PROMPT_ANSWER, UNSEEN_ANSWER, prompt_labels, stated_answers, unseen_labels
from theorems.setting.constants import B, Z_size, epsilon, rate, steps, threshold
from theorems.setting.notation import K, N, m, tau
from theorems.setting.stated_constants import RATIO
from theorems.setting.tail import SOURCE, TAIL, WITHOUT_ROOT
from verify.claim import Agreement, Assumption, Bound, Claim, Estimate, Identity, planted
from verify.prove.inequalities.chain import Chain, at_most
from verify.prove.inequalities.conclusion import conclude
from verify.prove.inequalities.lemma import cite, define, hypothesis, quote
from verify.prove.inequalities.quantity import Letter, length, norm
from verify.prove.inequalities.rules import cauchy_schwarz, operator_norm, same, triangle
from verify.prove.inequalities.statement import conclude_stated
from verify.prove.inequalities.system import Relation

STATEMENT = r"""
"Theorem 1's setting and step sizes," quad epsilon > 0, quad 0 < delta < 1, quad norm(lambda) <= B, quad
y = Z^top lambda + n, quad n tilde cal(N)(0, tau norm(lambda)^2 I_N), \
T >= log((2 B^2 (norm(Z)_2^2 + tau (N + 2 sqrt(N log 1/delta) + 2 log 1/delta)) Delta^((0))) / (m tau epsilon))
\/ log 1/(1 - eta_w zeta_0 \/ 2 K) \
==> quad PP(1/(2 K) norm(hat(y) - hat(y)^*)^2 <= epsilon) >= 1 - delta, quad
hat(y)_k^* = cases(y_k & "for" k <= N, hat(lambda)^top z_k & "for" k > N)
"""

STATED_ERROR = norm(LABELS) ** 2 * HERE.gap / (m * tau)


@dataclass(frozen=True)
class RidgeRegression(NoiseThreshold):
    """The bound on the error with its factor, and the threshold for the noise."""

    error: sp.Expr = field(default=sp.Integer(1), kw_only=True)


def derive_prompt_labels(subject: RidgeRegression) -> Iterator[Identity]:
    """The first N columns of Â are the unit vectors, so ŷ*_k = y_k on the prompt."""
    yield from prompt_labels(subject.experiment.limit, PROMPT_ANSWER)


def derive_unseen_labels(subject: RidgeRegression) -> Iterator[Identity]:
    """yᵀâ_k = λ̂ᵀz_k for every unseen token k."""
    yield from unseen_labels(subject.experiment.limit, UNSEEN_ANSWER)


def derive_two_steps(subject: RidgeRegression) -> Iterator[Identity]:
    """The error is at most ‖y‖²Δ/(mτ), so the rate of Theorem 1 and the tail of ‖y‖² give the number of steps."""
    distance, exact = Letter("ã_k", N, 1, k) - Letter("â_k", N, 1, k), labelled_networks()
    residual, least = define(HERE.delta_k, Z_bar * distance, "the residual"), quote(limit_iff.LOWER, distance)
    pulled = same(Z_bar * distance, HERE.delta_k, "definition of δ_k", residual)
    floor = at_most(norm(distance)).to(norm(Z_bar * distance) / sp.sqrt(m * tau), least).by(pulled)
    error = at_most(length(k, norm(LABELS.T * distance)) ** 2 / (2 * K)).by(
        cauchy_schwarz(LABELS, distance), floor.fact("Z̄ does not shrink below √(mτ)"), quote(lemma5.GAP, HERE)
    )
    name = "(1/2K)‖ŷ − ŷ*‖² ≤ ‖y‖²Δ/(mτ)"
    yield conclude_stated(name, Relation(error.start, subject.error * STATED_ERROR), error, instances=exact)
    enough = hypothesis(rate**steps, 1 / RATIO, "T log(1/r) ≥ log of the stated ratio, that is r^T ≤ 1/ratio")
    fall, size = quote(theorem1.FALL, HERE.gap, steps), labels_chain().fact("the bound on ‖y‖²")
    reached = at_most(norm(LABELS) ** 2 * HERE.gap / (m * tau)).by(fall, enough, size)
    name = "‖y‖²Δ^(T)/(mτ) ≤ ε after T steps, with probability ≥ 1 − δ"
    yield conclude(name, reached.start, epsilon, reached, instances=exact)


def labels_chain() -> Chain:
    """‖y‖² ≤ 2B²(‖Z‖₂² + τx_δ)."""
    signal = FEATURES_OF_PROMPT.T * TASK
    return at_most(norm(LABELS) ** 2).by(
        same(LABELS, signal + NOISE, "y = Zᵀλ + n", hypothesis(LABELS, signal + NOISE, "labels")),
        triangle(signal, NOISE),
        operator_norm(FEATURES_OF_PROMPT.T, TASK),
        define(Z_size, norm(FEATURES_OF_PROMPT.T, "op"), "‖Z‖₂ is the spectral norm"),
        hypothesis(norm(TASK), B, "Assumption 4: ‖λ‖ ≤ B"),
        cite(norm(NOISE), sp.sqrt(tau * threshold) * B, TAIL, source=SOURCE),
        quote(lemma3.PAIR, B * Z_size, B * sp.sqrt(tau * threshold)),
    )


def certify_conclusion(subject: RidgeRegression) -> Iterator[Assumption | Bound]:
    """After exactly the T steps that the theorem asks for, every prompt's answer is within ε of ridge regression."""
    given, stated = subject.experiment.parameters, {"ratio": RATIO, "error": STATED_ERROR}
    yield from conclusion(subject.experiment, Promise(epsilon=given.epsilon, delta=given.delta, B=given.B, **stated))


def measure_inequality(subject: RidgeRegression) -> Iterator[Bound]:
    """For every test prompt, (1/2K) ‖ŷ − ŷ*‖² ≤ ‖y‖² Δ / (mτ)."""
    yield from inequality(subject.experiment, STATED_ERROR)


def measure_interval(subject: RidgeRegression) -> Iterator[Bound]:
    """Along training the gap stays between the two multiples of ‖Ã − Â‖_F²."""
    yield from limit_iff.measure_interval(limit_iff.BothEnds(subject.experiment))


def measure_predictions(subject: RidgeRegression) -> Iterator[Assumption | Agreement]:
    """The network answers prompts with their own labels, and unseen tokens with the ridge prediction."""
    stated = partial(stated_answers, subject.experiment, prompt=PROMPT_ANSWER, unseen=UNSEEN_ANSWER)
    yield from predictions(subject.experiment, stated)


def estimate_label_norm(subject: RidgeRegression) -> Iterator[Estimate]:
    """(y − Zᵀλ)/√(τ‖λ‖²) is standard normal, and ‖y‖² exceeds its bound with probability at most δ."""
    yield from label_norms(subject, RATIO)


PENALTIES = "penalty_n_tau", "penalty_twice"
LEARNING = *PENALTIES, "one_head", "untrained", "noise_ignores_task"

CLAIM = Claim(
    statement=STATEMENT,
    about=RidgeRegression,
    heeds=("instance", "start", "training", "descent", "promise"),
    assumptions=("assumption1", "assumption2", "assumption3", "assumption4", "unit norm"),
    builds_on=("theorem1", "lemma3", "lemma5", "ridge", "limit_iff"),
    cites=(
        "elementary norm inequalities (Horn, Johnson, Matrix Analysis, 2nd ed., Chapter 5)",
        "χ² tail (B. Laurent, P. Massart, Annals of Statistics 28 (2000), Lemma 1)",
    ),
    checks=(
        measure_assumptions,
        derive_minimiser,
        derive_push_through,
        derive_prompt_labels,
        derive_unseen_labels,
        derive_two_steps,
        certify_conclusion,
        measure_training,
        measure_inequality,
        measure_interval,
        measure_learned_matrix,
        measure_predictions,
        measure_oracles,
        measure_tail_law,
        estimate_label_norm,
    ),
    controls=dict(
        penalty_n_tau=defects.penalty_n_tau,
        penalty_twice=defects.penalty_twice,
        prompt_answered_by_ridge=defects.prompt_answered_by_ridge,
        coefficients_n_tau=defects.coefficients_n_tau,
        one_head=defects.one_head,
        untrained=defects.untrained,
        noise_ignores_task=defects.noise_ignores_task,
        noise_uniform=defects.noise_uniform,
        noise_constant=defects.noise_constant,
        labels_shuffled=defects.labels_shuffled,
        thousandth_of_the_error=planted(
            "The error is claimed to be at most ‖y‖²Δ/(1000mτ), and ε/1000 after T steps.", error=sp.Rational(1, 1000)
        ),
        threshold_without_root=planted(
            "The threshold for the noise is N + 2 log 1/δ, without 2√(N log 1/δ).", threshold=WITHOUT_ROOT
        ),
    ),
    stated=("PROMPT_ANSWER", "UNSEEN_ANSWER", "STATED_ERROR", "RATIO"),
    drops=("one_head", "noise_ignores_task"),
    catches={
        derive_minimiser: (*PENALTIES, "coefficients_n_tau"),
        derive_push_through: (*PENALTIES, "coefficients_n_tau"),
        derive_prompt_labels: ("prompt_answered_by_ridge",),
        derive_unseen_labels: PENALTIES,
        derive_two_steps: ("thousandth_of_the_error",),
        certify_conclusion: ("penalty_twice", "prompt_answered_by_ridge"),
        measure_training: LEARNING,
        measure_inequality: (*PENALTIES, "coefficients_n_tau", "noise_ignores_task", "labels_shuffled"),
        measure_interval: (*PENALTIES, "prompt_answered_by_ridge", "noise_ignores_task"),
        measure_learned_matrix: (*LEARNING, "prompt_answered_by_ridge"),
        measure_predictions: (*LEARNING, "coefficients_n_tau", "labels_shuffled"),
        measure_oracles: (*PENALTIES, "coefficients_n_tau"),
        measure_tail_law: ("threshold_without_root",),
        estimate_label_norm: ("noise_ignores_task", "noise_uniform", "noise_constant", "threshold_without_root"),
    },
)
