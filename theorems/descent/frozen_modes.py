"""Gradient descent with Q frozen: the gap at powers of 2, the fastest mode, what the slowest holds of the gap."""

from __future__ import annotations

from functools import lru_cache

import flint
import numpy as np

from theorems.descent.trajectory import DescentRun
from theorems.network.enclosed import Ball, Enclosed, Matrix, Problem, by_token, enclose
from verify.certify.balls import as_float64
from verify.certify.compare import lower
from verify.certify.norms import largest, largest_eigenvalue, sum_of_squares
from verify.certify.precision import until_decided
from verify.claim import Assumption

BITS = 128  # at first; a power doubles the relative error of its base, so thirty squarings leave 98 bits
ACCURACY = 64  # bits of every gap
# The slowest mode is asked to hold 10⁻⁶ of the gap at the start; then Δ⁽ᵗ⁾ is at least 10⁻⁶ of the sharp bound, and
# because log Δ is convex in t, the exponent at t exceeds the sharp one by at most log(10⁶)/t.
SHARE = 1e-6


def share_of(run: DescentRun) -> Assumption:
    """How much of the gap at the start the slowest mode holds: (vᵀδ_k)² / Σ_k ‖δ_k‖², B_kB_kᵀv = λ_min v, enclosed.

    The mode is that of the token whose least eigenvalue is the smallest in float64. A mode that is not as
    slow as ζ₀ to within 2⁻²⁵, or not told apart from the others at this precision, counts as 0.
    """
    with flint.ctx.workprec(BITS):
        enclosed = enclose(run.problem)
        start = (enclosed.z_bar * enclosed.a_hat).transpose()
        products = [B * B.transpose() for B in _mixed(enclosed, run.problem)]
        k = int(np.argmin([np.linalg.eigvalsh(as_float64(B)[0])[0] for B in products]))
        held = _held(products[k], start.tolist()[k], run.prescription.zeta_0)
        share = max(0.0, lower(held / sum_of_squares(start.entries())))
    return Assumption(
        name="slowest mode",
        margin=flint.arb(share) / flint.arb(SHARE) - 1,
        elsewhere=run.elsewhere,
        meaning=f"{run.name}: it holds {share:.3g} of the gap at the start, at least {SHARE:g} is used",
        quantities={"share": share},
    )


def _held(product: Matrix, start: list[Ball], zeta_0: Ball) -> Ball:
    """(vᵀδ)² for the eigenvector v of the least eigenvalue, of length 1; 0 where it is not isolated or not ζ₀."""
    try:
        values, vectors = flint.acb_mat(product).eig(right=True)
    except ValueError:
        return flint.arb(0)
    place = min(range(len(values)), key=lambda j: float(values[j].real.mid()))
    if not values[place].real <= zeta_0 * (1 + flint.arb(2) ** -25):
        return flint.arb(0)
    column = [vectors[i, place] for i in range(len(values))]
    inner = sum((entry * part for entry, part in zip(column, start, strict=True)), flint.acb(0))
    return abs(inner) ** 2 / sum((abs(entry) ** 2 for entry in column), flint.arb(0))


def largest_of(problem: Problem) -> Ball:
    """max_k λ_max(B_kB_kᵀ)."""
    return largest(largest_eigenvalue(B * B.transpose()) for B in _mixed(enclose(problem), problem))


@lru_cache(maxsize=8)
def gaps_at_powers(run: DescentRun, factor: float, doublings: int) -> list[Ball] | None:
    """Δ⁽ᵗ⁾ of the closed form with the step `factor` η_w, at t = 0 and t = 2ʲ for j = 0, …, `doublings`.

    None if some gap could not be found to `ACCURACY` bits.
    """
    attempt = until_decided(
        lambda: _gaps(run, factor, doublings),
        lambda gaps: all(gap.rel_accuracy_bits() >= ACCURACY for gap in gaps),
        bits=BITS,
    )
    return attempt.value if attempt.decided and attempt.value is not None else None


def _gaps(run: DescentRun, factor: float, doublings: int) -> list[Ball]:
    enclosed, step = enclose(run.problem), factor * run.prescription.step_weights
    size = range(run.problem.sizes[0])
    identity = flint.arb_mat([[int(i == j) for j in size] for i in size])
    start = enclosed.z_bar * enclosed.a_hat
    totals = [sum_of_squares(start.entries())] + [flint.arb(0)] * (doublings + 1)
    for k, B in enumerate(_mixed(enclosed, run.problem)):
        power = identity - B * B.transpose() * (step / enclosed.K)
        delta = flint.arb_mat([[row[k]] for row in start.tolist()])
        for j in range(doublings + 1):
            totals[j + 1] += sum_of_squares((power * delta).entries())
            power = power * power if j < doublings else power
    return [total / (2 * enclosed.K) for total in totals]


def _mixed(enclosed: Enclosed, problem: Problem) -> list[Matrix]:
    """B_k at the start, for every token."""
    return [enclosed.z_bar * C for C in by_token(enclosed.attention_of(problem))]
