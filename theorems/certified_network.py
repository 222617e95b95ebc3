"""Trained network [B]: what training left behind is ridge regression within a certified error, for every prompt.

Training is ordinary floating point, but the weights θ that it leaves are exact rationals, with an exact Ã(θ) and gap
Δ = L(θ) − L*, enclosed here in balls. Over all tokens k and all labels with ‖y‖₂ ≤ R, the largest |ŷ_k − ŷ*_k| is
R max_k ‖ã_k − â_k‖₂ ≤ R √(2KΔ/(mτ)) by Cauchy–Schwarz, reached at y = R(ã_k − â_k)/‖ã_k − â_k‖₂.

With probability at least 1 − 2δ, a prompt with λ ∼ N(0, I) has ‖λ‖² ≤ x_δ(m) and noise ‖y − Zᵀλ‖² ≤ τ‖λ‖²x_δ(N), so
‖y‖₂ ≤ R = √x_δ(m) (‖Z‖₂ + √(τx_δ(N))), where x_δ(n) = n + 2√(n log 1/δ) + 2 log 1/δ. The mean of (ŷ_k − ŷ*_k)² over
prompts and tokens is 2Δ.

Wrong if training that kept its promise left a Δ above a millionth of Δ⁽⁰⁾, if Lemma 5 and the moments of the labels
give it different values, or if network and ridge regression, asked the worst prompt, differ by another amount.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, replace
from decimal import ROUND_CEILING, Context
from typing import Any

import flint
import numpy as np
import sympy as sp
import torch

from numerics.model import mixture_rounding
from theorems.descent.conclusion import INSIDE
from theorems.network.enclosed import Ball, Matrix
from theorems.network.trained_balls import LIMIT, EnclosedTraining, enclosed_training
from theorems.setting.answers import prompt_labels, unseen_labels
from theorems.setting.constants import Z_size, gap
from theorems.setting.defects import (
    labels_shuffled,
    noise_ignores_task,
    one_head,
    penalty_n_tau,
    penalty_twice,
    prompt_answered_by_ridge,
    untrained,
)
from theorems.setting.experiment import Experiment
from theorems.setting.limit import symbol_values
from theorems.setting.notation import K, m, tau, y
from theorems.setting.promise import GAP_FACTOR, kept, promise
from theorems.setting.tail import x_delta
from verify.certify import as_float64, balls, evaluate
from verify.certify.compare import bound_of, upper
from verify.certify.norms import frobenius_norm, largest, spectral_norm, sum_of_squares
from verify.claim import Agreement, Argument, Assumption, Bound, Claim, Identity, Step, defect_of_experiment, planted

STATEMENT = r"""
max_(norm(y) <= R) max_k abs(hat(y)_k - hat(y)_k^*) = R max_k norm(tilde(a)_k - hat(a)_k)
<= R sqrt((2 K Delta)/(m tau)), quad Delta <= 10^(-6) Delta^((0)), \
max_(norm(y) <= R) 1/(2 K) norm(hat(y) - hat(y)^*)^2 = R^2/(2 K) norm(tilde(A) - hat(A))_2^2 <= (R^2 Delta)/(m tau), \
lambda tilde cal(N)(0, I_m) ==> PP(norm(y) <= R) >= 1 - 2 delta, quad
R = sqrt(x_delta (m)) (norm(Z)_2 + sqrt(tau x_delta (N))), quad
x_delta (n) = n + 2 sqrt(n log 1/delta) + 2 log 1/delta
"""

R, apart, whole = sp.symbols("R max_k‖ã_k−â_k‖ ‖Ã−Â‖₂", nonnegative=True)
x_m, x_n = sp.symbols("x_δ(m) x_δ(N)", positive=True)
STATED_WORST = R * apart  # max_{‖y‖ ≤ R} max_k |ŷ_k − ŷ*_k|
STATED_TOKEN = R * sp.sqrt(2 * K * gap / (m * tau))  # and what it is at most
STATED_ALL = R**2 * whole**2 / (2 * K)  # max_{‖y‖ ≤ R} (1/2K)‖ŷ − ŷ*‖²
STATED_MEAN = R**2 * gap / (m * tau)  # and what it is at most
STATED_REACH = sp.sqrt(x_m) * (Z_size + sp.sqrt(tau * x_n))  # R

DIGITS = Context(prec=4, rounding=ROUND_CEILING)  # of an upper bound that is printed
SQUARINGS = 40  # of the error: its norm is known to a relative log(N)/2⁴⁰, which is finer than the ten digits below
EQUAL = flint.arb(2) ** -33  # ten digits, to which equal quantities must agree; 40 bits are twelve


@dataclass(frozen=True)
class TrainedNetwork:
    """The trained network, and a factor of the largest error and its bounds."""

    experiment: Experiment
    _: KW_ONLY
    factor: float = 1.0


def derive_ridge(subject: TrainedNetwork) -> Iterator[Identity]:
    """ŷ*_k = yᵀâ_k: the prompt's own labels, and the ridge predictions of unseen tokens."""
    yield from prompt_labels(subject.experiment.limit)
    yield from unseen_labels(subject.experiment.limit)


