"""Best penalty [B]: mτ, and no other, is the ridge penalty that predicts unseen labels best; the paper calls Nτ best.

Let E λλᵀ = I, as in training, and let an unseen token have the features z_k. At this token ridge with penalty c > 0
answers yᵀâ(c), â(c) = (ZᵀZ + cI)⁻¹Zᵀz_k, with mean squared error R(c) = E(yᵀâ(c) − λᵀz_k)². For all N, m, Z and z_k,
with X_c = (ZᵀZ + cI)⁻¹ and w = Zᵀz_k,
R(c) − R(mτ) = (c − mτ)² (‖Z X_mτ X_c w‖² + mτ ‖X_mτ X_c w‖²) > 0 unless c = mτ or w = 0.
So Nτ is strictly worse unless N = m or Zᵀz_k = 0. Labels of unseen tokens with their own noise add mτ to R, whatever
c is. And yᵀâ(mτ) is the best of all linear predictors yᵀa. The derivative of R is the claim `best_slope`.

Two readings under which the paper's Nτ is right: it minimises the mean error over the noise of the prompt's own
features (Lemma 4); and it is the best penalty for tasks that are isotropic on the range of Z, rank Z = N ≤ m (the
claim `best_isotropic`).

Wrong if an identity leaves a remainder, if on an instance another penalty has a smaller error at some token, or if
sampled prompts have another mean error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any

import flint
import numpy as np
import sympy as sp

from numerics.loss import sample_labels, sample_tasks
from numerics.measure import rounding
from theorems.lemma5 import BATCH, RESOLUTION, SAMPLES, SPREAD
from theorems.setting.defects import noise_ignores_task
from theorems.setting.experiment import Experiment
from theorems.setting.limit import PRECISION, symbol_values
from theorems.setting.notation import N, Z, Z_query, m, task, tau, z_k
from theorems.setting.study import stream
from verify.certify import evaluate
from verify.claim import Bound, Claim, Estimate, Identity, planted
from verify.infer import mean_interval
from verify.prove import Random, prove, prove_expectation, prove_positive_definite

STATEMENT = r"""
EE lambda lambda^top = I, quad y = (Z + E)^top lambda, quad hat(a)(c) = X_c w, quad X_c = (Z^top Z + c I)^(-1), quad
w = Z^top z_k, quad R(c) = EE(y^top hat(a)(c) - lambda^top z_k)^2 quad ==> \
R(c) - R(m tau) = (c - m tau)^2 (norm(Z X_(m tau) X_c w)^2 + m tau norm(X_(m tau) X_c w)^2), \
R(N tau) > R(m tau) quad "unless" N = m "or" Z^top z_k = 0
"""

c, p = sp.symbols("c p", positive=True)  # a penalty, and the one that is said to be best
a: Any = sp.MatrixSymbol("a", N, 1)  # any linear predictor yᵀa
noise: Any = sp.MatrixSymbol("ε", m, N)  # its columns are the ε_i of the prompt
target_noise: Any = sp.MatrixSymbol("ε_k", m, 1)

gram = Z.T * Z
w = Z.T * z_k


def inverse(penalty: Any) -> Any:
    """X_c = (ZᵀZ + cI)⁻¹."""
    return (gram + penalty * sp.Identity(N)).I


BEST = m * tau
RISK = sp.Trace(a.T * (gram + p * sp.Identity(N)) * a) - 2 * sp.Trace(a.T * w) + sp.Trace(z_k.T * z_k)
ANSWER = inverse(c) * w  # â(c)
MOVED = (p - c) * inverse(p) * inverse(c) * w  # â(c) − â(p)
EXCESS = (c - p) ** 2 * (
    sp.Trace((Z * inverse(p) * inverse(c) * w).T * (Z * inverse(p) * inverse(c) * w))
    + p * sp.Trace((inverse(p) * inverse(c) * w).T * (inverse(p) * inverse(c) * w))
)

GRID = np.geomspace(1e-2, 1e2, 40)  # penalties as multiples of the best one, which is not among them
DIGITS = 30


@dataclass(frozen=True)
class Choice:
    """A multiple of mτ that is said to be the best penalty, the law under which the error is meant, and a share."""

    experiment: Experiment
    _: KW_ONLY
    multiple: sp.Expr = sp.Integer(1)
    noise_variance: sp.Expr = tau
    task_variance: sp.Expr = sp.Integer(1)
    excess_share: sp.Expr = sp.Integer(1)

    @property
    def best(self) -> Any:
        """The penalty that is said to be best."""
        return self.multiple * BEST


def risk(answer: Any, penalty: Any) -> Any:
    """aᵀ(ZᵀZ + pI)a − 2aᵀZᵀz_k + ‖z_k‖² for these a and p."""
    return RISK.subs({a: answer, p: penalty})


def answer_at(penalty: Any) -> Any:
    """â(c)."""
    return ANSWER.subs(c, penalty)


def derive_risk(subject: Choice) -> Iterator[Identity]:
    """The mean squared error of yᵀa is aᵀ(ZᵀZ + mτI)a − 2aᵀZᵀz_k + ‖z_k‖²; noise of the label itself adds mτ."""
    randoms = [Random(noise, subject.noise_variance), Random(task, subject.task_variance)]
    answered, meant = a.T * (Z + noise).T * task, risk(a, BEST)
    clean = answered - z_k.T * task
    yield prove_expectation("E (yᵀa − λᵀz_k)²", clean * clean.T, meant * sp.Identity(1), randoms=randoms)
    noisy = answered - (z_k + target_noise).T * task
    randoms.append(Random(target_noise, subject.noise_variance))
    added = (meant + m * tau) * sp.Identity(1)
    yield prove_expectation("E (yᵀa − λᵀ(z_k + ε_k))²", noisy * noisy.T, added, randoms=randoms)


def derive_minimiser(subject: Choice) -> Iterator[Identity]:
    """R(a) − R(â(c*)) = (a − â)ᵀ(ZᵀZ + mτI)(a − â) for every a: ridge with the best penalty has the least error."""
    chosen = answer_at(subject.best)
    excess = sp.Trace((a - chosen).T * (gram + BEST * sp.Identity(N)) * (a - chosen))
    yield prove("R(a) − R(â(c*)) = ‖Z̄(a − â(c*))‖²", risk(a, BEST) - risk(chosen, BEST), excess)
    yield prove_positive_definite("ZᵀZ + mτI ≻ 0", gram + BEST * sp.Identity(N), factor=Z, shift=m * tau)


def derive_excess(subject: Choice) -> Iterator[Identity]:
    """By how much another penalty c is worse: â(c) − â(p) = (p − c)X_pX_cw, and ‖Z̄(â(c) − â(p))‖² from that."""
    given = {p: subject.best}
    yield prove("â(c) − â(p) = (p − c) X_p X_c w", answer_at(c) - answer_at(subject.best), MOVED.subs(given))
    moved = MOVED.subs(given)
    size = sp.Trace(moved.T * (gram + BEST * sp.Identity(N)) * moved)
    yield prove("R(c) − R(p) = (c − p)² (‖Z X_p X_c w‖² + p ‖X_p X_c w‖²)", size, excess(subject).subs(given))


def excess(subject: Choice) -> Any:
    """What is stated of R(c) − R(p)."""
    return subject.excess_share * EXCESS


def certify_penalties(subject: Choice) -> Iterator[Bound]:
    """On the instance no rival of c* has a smaller error at any unseen token."""
    for name, least, risks, _ in _compared(subject):
        yield Bound(name=f"R(c*) ≤ R({name})", observed=least, bound=risks, reason="c* is said to be the best penalty")


def certify_excess(subject: Choice) -> Iterator[Bound]:
    """The errors of the rivals exceed it by what is stated, at every unseen token."""
    for name, least, risks, stated in _compared(subject):
        with flint.ctx.workprec(PRECISION):
            apart = [abs(x - y - z) for x, y, z in zip(risks, least, stated, strict=True)]
            allowed = [x * flint.arb(10) ** -DIGITS for x in risks]
        reason = f"(c − c*)²(‖Z X_c* X_c w‖² + c*‖X_c* X_c w‖²), to {DIGITS} digits of R"
        yield Bound(name=f"R({name}) − R(c*)", observed=apart, bound=allowed, reason=reason)


def _compared(subject: Choice) -> Iterator[tuple[str, list[Any], list[Any], list[Any]]]:
    """For each rival R(c*), its R(c), and what is stated of the difference, at each unseen token."""
    known = symbol_values(subject.experiment.instance)
    features = columns(known[Z_query])
    with flint.ctx.workprec(PRECISION):
        chosen = evaluate(subject.best, known)
        least = _risks(known, features, chosen)
        for name, rival in rivals(subject).items():
            penalty = evaluate(rival, known)
            if not penalty.overlaps(chosen):  # N = m makes two of them one
                given = known | {c: penalty, p: chosen}
                stated = [evaluate(excess(subject), given | {z_k: z}) for z in features]
                yield name, least, _risks(known, features, penalty), stated


def rivals(subject: Choice) -> dict[str, Any]:
    """Other penalties, by what they are called."""
    others = {"mτ": m * tau, "Nτ": N * tau, "mτ/2": m * tau / 2, "2mτ": 2 * m * tau}
    return {name: rival for name, rival in others.items() if sp.simplify(rival - subject.best) != 0}


def columns(matrix: flint.arb_mat) -> list[flint.arb_mat]:
    """The columns of a matrix, each a matrix."""
    return [flint.arb_mat([[entry] for entry in column]) for column in matrix.transpose().tolist()]


def _risks(known: dict[Any, Any], features: list[flint.arb_mat], penalty: Any) -> list[Any]:
    """R(c) at each unseen token."""
    solved = evaluate(ANSWER.subs(z_k, Z_query), known | {c: penalty})
    meant = known | {p: evaluate(BEST, known)}
    return [evaluate(RISK, meant | {a: x, z_k: z}) for x, z in zip(columns(solved), features, strict=True)]


def measure_penalties(subject: Choice) -> Iterator[Bound]:
    """By the moments of the labels alone, no penalty from mτ/100 to 100 mτ has a smaller mean error than c*."""
    study, data = subject.experiment.study, subject.experiment.instance
    known = {N: data.prompt_length, m: data.feature_count, tau: sp.Float(data.noise)}
    chosen, center = (float(each.subs(known)) for each in (subject.best, BEST))
    penalties = center * GRID
    prompt = data.features[: data.prompt_length]
    mixtures = np.stack([_ridge(prompt, data.features, penalty) for penalty in (chosen, *penalties)])
    unseen = np.s_[:, data.prompt_length :]
    errors, wrong = study.losses(mixtures)[unseen].mean(axis=1), study.loss_rounding(mixtures)[unseen].max(axis=1)
    yield Bound(
        name="mean error of unseen tokens",
        observed=np.full(len(penalties), errors[0]),
        bound=errors[1:],
        # The mean of K numbers adds γ_K of their size. Whatever the solver's own error, the losses are of its answers.
        rounding=wrong[0] + wrong[1:] + rounding(data.dictionary_size) * (errors[0] + errors[1:]),
        reason="c* is the best penalty",
        x=penalties,
        x_label="penalty c",
    )


def _ridge(prompt: np.ndarray, features: np.ndarray, penalty: float) -> np.ndarray:
    """What ridge with this penalty makes of the labels, N × K."""
    solved: np.ndarray = np.linalg.solve(prompt @ prompt.T + penalty * np.eye(len(prompt)), prompt @ features.T)
    return solved


def estimate_risk(subject: Choice) -> Iterator[Estimate]:
    """Sampled prompts have the mean error over unseen tokens that is stated, with penalty mτ and with Nτ."""
    experiment, data = subject.experiment, subject.experiment.instance
    known, rng = symbol_values(data), stream(experiment.study.seed, "best")
    prompt, unseen = data.features[: data.prompt_length], data.features[data.prompt_length :]
    for name, rival in (("mτ", m * tau), ("Nτ", N * tau)):
        with flint.ctx.workprec(PRECISION):
            penalty = evaluate(rival, known)
            claimed = float(np.mean([float(x.mid()) for x in _risks(known, columns(known[Z_query]), penalty)]))
        mixed, errors = _ridge(prompt, unseen, float(penalty.mid())), []
        for _ in range(SAMPLES // BATCH):
            tasks = sample_tasks(rng, BATCH, data.feature_count)
            labels = sample_labels(rng, tasks, data.features, experiment.study.noise)
            errors.append(np.mean((labels[:, : len(prompt)] @ mixed - tasks @ unseen.T) ** 2, axis=1))
        yield Estimate(
            name=f"mean error with penalty {name}",
            allowed=(claimed, claimed),
            resolution=RESOLUTION * claimed,
            interval=mean_interval(np.concatenate(errors), SPREAD),
            reason=f"median of means, {SAMPLES} prompts",
        )


CLAIM = Claim(
    statement=STATEMENT,
    about=Choice,
    heeds=("N", "K", "d", "m", "tau", "seed", "data", "tokens"),
    checks=(
        derive_risk,
        derive_minimiser,
        derive_excess,
        certify_penalties,
        certify_excess,
        measure_penalties,
        estimate_risk,
    ),
    controls=dict(
        n_tau=planted("The best penalty is Nτ, as the paper says.", multiple=N / m),
        twice=planted("The best penalty is 2mτ.", multiple=sp.Integer(2)),
        variance_squared=planted("The noise has variance τ².", noise_variance=tau**2),
        tasks_not_standardised=planted("The entries of λ have variance 2.", task_variance=sp.Integer(2)),
        half_the_excess=planted("Another penalty is worse by half of what is stated.", excess_share=sp.Rational(1, 2)),
        noise_ignores_task=noise_ignores_task,
    ),
    stated=("BEST", "RISK", "ANSWER", "MOVED", "EXCESS"),
    drops=("tasks_not_standardised", "noise_ignores_task"),
    catches={
        derive_risk: ("variance_squared", "tasks_not_standardised"),
        derive_minimiser: ("n_tau", "twice"),
        derive_excess: ("n_tau", "twice", "half_the_excess"),
        certify_penalties: ("n_tau", "twice"),
        certify_excess: ("n_tau", "twice", "half_the_excess"),
        measure_penalties: ("n_tau", "twice"),
        estimate_risk: ("noise_ignores_task",),
    },
)
