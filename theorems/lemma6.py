"""Lemma 6 [T]: gradient descent with two step sizes is gradient descent with one, in rescaled variables.

With α_h = w_h/γ, γ² = η_w/η_Q and ℓ(ξ) = L(θ) for ξ = {Q_h, α_h}: if θ⁺ = (Q − η_Q ∂L/∂Q, w − η_w ∂L/∂w) and
ξ⁺ = (Q − η_Q ∂ℓ/∂Q, α − η_Q ∂ℓ/∂α), then w⁺ = γ α⁺ and Q⁺ is the same; so by induction for every step t,
for every differentiable L and all d, K, H.

Wrong if the chain rule leaves a remainder, or if two runs of the network, one in each kind of variable,
part company.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass

import numpy as np
import sympy as sp

from numerics.loss import loss_and_gradients
from theorems.setting.experiment import Experiment
from theorems.setting.notation import H, K, d
from theorems.setting.study import stream
from verify.claim import Agreement, Argument, Claim, Identity, Step, planted
from verify.prove import Instance, prove
from verify.prove.matrices import rational

STATEMENT = r"""
alpha_h = w_h / gamma, quad gamma^2 = eta_w / eta_Q, quad ell(xi) = L(theta)
quad ==> quad w^((t)) = gamma alpha^((t)) " for all " t
"""

gamma, eta = sp.symbols("gamma eta_Q", positive=True)
alpha, L_w, E = (sp.MatrixSymbol(name, H, K) for name in ("α", "L_w", "E"))  # L_w = ∂L/∂w at the point, any numbers
Q_h, L_Q = sp.MatrixSymbol("Q_h", d, d), sp.MatrixSymbol("L_Q", d, d)  # one head, and ∂L/∂Q_h

W = gamma * alpha
STEP_W = gamma**2 * eta * L_w  # η_w ∂L/∂w with γ² = η_w/η_Q
STEP_Q = eta * L_Q

STEPS = 25
GAMMA = 8.0  # a power of two: multiplying by it only shifts exponents


@dataclass(frozen=True)
class Rescaling:
    """What is stated, or w = γ^scaling α and η_w = γ^ratio η_Q."""

    experiment: Experiment
    _: KW_ONLY
    scaling: int = 1
    ratio: int = 2

    def weights(self, given: sp.MatrixExpr = alpha) -> sp.MatrixExpr:
        """w_hk; it is linear in α, so this is also how w moves with α."""
        return gamma ** (self.scaling - 1) * W.subs(alpha, given)

    @property
    def step(self) -> sp.MatrixExpr:
        """η_w ∂L/∂w."""
        return gamma ** (self.ratio - 2) * STEP_W


def derive_step(subject: Rescaling) -> Iterator[Identity]:
    """One step in the two kinds of variables gives the same Q⁺, and w⁺ = γα⁺."""
    # ℓ(Q, α) = L(Q, γα) moves along a direction E of α with tr(L_wᵀ w(E)), by the chain rule: with ⟨gradient, E⟩.
    by_alpha = subject.weights(L_w)
    yield prove("∂ℓ/∂α = γ ∂L/∂w", sp.Trace(L_w.T * subject.weights(E)), sp.Trace(by_alpha.T * E))
    yield prove("Q⁺ is the same", Q_h - STEP_Q, Q_h - eta * L_Q)  # w does not move with Q, so ∂ℓ/∂Q = ∂L/∂Q
    yield prove("w⁺ = γα⁺", subject.weights() - subject.step, subject.weights(alpha - eta * by_alpha))


def argue_every_step(subject: Rescaling) -> Iterator[Argument]:
    """From one step to all, by induction over t."""
    yield Argument(
        name="w⁽ᵗ⁾ = γα⁽ᵗ⁾ and the same Q⁽ᵗ⁾ for every t",
        steps=(
            Step(
                expression="w⁽⁰⁾ = γα⁽⁰⁾, and both start from the same Q⁽⁰⁾",
                rule="start of the induction",
            ),
            Step(expression="w⁽ᵗ⁾ = γα⁽ᵗ⁾ and equal Q⁽ᵗ⁾ give the same at t + 1", rule="derive_step"),
        ),
    )


def measure_runs(subject: Rescaling) -> Iterator[Agreement]:
    """Two float64 runs of the network, one in each kind of variables, stay equal to the last bit.

    γ is a power of two, and so is γ². Rounding commutes with such factors (nothing underflows), so
    every number of one run is the other's times a power of two: the tolerance is 0.
    """
    two, one = _run(subject, rescaled=False), _run(subject, rescaled=True)
    for name, predicted, observed in zip(("Q", "w = γα", "ℓ(ξ) = L(θ)"), two, one, strict=True):
        yield Agreement(
            name=f"{name}, {STEPS} steps",
            predicted=predicted,
            observed=observed,
            tolerance=0.0,
            reason="factors that are powers of two round nothing",
        )


def _multiple(stated: sp.MatrixExpr, rate: float) -> float:
    """By what α or a derivative of L is multiplied in an expression, for this η_Q."""
    values = {each: rational.unit_matrix(1) for each in (alpha, L_w, L_Q)}
    return float(Instance({**values, H: 1, K: 1, d: 1, gamma: GAMMA, eta: rate}).evaluate(stated)[0][0])


def _run(subject: Rescaling, *, rescaled: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradient descent from the network's start with random small weights: final Q and w, and the loss of each step."""
    study = subject.experiment.study
    tokens, N = study.instance.tokens, study.instance.prompt_length
    rate = 2.0**-4 / float(np.trace(study.moments))
    unit = _multiple(subject.weights(), rate) if rescaled else 1.0
    by_queries, by_weights = (rate, rate) if rescaled else (_multiple(STEP_Q, rate), _multiple(subject.step, rate))
    start = stream(study.seed, "lemma6").standard_normal(tuple(study.start.weights.shape)) / len(study.start.queries)
    queries, free = study.start.queries.double().numpy(), start / unit
    losses = []
    for _ in range(STEPS):
        loss, slope, slopes = loss_and_gradients(queries, free, tokens, study.moments, N, scale=unit)
        queries, free = queries - by_queries * slope, free - by_weights * slopes
        losses.append(loss)
    return queries, unit * free, np.array(losses)


CLAIM = Claim(
    statement=STATEMENT,
    about=Rescaling,
    heeds=("instance", "start"),
    cites=("chain rule (Rudin, Principles of Mathematical Analysis, 3rd ed., Theorem 9.15)",),
    checks=(derive_step, argue_every_step, measure_runs),
    controls=dict(
        one_step_size=planted("w takes the step η_Q as well, so that γ² is not η_w/η_Q.", ratio=0),
        gamma_not_squared=planted("γ is η_w/η_Q instead of its square root.", ratio=1),
        ratio_inverted=planted("γ² is η_Q/η_w instead of η_w/η_Q.", ratio=-2),
        scaling_inverted=planted("α is γw instead of w/γ.", scaling=-1),
    ),
    stated=("W", "STEP_W", "STEP_Q"),
    drops=("one_step_size",),
    catches={
        derive_step: ("one_step_size", "gamma_not_squared", "ratio_inverted", "scaling_inverted"),
        measure_runs: ("one_step_size", "gamma_not_squared", "ratio_inverted", "scaling_inverted"),
    },
)
