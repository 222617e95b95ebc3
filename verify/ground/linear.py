"""Linear algebra of numpy, scipy and scikit-learn: products against exact fractions, the rest by multiplying back.

A factorisation by LAPACK is backward stable: what it multiplies back to differs from the matrix by at most p(n) u
times its norm, p a modest polynomial (LAPACK Users' Guide, 3rd ed., section 4.1; Higham, Accuracy and Stability of
Numerical Algorithms, 2nd ed., ch. 9, 14 and 19); p(n) = 16 n² holds with room to spare. The inverse of a matrix of
condition number κ multiplies back to I within p(n) u κ. The matrices here have integer entries and κ below 100.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import scipy.linalg
import scipy.special
from jaxtyping import Float
from numpy import ndarray

from verify.ground.compare import first_trouble, near
from verify.ground.selftest import SelfTest

Matrix = Float[ndarray, "r c"]
UNIT = 2.0**-53
CONDITION = 100.0  # of the matrices below, at most: their size times that of an inverse that multiplies back
# The softmax of scipy: a subtraction, an exponential, a sum and a division, all of moderate numbers.
SOFTMAX_ERROR = Fraction(64, 2**53)


def _sample(rows: int, cols: int) -> Matrix:
    """Integers from −4 to 4 without pattern, the diagonal raised so that square ones are well conditioned."""
    entries = [[float((7 * i * i + 3 * j * j * j + 5 * i * j + i) % 9 - 4) for j in range(cols)] for i in range(rows)]
    return np.array([[x + (11.0 if i == j else 0.0) for j, x in enumerate(row)] for i, row in enumerate(entries)])


def _exactly(left: Any, right: Any) -> list[list[Fraction]]:
    """The product of two matrices of float64 numbers, by fractions."""
    columns = [[Fraction(float(x)) for x in column] for column in zip(*right, strict=True)]
    rows = [[Fraction(float(x)) for x in row] for row in left]
    return [[sum((a * b for a, b in zip(r, c, strict=True)), Fraction(0)) for c in columns] for r in rows]


def _far(product: list[list[Fraction]], truth: Any) -> float:
    """The largest distance of an entry, by fractions."""
    pairs = [
        (x, Fraction(float(y)))
        for row, other in zip(product, truth, strict=True)
        for x, y in zip(row, other, strict=True)
    ]
    return float(max((x - y if x > y else y - x) for x, y in pairs))


def _transposed(matrix: Any) -> list[list[float]]:
    return [[float(x) for x in column] for column in zip(*matrix, strict=True)]


def _largest(matrix: Any) -> float:
    """Root of rows times columns times the largest entry: no less than the spectral norm."""
    rows = [[float(x) for x in row] for row in matrix]
    return float((len(rows) * len(rows[0])) ** 0.5 * max(max(max(row), -min(row)) for row in rows))


def _unit(n: int) -> list[list[float]]:
    return [[float(i == j) for j in range(n)] for i in range(n)]


def _within(cases: Iterable[tuple[str, float, float]]) -> str | None:
    for name, residual, bound in cases:
        if not residual <= bound:
            return f"{name} leaves a residual of {residual:.3g}, above {bound:.3g}"
    return None


def _p(n: int) -> float:
    return 16 * n * n * UNIT


def _products() -> str | None:
    a, b = _sample(5, 5), _sample(5, 7)
    cube = np.array([_sample(3, 4), _sample(3, 4) - 1.0])  # 2 × 3 × 4
    weights = np.array([[1.0, 2.0, 3.0, 5.0], [-2.0, 7.0, 4.0, 1.0]])
    mixed = [[sum(weights[h][k] * cube[h][n][k] for h in range(2)) for k in range(4)] for n in range(3)]
    pulled = [[sum(b[n][k] * cube[h][n][k] for n in range(3)) for k in range(4)] for h in range(2)]
    image = [[[sum(a[i][n] * cube[h][n][k] for n in range(3)) for k in range(4)] for i in range(5)] for h in range(2)]
    found = (a @ b, np.einsum("hk,hnk->nk", weights, cube), np.einsum("nk,hnk->hk", b[:3, :4], cube))
    return first_trouble(
        [
            ("a product of integer matrices", found[0].tolist(), [[float(x) for x in row] for row in _exactly(a, b)]),
            ("einsum hk,hnk->nk", found[1].tolist(), [[float(x) for x in row] for row in mixed]),
            ("einsum nk,hnk->hk", found[2].tolist(), [[float(x) for x in row] for row in pulled]),
            (
                "einsum mn,hnk->hmk",
                np.einsum("mn,hnk->hmk", a[:, :3], cube).tolist(),
                [[[float(x) for x in r] for r in m] for m in image],
            ),
            (
                "einsum nd,hde,ke->hnk",
                np.einsum("nd,hde,ke->hnk", a[:, :3], cube, weights).tolist(),
                _bilinear(a, cube, weights),
            ),
            (
                "einsum ij,kj->ik of square ones",
                np.einsum("ij,kj->ik", a, a).tolist(),
                [[float(x) for x in r] for r in _exactly(a, _transposed(a))],
            ),
            ("einsum ij->ji of a square one", np.einsum("ij->ji", a).tolist(), _transposed(a)),
            (
                "a product of stacks",
                (cube @ weights.T).tolist(),
                [[[float(x) for x in r] for r in _exactly(m, _transposed(weights))] for m in cube],
            ),
        ]
    )


def _bilinear(left: Matrix, middle: Any, right: Matrix) -> list[list[list[float]]]:
    rows = [[Fraction(float(x)) for x in row[:3]] for row in left]
    stacks = [_exactly(_exactly([[float(x) for x in r] for r in rows], m), _transposed(right)) for m in middle]
    return [[[float(x) for x in row] for row in stack] for stack in stacks]


def _inverse() -> str | None:
    a = _sample(6, 6)
    inverse = np.linalg.inv(a)
    bound = _p(6) * CONDITION
    if not _largest(a) * _largest(inverse) <= CONDITION * 6:
        return f"the inverse of a well-conditioned matrix is as large as {_largest(inverse):.3g}"
    condition = float(np.linalg.cond(a))
    # With multiplied-back inverses, κ lies between the sizes of matrix and inverse: max|a_ij| ≤ ‖A‖₂ ≤ ‖A‖_F.
    gram = np.linalg.eigvalsh(a.T @ a)
    return _within(
        [
            ("A times its inverse", _far(_exactly(a, inverse), _unit(6)), bound),
            ("its inverse times A", _far(_exactly(inverse, a), _unit(6)), bound),
            (
                "the condition number squared",
                float(abs(Fraction(condition) ** 2 * Fraction(float(gram[0])) - Fraction(float(gram[-1])))),
                float(gram[-1]) * CONDITION**2 * _p(6),
            ),
        ]
    )


def _singular_values() -> str | None:
    cases: list[tuple[str, float, float]] = []
    for rows, cols in ((4, 6), (7, 5), (5, 5)):
        a = _sample(rows, cols)
        u, s, v = np.linalg.svd(a, full_matrices=False)
        alone, size = np.linalg.svd(a, compute_uv=False), max(rows, cols)
        listed = [float(x) for x in s]
        if sorted(listed, reverse=True) != listed or listed[-1] < 0:
            return f"singular values {listed} are not in falling order"
        scaled = [[float(x) * y for x, y in zip(row, listed, strict=True)] for row in u]
        cases += [
            (
                "U Σ Vᵀ",
                _far(_exactly([[Fraction(x) for x in row] for row in scaled], v), a),
                2 * _p(size) * _largest(a),
            ),
            ("UᵀU", _far(_exactly(_transposed(u), u), _unit(len(s))), _p(size)),
            ("VVᵀ", _far(_exactly(v, _transposed(v)), _unit(len(s))), _p(size)),
            (
                "singular values alone",
                max(float(abs(Fraction(float(x)) - Fraction(y))) for x, y in zip(alone, listed, strict=True)),
                _p(size) * _largest(a),
            ),
        ]
    wide = np.linalg.svd(_sample(3, 5))[2]
    cases.append(("VVᵀ in full", _far(_exactly(wide, _transposed(wide)), _unit(5)), _p(5)))
    null = _exactly(_sample(3, 5), _transposed(wide[3:]))
    cases.append(("A on its null space", _far(null, [[0.0, 0.0]] * 3), 2 * _p(5) * _largest(_sample(3, 5))))
    return _within(cases)


def _eigenvalues() -> str | None:
    a = _sample(6, 6)
    a = (a + a.T) / 2
    values, vectors = np.linalg.eigh(a)
    alone, size = np.linalg.eigvalsh(a), _largest(a)
    listed = [float(x) for x in values]
    if sorted(listed) != listed:
        return f"eigenvalues {listed} are not in rising order"
    scaled = [[x * float(y) for x, y in zip(listed, row, strict=True)] for row in vectors]
    return _within(
        [
            ("A V − V Λ", _far(_exactly(a, vectors), scaled), 2 * _p(6) * size),
            ("VᵀV", _far(_exactly(_transposed(vectors), vectors), _unit(6)), _p(6)),
            (
                "eigenvalues alone",
                max(float(abs(Fraction(float(x)) - Fraction(y))) for x, y in zip(alone, listed, strict=True)),
                _p(6) * size,
            ),
            (
                "trace",
                float(abs(sum(map(Fraction, map(float, alone))) - sum(Fraction(float(a[i][i])) for i in range(6)))),
                6 * _p(6) * size,
            ),
        ]
    )


def _triangular() -> str | None:
    a = _sample(5, 5)
    q, r = np.linalg.qr(a)
    below = max(abs(float(r[i][j])) for i in range(5) for j in range(i))
    return _within(
        [
            ("Q R", _far(_exactly(q, r), a), 2 * _p(5) * _largest(a)),
            ("QᵀQ", _far(_exactly(_transposed(q), q), _unit(5)), _p(5)),
            ("R below its diagonal", below, 0.0),
        ]
    )


def _norms() -> str | None:
    a, exact = np.array([[3.0, 0.0], [0.0, -4.0]]), Fraction(8, 2**53)
    found = {
        "Frobenius norm": (np.linalg.norm(a), 5),
        "norm of a row": (np.linalg.norm(np.array([2.0, 3.0, 6.0])), 7),
        "spectral norm": (np.linalg.norm(a, 2), 4),
        "norms of columns": (np.linalg.norm(a, axis=0)[1], 4),
        "norms of rows, kept": (np.linalg.norm(np.array([[2.0, 3.0, 6.0]]), axis=1, keepdims=True)[0, 0], 7),
        "norms of matrices": (np.linalg.norm(np.array([a, 2 * a]), axis=(1, 2))[1], 10),
    }
    return next(filter(None, (near(name, x, Fraction(truth), exact) for name, (x, truth) in found.items())), None)


def _least_squares() -> str | None:
    """The normal equations: what is left is orthogonal to the columns."""
    a, b = _sample(7, 4), _sample(7, 2)
    x = scipy.linalg.lstsq(a, b, lapack_driver="gelsd")[0]
    left = [
        [float(y - Fraction(float(z))) for y, z in zip(row, other, strict=True)]
        for row, other in zip(_exactly(a, x), b, strict=True)
    ]
    bound = 4 * _p(7) * _largest(a) * (_largest(a) * _largest(x) + _largest(b))
    return _within([("Aᵀ(AX − B)", _far(_exactly(_transposed(a), left), [[0.0] * 2] * 4), bound)])


def _penalised() -> str | None:
    """(AᵀA + c I) x = Aᵀb for scikit-learn's minimiser of ‖Ax − b‖² + c‖x‖²."""
    from sklearn.linear_model import Ridge

    a, b, penalty = _sample(7, 3), _sample(7, 1), 0.5
    x = Ridge(alpha=penalty, fit_intercept=False, solver="svd").fit(a, b).coef_.reshape(1, 3).T
    gram = [
        [entry + Fraction(penalty) * (i == j) for j, entry in enumerate(row)]
        for i, row in enumerate(_exactly(_transposed(a), a))
    ]
    image = [[sum((g * Fraction(float(y[0])) for g, y in zip(row, x, strict=True)), Fraction(0))] for row in gram]
    bound = 4 * _p(7) * _largest(a) * (_largest(a) * _largest(x) + _largest(b))
    return _within(
        [("(AᵀA + cI)x", _far(image, [[float(y) for y in row] for row in _exactly(_transposed(a), b)]), bound)]
    )


