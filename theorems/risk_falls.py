"""Longer prompts [B]: the least mean error of an unseen token never rises with the length of the prompt.

Let E λλᵀ = I. With features Z in the prompt the best linear prediction of an unseen token, which is ridge with penalty
mτ (the claim `best`), has the mean squared error R = mτ z_kᵀ(ZZᵀ + mτI)⁻¹z_k. A prompt W = (Z, Y) that goes on with
tokens of features Y, whatever they are, has a smaller one or the same: with q = Yᵀ(WWᵀ + mτI)⁻¹z_k and
M = (ZZᵀ + mτI)⁻¹, R(Z) − R(W) = mτ (‖q‖² + ‖ZᵀMYq‖² + mτ‖MYq‖²) ≥ 0, and > 0 unless q = 0.
So nothing special happens where the length passes m.

Wrong if an identity leaves a remainder, if on the instance one more token makes the error larger, or if the moments of
the labels give another least error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from random import Random as Generator
from typing import Any

import flint
import numpy as np
import sympy as sp

from numerics.measure import rounding, token_loss_rounding, token_losses
from theorems.best import BEST as PENALTY
from theorems.best import answer_at, risk
from theorems.setting.defects import noise_ignores_task
from theorems.setting.experiment import Experiment
from theorems.setting.limit import PRECISION, symbol_values
from theorems.setting.notation import K, N, Z, Z_tilde, m, tau, z_k
from verify.certify import evaluate
from verify.claim import Agreement, Bound, Claim, Identity, planted
from verify.prove import Equation, prove

STATEMENT = r"""
EE lambda lambda^top = I, quad W = (Z, Y) quad ==> quad
R(Z) := min_a EE(y^top a - lambda^top z_k)^2 = m tau z_k^top (Z Z^top + m tau I)^(-1) z_k, \
R(Z) - R(W) = m tau (norm(q)^2 + norm(Z^top M Y q)^2 + m tau norm(M Y q)^2) >= 0, quad
q = Y^top (W W^top + m tau I)^(-1) z_k, quad M = (Z Z^top + m tau I)^(-1)
"""

more = sp.Symbol("n", integer=True, positive=True)  # tokens that are added
Y: Any = sp.MatrixSymbol("Y", m, more)
W: Any = sp.MatrixSymbol("W", m, N + more)


def inverse(features: Any) -> Any:
    """(ZZᵀ + mτI)⁻¹."""
    return (features * features.T + m * tau * sp.Identity(m)).I


LEAST = m * tau * sp.Trace(z_k.T * inverse(Z) * z_k)
q = Y.T * inverse(W) * z_k
FALL = (
    m
    * tau
    * (
        sp.Trace(q.T * q)
        + sp.Trace((Z.T * inverse(Z) * Y * q).T * (Z.T * inverse(Z) * Y * q))
        + m * tau * sp.Trace((inverse(Z) * Y * q).T * (inverse(Z) * Y * q))
    )
)
LENGTHS = 24  # at which the moments are asked
DIGITS = 30


@dataclass(frozen=True)
class Lengths:
    """What is said of prompts of different lengths.

    `best_length` is the length that is said to have the least error, `share` that of the stated fall, and `penalty`
    that of the ridge whose error is meant; where `goes_on` is false the longer prompt lacks the tokens of the shorter.
    """

    experiment: Experiment
    _: KW_ONLY
    best_length: sp.Expr = K - 1
    share: sp.Expr = sp.Integer(1)
    penalty: sp.Expr = m * tau
    goes_on: bool = True


def least(features: Any) -> Any:
    """R for these features in the prompt."""
    return LEAST.subs(Z, features)


def derive_least(subject: Lengths) -> Iterator[Identity]:
    """R(Z) = mτ z_kᵀ(ZZᵀ + mτI)⁻¹z_k is the error of ridge with penalty mτ."""
    yield prove("R(â(mτ)) = mτ z_kᵀ(ZZᵀ + mτI)⁻¹z_k", risk(answer_at(subject.penalty), PENALTY), LEAST)


def derive_fall(subject: Lengths) -> Iterator[Identity]:
    """R(Z) − R(W) is a sum of squares for every number of tokens that are added."""
    both = Z * Z.T + Y * Y.T if subject.goes_on else Y * Y.T
    premise = Equation(W * W.T, both, "W = (Z, Y)" if subject.goes_on else "W = (0, Y)")
    change = least(Z) - m * tau * sp.Trace(z_k.T * inverse(W) * z_k)

    def appended(sizes: Mapping[Any, int], rng: Generator) -> Mapping[Any, Any]:
        return joined(sizes, rng, keep=subject.goes_on)

    stated = subject.share * FALL
    yield prove("R(Z) − R(W)", change, stated, premises=(premise,), sample=appended)


def joined(sizes: Mapping[Any, int], rng: Generator, *, keep: bool = True) -> Mapping[Any, Any]:
    """Z, Y and W = (Z, Y) of small integers; W = (0, Y) unless Z is kept."""
    shorter = [[rng.randint(-3, 3) for _ in range(sizes[N])] for _ in range(sizes[m])]
    added = [[rng.randint(-3, 3) for _ in range(sizes[more])] for _ in range(sizes[m])]
    longer = [[entry * keep for entry in row] + new for row, new in zip(shorter, added, strict=True)]
    return {Z: shorter, Y: added, W: longer}


def certify_fall(subject: Lengths) -> Iterator[Bound]:
    """On the instance each further token lowers the error of the last one, by what is stated."""
    known, count = symbol_values(subject.experiment.instance), subject.experiment.instance.dictionary_size
    with flint.ctx.workprec(PRECISION):
        errors = [error_at(known, length) for length in range(1, count)]
        if not subject.goes_on:
            errors[1:] = [_value(known, LEAST, [length]) for length in range(1, count - 1)]
        falls = [_value(known, subject.share * FALL, range(length), length) for length in range(1, count - 1)]
        apart = [abs(x - y - z) for x, y, z in zip(errors, errors[1:], falls, strict=False)]
        allowed = [x * flint.arb(10) ** -DIGITS for x in errors[:-1]]
    lengths = list(range(1, count - 1))
    along: dict[str, Any] = {"x": lengths, "x_label": "prompt length N"}
    yield Bound(name="R with N + 1 ≤ R with N", observed=errors[1:], bound=errors[:-1], reason="it falls", **along)
    reason = f"what is stated of the fall, to {DIGITS} digits of R"
    yield Bound(name="R with N − R with N + 1", observed=apart, bound=allowed, reason=reason, **along)


def certify_best_length(subject: Lengths) -> Iterator[Bound]:
    """On the instance no length of the prompt has a smaller error of the last token than the one said to be best."""
    data, known = subject.experiment.instance, symbol_values(subject.experiment.instance)
    sizes = {m: data.feature_count, K: data.dictionary_size}
    chosen = int(subject.best_length.subs(sizes))
    others = [length for length in range(1, data.dictionary_size) if length != chosen]
    if not others or chosen >= data.dictionary_size:
        return
    with flint.ctx.workprec(PRECISION):
        best, errors = error_at(known, chosen), [error_at(known, length) for length in others]
    yield Bound(
        name="R at the best length ≤ R",
        observed=[best] * len(errors),
        bound=errors,
        reason=f"N = {subject.best_length} is said to be best",
        x=others,
        x_label="prompt length N",
    )


def error_at(known: dict[Any, Any], length: int) -> Any:
    """R of the dictionary's last token for a prompt of the first `length` ones."""
    return _value(known, LEAST, range(length))


