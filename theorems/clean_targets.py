"""Clean labels of unseen tokens [B]: if training's targets carry no noise there, the printed L* is right.

The paper's constant in Lemma 5 lacks the + mτ of the noisy labels of unseen tokens (the claim `lemma5` refutes it for
the loss as the paper defines it). If instead the loss is (1/2K)(Σ_{k≤N} E(ŷ_k − y_k)² + Σ_{k>N} E(ŷ_k − λᵀz_k)²), with
the noise-free labels of the unseen tokens, then for every Ã it is (1/2K) Σ_k ‖δ_k‖² + L*, with the constant as printed,
L* = (1/2K) Σ_{k>N} (‖z_k‖² − z_kᵀZ(ZᵀZ + mτI)⁻¹Zᵀz_k), and the limit Â is the same.

Wrong if the definition of that loss, expanded and averaged, differs from this, or if sampled prompts have another mean
error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass

import flint
import numpy as np
import sympy as sp

from numerics.loss import sample_labels, sample_tasks
from theorems.lemma5 import BATCH, RESOLUTION, SAMPLES, SPREAD
from theorems.setting import notation
from theorems.setting.defects import noise_ignores_task, penalty_n_tau, penalty_twice
from theorems.setting.experiment import Experiment
from theorems.setting.limit import PRECISION, symbol_values
from theorems.setting.notation import PROMPT, K, N, P, Z, Z_query, e_k, m, small_dictionary, task, tau, z_k
from theorems.setting.study import stream
from verify.certify import evaluate
from verify.claim import Claim, Estimate, Identity, planted
from verify.infer import mean_interval
from verify.prove import Random, prove, prove_expectation

STATEMENT = r"""
L(theta) = 1/(2 K) (sum_(k=1)^N EE(hat(y)_k - y_k)^2 + sum_(k=N+1)^K EE(hat(y)_k - lambda^top z_k)^2) quad ==> \
L(theta) = 1/(2 K) sum_(k=1)^K norm(delta_k)^2 + L^*, quad
L^* = 1/(2 K) sum_(k=N+1)^K (norm(z_k)^2 - z_k^top Z (Z^top Z + m tau I)^(-1) Z^top z_k)
"""

noise = sp.MatrixSymbol("ε", m, N)  # its columns are the ε_k of the prompt
answers = sp.MatrixSymbol("Ã_P", N, N)  # the columns of Ã for the prompt tokens
others = sp.MatrixSymbol("Ã_Q", N, K - N)  # and for the unseen ones

PENALTY = m * tau
PRINTED = (
    sp.Trace(Z_query.T * Z_query) - sp.Trace(Z_query.T * Z * (Z.T * Z + PENALTY * sp.Identity(N)).I * Z.T * Z_query)
) / (2 * K)


@dataclass(frozen=True)
class CleanTargets:
    """The loss with clean labels of unseen tokens, its constant times `constant`, the distances times `weight`.

    `target_noise` is what noisy labels add to the squared error of all unseen tokens together.
    """

    experiment: Experiment
    _: KW_ONLY
    constant: sp.Expr = sp.Integer(1)
    weight: sp.Expr = sp.Integer(1)
    target_noise: sp.Expr = sp.Integer(0)

    @property
    def least(self) -> sp.Expr:
        """L*, as it is claimed."""
        return self.constant * PRINTED + self.target_noise / (2 * K)


def derive_prompt(subject: CleanTargets) -> Iterator[Identity]:
    """The prompt tokens contribute Σ_{k≤N} ‖δ_k‖² to 2K L, and nothing else, as in Lemma 5."""
    limit, unit = subject.experiment.limit, sp.Identity(N)
    labels = (Z + noise).T * task
    error = (answers - unit).T * labels
    gram = Z.T * Z + PENALTY * unit
    off = sp.Trace((answers - unit).T * gram * (answers - unit))
    yield prove_expectation(
        "Σ_{k≤N} E(ŷ_k − y_k)²", error.T * error, off * sp.Identity(1), randoms=[Random(noise, tau), Random(task)]
    )
    square = sp.Trace((answers - unit).T * limit.z_bar_squared * (answers - unit))
    yield prove("it is Σ ‖Z̄(ã_k − e_k)‖²", off, subject.weight * square)
    yield prove("and Âe_k = e_k", limit.a_hat * P.T, unit, premises=PROMPT, sample=small_dictionary)


def derive_unseen(subject: CleanTargets) -> Iterator[Identity]:
    """The unseen tokens contribute Σ_{k>N} ‖δ_k‖² + 2K L* to 2K L, with L* as printed."""
    limit = subject.experiment.limit
    labels, gram = (Z + noise).T * task, Z.T * Z + PENALTY * sp.Identity(N)
    error = others.T * labels - Z_query.T * task
    expanded = sp.Trace(others.T * gram * others) - 2 * sp.Trace(others.T * Z.T * Z_query)
    whole = expanded + sp.Trace(Z_query.T * Z_query)
    yield prove_expectation(
        "Σ_{k>N} E(ŷ_k − λᵀz_k)²", error.T * error, whole * sp.Identity(1), randoms=[Random(noise, tau), Random(task)]
    )
    chosen = limit.z_bar_squared.I * Z.T * Z_query
    square = sp.Trace((others - chosen).T * limit.z_bar_squared * (others - chosen))
    yield prove("it is Σ ‖δ_k‖² + 2K L*", whole, subject.weight * square + 2 * K * subject.least)
    yield prove(
        "and Âe_k = (ZᵀZ + mτI)⁻¹Zᵀz_k, k > N",
        limit.a_hat * e_k,
        limit.z_bar_squared.I * Z.T * z_k,
        premises=notation.UNSEEN,
        sample=small_dictionary,
    )


def derive_difference(subject: CleanTargets) -> Iterator[Identity]:
    """With noisy labels the constant is larger by (K − N)mτ/2K: Lemma 5's."""
    noisy = subject.experiment.limit.loss_star
    yield prove("L* of Lemma 5 − L* as printed", noisy - subject.least, (K - N) * PENALTY / (2 * K))


