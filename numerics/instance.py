"""The instance: a dictionary of tokens with their features, the prompt length and the noise level.

Row k of `tokens` is the token v_k and row k of `features` is f(v_k); the first `prompt_length`
tokens form the prompt, the others are the queries.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from numerics import InputError, archive

# How far |v|^2 of a unit-norm token may be from 1. A float64 row scaled to unit length has a norm within (d + 2) unit
# roundoffs of 1 (d squares, their sum, a root and a division), |v|^2 twice as far: less than this up to d = 4500. What
# was scaled in float32 is off by 1e-7 and is scaled again when asked. The checker of certificates demands the same.
UNIT_NORM_TOLERANCE = 1e-12


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One problem for the transformer.

    Args:
        tokens: K x d, pairwise distinct, finite.
        features: K x m, finite.
        prompt_length: N, with 1 <= N < K.
        noise: tau > 0, the variance of each entry of the feature noise.
        source: where the data came from, in a few words.

    Raises:
        InputError: any of these conditions fails.
    """

    tokens: Float[ndarray, "K d"]
    features: Float[ndarray, "K m"]
    prompt_length: int
    noise: float
    source: str

    def __post_init__(self) -> None:
        check_matrix("tokens", self.tokens)
        check_matrix("features", self.features)
        _require_alike(len(self.tokens), len(self.features))
        check_sizes(N=self.prompt_length, K=len(self.tokens))
        check_noise(self.noise)
        twins = _twins(self.tokens)
        if twins is not None:
            raise InputError(f"tokens {twins[0]} and {twins[1]} are equal; remove one, the dictionary must be distinct")

    @property
    def dictionary_size(self) -> int:
        """K, the number of tokens."""
        return len(self.tokens)

    @property
    def token_dimension(self) -> int:
        """d, the dimension of a token."""
        return int(self.tokens.shape[1])

    @property
    def feature_count(self) -> int:
        """m, the number of basis functions."""
        return int(self.features.shape[1])

    @property
    def sha256(self) -> str:
        """Fingerprint of the data: sizes, noise level and every number in little-endian float64."""
        sizes = f"{self.tokens.shape}{self.features.shape}{self.prompt_length}{float(self.noise)!r}"
        digest = hashlib.sha256(sizes.encode())
        for array in (self.tokens, self.features):
            digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
        return digest.hexdigest()


def check_matrix(name: str, matrix: ndarray) -> None:
    """Raise InputError unless `matrix` is a finite, non-empty, two-dimensional array of numbers."""
    if matrix.ndim != 2 or matrix.size == 0:
        raise InputError(f"{name} has shape {matrix.shape}; give a two-dimensional array, one row per token")
    if not np.issubdtype(matrix.dtype, np.floating):
        raise InputError(f"{name} holds {matrix.dtype}; convert it to floating point")
    if not np.isfinite(matrix).all():
        row = int(np.flatnonzero(~np.isfinite(matrix).all(axis=1))[0])
        raise InputError(f"{name} has a nan or inf in row {row}; remove that row or repair it")


def check_sizes(**sizes: int) -> None:
    """Raise InputError unless every size is at least 1 and, where both are given, N < K."""
    for name, size in sizes.items():
        if size < 1:
            raise InputError(f"{name} = {size} is too small; give --{name} at least 1")
    if sizes.get("K") == 1:
        raise InputError(f"N = {sizes.get('N', 1)} leaves no unseen token among K = 1; give at least two tokens")
    if "N" in sizes and "K" in sizes and sizes["N"] >= sizes["K"]:
        raise InputError(f"N = {sizes['N']} leaves no unseen token among K = {sizes['K']}; choose --N below --K")


def check_noise(noise: float) -> None:
    """Raise InputError unless the noise level is a positive finite number."""
    if not (np.isfinite(noise) and noise > 0):
        raise InputError(f"tau = {noise} is not a noise level; give --tau a positive finite number")


def unit_rows(matrix: Float[ndarray, "K d"], name: str = "tokens") -> Float[ndarray, "K d"]:
    """Scale every row to Euclidean length 1; raises InputError for a zero row."""
    largest = np.abs(matrix).max(axis=1, keepdims=True)
    if not largest.all():
        raise InputError(f"{name} row {int(np.flatnonzero(largest == 0)[0])} is zero and has no direction; remove it")
    moderate = np.ldexp(matrix, -np.frexp(largest)[1])  # exact; squares of huge or tiny entries would not be finite
    scaled: ndarray = moderate / np.linalg.norm(moderate, axis=1, keepdims=True)
    return scaled


def synthetic(
    rng: np.random.Generator, *, N: int, K: int, d: int, m: int, tau: float, unit_norm: bool = True
) -> Instance:
    """Gaussian tokens (scaled to unit length unless told otherwise) and standard Gaussian features.

    Raises:
        InputError: a size is below 1, N >= K, or tau is not positive and finite.
    """
    check_sizes(N=N, K=K, d=d, m=m)
    check_noise(tau)
    if unit_norm and d == 1 and K > 2:
        raise InputError(f"d = 1 leaves two unit tokens, 1 and -1, for K = {K}; give --d 2 or more, or --raw-tokens")
    tokens = rng.standard_normal((K, d))
    features = rng.standard_normal((K, m))
    kind = "unit-norm" if unit_norm else "raw"
    return Instance(
        tokens=unit_rows(tokens) if unit_norm else tokens,
        features=features,
        prompt_length=N,
        noise=tau,
        source=f"synthetic, {kind} Gaussian tokens",
    )


