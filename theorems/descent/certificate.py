"""A certified descent as a file that others can check: exact data, claimed bounds, an enclosure of every gap.

`check_certificate.py` beside this file re-checks it from the definitions with Python's integers alone. Data are
hexadecimal float64 numbers; what is derived is rounded outwards to decimals; Â and η_w are exact quotients.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from theorems.checkers.check_certificate import SCHEMA, STATEMENT
from theorems.descent.certified_descent import Followed
from theorems.descent.prescription import enclosed_norms
from theorems.descent.runs import violated
from theorems.descent.trajectory import DescentRun, Trajectory, descend
from theorems.network.enclosed import Ball, enclose
from theorems.setting.constants import A_norm, Delta_0, Z_norm, f_max
from verify import UsageError
from verify.certify.balls import NotPositiveDefiniteError

DIGITS = 17  # of bounds: finer than the 2^-20 by which γ and η_Q keep away from their limits
GAP_DIGITS = 12  # of the enclosures of the gap, and of their width where a ball is not wider
BITS = 128  # of the bounds


def certificate(subject: Followed) -> dict[str, Any]:
    """What `theorems/checkers/check_certificate.py` needs to check the descent of this instance again, on its own."""
    return certificate_of(subject.runs[-1])


def certificate_of(run: DescentRun) -> dict[str, Any]:
    """The certificate of a descent, ready for `json.dump`; the same run gives the same certificate.

    Raises:
        UsageError: a hypothesis of the theorem does not hold, or not every step could be certified.
    """
    broken = violated(run)
    if broken and not run.forced:
        reasons = "; ".join(f"{found.name} {found.reading}" for found in broken)
        raise UsageError(f"there is nothing to certify: {reasons}")
    try:
        trajectory = descend(run)
    except NotPositiveDefiniteError as error:
        raise UsageError(f"there is nothing to certify: {error}") from error
    if trajectory.reached < run.steps:
        raise UsageError(f"steps = {run.steps} are too many: {trajectory.reached} could be certified; ask for no more")
    data, prescription = run.problem.instance, run.prescription
    N, K, d, H = run.problem.sizes
    return {
        "schema": SCHEMA,
        "statement": STATEMENT,
        "source": data.source,
        "N": N,
        "K": K,
        "d": d,
        "m": data.feature_count,
        "H": H,
        "steps": run.steps,
        "tau": float(data.noise).hex(),
        "gamma": prescription.gamma.hex(),
        "eta_Q": prescription.step_queries.hex(),
        "eta_w": str(Fraction(prescription.gamma) ** 2 * Fraction(prescription.step_queries)),
        **_bounds(run),
        "tokens": _hex(run.problem.tokens),
        "features": _hex(data.features),
        "Q": _hex(run.problem.queries),
        "w": _hex(run.problem.weights),
        "A_hat": _limit_matrix(run),
        "gaps": _gaps(trajectory),
    }


def _bounds(run: DescentRun) -> dict[str, str]:
    """The rate and the five numbers that the prescribed step sizes rest on, rounded to the safe side."""
    with flint.ctx.workprec(BITS):
        prescription, known = run.prescription, enclosed_norms(run.problem, enclose(run.problem))
        names = {"norm_Z_bar": Z_norm, "f_max": f_max, "norm_A": A_norm, "Delta_0": Delta_0}
        above = {name: known[symbol] for name, symbol in names.items()}
        least = _decimals(prescription.zeta_0, DIGITS)[0]
        zeta = flint.fmpq(*Fraction(least).as_integer_ratio())  # the rate belongs to ζ₀ as it is claimed
        above["rate"] = 1 - replace(prescription, zeta_0=flint.arb(zeta)).decrease(run.decrease) * run.rate_factor
        return {"zeta_0": least} | {name: _decimals(ball, DIGITS)[1] for name, ball in above.items()}


def _gaps(trajectory: Trajectory) -> list[list[str]]:
    """[low, high] around the gap at every step."""
    with flint.ctx.workprec(trajectory.bits):
        return [list(_decimals(moment.gap, GAP_DIGITS)) for moment in trajectory.moments]


def _decimals(ball: Ball, digits: int) -> tuple[str, str]:
    """Decimals around a ball, closer than its own width and a unit of the last digit, more or less."""
    middle, radius, exponent = map(int, ball.mid_rad_10exp(digits))
    context = Context(prec=100, traps=[Inexact])
    low, high = (Decimal(end).scaleb(exponent, context) for end in (middle - radius, middle + radius))
    return f"{low:e}", f"{high:e}"


def _hex(numbers: Any) -> Any:
    """Hexadecimal floats in nested lists, exactly the numbers of an array."""
    return [_hex(entry) for entry in numbers] if np.ndim(numbers) else float(numbers).hex()


def _limit_matrix(run: DescentRun) -> list[list[str]]:
    """Â = (ZᵀZ + mτI)⁻¹(ZᵀZ̃ + (mτI, 0)) as exact fractions."""
    data, N = run.problem.instance, run.problem.instance.prompt_length
    features = flint.fmpq_mat([[_rational(x) for x in row] for row in data.features.tolist()])
    noise = data.feature_count * _rational(float(data.noise))
    inner = (features * features.transpose()).tolist()[:N]
    moments = [[x + noise * int(i == k) for k, x in enumerate(row)] for i, row in enumerate(inner)]
    solution = flint.fmpq_mat([row[:N] for row in moments]).solve(flint.fmpq_mat(moments))
    return [[str(entry) for entry in row] for row in solution.tolist()]


def _rational(number: float) -> Any:
    """The fraction that a float64 number is."""
    return flint.fmpq(*number.as_integer_ratio())