def argue_worst_prompt(subject: TrainedNetwork) -> Iterator[Argument]:
    """What holds for all prompts at once, and with which probability."""
    yield Argument(
        name="max_{‖y‖ ≤ R} |ŷ_k − ŷ*_k| = R ‖ã_k − â_k‖ ≤ R √(2KΔ/(mτ)), and ‖ŷ − ŷ*‖² is at most R²‖Ã − Â‖₂²",
        steps=(
            Step(expression="ŷ_k − ŷ*_k = yᵀ(ã_k − â_k)", rule="derive_ridge"),
            Step(expression="≤ ‖y‖ ‖ã_k − â_k‖, with equality at y ∥ ã_k − â_k", rule="Cauchy–Schwarz"),
            Step(expression="mτ ‖ã_k − â_k‖² ≤ mτ ‖Ã − Â‖_F² ≤ 2KΔ", rule="limit_iff"),
        ),
    )
    yield Argument(
        name="‖y‖ ≤ R with probability at least 1 − 2δ for λ ∼ N(0, I)",
        steps=(
            Step(expression="‖λ‖² ≤ x_δ(m) and ‖y − Zᵀλ‖² ≤ τ‖λ‖² x_δ(N), each with probability 1 − δ", rule="χ² tail"),
            Step(expression="‖y‖ ≤ ‖Z‖₂‖λ‖ + ‖y − Zᵀλ‖", rule="triangle inequality, and the two events together"),
        ),
        source="B. Laurent, P. Massart, Annals of Statistics 28 (2000), Lemma 1",
    )


def measure_promise(subject: TrainedNetwork) -> Iterator[Assumption]:
    """Training kept its promise, or a network is presented as trained."""
    yield from promise(subject.experiment)


def certify_gap(subject: TrainedNetwork) -> Iterator[Assumption | Bound]:
    """The gap of the weights is at most a millionth of that at the start, and the same by Lemma 5 as by definition."""
    found = enclosed_training(subject.experiment)
    if found is None:
        yield Assumption(
            name="precision", margin=flint.arb(0), meaning=f"{LIMIT} bits tell that ZᵀZ + mτI is regular; raise τ"
        )
        return
    with flint.ctx.workprec(found.bits):
        usual = {"root_mean_square": _up((2 * found.gap).sqrt())}
        told = (
            f"Δ ∈ {found.gap.str(8)}, so the root mean square of ŷ_k − ŷ*_k is √(2Δ) ≤ {usual['root_mean_square']:.4g}"
        )
        if kept(promise(subject.experiment)):
            name, allowed = f"Δ ≤ Δ⁽⁰⁾/{GAP_FACTOR:g}", found.start / GAP_FACTOR
            yield bound_of(name, [found.gap], [allowed], told, quantities=usual)
        told = f"to ten digits; L − L* ∈ {found.excess.str(8)} from the moments"
        name, apart = "‖Z̄(Ã − Â)‖²/2K (Lemma 5) is L − L*", abs(found.excess - found.gap)
        both = {"gap_by_lemma5": float(found.gap.mid()), "gap_by_moments": float(found.excess.mid())}
        yield bound_of(name, [apart], [EQUAL * found.gap], told, quantities=both)


