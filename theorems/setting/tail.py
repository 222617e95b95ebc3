"""x_δ: what a χ² variable with n degrees of freedom exceeds with probability at most δ, in one place."""

from __future__ import annotations

from typing import Any

import flint
import sympy as sp

from verify.certify import evaluate

count, delta = sp.Symbol("n", integer=True, positive=True), sp.Symbol("δ", positive=True)
_log = sp.log(1 / delta)
WITHOUT_ROOT = count + 2 * _log  # which is too little: a planted defect
THRESHOLD = WITHOUT_ROOT + 2 * sp.sqrt(count * _log)
TAIL = "‖n‖² ≤ τ‖λ‖² x_δ with probability ≥ 1 − δ, x_δ = N + 2√(N log 1/δ) + 2 log 1/δ"
SOURCE = "χ² tail (B. Laurent, P. Massart, Annals of Statistics 28 (2000), Lemma 1)"


def x_delta(n: int, level: float, stated: sp.Expr = THRESHOLD) -> Any:
    """x_δ for n degrees of freedom and δ = `level`, enclosed at flint's precision."""
    return evaluate(stated, {count: n, delta: flint.arb(level)})
