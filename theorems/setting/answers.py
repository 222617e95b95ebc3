"""What ridge regression answers, ŷ*: y_k on the prompt, λ̂ᵀz_k on unseen tokens; and that the limit answers so."""

from __future__ import annotations

from collections.abc import Iterator

import flint
import numpy as np
import sympy as sp

from theorems.setting.experiment import Experiment
from theorems.setting.limit import PRECISION, Limit, symbol_values
from theorems.setting.notation import PROMPT, UNSEEN, N, P, Z, Z_query, e_k, m, small_dictionary, tau, y, z_k
from verify.certify import as_float64, balls, evaluate
from verify.claim import Identity
from verify.prove import prove

PROMPT_ANSWER = sp.Identity(N)  # columns k ≤ N of Â: ŷ*_k = y_k
UNSEEN_ANSWER = (Z * (Z.T * Z + m * tau * sp.Identity(N)).I * y).T * z_k  # λ̂ᵀz_k


def prompt_labels(limit: Limit, stated: sp.MatrixExpr = PROMPT_ANSWER) -> Iterator[Identity]:
    """The first N columns of Â are as stated."""
    yield prove("Â (I_N, 0)ᵀ = I_N", limit.a_hat * P.T, stated, premises=PROMPT, sample=small_dictionary)


def unseen_labels(limit: Limit, stated: sp.MatrixExpr = UNSEEN_ANSWER) -> Iterator[Identity]:
    """yᵀâ_k is as stated for every unseen token k."""
    yield prove("yᵀâ_k = λ̂ᵀz_k", y.T * limit.a_hat * e_k, stated, premises=UNSEEN, sample=small_dictionary)


def stated_answers(
    experiment: Experiment, labels: np.ndarray, prompt: sp.MatrixExpr, unseen: sp.MatrixExpr
) -> np.ndarray:
    """ŷ* (P × K) for the labels in each column (N × P), by the formulas for the prompt and for unseen tokens."""
    columns = sp.MatrixSymbol("Y", N, labels.shape[1])
    with flint.ctx.workprec(PRECISION):
        known = symbol_values(experiment.instance) | {columns: balls(labels)}
        parts = evaluate(columns.T * prompt, known), evaluate(unseen.xreplace({y: columns, z_k: Z_query}), known)
        return np.hstack([as_float64(part.mid())[0] for part in parts])