def certify_every_prompt(subject: TrainedNetwork) -> Iterator[Bound]:
    """Every prompt with ‖y‖ ≤ R is answered like ridge regression, within an error that the worst prompt attains."""
    found = enclosed_training(subject.experiment)
    if found is None:
        return
    with flint.ctx.workprec(found.bits):
        known = _sizes(subject.experiment, found)
        stated = {formula: subject.factor * evaluate(formula, known) for formula in (STATED_WORST, STATED_ALL)}
        yield from _at_most(subject, found, known, stated[STATED_WORST])
        # The worst prompts: along ã_k − â_k for the worst token, and along the top singular vector for all together.
        middle = as_float64(found.error.mid())[0]
        if not np.isfinite(middle).all():
            return  # what is no number has no worst prompt, and decided nothing above
        token, radius = int(np.argmax(np.linalg.norm(middle, axis=0))), float(known[R].mid()) * INSIDE
        for direction, formula, whom in (
            (middle[:, [token]], STATED_WORST, "one token"),
            (np.linalg.svd(middle)[0][:, :1], STATED_ALL, "all tokens"),
        ):
            name = f"worst prompt for {whom}"
            labels = balls(radius * direction / np.linalg.norm(direction))
            size = frobenius_norm(labels)
            yield bound_of(f"{name}: ‖y‖ ≤ R", [size], [known[R]], f"‖y‖ = {size.str(6, radius=False)}")
            learned, asked = (labels.transpose() * found.learned).entries(), ridge_answer(subject.experiment, labels)
            errors = [abs(one - other) for one, other in zip(learned, asked, strict=True)]
            reached = largest(errors) if formula is STATED_WORST else sum_of_squares(errors) / (2 * known[K])
            pair = [answers[token] for answers in (learned, asked)]
            one, two = (answer.str(6, radius=False) for answer in pair)
            told, name = (
                f"ŷ_k = {one} against ŷ*_k = {two} at k = {token + 1}",
                f"{name}: its error is as stated, to ten digits",
            )
            off, allowed = abs(reached - stated[formula]), EQUAL * stated[formula]
            values = zip(("answer", "ridge_answer"), pair, strict=True)
            named = {f"{kind}_worst_for_{whom.replace(' ', '_')}": float(value.mid()) for kind, value in values}
            yield bound_of(name, [off], [allowed], told, quantities=named | {"worst_token": token + 1})


def _sizes(experiment: Experiment, found: EnclosedTraining) -> dict[Any, Any]:
    """What the stated bounds are made of."""
    data, delta = experiment.instance, experiment.parameters.delta
    known = {
        x_m: x_delta(data.feature_count, delta),
        x_n: x_delta(data.prompt_length, delta),
        gap: found.gap,
        Z_size: spectral_norm(balls(data.features[: data.prompt_length])),
        tau: flint.arb(data.noise),
        m: data.feature_count,
        K: data.dictionary_size,
        whole: spectral_norm(found.error, SQUARINGS),
        apart: largest(frobenius_norm(flint.arb_mat([x])) for x in found.error.transpose().tolist()),
    }
    return known | {R: flint.arb(_up(evaluate(STATED_REACH, known)))}


def _at_most(subject: TrainedNetwork, found: EnclosedTraining, known: dict[Any, Any], worst: Ball) -> Iterator[Bound]:
    """What holds for all prompts with ‖y‖ ≤ R, and for those that are likely."""
    data, radius, delta = subject.experiment.instance, known[R], subject.experiment.parameters.delta
    token, mean = (subject.factor * evaluate(stated, known) for stated in (STATED_TOKEN, STATED_MEAN))
    named = {"error_per_label": _up(known[apart]), "largest_error": _up(worst), "R": float(radius.mid())}
    told = "|ŷ_k − ŷ*_k| ≤ {:.4g} ‖y‖, at most {:.4g} for all ‖y‖ ≤ R = {:.4g}".format(*named.values())
    observed = radius * known[apart]
    yield bound_of("R max_k ‖ã_k − â_k‖ ≤ R √(2KΔ/(mτ))", [observed], [token], told, quantities=named)
    both = found.error.transpose(), found.error.transpose() * balls(data.features[: data.prompt_length])
    distances, signals = ([frobenius_norm(flint.arb_mat([x])) for x in rows.tolist()] for rows in both)
    task, noise = known[x_m].sqrt(), (known[tau] * known[x_n]).sqrt()  # ‖λ‖ and ‖y − Zᵀλ‖/‖λ‖, likely
    usual = largest(task * (signal + noise * x) for signal, x in zip(signals, distances, strict=True))
    named = {"likely_error": _up(usual)}
    told = f"|ŷ_k − ŷ*_k| ≤ {_up(usual):.4g} with probability ≥ 1 − 2δ, δ = {delta:g}"
    yield bound_of("prompts with λ ∼ N(0, I)", [usual], [worst], told, quantities=named)
    loss = (radius * known[whole]) ** 2 / (2 * known[K])
    named = {"loss_per_label": _up(loss / radius**2), "largest_loss": _up(loss)}
    told = "(1/2K)‖ŷ − ŷ*‖² ≤ {:.4g} ‖y‖², at most {:.4g} for all ‖y‖ ≤ R".format(*named.values())
    yield bound_of("R²‖Ã − Â‖²/2K ≤ R²Δ/(mτ)", [loss], [mean], told, quantities=named)