def _value(known: dict[Any, Any], stated: Any, prompt: Any, added: int | None = None) -> Any:
    """What is stated, for these tokens of the dictionary and one that is added."""
    rows = known[Z_tilde].tolist()
    meant = {m: known[m], tau: known[tau], N: len(prompt), more: 1, z_k: flint.arb_mat([[row[-1]] for row in rows])}
    meant[Z] = flint.arb_mat([[row[place] for place in prompt] for row in rows])
    if added is not None:
        meant[Y] = flint.arb_mat([[row[added]] for row in rows])
        meant[W] = flint.arb_mat([[row[place] for place in (*prompt, added)] for row in rows])
    return evaluate(stated, meant)


def measure_moments(subject: Lengths) -> Iterator[Agreement]:
    """The normal equations of the label's moments give that least error, at lengths from 1 to K − 1."""
    study, data = subject.experiment.study, subject.experiment.instance
    known, features = symbol_values(data), np.abs(data.features)
    weight = features @ features.T + study.noise.mean(np.eye(data.feature_count)) * np.eye(len(features))
    lengths = np.unique(np.geomspace(1, data.dictionary_size - 1, LENGTHS).astype(int)).tolist()
    errors, wrong = [], []
    for length in lengths:
        square, target = study.moments[:length, :length], study.moments[:length]
        answer = np.linalg.solve(square, target)
        residual = square @ answer - target
        # A matrix whose gradient is r has at most |r|²/λ_min more than the least loss.
        missed = np.sum(residual[:, -1] ** 2) / np.linalg.eigvalsh(square)[0]
        noise = data.feature_count * data.noise  # of the label itself, which R leaves out
        errors.append(2 * token_losses(answer, study.moments)[-1] - noise)
        room = token_loss_rounding(answer, weight, data.feature_count + 2)[-1]
        wrong.append(2 * room + missed + rounding(2) * weight[-1, -1])
    with flint.ctx.workprec(PRECISION):
        stated = [float(error_at(known, length).mid()) for length in lengths]
    yield Agreement(
        name="least error of the last token",
        predicted=np.array(stated),
        observed=np.array(errors),
        tolerance=np.array(wrong),
        reason="rounding of the losses, and what the normal equations miss",
    )


CLAIM = Claim(
    statement=STATEMENT,
    about=Lengths,
    heeds=("K", "d", "m", "tau", "seed", "data", "tokens"),
    builds_on=("best",),
    checks=(derive_least, derive_fall, certify_fall, certify_best_length, measure_moments),
    controls=dict(
        half_the_fall=planted("The error falls by half of what is stated.", share=sp.Rational(1, 2)),
        rises=planted("The error rises by what is stated.", share=sp.Integer(-1)),
        n_tau=planted("The error meant is that of ridge with penalty Nτ.", penalty=N * tau),
        other_tokens=planted("The longer prompt lacks the tokens of the shorter one.", goes_on=False),
        shorter=planted("The best length is K − 2.", best_length=K - 2),
        noise_ignores_task=noise_ignores_task,
    ),
    stated=("LEAST", "FALL"),
    drops=("other_tokens", "noise_ignores_task"),
    catches={
        derive_least: ("n_tau",),
        derive_fall: ("half_the_fall", "rises", "other_tokens"),
        certify_fall: ("half_the_fall", "rises", "other_tokens"),
        certify_best_length: ("shorter",),
        measure_moments: ("noise_ignores_task",),
    },
)
