"""The rank of C_k, the matrix of attention weights, enclosed; and its numerators at Proposition 1's start."""

from __future__ import annotations

from itertools import combinations

import flint
import numpy as np
from jaxtyping import Float
from numpy import ndarray

from verify.certify import balls, cholesky
from verify.certify.balls import NotPositiveDefiniteError
from verify.certify.norms import softmax


def rank_of_attention(
    prompt: Float[ndarray, "N d"], queries: Float[ndarray, "H d d"], token: Float[ndarray, " d"]
) -> tuple[int, int, float]:
    """A lower and an upper bound on rank C_k, and a lower bound on the least eigenvalue of the smaller Gram matrix.

    Equal rows or columns are left out, which does not change the rank. What remains has full rank if its smaller Gram
    matrix G has a Cholesky factor, and then the least eigenvalue is at least 1 / tr(G⁻¹).
    """
    firsts = np.unique(prompt, axis=0, return_index=True)[1]
    different = np.unique(queries, axis=0)
    most = min(len(firsts), len(different))
    left, right = balls(prompt), balls(token[:, None])
    columns = []
    for query in different:
        columns.append(softmax(left * (balls(query) * right)).entries())
    C = flint.arb_mat([[column[row] for column in columns] for row in firsts])
    gram = C * C.transpose() if len(firsts) <= len(columns) else C.transpose() * C
    try:
        cholesky(gram)
    except NotPositiveDefiniteError:
        return 0, most, 0.0
    return most, most, 0.95 * float((1 / gram.inv().trace()).abs_lower())  # still below when printed


def minor_over_vandermonde(
    tokens: Float[ndarray, "n d"], direction: Float[ndarray, " d"], token: Float[ndarray, " d"], *, transposed: bool
) -> flint.arb:
    """det (exp(v_iᵀQ_hv_k)) at Q_h = (h − 1) ε v_kᵀ over Π_{i<j} (x_j − x_i), x_i = exp(‖v_k‖² v_iᵀε).

    Not finite if the product is not known to differ from 0. A control takes Q_h = (h − 1) ε εᵀ.
    """
    rows, column, axis = balls(tokens), balls(token[:, None]), balls(direction[:, None])
    Q = axis * (axis if transposed else column).transpose()
    logits = (rows * Q * column).entries()
    powers = flint.arb_mat([[(g * logit).exp() for g in range(len(tokens))] for logit in logits])
    length = (column.transpose() * column)[0, 0]
    points = [(length * y).exp() for y in (rows * axis).entries()]
    product = flint.arb(1)
    for first, second in combinations(points, 2):
        product *= second - first
    return powers.det() / product
