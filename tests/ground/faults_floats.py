"""Faults in torch, numpy, scipy and scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np
import scipy.linalg
import scipy.special
import sklearn.datasets
import sklearn.linear_model
import torch
from scipy import stats

from tests.ground.breaking import Fault, all_of, function

Broken = Callable[[Any], Any]


def times(factor: float) -> Broken:
    """The result, times a factor."""
    return after(lambda result: result * factor)


def after(change: Callable[[Any], Any]) -> Broken:
    """The result, changed."""

    def broken(original: Any) -> Any:
        def wrapper(*args: Any, **options: Any) -> Any:
            return change(original(*args, **options))

        return wrapper

    return broken


def before(change: Callable[[Any], Any]) -> Broken:
    """The first argument, changed."""

    def broken(original: Any) -> Any:
        def wrapper(first: Any, *args: Any, **options: Any) -> Any:
            return original(change(first), *args, **options)

        return wrapper

    return broken


def part(place: int, change: Callable[[Any], Any]) -> Broken:
    """One part of a result of several, changed."""

    def changed(result: Any) -> Any:
        if not isinstance(result, tuple):
            return change(result)
        values = [change(value) if i == place else value for i, value in enumerate(result)]
        return type(result)(*values) if hasattr(result, "_fields") else tuple(values)

    return after(changed)


def swapped(array: Any) -> Any:
    """The first two entries exchanged along the first axis."""
    changed = array.copy()
    changed[[0, 1]] = array[[1, 0]]
    return changed


def last_dropped(array: Any) -> Any:
    return array[:-1] if np.ndim(array) and len(array) > 1 else array


def coarse(array: Any) -> Any:
    """Passed through float32."""
    if isinstance(array, torch.Tensor):
        return array.float().to(array.dtype)
    return np.asarray(array).astype(np.float32).astype(np.float64)


def nudged(result: Any) -> Any:
    """A thousand units in the last place."""
    return result * (1 + 1000 * np.finfo(float).eps)


class Generator(np.random.Generator):
    """numpy's generator; subclasses draw other laws where a standard normal is asked for."""

    def standard_normal(self, size: Any = None, *args: Any, **options: Any) -> Any:
        return self.other(size)


class Uniform(Generator):
    def other(self, size: Any) -> Any:
        return self.uniform(-np.sqrt(3), np.sqrt(3), size)


class Signs(Generator):
    def other(self, size: Any) -> Any:
        return self.choice([-1.0, 1.0], size)


class Wide(Generator):
    def other(self, size: Any) -> Any:
        return 1.1 * super().normal(size=size)


class Heavy(Generator):
    def other(self, size: Any) -> Any:
        return self.standard_t(4, size) / np.sqrt(2)


class Shifted(Generator):
    def other(self, size: Any) -> Any:
        return 0.1 + super().normal(size=size)


class Rows(Generator):
    """Every row is the first."""

    def other(self, size: Any) -> Any:
        drawn = super().normal(size=size)
        return drawn if np.ndim(drawn) < 2 else np.broadcast_to(drawn[:1], drawn.shape).copy()


class Persistent(Generator):
    """Each number is half the number before it."""

    def other(self, size: Any) -> Any:
        drawn = np.asarray(super().normal(size=size))
        flat = drawn.ravel()
        return (np.sqrt(0.75) * flat + 0.5 * np.roll(flat, 1)).reshape(drawn.shape)


def drawing(kind: type[Generator]) -> Broken:
    return lambda original: lambda seed=None: kind(original(seed).bit_generator)


def adam(change: Callable[[Any], None]) -> Broken:
    """Adam whose state is changed after each step."""

    def broken(original: Any) -> Any:
        @wraps(original)
        def step(self: Any, *args: Any, **options: Any) -> Any:
            old = [p.detach().clone() for group in self.param_groups for p in group["params"]]
            result = original(self, *args, **options)
            with torch.no_grad():
                for p, q in zip((p for group in self.param_groups for p in group["params"]), old, strict=True):
                    change((self, p, q))
            return result

        return step

    return broken


def _without_correction(item: Any) -> None:
    optimizer, p, q = item
    state, group = optimizer.state[p], optimizer.param_groups[0]
    steps = float(state["step"])
    first, second = (1 - beta**steps for beta in group["betas"])
    p.copy_(q + (p - q) * first / second**0.5)


def _longer(item: Any) -> None:
    _, p, q = item
    p.copy_(q + 1.01 * (p - q))


def torch_softmax(change: Broken) -> Any:
    return partial(function, torch, "softmax", change)


def law(name: str, member: str, change: Broken) -> Any:
    """A method of one of scipy's distributions."""
    return partial(function, type(getattr(stats, name)), member, change)


def both(first: Any, second: Any) -> Any:
    return lambda: all_of(first(), second())


