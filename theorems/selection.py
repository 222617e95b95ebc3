"""Picking tokens by 0-1 matrices: what proofs use of them, and exact instances on which refutations are tried.

Extends the equations of `theorems.setting.notation` by the unseen tokens, of which Z^Q are the features.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import sympy as sp

from theorems.setting import notation
from theorems.setting.notation import PROMPT, K, N, P, Z_query, Z_tilde, e_k
from verify.prove import Equation, selection

f_k: Any = sp.MatrixSymbol("f_k", N, 1)  # picks token k out of the prompt
P_Q: Any = sp.MatrixSymbol("P_Q", K - N, K)  # selects the unseen tokens

IN_PROMPT = (*PROMPT, Equation(f_k.T * f_k, sp.Identity(1), "f_k is a unit vector"))
UNSEEN = (*PROMPT, *notation.UNSEEN, Equation(e_k.T * e_k, sp.Identity(1), "e_k is a unit vector"))
SPLIT = (
    *PROMPT,
    Equation(P_Q * P_Q.T, sp.Identity(K - N), "P_Q = (0, I)"),
    Equation(Z_tilde * P_Q.T, Z_query, "Z̃P_Qᵀ = Z^Q"),
    Equation(P.T * P + P_Q.T * P_Q, sp.Identity(K), "every token is in the prompt or unseen"),
)


def tokens(sizes: Mapping[Any, int], rng: Random) -> Mapping[Any, Any] | None:
    """Small integers for all of these letters; None where no token is unseen."""
    known = notation.small_dictionary(sizes, rng)
    if known is None:
        return None
    prompt, count = sizes[N], sizes[K]
    unseen = [row[prompt:] for row in known[Z_tilde]]
    return {
        **known,
        f_k: [[int(j == 0)] for j in range(prompt)],
        P_Q: selection(range(prompt, count), count),
        Z_query: unseen,
    }
