"""The choice of the penalty [T]: the closer m is to N, the closer the trained transformer's λ̂ is to the paper's best.

The paper's best coefficients λ̂_τ are ridge with penalty Nτ, those of the trained transformer, λ̂, ridge with mτ. With
λ̂(c) = (ZZᵀ + cI)⁻¹Zy, for every prompt and all labels,
λ̂(c) − λ̂(c') = (c' − c)(ZZᵀ + cI)⁻¹(ZZᵀ + c'I)⁻¹Zy: it is 0 at c = c', so λ̂ = λ̂_τ for N = m, and for no other N
unless Zy = 0; and for a given prompt ‖λ̂(c) − λ̂(c')‖ grows as c' moves away from c on either side. That is the reading
of "the closer" here: of the two penalties, which differ by |N − m|τ; the paper gives none.

The mean squared distance of the two predictions, what its Figure 3 shows of one token, is E (λ̂ᵀz_k − λ̂_τᵀz_k)² =
R(Nτ) − R(mτ), by the formula of the claim `best`: least at N = m, where it is 0. That the prediction is better there
does not follow, and is false: the claim `remark_m_vs_n`.

Wrong if an identity leaves a remainder, or if sampled prompts have another mean squared distance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any

import flint
import numpy as np
import sympy as sp

from numerics.loss import sample_labels, sample_tasks
from theorems.best import EXCESS, MOVED, c, p
from theorems.lemma5 import BATCH, RESOLUTION, SAMPLES, SPREAD
from theorems.setting.defects import noise_ignores_task
from theorems.setting.experiment import Experiment
from theorems.setting.limit import PRECISION, symbol_values
from theorems.setting.notation import N, Z, Z_query, m, task, tau, y, z_k
from theorems.setting.study import stream
from verify.certify import balls, evaluate
from verify.claim import Bound, Claim, Estimate, Identity, planted
from verify.infer import mean_interval
from verify.prove import Random, prove, prove_expectation

STATEMENT = r"""
hat(lambda)(c) = (Z Z^top + c I)^(-1) Z y quad ==> quad
hat(lambda)(c) - hat(lambda)(c') = (c' - c) (Z Z^top + c I)^(-1) (Z Z^top + c' I)^(-1) Z y, \
c < c' < c'' "or" c > c' > c'' quad ==> quad
norm(hat(lambda)(c) - hat(lambda)(c')) <= norm(hat(lambda)(c) - hat(lambda)(c'')), \
EE lambda lambda^top = I quad ==> quad EE (hat(lambda)(m tau)^top z_k - hat(lambda)(N tau)^top z_k)^2 =
R(N tau) - R(m tau)
"""

low, step, further = sp.symbols("c_0 h g", positive=True)
t: Any = sp.MatrixSymbol("t", m, 1)
noise: Any = sp.MatrixSymbol("ε", m, N)
moved: Any = sp.MatrixSymbol("x", N, 1)  # â(Nτ) − â(mτ)


def shifted(penalty: Any) -> Any:
    """ZZᵀ + cI."""
    return Z * Z.T + penalty * sp.Identity(m)


DIFFERENCE = (p - c) * shifted(c).I * shifted(p).I * Z * y  # λ̂(c) − λ̂(p)
PENALTIES = (m * tau, N * tau)  # of λ̂, and of the paper's best choice
POWERS = range(1, 7)  # of 2: the penalties on either side of mτ at which the distance is certified to grow


@dataclass(frozen=True)
class Distance:
    """The distance between two ridge solutions, times a `factor`, with penalties of which one is `other`."""

    experiment: Experiment
    _: KW_ONLY
    factor: sp.Expr = sp.Integer(1)
    other: sp.Expr = N * tau
    inwards: bool = False


def coefficients(penalty: Any) -> Any:
    """λ̂(c)."""
    return shifted(penalty).I * Z * y


def derive_difference(subject: Distance) -> Iterator[Identity]:
    """λ̂(c) − λ̂(c') is (c' − c)(ZZᵀ + cI)⁻¹(ZZᵀ + c'I)⁻¹Zy, so that λ̂ = λ̂_τ for N = m."""
    stated = subject.factor * DIFFERENCE
    yield prove("λ̂(c) − λ̂(c')", coefficients(c) - coefficients(p), stated)
    chosen, best = PENALTIES
    meant = stated.subs({c: chosen, p: subject.other})
    yield prove("λ̂ − λ̂_τ", coefficients(chosen) - coefficients(best), meant)


def derive_growth(subject: Distance) -> Iterator[Identity]:
    """‖λ̂(c) − λ̂(c'')‖² − ‖λ̂(c) − λ̂(c')‖² is a sum of squares with positive factors, on either side of c."""
    for name, near, far, center in (
        ("c < c' < c''", low + step, low + step + further, low),
        ("c > c' > c''", low + further, low, low + further + step),
    ):
        vector = shifted(center) * shifted(near) * shifted(far) * t  # every Zy is one of these: all three are regular
        across = abs(far - near)
        squares = across**2 * _square(shifted(center) * t) + 2 * across * step * (
            _square(Z * Z.T * t) + (center + far) * _square(Z.T * t) + center * far * _square(t)
        )
        change = _apart(center, far, vector) - _apart(center, near, vector)
        yield prove(name, change * (-1 if subject.inwards else 1), subject.factor**2 * squares)


def _apart(center: Any, penalty: Any, vector: Any) -> Any:
    """‖λ̂(center) − λ̂(penalty)‖² for Zy = the vector."""
    return _square((shifted(center).I - shifted(penalty).I) * vector)


def _square(vector: Any) -> Any:
    return sp.Trace(vector.T * vector)


def derive_predictions(subject: Distance) -> Iterator[Identity]:
    """The mean square of λ̂ᵀz_k − λ̂_τᵀz_k is ‖Z̄(â(mτ) − â(Nτ))‖², which is R(Nτ) − R(mτ)."""
    chosen, best = PENALTIES
    gram = Z.T * Z + chosen * sp.Identity(N)
    apart = ((Z + noise).T * task).T * moved
    size = sp.Trace(moved.T * gram * moved)
    yield prove_expectation(
        "E (yᵀx)² = ‖Z̄x‖²", apart * apart.T, size * sp.Identity(1), randoms=[Random(noise, tau), Random(task)]
    )
    given = {c: best, p: chosen}
    stated = subject.factor**2 * EXCESS.subs(given | {c: subject.other})
    yield prove("‖Z̄x‖² for x = â(Nτ) − â(mτ)", size.subs(moved, MOVED.subs(given)), stated)


def certify_growth(subject: Distance) -> Iterator[Bound]:
    """On the instance, for the labels of a task of ones, ‖λ̂(mτ) − λ̂(c)‖² grows as c leaves mτ on either side."""
    data, known = subject.experiment.instance, symbol_values(subject.experiment.instance)
    labels = data.features[: data.prompt_length].sum(axis=1)
    with flint.ctx.workprec(PRECISION):
        meant = known | {y: balls(labels[:, None]), c: evaluate(m * tau, known)}
        for name, base in (("c = 2ⁿmτ", 2), ("c = 2⁻ⁿmτ", flint.arb(1) / 2)):
            found = [evaluate(_square(DIFFERENCE), meant | {p: meant[c] * base**n}) for n in POWERS]
            near, far = (found[1:], found[:-1]) if subject.inwards else (found[:-1], found[1:])
            yield Bound(name=name, observed=near, bound=far, reason="the other penalty is nearer to mτ")


def estimate_distance(subject: Distance) -> Iterator[Estimate]:
    """Sampled prompts have the stated mean squared distance between the two predictions of unseen tokens."""
    experiment, data = subject.experiment, subject.experiment.instance
    known, rng = symbol_values(data), stream(experiment.study.seed, "remark_choice")
    with flint.ctx.workprec(PRECISION):
        chosen, best, other = (evaluate(each, known) for each in (*PENALTIES, subject.other))
        tokens = [flint.arb_mat([[entry] for entry in row]) for row in known[Z_query].transpose().tolist()]
        each = [evaluate(EXCESS, known | {z_k: token, c: other, p: chosen}) for token in tokens]
    claimed = float(subject.factor**2) * float(np.mean([float(value.mid()) for value in each]))
    prompt, unseen = data.features[: data.prompt_length], data.features[data.prompt_length :]
    answers = [_ridge(prompt, unseen, float(penalty.mid())) for penalty in (chosen, best)]
    squares = []
    for _ in range(SAMPLES // BATCH):
        tasks = sample_tasks(rng, BATCH, data.feature_count)
        labels = sample_labels(rng, tasks, data.features, experiment.study.noise)[:, : len(prompt)]
        squares.append(np.mean((labels @ (answers[0] - answers[1])) ** 2, axis=1))
    yield Estimate(
        name="mean squared distance",
        allowed=(claimed, claimed),
        resolution=RESOLUTION * claimed,
        interval=mean_interval(np.concatenate(squares), SPREAD),
        reason=f"median of means, {SAMPLES} prompts",
    )


def _ridge(prompt: np.ndarray, unseen: np.ndarray, penalty: float) -> np.ndarray:
    """What ridge with this penalty makes of the labels, N × (K − N)."""
    solved: np.ndarray = np.linalg.solve(prompt @ prompt.T + penalty * np.eye(len(prompt)), prompt @ unseen.T)
    return solved


CLAIM = Claim(
    statement=STATEMENT,
    about=Distance,
    heeds=("N", "K", "d", "m", "tau", "seed", "data", "tokens"),
    builds_on=("best",),
    checks=(derive_difference, derive_growth, derive_predictions, certify_growth, estimate_distance),
    controls=dict(
        twice=planted("The difference is twice what is stated.", factor=sp.Integer(2)),
        other_penalty=planted("The paper's best choice has penalty 2Nτ.", other=2 * N * tau),
        inwards=planted("The distance shrinks as the penalties part.", inwards=True),
        noise_ignores_task=noise_ignores_task,
    ),
    stated=("DIFFERENCE",),
    drops=("noise_ignores_task",),
    catches={
        derive_difference: ("twice", "other_penalty"),
        derive_growth: ("twice", "inwards"),
        derive_predictions: ("twice", "other_penalty"),
        certify_growth: ("inwards",),
        estimate_distance: ("twice", "other_penalty", "noise_ignores_task"),
    },
)