def estimate_loss(subject: CleanTargets) -> Iterator[Estimate]:
    """Sampled prompts with clean labels of unseen tokens have the stated mean loss, at Â and at a random Ã."""
    experiment, theory = subject.experiment, subject.experiment.theory
    data, rng = experiment.instance, stream(experiment.study.seed, "clean targets")
    prompt, count = data.prompt_length, data.dictionary_size
    with flint.ctx.workprec(PRECISION):
        least = float(evaluate(subject.least, symbol_values(data)).mid())
    for name, mixed in (("limit", theory.a_hat), ("random Ã", rng.standard_normal(theory.a_hat.shape) / prompt)):
        losses = []
        for _ in range(SAMPLES // BATCH):
            tasks = sample_tasks(rng, BATCH, data.feature_count)
            labels = sample_labels(rng, tasks, data.features, experiment.study.noise)
            targets = np.concatenate([labels[:, :prompt], tasks @ data.features[prompt:].T], axis=1)
            losses.append(np.sum((labels[:, :prompt] @ mixed - targets) ** 2, axis=1) / (2 * count))
        apart = mixed - theory.a_hat
        claimed = least + float(subject.weight) * float(np.sum(apart * (theory.z_bar_squared @ apart))) / (2 * count)
        yield Estimate(
            name=f"mean loss at the {name}",
            allowed=(claimed, claimed),
            resolution=RESOLUTION * claimed,
            interval=mean_interval(np.concatenate(losses), SPREAD),
            reason=f"median of means, {SAMPLES} prompts",
        )


CLAIM = Claim(
    statement=STATEMENT,
    about=CleanTargets,
    heeds=("N", "K", "d", "m", "tau", "seed", "data", "tokens"),
    assumptions=("assumption1",),
    checks=(derive_prompt, derive_unseen, derive_difference, estimate_loss),
    controls=dict(
        targets_noisy=planted("The constant is that of noisy labels.", target_noise=(K - N) * m * tau),
        twice_the_constant=planted("L* is twice what is printed.", constant=sp.Integer(2)),
        without_the_half=planted("The squared distances are divided by K instead of 2K.", weight=sp.Integer(2)),
        penalty_n_tau=penalty_n_tau,
        penalty_twice=penalty_twice,
        noise_ignores_task=noise_ignores_task,
    ),
    stated=("PRINTED",),
    drops=("noise_ignores_task",),
    catches={
        derive_prompt: ("without_the_half", "penalty_n_tau", "penalty_twice"),
        derive_unseen: (
            "targets_noisy",
            "twice_the_constant",
            "without_the_half",
            "penalty_n_tau",
            "penalty_twice",
        ),
        derive_difference: ("targets_noisy", "twice_the_constant", "penalty_n_tau", "penalty_twice"),
        estimate_loss: ("targets_noisy", "twice_the_constant", "noise_ignores_task"),
    },
)
