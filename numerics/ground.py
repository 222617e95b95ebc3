"""Self-tests of the network: torch against high precision, exact integers and formulas in plain Python.

Each returns None, or a sentence that says what is wrong. Which heads and tokens are tried is a fixed rule: the first
and the last, and those of the largest logit, the largest spread and the most even weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import exp, fsum, isfinite

import mpmath
import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from numerics.measure import UNIT_ROUNDOFF, rounding
from numerics.model import Network, attention, logits, mixture_float64

DIGITS = 30  # of mpmath
FIXED = 256  # bits after the point of the fixed-point products
TOKENS = 6  # whose mixture is recomputed
EXTRA = 16  # roundings of a softmax beside those of its sum: two units for each exponential, and a division


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A network seen in float64: its parameters, the tokens, all logits and attention weights (H x N x K)."""

    network: Network
    tokens: Float[ndarray, "K d"]
    logits: Float[ndarray, "H N K"]
    attention: Float[ndarray, "H N K"]


def seen(network: Network, tokens: Float[ndarray, "K d"], N: int) -> Sight:
    """What torch makes of a network on these tokens."""
    exact, data = network.to(device="cpu", dtype=torch.float64), torch.from_numpy(np.ascontiguousarray(tokens))
    return Sight(
        network=exact,
        tokens=tokens,
        logits=logits(exact.queries, data, N).numpy(),
        attention=attention(exact.queries, data, N).numpy(),
    )


