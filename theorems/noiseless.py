"""Noiseless features [T]: without noise the limit is Z†Z̃, and it reproduces every label exactly.

If τ = 0 and rank Z = m ≤ N, then Z† = Zᵀ(ZZᵀ)⁻¹, Â = (ZᵀZ)†ZᵀZ̃ = Z†Z̃, and labels y = Zᵀλ of the prompt give
yᵀÂ = λᵀZ̃: the labels of all K tokens, unseen ones included, whatever λ is.

Beyond the paper, how Â for τ > 0 gets there: Â(τ) = Â(0) − mτ Z†(ZZᵀ + mτI)⁻¹(Z̃ − (Z, 0)) exactly, with
Â(0) = Z†Z̃ + (I − Z†Z, 0). So the limit for τ → 0 has unit vectors in the prompt's columns, where Z†Z̃ has those of
Z†Z; the two are equal for m = N only, but labels y = Zᵀλ do not see the difference.

Wrong if an identity leaves a remainder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from functools import partial
from random import Random

import sympy as sp

from theorems.setting.defects import penalty_n_tau, penalty_twice
from theorems.setting.experiment import Experiment
from theorems.setting.notation import PROMPT, Drawn, N, P, Sizes, Z, Z_tilde, m, small_dictionary, task, tau
from verify.claim import Argument, Claim, Identity, Step, planted
from verify.prove import Equation, prove
from verify.prove.matrices.rational import draw, from_flint, to_flint

STATEMENT = r"""
tau = 0, quad "rank" Z = m <= N quad ==> quad
hat(A) = (Z^top Z)^dagger Z^top tilde(Z) = Z^dagger tilde(Z), quad
y = Z^top lambda ==> y^top hat(A) = lambda^top tilde(Z), \
hat(A)(tau) = hat(A)(0) - m tau Z^dagger (Z Z^top + m tau I)^(-1) (tilde(Z) - (Z, 0)), quad
hat(A)(0) = Z^dagger tilde(Z) + (I - Z^dagger Z, 0)
"""

noise = sp.MatrixSymbol("ε", N, 1)
gram = Z * Z.T  # m x m; writing its inverse asserts rank Z = m
pseudo = sp.MatrixSymbol("Z†", N, m)

INVERSE = Z.T * gram.I
AT_ZERO = pseudo * Z_tilde + (sp.Identity(N) - pseudo * Z) * P
REST = m * tau * pseudo * (gram + m * tau * sp.Identity(m)).I * (Z_tilde - Z * P)  # Â(0) − Â(τ)
LABELS = task.T * Z_tilde


@dataclass(frozen=True)
class Pseudoinverse:
    """What is taken for Z†, the noise on the prompt's labels, and how many of Penrose's equations are asked."""

    experiment: Experiment
    _: KW_ONLY
    candidate: sp.MatrixExpr = pseudo
    label_noise: sp.MatrixExpr = sp.ZeroMatrix(N, 1)
    equations: int = 4

    @property
    def inverse(self) -> sp.MatrixExpr:
        """What is claimed to be Z†."""
        return self.candidate.subs(pseudo, INVERSE)


def penrose(A: sp.MatrixExpr, X: sp.MatrixExpr, a: str, x: str) -> tuple[Equation, ...]:
    """Penrose's four equations for X = A†, with what their names call the two."""
    return (
        Equation(A * X * A, A, f"{a} {x} {a} = {a}"),
        Equation(X * A * X, X, f"{x} {a} {x} = {x}"),
        Equation((A * X).T, A * X, f"{a} {x} is symmetric"),
        Equation((X * A).T, X * A, f"{x} {a} is symmetric"),
    )


def derive_pseudoinverse(subject: Pseudoinverse) -> Iterator[Identity]:
    """Zᵀ(ZZᵀ)⁻¹ satisfies Penrose's four equations, so it is the pseudoinverse Z†."""
    for equation in penrose(Z, subject.inverse, "Z", "Z†"):
        yield prove(equation.name, equation.left, equation.right)


def derive_uniqueness(subject: Pseudoinverse) -> Iterator[Identity]:
    """Penrose's four equations have at most one solution."""
    first, second = (sp.MatrixSymbol(name, N, m) for name in "XY")
    asked = subject.equations
    premises = (*penrose(Z, first, "Z", "X")[:asked], *penrose(Z, second, "Z", "Y")[:asked])
    yield prove("X = Y", first, second, premises=premises, sample=partial(_inverses, first, second, asked))


def derive_limit(subject: Pseudoinverse) -> Iterator[Identity]:
    """(ZᵀZ)† = Z†Z†ᵀ by the same four equations, so Â = (ZᵀZ)†ZᵀZ̃ = Z†Z̃."""
    X = subject.inverse
    inverse = X * X.T
    for equation in penrose(Z.T * Z, inverse, "ZᵀZ", "(ZᵀZ)†"):
        yield prove(equation.name, equation.left, equation.right)
    yield prove("(ZᵀZ)†ZᵀZ̃ = Z†Z̃", inverse * Z.T * Z_tilde, X * Z_tilde)