def _softmax() -> str | None:
    logits = np.array([[0.5, -3.0], [2.25, 11.0], [-1.0, 10.5]])
    found = scipy.special.softmax(logits, axis=0)
    with mpmath.workdps(40):
        for k in range(2):
            powers = [mpmath.exp(float(x)) for x in logits[:, k]]
            for n, power in enumerate(powers):
                truth = Fraction(int(mpmath.nint(power / sum(powers) * mpmath.mpf(2) ** 140)), 2**140)
                trouble = near(f"softmax {n} of column {k}", found[n, k], truth, SOFTMAX_ERROR)
                if trouble:
                    return trouble
    return None


ROWS: tuple[tuple[str, str, Callable[[], str | None], str], ...] = (
    ("products and einsum", "the same sums in exact fractions", _products, "numpy"),
    ("norms", "integers", _norms, "numpy"),
    ("inverse and condition number", "multiplied back in exact fractions", _inverse, "numpy"),
    ("singular values and vectors", "multiplied back in exact fractions", _singular_values, "numpy"),
    ("eigenvalues and eigenvectors", "multiplied back in exact fractions", _eigenvalues, "numpy"),
    ("QR", "multiplied back in exact fractions", _triangular, "numpy"),
    ("least squares", "the normal equations in exact fractions", _least_squares, "scipy.linalg"),
    ("softmax of scipy", "mpmath", _softmax, "scipy.special"),
    ("scikit-learn's ridge", "the normal equations in exact fractions", _penalised, "sklearn.linear_model"),
)
TESTS = tuple(
    SelfTest(name=name, area="arrays", against=against, check=check, loaded=loaded)
    for name, against, check, loaded in ROWS
)