def _pairs(values: ndarray) -> list[tuple[int, int]]:
    """The heads and tokens to try, given all logits (H x N x K)."""
    H, _, K = values.shape
    spread = values.max(axis=1) - values.min(axis=1)
    chosen = [(0, 0), (H - 1, K - 1), (H // 2, K // 2)]
    for measure in (values.max(axis=1), spread, -spread):
        h, k = np.unravel_index(int(measure.argmax()), (H, K))
        chosen.append((int(h), int(k)))
    return list(dict.fromkeys(chosen))


def softmax_trouble(sight: Sight) -> str | None:
    """Attention weights against the softmax of the same logits in mpmath.

    A weight errs by one rounding of its logit's distance to the largest, N in the sum, and a few units.
    """
    given, found, N = sight.logits, sight.attention, sight.logits.shape[1]
    if not np.isfinite(given).all():
        return None  # logits that overflow are no numbers to compare; whatever is measured with them decides nothing
    with mpmath.workdps(DIGITS):
        for h, k in _pairs(given):
            column = [mpmath.mpf(float(x)) for x in given[h, :, k]]
            top = max(column)
            powers = [mpmath.exp(x - top) for x in column]
            total = mpmath.fsum(powers)
            for n, power in enumerate(powers):
                truth, bound = power / total, UNIT_ROUNDOFF * (2 * float(top - column[n]) + N + EXTRA)
                error = abs(mpmath.mpf(float(found[h, n, k])) - truth)
                if not error <= bound * truth + mpmath.mpf(2) ** -1022:
                    return f"weight {n} of head {h}, token {k} is {float(found[h, n, k])!r}, expected {float(truth)!r}"
    return None


def logits_trouble(sight: Sight) -> str | None:
    """V^T Q_h v_k against integers: every number in fixed point, exact to 2^-256."""
    values, tokens, N = sight.logits, sight.tokens, sight.logits.shape[1]
    if not np.isfinite(values).all():
        return None  # as above
    for h, k in _pairs(values)[-2:]:
        matrix = sight.network.queries[h].numpy()
        rows, column = [_fixed(row) for row in matrix], _fixed(tokens[k])
        image = [sum(a * b for a, b in zip(row, column, strict=True)) >> FIXED for row in rows]
        size = float(np.abs(tokens[:N]).max(axis=0) @ np.abs(matrix) @ np.abs(tokens[k]))
        for n in range(N):
            total = sum(a * b for a, b in zip(_fixed(tokens[n]), image, strict=True)) >> FIXED
            truth = float(Fraction(total, 2**FIXED))
            if not abs(float(values[h, n, k]) - truth) <= 2 * rounding(2 * len(column)) * size:
                return f"logit {n} of head {h}, token {k} is {float(values[h, n, k])!r}, expected {truth!r}"
    return None


def _fixed(numbers: ndarray) -> list[int]:
    ratios = (float(x).as_integer_ratio() for x in numbers)
    return [(p << FIXED) >> (q.bit_length() - 1) for p, q in ratios]


def mixture_trouble(sight: Sight, found: Float[ndarray, "N K"] | None = None) -> str | None:
    """Columns of the mixture matrix against sums of exponentials in Python's own arithmetic.

    Args:
        found: the matrix as it was recorded; without one it is computed here, with weights that are nowhere 0.
    """
    exact, given, tokens, N = sight.network, sight.logits, sight.tokens, sight.logits.shape[1]
    if not (np.isfinite(given).all() and (found is None or np.isfinite(found).all())):
        return None  # as above
    if found is None:
        signs = [[(-1.0) ** h * (1 + (h + k) % 3) for k in range(len(tokens))] for h in range(len(exact.weights))]
        exact = Network(queries=exact.queries, weights=exact.weights + torch.tensor(signs, dtype=torch.float64))
        found = mixture_float64(exact, tokens, N)
    weights = exact.weights.numpy()
    largest = float(np.abs(tokens).max()) ** 2 * float(np.abs(exact.queries.numpy()).sum(axis=(1, 2)).max())
    K, d = tokens.shape
    chosen = {*range(0, K, max(1, K // TOKENS)), K - 1, int(np.abs(found).max(axis=0).argmax())}
    for k in sorted(chosen):
        parts = [_softmax(given[h, :, k].tolist()) for h in range(len(weights))]
        spread = float(np.ptp(given[:, :, k], axis=1).max())
        error = UNIT_ROUNDOFF * (2 * spread + N + len(parts) + 2 * EXTRA) + 4 * rounding(2 * d) * largest
        for n in range(N):
            terms = [float(weights[h, k]) * part[n] for h, part in enumerate(parts)]
            if not abs(float(found[n, k]) - fsum(terms)) <= error * fsum(map(abs, terms)) + 1e-300:
                return f"entry ({n}, {k}) of the mixture is {float(found[n, k])!r}, expected {fsum(terms)!r}"
    return None


def _softmax(column: list[float]) -> list[float]:
    top = max(column)
    powers = [exp(x - top) for x in column]
    total = fsum(powers)
    return [power / total for power in powers]


def loss_trouble(
    mixed: Float[ndarray, "N K"], moments: Float[ndarray, "K K"], found: Float[ndarray, " K"]
) -> str | None:
    """The loss of the last token, (a'Ma − 2a'm_k + m_kk)/2, in exact fractions."""
    N, K = mixed.shape
    k = K - 1
    if not (np.isfinite(mixed).all() and np.isfinite(found[k])):
        return None  # as above
    a = [Fraction(float(x)) for x in mixed[:, k]]
    terms = [2 * -x * Fraction(float(moments[n, k])) for n, x in enumerate(a)] + [Fraction(float(moments[k, k]))]
    terms += [x * y * Fraction(float(moments[i, j])) for i, x in enumerate(a) for j, y in enumerate(a)]
    truth, size = float(sum(terms) / 2), float(sum(map(abs, terms)))
    if not abs(float(found[k]) - truth) <= rounding(2 * N + 8) * size:
        return f"the loss of token {k} is {float(found[k])!r}, expected {truth!r}"
    return None


def products_trouble(device: str, tf32: bool) -> str | None:
    """Products of matrices against integers: exact in float64 and float32, and not where TF32 is recorded as on."""
    whole = 4095.0  # 12 bits: its square fits float32's 24, itself does not fit the 11 of TF32 or the 8 of bfloat16
    for dtype in (torch.float64, torch.float32):
        square = torch.eye(64, device=device, dtype=dtype) * whole
        exact = bool(((square @ square).diagonal() == whole * whole).all())
        coarse = tf32 and dtype is torch.float32 and device == "cuda"
        if exact == coarse:
            said = f"{'' if exact else 'not '}exact, and TF32 is recorded as {tf32}"
            return f"4095 · 4095 in {dtype} on {device} is {said}"
    a = torch.arange(9.0, dtype=torch.float64).reshape(3, 3)
    expected = [[15.0, 18.0, 21.0], [42.0, 54.0, 66.0], [69.0, 90.0, 111.0]]
    return None if (a @ a).tolist() == expected else f"a product of integers is {(a @ a).tolist()}, expected {expected}"


def functions_trouble() -> str | None:
    """torch's small functions against values written down."""
    a = torch.tensor([[3.0, 0.0], [0.0, -4.0]], dtype=torch.float64)
    row, third = torch.tensor([2.0, 3.0, 6.0], dtype=torch.float64), 1 / 3
    cases: list[tuple[str, object, object]] = [
        ("norm", torch.linalg.norm(row[None, :], dim=1).tolist(), [7.0]),
        ("matrix norm", torch.linalg.matrix_norm(a[None]).tolist(), [5.0]),
        ("solve", torch.linalg.solve(a, torch.tensor([[6.0], [8.0]], dtype=torch.float64)).tolist(), [[2.0], [-2.0]]),
        ("cat", torch.cat([row[:1], row[2:]]).tolist(), [2.0, 6.0]),
        ("stack", torch.stack([row, -row]).tolist(), [[2.0, 3.0, 6.0], [-2.0, -3.0, -6.0]]),
        ("sum", row.sum().item(), 11.0),
        ("sum of columns", a.sum(dim=0).tolist(), [3.0, -4.0]),
        ("mean", row.mean().item(), 11 / 3),
        ("einsum", torch.einsum("hk,hnk->nk", a, torch.stack([a, 2 * a])).tolist(), [[9.0, 0.0], [0.0, 32.0]]),
        ("transpose", torch.tensor([[1.0, 2.0], [3.0, 4.0]]).T.tolist(), [[1.0, 3.0], [2.0, 4.0]]),
        ("diagonal", a.diagonal().tolist(), [3.0, -4.0]),
        ("from numpy", torch.from_numpy(np.array([third])).tolist(), [third]),
        ("to numpy", (a / 3).numpy().tolist(), [[1.0, 0.0], [0.0, -4 / 3]]),
        ("finite", torch.isfinite(torch.tensor([1.0, float("nan")])).tolist(), [True, False]),
        ("square", row.square().tolist(), [4.0, 9.0, 36.0]),
    ]
    wrong = next((case for case in cases if str(case[1]) != str(case[2])), None)
    return None if wrong is None else f"torch's {wrong[0]} is {wrong[1]}, expected {wrong[2]}"


def finite_and_equal(name: str, found: float, truth: float, error: float) -> str | None:
    """A number against another, within an absolute error."""
    if isfinite(found) and abs(found - truth) <= error:
        return None
    return f"{name} is {found!r}, expected {truth!r}"