def derive_labels(subject: Pseudoinverse) -> Iterator[Identity]:
    """yᵀZ†Z̃ = λᵀZ̃ for y = Zᵀλ: every label is reproduced."""
    labels = Z.T * task + subject.label_noise
    yield prove("yᵀÂ = λᵀZ̃", labels.T * subject.inverse * Z_tilde, LABELS)


def derive_vanishing_noise(subject: Pseudoinverse) -> Iterator[Identity]:
    """Â(τ) differs from its limit by mτ times a bounded matrix; labels without noise are reproduced there too."""
    X, limit = subject.inverse, subject.experiment.limit
    at_zero, rest, ridge = AT_ZERO.subs(pseudo, X), REST.subs(pseudo, X), (gram + m * tau * sp.Identity(m)).I
    yield prove("Â(τ) = Â(0) − mτ Z†(ZZᵀ + mτI)⁻¹(Z̃ − ZP)", limit.a_hat, at_zero - rest, sample=_full_rank)
    squares = ridge.T * ridge + m * tau * (Z.T * gram.I * ridge).T * (Z.T * gram.I * ridge)
    yield prove("(ZZᵀ)⁻¹ − (ZZᵀ + mτI)⁻¹ = mτ (a sum of two Gram matrices)", gram.I - ridge, m * tau * squares)
    labels = Z.T * task + subject.label_noise
    yield prove("yᵀÂ(0) = λᵀZ̃", labels.T * at_zero, LABELS)
    yield prove("Â(0)Pᵀ = I", at_zero * P.T, sp.Identity(N), premises=PROMPT, sample=_full_rank)


def argue_rate(subject: Pseudoinverse) -> Iterator[Argument]:
    """Â(τ) tends to Â(0) for τ → 0, at the rate τ."""
    yield Argument(
        name="‖Â(τ) − Â(0)‖ ≤ mτ ‖Z†‖ ‖(ZZᵀ)⁻¹‖ ‖Z̃ − (Z, 0)‖, which tends to 0",
        steps=(
            Step(expression="0 ⪯ (ZZᵀ + mτI)⁻¹ ⪯ (ZZᵀ)⁻¹", rule="a Gram matrix is positive semidefinite"),
            Step(expression="‖(ZZᵀ + mτI)⁻¹‖₂ ≤ ‖(ZZᵀ)⁻¹‖₂, whatever τ is", rule="the spectral norm rises with ⪯"),
        ),
    )


def _full_rank(sizes: Sizes, rng: Random) -> Drawn:
    """Small integers; where Z has a smaller rank than m the inverse is not defined and the draw is passed over."""
    return small_dictionary(sizes, rng) if sizes[m] <= sizes[N] else None


def _inverses(first: sp.MatrixSymbol, second: sp.MatrixSymbol, asked: int, sizes: Sizes, rng: Random) -> Drawn:
    """A Z of full row rank and two solutions of the equations asked: right inverses, if the fourth is left out."""
    features = to_flint(draw(rng, sizes[m], sizes[N]))
    try:
        inverse = features.transpose() * (features * features.transpose()).inv()
    except ZeroDivisionError:
        return None
    free = to_flint(draw(rng, sizes[N], sizes[m])) if asked < 4 else inverse * 0
    other = inverse + free - inverse * features * free  # W − Z†ZW is annihilated by Z
    return {letter: from_flint(value) for letter, value in ((Z, features), (first, inverse), (second, other))}


CLAIM = Claim(
    statement=STATEMENT,
    about=Pseudoinverse,
    checks=(derive_pseudoinverse, derive_uniqueness, derive_limit, derive_labels, derive_vanishing_noise, argue_rate),
    controls=dict(
        wrong_side=planted("Z† is (ZᵀZ)⁻¹Zᵀ, as if the rank were N instead of m.", candidate=(Z.T * Z).I * Z.T),
        transpose_for_inverse=planted("Z† is Zᵀ, as if the features were orthonormal.", candidate=Z.T),
        inverse_twice=planted("Z† is Zᵀ(ZZᵀ)⁻²: a wrong exponent.", candidate=pseudo * gram.I),
        labels_noisy=planted("The prompt's labels carry noise after all.", label_noise=noise),
        penalty_n_tau=penalty_n_tau,
        penalty_twice=penalty_twice,
        three_equations=planted(
            "Z†Z need not be symmetric: the fourth of Penrose's equations is dropped.", equations=3
        ),
    ),
    stated=("INVERSE", "AT_ZERO", "REST", "LABELS"),
    drops=("wrong_side", "labels_noisy", "three_equations"),
    catches={
        derive_pseudoinverse: ("transpose_for_inverse", "inverse_twice"),
        derive_uniqueness: ("three_equations",),
        derive_limit: ("transpose_for_inverse", "inverse_twice"),
        derive_labels: ("wrong_side", "transpose_for_inverse", "inverse_twice", "labels_noisy"),
        derive_vanishing_noise: (
            "wrong_side",
            "transpose_for_inverse",
            "inverse_twice",
            "labels_noisy",
            "penalty_n_tau",
            "penalty_twice",
        ),
    },
)
