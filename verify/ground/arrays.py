"""numpy's functions, against mpmath and against values written down."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np

from verify.ground.compare import first_trouble, near, root
from verify.ground.selftest import SelfTest

# Elementary functions are wrong by less than 4 units in the last place (numpy states 4 for its vectorised ones).
ULPS = Fraction(8, 2**53)


def _elementary() -> str | None:
    for x in (0.3, 1.0, 2.0, 7.5, 1e-9):
        with mpmath.workdps(40):
            exact = mpmath.mpf(x)
            cases = [
                ("exp", np.exp(x), mpmath.exp(exact)),
                ("expm1", np.expm1(x), mpmath.expm1(exact)),
                ("log", np.log(1 + x), mpmath.log(mpmath.mpf(1 + x))),
                ("log1p", np.log1p(x), mpmath.log1p(exact)),
                ("log2", np.log2(1 + x), mpmath.log(mpmath.mpf(1 + x), 2)),
                ("cos", np.cos(x), mpmath.cos(exact)),
                ("log10", np.log10(1 + x), mpmath.log10(mpmath.mpf(1 + x))),
                ("hypot", np.hypot(x, 1.5), mpmath.hypot(exact, 1.5)),
                ("tanh", np.tanh(x), mpmath.tanh(exact)),
            ]
            for name, found, truth in cases:
                scaled = Fraction(int(mpmath.nint(truth * mpmath.mpf(2) ** 110)), 2**110)
                trouble = near(f"{name} at {x}", found, scaled, ULPS)
                if trouble:
                    return trouble
    squares = [(float(x), root(Fraction(float(x)))[0]) for x in (2.0, 3.0, 0.1, 1e-9, 12345.678)]
    roots = np.sqrt(np.array([x for x, _ in squares]))  # correctly rounded, by IEEE 754
    return next(
        filter(None, (near(f"√{x}", r, t, Fraction(2, 2**53)) for (x, t), r in zip(squares, roots, strict=True))), None
    )


def _reductions() -> str | None:
    row, grid = np.array([3.0, -7.0, 2.0, 5.0, -1.0]), np.array([[1.0, 2.0, 4.0], [8.0, -16.0, 32.0]])
    odd = np.array([1.0, np.nan, -np.inf, np.inf])
    return first_trouble(
        [
            ("sum", float(np.sum(row)), 2.0),
            ("sum by columns", np.sum(grid, axis=0).tolist(), [9.0, -14.0, 36.0]),
            ("its method", row.sum().item(), 2.0),
            ("sum by rows", grid.sum(axis=1).tolist(), [7.0, 24.0]),
            ("max", float(np.max(row)), 5.0),
            ("its method", row.max().item(), 5.0),
            ("min", float(np.min(row)), -7.0),
            ("max at the end", float(np.max(np.array([1.0, 2.0]))), 2.0),
            ("max by columns", np.max(grid, axis=0).tolist(), [8.0, 2.0, 32.0]),
            ("mean", float(np.mean(row)), 0.4),
            ("mean by rows", np.mean(grid * 3, axis=1).tolist(), [7.0, 24.0]),
            ("its method", (grid * 3).mean(axis=-1).tolist(), [7.0, 24.0]),
            ("median", float(np.median(row)), 2.0),
            ("absolute values", np.abs(row).tolist(), [3.0, 7.0, 2.0, 5.0, 1.0]),
            ("its operator", abs(row).tolist(), [3.0, 7.0, 2.0, 5.0, 1.0]),
            ("maximum", np.maximum(row, 0).tolist(), [3.0, 0.0, 2.0, 5.0, 0.0]),
            ("minimum", np.minimum(row, 0).tolist(), [0.0, -7.0, 0.0, 0.0, -1.0]),
            ("argmax", int(np.argmax(row)), 3),
            ("its method", int(row.argmax()), 3),
            ("argmin", int(np.argmin(row)), 1),
            ("sort", np.sort(row).tolist(), [-7.0, -1.0, 2.0, 3.0, 5.0]),
            ("sort by columns", np.sort(grid, axis=0).tolist(), [[1.0, -16.0, 4.0], [8.0, 2.0, 32.0]]),
            ("differences", np.diff(row).tolist(), [-10.0, 9.0, 3.0, -6.0]),
            ("differences by columns", np.diff(grid, axis=0).tolist(), [[7.0, -18.0, 28.0]]),
            ("finite", np.isfinite(odd).tolist(), [True, False, False, False]),
            ("nan", np.isnan(odd).tolist(), [False, True, False, False]),
            ("all", bool(np.all(odd == odd)), False),
            ("any", bool(np.any(odd == 1.0)), True),
            ("all of a row", (row > -8).all().item(), True),
            ("places", np.flatnonzero(row > 2).tolist(), [0, 3]),
            ("trace", float(np.trace(grid[:, :2])), -15.0),
            ("next number", float(np.nextafter(1.0, 2.0)).hex(), "0x1.0000000000001p+0"),
            ("previous number", float(np.nextafter(1.0, -np.inf)).hex(), "0x1.fffffffffffffp-1"),
            ("nan to number", np.nan_to_num(odd, nan=4.0)[:2].tolist(), [1.0, 4.0]),
            ("powers of 2", np.ldexp(3.0, -2).item(), 0.75),
            ("mantissa and exponent", [np.frexp(12.0)[0].item(), int(np.frexp(12.0)[1])], [0.75, 4]),
            ("ceiling", np.ceil(2.1).item(), 3.0),
            ("rounded", np.round(2.6).item(), 3.0),
        ]
    )


def _shapes() -> str | None:
    grid = np.array([[1.0, 2.0], [3.0, 4.0]])
    return first_trouble(
        [
            ("identity", np.eye(2, 3).tolist(), [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
            ("identity of one size", np.eye(2).tolist(), [[1.0, 0.0], [0.0, 1.0]]),
            ("diagonal", np.diag(grid).tolist(), [1.0, 4.0]),
            ("diagonal matrix", np.diag([2.0, 3.0]).tolist(), [[2.0, 0.0], [0.0, 3.0]]),
            ("transpose", grid.T.tolist(), [[1.0, 3.0], [2.0, 4.0]]),
            ("stacked", np.vstack([grid, grid[:1]]).tolist(), [[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]]),
            ("beside", np.hstack([grid, grid[:, :1]]).tolist(), [[1.0, 2.0, 1.0], [3.0, 4.0, 3.0]]),
            ("joined", np.concatenate([grid, grid[1:]]).tolist(), [[1.0, 2.0], [3.0, 4.0], [3.0, 4.0]]),
            ("stack", np.stack([grid, grid]).tolist(), [grid.tolist()] * 2),
            ("counted", np.arange(2, 5).tolist(), [2, 3, 4]),
            ("evenly", np.linspace(0, 1, 5).tolist(), [0.0, 0.25, 0.5, 0.75, 1.0]),
            ("zeros", np.zeros((1, 2)).tolist(), [[0.0, 0.0]]),
            ("ones", np.ones(2).tolist(), [1.0, 1.0]),
            ("filled", np.full(2, 7.0).tolist(), [7.0, 7.0]),
            ("once each", np.unique([3, 1, 3]).tolist(), [1, 3]),
            ("rows once each", np.unique(grid[[1, 0, 1]], axis=0).tolist(), grid.tolist()),
            ("repeated", np.repeat([1, 2], 2).tolist(), [1, 1, 2, 2]),
            ("broadcast", np.broadcast_to(grid[0], (2, 2)).tolist(), [[1.0, 2.0], [1.0, 2.0]]),
            ("flat", np.ravel(grid).tolist(), [1.0, 2.0, 3.0, 4.0]),
            ("rolled", np.roll([1, 2, 3], 1).tolist(), [3, 1, 2]),
            ("appended", np.append([1.0], 2.0).tolist(), [1.0, 2.0]),
            ("in double precision", np.asarray([0.1], dtype=np.float64)[0].hex(), (0.1).hex()),
            ("unit roundoff", float(np.finfo(np.float64).eps).hex(), "0x1.0000000000000p-52"),
        ]
    )


TESTS = tuple(
    SelfTest(name=name, area="arrays", against=against, check=check)
    for name, against, check in (
        ("elementary functions", "mpmath, integer square roots", _elementary),
        ("sums, extremes, order, what is finite", "values written down", _reductions),
        ("making and joining arrays", "values written down", _shapes),
    )
)
