"""The constants of the descent as the statements give them; their files derive them, and runs are made with them."""

from __future__ import annotations

import sympy as sp

from theorems.setting.constants import (
    A_norm,
    B,
    D,
    Delta_0,
    Z_norm,
    Z_size,
    alpha,
    epsilon,
    f_max,
    gamma,
    threshold,
    zeta_0,
)
from theorems.setting.notation import H, K, m, tau

STATED_D = gamma * H * alpha * Z_norm + A_norm  # Lemma 9

LIPSCHITZ_MATRIX = sp.ImmutableMatrix(  # Lemma 10: L is its spectral norm
    [
        [
            gamma * f_max / K * (4 * alpha**2 * gamma * Z_norm * H * K + 8 * alpha * D * K),
            gamma * f_max / K * (2 * D * sp.sqrt(K) + 2 * alpha * gamma * Z_norm * H * sp.sqrt(K)),
        ],
        [
            gamma * Z_norm / K * (2 * alpha * gamma * Z_norm * H * sp.sqrt(K) + 2 * D * sp.sqrt(K)),
            gamma**2 * Z_norm**2 * H / K,
        ],
    ]
)
ENTRIES = sp.ImmutableMatrix([[sp.Symbol(f"L{row}{col}", nonnegative=True) for col in "qa"] for row in "qa"])

SIGMA = gamma**2 * zeta_0 / (2 * K)  # the Polyak–Łojasiewicz inequality

STATED_ALPHA = 4 * sp.sqrt(2 * K) * Z_norm * sp.sqrt(Delta_0) / (gamma * zeta_0)  # Drift
STATED_DRIFT = 128 * sp.sqrt(K) ** 3 * sp.sqrt(H) * Z_norm**2 * f_max * Delta_0 / (gamma**2 * zeta_0**2)
STATED_ROOM = (1 - 1 / sp.sqrt(2)) * sp.sqrt(zeta_0)

# With the sharp Lemma 2
SHARP_D = gamma * H * alpha * f_max + A_norm
_mixed = gamma * f_max / sp.sqrt(K) * (D + alpha * gamma * f_max * H)
SHARP_MATRIX = sp.ImmutableMatrix(
    [[gamma * f_max * alpha * (alpha * gamma * f_max * H + 3 * D), _mixed], [_mixed, gamma**2 * f_max**2 * H / K]]
)

# Along the whole path of gradient descent
WIDE_GAMMA = 16 * sp.sqrt(2) * (2 + sp.sqrt(2)) * K * f_max**2 * Delta_0 / zeta_0**2
WIDE_ALPHA = 4 * sp.sqrt(K) * sp.sqrt(Delta_0) / (gamma * sp.sqrt(zeta_0))
WIDE_QUERIES = 16 * sp.sqrt(2) * f_max * K * Delta_0 / (gamma**2 * sp.sqrt(zeta_0) ** 3)

RATIO = 2 * B**2 * (Z_size**2 + tau * threshold) * Delta_0 / (m * tau * epsilon)  # Theorem 2: the gap falls by it


def spectral_norm(matrix: sp.MatrixBase) -> sp.Expr:
    """‖M‖₂ of a 2 × 2 matrix: the larger root of x² − tr(MᵀM) x + det(M)² is ‖M‖₂²."""
    trace, determinant = sum(entry**2 for entry in matrix), matrix.det()
    return sp.sqrt((trace + sp.sqrt(trace**2 - 4 * determinant**2)) / 2)
