"""Lemma 6 [T]: gradient descent with two step sizes is gradient descent with one, in rescaled variables.

With α_h = w_h/γ, γ² = η_w/η_Q and ℓ(ξ) = L(θ) for ξ = {Q_h, α_h}: if θ⁺ = (Q − η_Q ∂L/∂Q, w − η_w ∂L/∂w) and
ξ⁺ = (Q − η_Q ∂ℓ/∂Q, α − η_Q ∂ℓ/∂α), then w⁺ = γ α⁺ and Q⁺ is the same; so by induction for every step t,
for every differentiable L and all d, K, H.

Wrong if the chain rule leaves a remainder, or if two runs of the network, one in each kind of variable,
part company.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import sympy as sp
import torch

from numerics.loss import population_loss
from numerics.model import Network, mixture
from theorems.setting.experiment import Experiment, stream
from theorems.setting.notation import H, K, d
from theorems.setting.stated import entries
from verify.claim import Agreement, Argument, Claim, Identity, Step
from verify.prove.indices.indexed import Expression, Index, Tensor, derivative, prove_indexed, shorthand, total

STATEMENT = r"""
alpha_h = w_h / gamma, quad gamma^2 = eta_w / eta_Q, quad ell(xi) = L(theta)
quad ==> quad w^((t)) = gamma alpha^((t)) " for all " t
"""

gamma, eta = sp.symbols("gamma eta_Q", positive=True)
h, g = Index("h", H), Index("g", H)
k, l = Index("k", K), Index("l", K)  # noqa: E741  the index after k
a, b, p, q = (Index(name, d) for name in "abpq")
Q, alpha = Tensor("Q", (H, d, d)), Tensor("α", (H, K))
L_Q, L_w = Tensor("L_Q", (H, d, d)), Tensor("L_w", (H, K))  # ∂L/∂Q and ∂L/∂w at the point, any numbers

W: Expression = gamma * alpha[h, k]
STEP_W: Expression = gamma**2 * eta * L_w[g, l]  # η_w ∂L/∂w with γ² = η_w/η_Q
STEP_Q: Expression = eta * L_Q[g, p, q]

STEPS = 25
GAMMA = 8.0  # a power of two: multiplying by it only shifts exponents


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The experiment with w = γ^scaling α and η_w = γ^ratio η_Q."""

    experiment: Experiment
    scaling: int = 1
    ratio: int = 2

    @property
    def weights(self) -> Expression:
        """w_hk."""
        return W if self.scaling == 1 else gamma**self.scaling * alpha[h, k]

    @property
    def step(self) -> Expression:
        """η_w ∂L/∂w."""
        return STEP_W if self.ratio == 2 else gamma**self.ratio * eta * L_w[g, l]


def derive_step(subject: Experiment | Variant) -> Iterator[Identity]:
    """One step in the two kinds of variables gives the same Q⁺, and w⁺ = γα⁺."""
    variant = _variant(subject)
    w, step = shorthand("w", (h, k), variant.weights), variant.step
    # ∂ℓ = Σ (∂L/∂w) ∂w + Σ (∂L/∂Q) ∂Q, the chain rule for ℓ(Q, α) = L(Q, γα).
    by_alpha = total(L_w[h, k] * derivative(w[h, k], alpha[g, l]), h, k)
    by_queries = total(L_Q[h, a, b] * derivative(Q[h, a, b], Q[g, p, q]), h, a, b)
    by_queries += total(L_w[h, k] * derivative(w[h, k], Q[g, p, q]), h, k)
    yield prove_indexed("Q⁺ is the same", Q[g, p, q] - STEP_Q, Q[g, p, q] - eta * by_queries)
    moved = shorthand("w⁺", (g, l), w[g, l] - step)
    scaled = derivative(w[g, l], alpha[g, l]) * (alpha[g, l] - eta * by_alpha)  # w is linear in α
    yield prove_indexed("w⁺ = γα⁺", moved[g, l], scaled)