def digits(rng: np.random.Generator, *, N: int, K: int, m: int, tau: float) -> Instance:
    """K distinct images of scikit-learn's digits as unit tokens, m random Fourier features.

    f_j(v) = sqrt(2) cos(omega_j . v + phase_j) with omega_j ~ N(0, I / s^2), s the median distance of two tokens.

    Raises:
        InputError: a size is out of range (there are 1797 images).
    """
    from sklearn.datasets import load_digits

    check_sizes(N=N, K=K, m=m)
    images = np.unique(load_digits().data.astype(np.float64), axis=0)
    if len(images) < K:
        raise InputError(f"K = {K} exceeds the {len(images)} distinct digits; choose a smaller --K")
    tokens = unit_rows(images[rng.choice(len(images), size=K, replace=False)])
    distances = np.linalg.norm(tokens[:, None, :] - tokens[None, :, :], axis=2)
    omega = rng.standard_normal((tokens.shape[1], m)) / np.median(distances[np.triu_indices(K, 1)])
    phase = rng.uniform(0, 2 * np.pi, size=m)
    features = np.sqrt(2) * np.cos(tokens @ omega + phase)
    return Instance(
        tokens=tokens, features=features, prompt_length=N, noise=tau, source="digits, random Fourier features"
    )


def from_file(
    path: Path,
    *,
    N: int,
    tau: float,
    normalize: bool = False,
    raw: bool = False,
    accept: Callable[[int, int, int], None] = lambda K, d, m: None,
) -> Instance:
    """Read `tokens` (K x d) and `features` (K x m) from an .npz file.

    Args:
        normalize: scale every token to unit length.
        raw: accept tokens of any length.
        accept: is told K, d and m before any data is read, and may raise.

    Raises:
        InputError: the file is missing, not an .npz, lacks a key, or its contents are unusable.
    """
    with archive.opened(path) as file:
        first, second = archive.headers(path, file, ("tokens", "features"))
        _require_alike(first.shape[0], second.shape[0])
        check_sizes(N=N, K=first.shape[0])
        accept(*first.shape, second.shape[1])
        tokens, features = (_as_float(item.name, archive.read(path, file, item)) for item in (first, second))
    check_matrix("tokens", tokens)
    if normalize:
        tokens = _scaled(tokens)
    elif not raw:
        _require_unit_norm(tokens)
    return Instance(tokens=tokens, features=features, prompt_length=N, noise=tau, source=f"file {path.name}")


def _as_float(name: str, array: ndarray) -> ndarray:
    with np.errstate(over="ignore"):
        converted = array.astype(np.float64)
    lost = np.isfinite(array) & ~np.isfinite(converted)
    if lost.any():
        row = int(np.flatnonzero(lost.any(axis=1))[0])
        raise InputError(f"{name} has a number beyond float64 in row {row}; give smaller numbers")
    return converted


def _scaled(tokens: ndarray) -> ndarray:
    """Every token at unit length.

    Raises:
        InputError: a token is zero, or two distinct ones have one direction.
    """
    scaled, (K, d) = unit_rows(tokens), tokens.shape
    twins = _twins(scaled)
    if twins is None or _twins(tokens) == twins:
        return scaled
    if d == 1:
        raise InputError(f"d = 1 leaves two unit tokens, 1 and -1, for K = {K}; drop --normalize and add --raw-tokens")
    raise InputError(f"tokens {twins[0]} and {twins[1]} have one direction; remove one, or add --raw-tokens instead")


def _twins(tokens: ndarray) -> tuple[int, int] | None:
    """The first token that equals an earlier one, after that one; None if all are distinct."""
    unique, first = np.unique(tokens, axis=0, return_index=True)
    if len(unique) == len(tokens):
        return None
    again = min(set(range(len(tokens))) - set(first.tolist()))
    return int(np.flatnonzero((tokens == tokens[again]).all(axis=1))[0]), again


def _require_alike(tokens: int, features: int) -> None:
    if tokens != features:
        raise InputError(f"tokens has {tokens} rows and features has {features}; give row k of both for token k")


def _require_unit_norm(tokens: ndarray) -> None:
    squares = squared_lengths(tokens)
    worst = int(np.argmax(np.abs(squares - 1)))
    if not abs(squares[worst] - 1) <= UNIT_NORM_TOLERANCE:
        norm = math.hypot(*tokens[worst].tolist())  # neither overflows nor underflows
        if norm == 0:
            raise InputError(f"token {worst} is zero and has no direction; remove it")
        raise InputError(f"token {worst} has norm {norm:.12g}, not 1; add --normalize to scale every token")


def squared_lengths(tokens: Float[ndarray, "K d"]) -> Float[ndarray, " K"]:
    """|v_k|^2 of every token, with relative error at most d + 1 unit roundoffs."""
    with np.errstate(over="ignore"):
        result: ndarray = np.sum(tokens**2, axis=1)
    return result