def measure_float64(subject: TrainedNetwork) -> Iterator[Agreement]:
    """Ã and Δ, as other claims compute them in float64, agree with the enclosures within their stated rounding."""
    experiment = subject.experiment
    found, final = enclosed_training(experiment), experiment.study.trained.final
    if found is None:
        return
    with flint.ctx.workprec(found.bits):
        (exact, radii), gap, width = as_float64(found.learned), float(found.gap.mid()), upper(found.gap.rad())
    data, network = experiment.instance, experiment.study.trained.network
    error, K = mixture_rounding(network, data.tokens, data.prompt_length) + radii, data.dictionary_size
    yield Agreement(name="Ã", predicted=exact, observed=final, tolerance=error, reason="rounding of softmax and sums")
    # √(2KΔ) = ‖Z̄(Ã − Â)‖_F, which an error E of Ã moves by at most ‖Z̄‖‖E‖_F.
    moved = experiment.theory.z_norm * np.linalg.norm(error)
    through = (2 * np.sqrt(2 * K * gap) + moved) * moved / (2 * K)
    yield Agreement(
        name="Δ",
        predicted=gap,
        observed=experiment.gaps(final[None])[0],
        tolerance=experiment.gap_rounding(final[None])[0] + through + width,
        reason="rounding of the loss and of Ã",
    )


def ridge_answer(experiment: Experiment, labels: Matrix) -> list[Ball]:
    """ŷ*_k for every token: y_k on the prompt, λ̂ᵀz_k on unseen tokens."""
    coefficients = evaluate(experiment.limit.lambda_hat, symbol_values(experiment.instance) | {y: labels})
    unseen = balls(experiment.instance.features[experiment.instance.prompt_length :]) * coefficients
    return [*labels.entries(), *unseen.entries()]


def _up(ball: Ball) -> float:
    """A positive number, rounded up to four significant digits."""
    return float(DIGITS.create_decimal_from_float(upper(ball)))


@defect_of_experiment
def weights_rounded(experiment: Experiment) -> Experiment:
    """Every weight of the trained network is rounded to bfloat16, that is to eight bits."""
    study, trained = replace(experiment.study), experiment.study.trained
    vars(study)["trained"] = replace(trained, network=trained.network.to(device="cpu", dtype=torch.bfloat16))
    return replace(experiment, study=study, presented=True)


LIMITS = "penalty_n_tau", "penalty_twice", "prompt_answered_by_ridge"
WEIGHTS = "noise_ignores_task", "labels_shuffled", "weights_rounded"

CLAIM = Claim(
    statement=STATEMENT,
    about=TrainedNetwork,
    heeds=("instance", "start", "training", "delta"),
    builds_on=("lemma5", "limit_iff", "ridge"),
    stated=("STATED_WORST", "STATED_ALL"),
    drops=("weights_rounded",),
    cites=("χ² tail (B. Laurent, P. Massart, Annals of Statistics 28 (2000), Lemma 1)",),
    checks=(
        derive_ridge,
        argue_worst_prompt,
        measure_promise,
        certify_gap,
        certify_every_prompt,
        measure_float64,
    ),
    controls=dict(
        penalty_n_tau=penalty_n_tau,
        penalty_twice=penalty_twice,
        prompt_answered_by_ridge=prompt_answered_by_ridge,
        noise_ignores_task=noise_ignores_task,
        one_head=one_head,
        untrained=untrained,
        labels_shuffled=labels_shuffled,
        weights_rounded=weights_rounded,
        errors_halved=planted(
            "The largest error and the bounds on it are claimed to be half of what they are.", factor=0.5
        ),
    ),
    catches={
        derive_ridge: LIMITS,
        certify_gap: (*LIMITS, *WEIGHTS, "one_head", "untrained"),
        certify_every_prompt: ("prompt_answered_by_ridge", "errors_halved"),
        measure_float64: (*LIMITS, *WEIGHTS),
    },
)