def argue_every_step(subject: Experiment | Variant) -> Iterator[Argument]:
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


def measure_runs(subject: Experiment | Variant) -> Iterator[Agreement]:
    """Two float64 runs of the network, one in each kind of variables, stay equal to the last bit.

    γ is a power of two, and so is γ². Rounding commutes with such factors (nothing underflows), so
    every number of one run is the other's times a power of two: the tolerance is 0.
    """
    variant = _variant(subject)
    two, one = _run(variant, rescaled=False), _run(variant, rescaled=True)
    for name, predicted, observed in zip(("Q", "w = γα", "ℓ(ξ) = L(θ)"), two, one, strict=True):
        yield Agreement(
            name=f"{name}, {STEPS} steps",
            predicted=predicted,
            observed=observed,
            tolerance=0.0,
            reason="factors that are powers of two round nothing",
        )


def _multiple(stated: Expression, rate: float) -> float:
    """By what α or a derivative of L is multiplied in an expression, for this η_Q."""
    ones = {"α": np.ones((1, 1)), "L_w": np.ones((1, 1)), "L_Q": np.ones((1, 1, 1)), gamma: GAMMA, eta: rate}
    free = sorted(stated.free, key=lambda index: index.name)
    return float(entries(stated, ones, *free).item())


def _run(variant: Variant, *, rescaled: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradient descent from the network's start with random small weights: final Q and w, and the loss of each step."""
    study = variant.experiment.study
    tokens, moments = torch.from_numpy(study.instance.tokens), torch.from_numpy(study.moments)
    rate = 2.0**-4 / float(np.trace(study.moments))
    unit = _multiple(variant.weights, rate) if rescaled else 1.0
    rates = (rate, rate) if rescaled else (_multiple(STEP_Q, rate), _multiple(variant.step, rate))
    start = stream(study.seed, "lemma6").standard_normal(tuple(study.start.weights.shape)) / len(study.start.queries)
    point = [study.start.queries.double().clone(), torch.from_numpy(start) / unit]
    losses = []
    for _ in range(STEPS):
        queries, free = (part.detach().requires_grad_() for part in point)
        mixed = mixture(Network(queries=queries, weights=unit * free), tokens, study.instance.prompt_length)
        loss = population_loss(mixed, moments).mean()
        slopes = torch.autograd.grad(loss, (queries, free))
        point = [part - step * slope for part, step, slope in zip((queries, free), rates, slopes, strict=True)]
        losses.append(float(loss.detach()))
    return point[0].detach().numpy(), (unit * point[1]).detach().numpy(), np.array(losses)


def _variant(subject: Experiment | Variant) -> Variant:
    return subject if isinstance(subject, Variant) else Variant(experiment=subject)


def one_step_size(experiment: Experiment) -> Variant:
    """w takes the step η_Q as well, so that γ² is not η_w/η_Q."""
    return Variant(experiment=experiment, ratio=0)


def gamma_not_squared(experiment: Experiment) -> Variant:
    """γ is η_w/η_Q instead of its square root."""
    return Variant(experiment=experiment, ratio=1)


def ratio_inverted(experiment: Experiment) -> Variant:
    """γ² is η_Q/η_w instead of η_w/η_Q."""
    return Variant(experiment=experiment, ratio=-2)


def scaling_inverted(experiment: Experiment) -> Variant:
    """α is γw instead of w/γ."""
    return Variant(experiment=experiment, scaling=-1)


CLAIM = Claim(
    statement=STATEMENT,
    heeds=("instance", "start"),
    checks=(derive_step, argue_every_step, measure_runs),
    controls=(one_step_size, gamma_not_squared, ratio_inverted, scaling_inverted),
    stated=("W", "STEP_W", "STEP_Q"),
    drops=(one_step_size,),
    catches={
        derive_step: (one_step_size, gamma_not_squared, ratio_inverted, scaling_inverted),
        measure_runs: (one_step_size, gamma_not_squared, ratio_inverted, scaling_inverted),
    },
)
