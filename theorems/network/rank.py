"""The rank of the matrices B_k at a start: what it is at most, and ζ₀ enclosed."""

from __future__ import annotations

from functools import lru_cache

import flint
import numpy as np

from theorems.network.enclosed import Problem, by_token, enclose, least_eigenvalues
from verify.certify.norms import smallest
from verify.certify.precision import until_decided

ACCURACY = 24  # bits of ζ₀; traces of powers give about 30 − log₂ log N
LIMIT = 1024  # bits; a ζ₀ below about 1e-300 is left undecided


def largest_rank(problem: Problem) -> int:
    """An upper bound on rank B_k for every k: the number of different prompt tokens and of different Q_h."""
    N = problem.instance.prompt_length
    heads = problem.queries.reshape(len(problem.queries), -1)
    return min(len(np.unique(problem.tokens[:N], axis=0)), len(np.unique(heads, axis=0)))


@lru_cache(maxsize=8)
def least_eigenvalue(problem: Problem) -> flint.arb | None:
    """An enclosure of ζ₀ that is certainly positive; None if the rank is deficient or open at `LIMIT` bits.

    It is known to `ACCURACY` bits unless `LIMIT` is in the way.
    """
    if largest_rank(problem) < problem.instance.prompt_length:
        return None

    def enclosure() -> flint.arb:
        enclosed = enclose(problem)
        mixings = by_token(enclosed.attention_of(problem))
        return smallest(least_eigenvalues(mixings, enclosed.z_bar))

    return until_decided(enclosure, lambda zeta: bool(zeta.rel_accuracy_bits() >= ACCURACY), limit=LIMIT).value
