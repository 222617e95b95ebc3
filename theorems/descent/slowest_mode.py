"""The modes of gradient descent with Q frozen: the fastest, and how much of the gap the slowest holds at the start."""

from __future__ import annotations

import flint
import numpy as np

from theorems.descent.trajectory import DescentRun
from theorems.network.enclosed import Ball, Matrix, Problem, by_token, enclose
from verify.certify import balls
from verify.certify.balls import as_float64
from verify.certify.compare import lower
from verify.certify.norms import largest, largest_eigenvalue, sum_of_squares
from verify.claim import Assumption

BITS = 128
# The slowest mode is asked to hold 10⁻⁶ of the gap at the start; then Δ⁽ᵗ⁾ is at least 10⁻⁶ of the sharp bound, and
# because log Δ is convex in t, the exponent at t exceeds the sharp one by at most log(10⁶)/t.
SHARE = 1e-6


def share_of(plan: DescentRun) -> Assumption:
    """How much of the gap at the start the slowest mode holds: (vᵀδ_k)² / Σ_k ‖δ_k‖², B_kB_kᵀv = λ_min v, enclosed.

    The mode is that of the token whose least eigenvalue is the smallest in float64. A mode that is not as
    slow as ζ₀ to within 2⁻²⁵, or not told apart from the others at this precision, counts as 0.
    """
    with flint.ctx.workprec(BITS):
        enclosed = enclose(plan.problem)
        start = (enclosed.z_bar * enclosed.a_hat).transpose()
        mixings = by_token(enclosed.attention([balls(query) for query in plan.problem.queries]))
        products = [enclosed.z_bar * C * C.transpose() * enclosed.z_bar.transpose() for C in mixings]
        k = int(np.argmin([np.linalg.eigvalsh(as_float64(B)[0])[0] for B in products]))
        held = _held(products[k], start.tolist()[k], plan.prescription.zeta_0)
        share = max(0.0, lower(held / sum_of_squares(start.entries())))
    return Assumption(
        name="slowest mode",
        margin=flint.arb(share) / flint.arb(SHARE) - 1,
        elsewhere=plan.elsewhere,
        meaning=f"{plan.name}: it holds {share:.3g} of the gap at the start, at least {SHARE:g} is used",
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
    enclosed = enclose(problem)
    mixings = by_token(enclosed.attention([balls(query) for query in problem.queries]))
    products = [enclosed.z_bar * mixing for mixing in mixings]
    return largest(largest_eigenvalue(B * B.transpose()) for B in products)
