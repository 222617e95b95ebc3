"""Best penalty for isotropic tasks [T, the law of the tasks B]: if λ is isotropic on the range of Z, Nτ is the best.

Let rank Z = N ≤ m and λ = U g, with an orthonormal basis U ∈ R^{m×N} of the range of Z and E ggᵀ = I_N, so that
E‖λ‖² = N. Then for every unseen token E(yᵀa − λᵀz_k)² = aᵀ(ZᵀZ + NτI)a − 2aᵀZᵀz_k + ‖Uᵀz_k‖², and ridge with penalty
Nτ, the paper's best choice, is the only minimiser. It is the law of training, E λλᵀ = I_m, E‖λ‖² = m, that makes it mτ
(the claims `best` and `best_as_stated`): the paper's statement is true with this hypothesis and false without.

Wrong if an identity leaves a remainder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from random import Random as Generator
from typing import Any

import sympy as sp

from theorems.setting.experiment import Experiment
from theorems.setting.notation import N, Z, m, tau, z_k
from verify.claim import Claim, Identity, planted
from verify.prove import Equation, Random, prove, prove_expectation, prove_positive_definite

STATEMENT = r"""
"rank" Z = N <= m, quad lambda = U g, quad U^top U = I_N, quad U U^top Z = Z, quad EE g g^top = I_N quad ==> \
EE(y^top a - lambda^top z_k)^2 = a^top (Z^top Z + N tau I) a - 2 a^top Z^top z_k + norm(U^top z_k)^2,
quad "least at" a = (Z^top Z + N tau I)^(-1) Z^top z_k "only"
"""

a: Any = sp.MatrixSymbol("a", N, 1)  # any linear predictor yᵀa
noise: Any = sp.MatrixSymbol("ε", m, N)
basis: Any = sp.MatrixSymbol("U", m, N)
share: Any = sp.MatrixSymbol("g", N, 1)

PENALTY = N * tau
RISK = (
    sp.Trace(a.T * (Z.T * Z + PENALTY * sp.Identity(N)) * a)
    - 2 * sp.Trace(a.T * Z.T * z_k)
    + sp.Trace(z_k.T * basis * basis.T * z_k)
)

ORTHONORMAL = Equation(basis.T * basis, sp.Identity(N), "UᵀU = I")
OF_RANGE = Equation(basis * basis.T * Z, Z, "UUᵀZ = Z: the tasks reach the range of Z")


@dataclass(frozen=True)
class Isotropic:
    """The penalty that is said to be best, the variance of g, and whether U is a basis of the range of Z."""

    experiment: Experiment
    _: KW_ONLY
    penalty: sp.Expr = N * tau
    variance: sp.Expr = sp.Integer(1)
    of_range: bool = True


def derive_risk(subject: Isotropic) -> Iterator[Identity]:
    """E(yᵀa − λᵀz_k)² is that quadratic function of a, with the penalty Nτ."""
    drawn = basis * share
    error = a.T * (Z + noise).T * drawn - z_k.T * drawn

    def tasks(sizes: Mapping[Any, int], rng: Generator) -> Mapping[Any, Any] | None:
        return _basis(sizes, rng, of_range=subject.of_range)

    yield prove_expectation(
        "E(yᵀa − λᵀz_k)²",
        error * error.T,
        RISK * sp.Identity(1),
        randoms=[Random(noise, tau), Random(share, subject.variance)],
        premises=(ORTHONORMAL, OF_RANGE) if subject.of_range else (ORTHONORMAL,),
        sample=tasks,
    )


def _basis(sizes: Mapping[Any, int], rng: Generator, *, of_range: bool) -> Mapping[Any, Any] | None:
    """U = (I, 0)ᵀ, and a Z whose other rows are 0 where it is a basis of its range; None for m < N."""
    if sizes[m] < sizes[N]:
        return None
    inside = [row < sizes[N] or not of_range for row in range(sizes[m])]
    return {
        basis: [[int(i == j) for j in range(sizes[N])] for i in range(sizes[m])],
        Z: [[rng.randint(-3, 3) * kept for _ in range(sizes[N])] for kept in inside],
    }


def derive_minimiser(subject: Isotropic) -> Iterator[Identity]:
    """It exceeds its value at â = (ZᵀZ + NτI)⁻¹Zᵀz_k by (a − â)ᵀ(ZᵀZ + NτI)(a − â), which is positive."""
    chosen = (Z.T * Z + subject.penalty * sp.Identity(N)).I * Z.T * z_k
    square = Z.T * Z + PENALTY * sp.Identity(N)
    excess = sp.Trace((a - chosen).T * square * (a - chosen))
    yield prove("R(a) − R(â) = (a − â)ᵀ(ZᵀZ + NτI)(a − â)", RISK - RISK.subs(a, chosen), excess)
    yield prove_positive_definite("ZᵀZ + NτI ≻ 0", square, factor=Z, shift=PENALTY)


CLAIM = Claim(
    statement=STATEMENT,
    about=Isotropic,
    checks=(derive_risk, derive_minimiser),
    controls=dict(
        m_tau=planted("The best penalty is mτ.", penalty=m * tau),
        twice=planted("The best penalty is 2Nτ.", penalty=2 * N * tau),
        other_variance=planted("The entries of g have variance 2.", variance=sp.Integer(2)),
        beyond_the_range=planted("The tasks do not reach the range of Z.", of_range=False),
    ),
    stated=("RISK",),
    drops=("other_variance", "beyond_the_range"),
    catches={
        derive_risk: ("other_variance", "beyond_the_range"),
        derive_minimiser: ("m_tau", "twice"),
    },
)
