"""Self-tests of training: the gradient against central differences in mpmath, optimizers against their formulas."""

from __future__ import annotations

from math import sqrt
from typing import Any, Literal

import mpmath
import numpy as np
import torch
from numpy import ndarray

from numerics.ground import finite_and_equal
from numerics.loss import population_loss
from numerics.model import Network, mixture
from numerics.recipe import Recipe
from numerics.training import ADAM_BETAS, optimizer_of

DIGITS, STEP = 50, "1e-15"  # a central difference errs by about STEP², far below float64
RELATIVE = 1e-11  # some hundred roundings of a gradient of size 1
EPSILON = 1e-8  # Adam's, as torch documents it
N, K, d, H = 3, 4, 2, 2  # of a small network of its own


def _numbers(count: int, start: int) -> list[float]:
    """Multiples of 1/16 from −1 to 1, without pattern."""
    return [((start + 7 * i * i + 3 * i) % 33 - 16) / 16 for i in range(count)]


def _small() -> tuple[ndarray, ndarray, ndarray, ndarray]:
    root = np.array(_numbers(K * K, 9)).reshape(K, K)
    return (
        np.array(_numbers(H * d * d, 3)).reshape(H, d, d),
        np.array(_numbers(H * K, 5)).reshape(H, K),
        np.array(_numbers(K * d, 1)).reshape(K, d),
        root @ root.T,
    )


def _loss(queries: Any, weights: Any, tokens: ndarray, moments: ndarray) -> Any:
    """The population loss from its definition, in mpmath; parameters are nested lists."""
    total = mpmath.mpf(0)
    for k in range(K):
        a = [mpmath.mpf(0)] * N
        for h in range(H):
            image = [sum(queries[h][i][j] * float(tokens[k, j]) for j in range(d)) for i in range(d)]
            powers = [mpmath.exp(sum(float(tokens[n, i]) * image[i] for i in range(d))) for n in range(N)]
            whole = mpmath.fsum(powers)
            a = [x + weights[h][k] * power / whole for x, power in zip(a, powers, strict=True)]
        quadratic = sum(a[i] * a[j] * float(moments[i, j]) for i in range(N) for j in range(N))
        total += quadratic - 2 * sum(a[n] * float(moments[n, k]) for n in range(N)) + float(moments[k, k])
    return total / (2 * K)


def gradient_trouble() -> str | None:
    """torch's gradient of the loss, by `grad` and by `backward`, along directions that touch every parameter."""
    queries, weights, tokens, moments = _small()
    leaves = [torch.tensor(x, requires_grad=True) for x in (queries, weights)]
    mixed = mixture(Network(queries=leaves[0], weights=leaves[1]), torch.tensor(tokens), N)
    loss = population_loss(mixed, torch.tensor(moments)).mean()
    by_grad = [x.numpy() for x in torch.autograd.grad(loss, leaves, retain_graph=True)]
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    by_backward = [np.zeros(1) if leaf.grad is None else leaf.grad.numpy() for leaf in leaves]
    with mpmath.workdps(DIGITS):
        value = float(_loss(queries.tolist(), weights.tolist(), tokens, moments))
        trouble = finite_and_equal("the loss", float(loss.detach()), value, RELATIVE * abs(value))
        for part, (shape, other) in enumerate(((queries.shape, weights.shape), (weights.shape, queries.shape))):
            along, rest = np.array(_numbers(int(np.prod(shape)), 2)).reshape(shape) + 1 / 64, np.zeros(other)
            truth = _slope(*((along, rest) if part == 0 else (rest, along)))
            for name, parts in (("grad", by_grad), ("backward", by_backward)):
                found = float((parts[part] * along).sum())
                trouble = trouble or finite_and_equal(f"the derivative by {name}", found, truth, RELATIVE)
    return trouble


def _slope(by_queries: ndarray, by_weights: ndarray) -> float:
    queries, weights, tokens, moments = _small()
    step = mpmath.mpf(STEP)

    def moved(array: ndarray, along: ndarray, sign: int) -> Any:
        result = array.astype(object)
        for place, x in np.ndenumerate(array):
            result[place] = mpmath.mpf(float(x)) + sign * step * mpmath.mpf(float(along[place]))
        return result.tolist()

    ahead, behind = (
        _loss(moved(queries, by_queries, sign), moved(weights, by_weights, sign), tokens, moments) for sign in (1, -1)
    )
    return float((ahead - behind) / (2 * step))


def optimizer_trouble(kind: Literal["adam", "gd"]) -> str | None:
    """Three steps with given gradients against the formula, in plain Python.

    D. Kingma, J. Ba, Adam, ICLR 2015, Algorithm 1; gradient descent is θ − ηg.
    """
    recipe = Recipe(steps=3, optimizer=kind, rate_queries=0.01, rate_weights=0.03)
    queries, weights, _, _ = _small()
    leaves = [torch.tensor(x, requires_grad=True) for x in (queries, weights)]
    optimizer = optimizer_of(recipe, *leaves)
    for step in range(3):
        for place, leaf in enumerate(leaves):
            leaf.grad = torch.tensor(_numbers(leaf.numel(), 4 + step + place), dtype=torch.float64).reshape(leaf.shape)
        optimizer.step()
    for place, (before, leaf, rate) in enumerate(zip((queries, weights), leaves, (0.01, 0.03), strict=True)):
        gradients = [_numbers(leaf.numel(), 4 + step + place) for step in range(3)]
        for i, start in enumerate(before.ravel().tolist()):
            truth = _stepped(kind, start, [each[i] for each in gradients], rate)
            found = float(leaf.detach().ravel()[i])
            trouble = finite_and_equal(f"parameter {i} after three steps of {kind}", found, truth, 1e-14)
            if trouble:
                return trouble
    return None


def _stepped(kind: str, value: float, gradients: list[float], rate: float) -> float:
    first = second = 0.0
    for step, g in enumerate(gradients, 1):
        if kind == "gd":
            value -= rate * g
            continue
        one, two = ADAM_BETAS
        first, second = one * first + (1 - one) * g, two * second + (1 - two) * g * g
        value -= rate * first / (1 - one**step) / (sqrt(second / (1 - two**step)) + EPSILON)
    return value