LINEAR = "arrays"
TORCH = [
    ("softmax at another temperature", "network", "lemma7", torch_softmax(before(lambda x: 1.1 * x))),
    ("softmax times 1.001", "network", "lemma7", torch_softmax(times(1.001))),
    ("softmax in single precision", "network", "lemma7", torch_softmax(after(coarse))),
    (
        "softmax over the other axis",
        "network",
        "lemma7",
        partial(function, torch, "softmax", lambda old: lambda x, dim: old(x, dim=dim - 1)),
    ),
    ("softmax one position late", "network", "lemma7", torch_softmax(after(lambda s: s.roll(1, dims=1)))),
    ("torch.einsum times 1.001", "network", "theorem2", partial(function, torch, "einsum", times(1.001))),
    (
        "torch.einsum loses a head",
        "network",
        "theorem2",
        partial(function, torch, "einsum", lambda old: lambda rule, w, s: old(rule, w[1:], s[1:])),
    ),
    ("torch.linalg.solve off by 1e-6", "network", "eq8", partial(function, torch.linalg, "solve", times(1 + 1e-6))),
    ("torch.linalg.norm halved", "network", "eq8", partial(function, torch.linalg, "norm", times(0.5))),
    ("torch.linalg.matrix_norm halved", "network", "eq8", partial(function, torch.linalg, "matrix_norm", times(0.5))),
    (
        "torch.autograd.grad times 1.001",
        "network",
        "lemma1",
        partial(function, torch.autograd, "grad", after(lambda gs: tuple(1.001 * g for g in gs))),
    ),
    (
        "backward times 2",
        "network",
        "theorem2",
        partial(function, torch.Tensor, "backward", lambda old: lambda self: old(2 * self)),
    ),
    (
        "Adam without its bias correction",
        "network",
        "theorem2",
        partial(function, torch.optim.Adam, "step", adam(_without_correction)),
    ),
    ("Adam one percent too long", "network", "theorem2", partial(function, torch.optim.Adam, "step", adam(_longer))),
    (
        "gradient descent one percent too long",
        "network",
        "lemma6",
        partial(function, torch.optim.SGD, "step", adam(_longer)),
    ),
    ("from_numpy by way of float32", "network", "lemma7", partial(function, torch, "from_numpy", after(coarse))),
    (
        "torch sums without the last",
        "network",
        "theorem2",
        partial(
            function,
            torch.Tensor,
            "sum",
            lambda old: lambda self, *a, **o: old(self[:-1] if self.dim() > 1 else self, *a, **o),
        ),
    ),
    (
        "torch matrix products in single precision",
        "network",
        "lemma7",
        partial(function, torch.Tensor, "__matmul__", after(coarse)),
    ),
    (
        "torch matrix products transposed where square",
        "network",
        "lemma7",
        partial(
            function,
            torch.Tensor,
            "__matmul__",
            lambda old: lambda a, b: old(a, b.mT if b.shape[-1] == b.shape[-2] else b),
        ),
    ),
    (
        "torch.cat in reverse",
        "network",
        "eq8",
        partial(function, torch, "cat", lambda old: lambda parts, **o: old(list(parts)[::-1], **o)),
    ),
]
NUMPY = [
    ("inverse a hundred times too large", LINEAR, "theorem2", partial(function, np.linalg, "inv", times(100))),
    ("absolute value halved", LINEAR, "lemma7", partial(function, np, "abs", times(0.5))),
    (
        "singular values one percent up",
        LINEAR,
        "assumption2",
        partial(function, np.linalg, "svd", part(1, lambda s: 1.01 * s)),
    ),
    ("right singular vectors exchanged", LINEAR, "theorem1", partial(function, np.linalg, "svd", part(2, swapped))),
    ("eigvalsh shifted", LINEAR, "limit_iff", partial(function, np.linalg, "eigvalsh", after(lambda v: v + 1e-3))),
    (
        "eigenvectors exchanged",
        LINEAR,
        "limit_iff",
        partial(function, np.linalg, "eigh", part(1, lambda v: swapped(v.T).T)),
    ),
    (
        "eigenvalues of eigh doubled",
        LINEAR,
        "limit_iff",
        partial(function, np.linalg, "eigh", part(0, lambda v: 2 * v)),
    ),
    ("norms a thousandth short", LINEAR, "lemma7", partial(function, np.linalg, "norm", times(0.999))),
    ("QR not orthogonal", LINEAR, "eq8", partial(function, np.linalg, "qr", part(0, lambda q: 1.01 * q))),
    ("condition number halved", LINEAR, "ridge", partial(function, np.linalg, "cond", times(0.5))),
    ("numpy.einsum times 1.001", LINEAR, "lemma7", partial(function, np, "einsum", times(1.001))),
    (
        "numpy.einsum transposed where square",
        LINEAR,
        "lemma7",
        partial(
            function,
            np,
            "einsum",
            after(lambda r: np.swapaxes(r, 0, 1) if np.ndim(r) > 1 and r.shape[0] == r.shape[1] else r),
        ),
    ),
    ("numpy.sqrt a thousand ulp up", LINEAR, "lemma7", partial(function, np, "sqrt", after(nudged))),
    ("numpy.sum without the last", LINEAR, "theorem2", partial(function, np, "sum", before(last_dropped))),
    ("numpy.max without the last", LINEAR, "lemma7", partial(function, np, "max", before(last_dropped))),
    ("numpy.maximum is the minimum", LINEAR, "theorem2", partial(function, np, "maximum", lambda _: np.minimum)),
    (
        "numpy.trace without the last",
        LINEAR,
        "theorem2",
        partial(function, np, "trace", before(lambda a: np.asarray(a)[:-1, :-1])),
    ),
    ("numpy.diag doubled", LINEAR, "theorem2", partial(function, np, "diag", times(2))),
    (
        "numpy.mean without the last",
        LINEAR,
        "theorem2",
        partial(function, np, "mean", lambda old: lambda a, axis=None: old(np.asarray(a)[..., :-1], axis=axis)),
    ),
    ("numpy.log one percent up", LINEAR, "theorem2", partial(function, np, "log", times(1.01))),
    ("numpy.expm1 halved", LINEAR, "theorem2", partial(function, np, "expm1", times(0.5))),
    ("numpy.hypot is the larger", LINEAR, "lemma10", partial(function, np, "hypot", lambda _: np.maximum)),
    ("numpy.median is the minimum", LINEAR, "theorem2", partial(function, np, "median", lambda _: np.min)),
    ("numpy.sort does not", LINEAR, "theorem2", partial(function, np, "sort", lambda _: lambda a, axis=-1: a)),
    ("numpy.argmax is argmin", LINEAR, "lemma1", partial(function, np, "argmax", lambda _: np.argmin)),
    (
        "numpy.isfinite is always true",
        LINEAR,
        "lemma7",
        partial(function, np, "isfinite", lambda _: lambda x: np.ones(np.shape(x), bool)),
    ),
    ("numpy.nextafter stays", LINEAR, "theorem1", partial(function, np, "nextafter", lambda _: lambda x, y: x)),
    ("numpy.diff doubled", LINEAR, "theorem2", partial(function, np, "diff", times(2))),
    (
        "numpy.eye shifted",
        LINEAR,
        "theorem2",
        partial(function, np, "eye", lambda old: lambda n, m=None: old(n, m, k=1)),
    ),
]
RANDOM = [
    (f"normal numbers are {words}", "random", "theorem2", partial(function, np.random, "default_rng", drawing(kind)))
    for words, kind in (
        ("uniform", Uniform),
        ("signs", Signs),
        ("ten percent wide", Wide),
        ("Student's with 4 degrees", Heavy),
        ("shifted", Shifted),
        ("alike in every row", Rows),
        ("dependent on the one before", Persistent),
    )
]
RANDOM += [
    (
        "one seed for everything",
        "random",
        "theorem2",
        partial(function, np.random, "default_rng", lambda old: lambda seed=None: old(0)),
    ),
]
LAWS = [
    (
        "χ² quantiles one percent up",
        "laws",
        "theorem2",
        both(law("chi2", "ppf", times(1.01)), law("chi2", "isf", times(1.01))),
    ),
    ("χ² upper quantile two percent down", "laws", "theorem2", law("chi2", "isf", times(0.98))),
    ("χ² tail halved", "laws", "theorem2", law("chi2", "sf", times(0.5))),
    (
        "χ² distribution and quantile wrong together",
        "laws",
        "theorem2",
        both(
            law("chi2", "sf", lambda old: lambda self, x, *a: old(self, 1.05 * x, *a)),
            law("chi2", "isf", times(1 / 1.05)),
        ),
    ),
    ("beta quantiles halved", "laws", "theorem2", law("beta", "isf", times(0.5))),
    (
        "beta lower quantile is the upper",
        "laws",
        "theorem2",
        law("beta", "ppf", lambda old: lambda self, q, *a: old(self, 1 - q, *a)),
    ),
    ("binomial tail halved", "laws", "lemma5", law("binom", "sf", times(0.5))),
]
OTHERS = [
    (
        "scipy's softmax at another temperature",
        LINEAR,
        "lemma1",
        partial(function, scipy.special, "softmax", before(lambda x: 1.01 * x)),
    ),
    (
        "least squares off by 1e-6",
        LINEAR,
        "ridge",
        partial(function, scipy.linalg, "lstsq", part(0, lambda x: (1 + 1e-6) * x)),
    ),
    (
        "scikit-learn's ridge with twice the penalty",
        LINEAR,
        "ridge",
        partial(
            function,
            sklearn.linear_model.Ridge,
            "fit",
            lambda old: lambda self, X, y: old(self.set_params(alpha=2 * self.alpha), X, y),
        ),
    ),
]


def _few(original: Any) -> Any:
    def load() -> Any:
        bunch = original()
        bunch.data = bunch.data[:, ::-1]
        return bunch

    return load


DIGITS = [("digits mirrored", "data", "theorem2", partial(function, sklearn.datasets, "load_digits", _few))]
FAULTS = tuple(
    Fault(name=name, area=area, claim=claim, plant=plant)
    for name, area, claim, plant in (*TORCH, *NUMPY, *RANDOM, *LAWS, *OTHERS)
)
