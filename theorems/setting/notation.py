"""The one table of notation: paper letter, Python name, shape, meaning, place.

Sizes are positive integer symbols, so that every expression below holds for all dimensions.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from verify.prove import Equation


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One row of the notation table."""

    paper: str
    name: str
    shape: str
    meaning: str
    place: str


def _size(name: str) -> sp.Symbol:
    return sp.Symbol(name, integer=True, positive=True)


N, K, d, m, H = (_size(name) for name in ("N", "K", "d", "m", "H"))
tau = sp.Symbol("tau", positive=True)

# sympy ships no types for matrix expressions; Any keeps the algebra readable.
Z: Any = sp.MatrixSymbol("Z", m, N)
Z_tilde: Any = sp.MatrixSymbol("Z̃", m, K)
Z_query: Any = sp.MatrixSymbol("Z_Q", m, K - N)
V: Any = sp.MatrixSymbol("V", d, N)
V_tilde: Any = sp.MatrixSymbol("Ṽ", d, K)
Q_h: Any = sp.MatrixSymbol("Q_h", d, d)
w_h: Any = sp.MatrixSymbol("w_h", K, 1)
P: Any = sp.MatrixSymbol("P", N, K)
y: Any = sp.MatrixSymbol("y", N, 1)
task: Any = sp.MatrixSymbol("lambda", m, 1)

e_k: Any = sp.MatrixSymbol("e_k", K, 1)
z_k: Any = sp.MatrixSymbol("z_k", m, 1)

# What ties these letters together, for proofs: the prompt comes first, and token k is unseen.
PROMPT = (Equation(P * P.T, sp.Identity(N), "P = (I, 0)"), Equation(Z_tilde * P.T, Z, "Z̃Pᵀ = Z"))
UNSEEN = (Equation(P * e_k, sp.ZeroMatrix(N, 1), "k > N"), Equation(Z_tilde * e_k, z_k, "z_k is column k of Z̃"))


def small_dictionary(sizes: Mapping[Any, int], rng: random.Random) -> dict[Any, list[list[int]]] | None:
    """Small integers for the letters that PROMPT and UNSEEN tie together; None where no token is unseen."""
    prompt, tokens = sizes[N], sizes[K]
    if prompt >= tokens:
        return None
    features = [[rng.randint(-3, 3) for _ in range(tokens)] for _ in range(sizes[m])]
    return {
        P: [[int(i == j) for j in range(tokens)] for i in range(prompt)],
        Z_tilde: features,
        Z: [row[:prompt] for row in features],
        e_k: [[int(j == tokens - 1)] for j in range(tokens)],
        z_k: [[row[-1]] for row in features],
    }


LETTERS = (
    Letter(paper="N", name="N", shape="size", meaning="prompt length", place="Section 2"),
    Letter(paper="K", name="K", shape="size", meaning="dictionary size, N < K", place="Section 2"),
    Letter(paper="d", name="d", shape="size", meaning="token dimension", place="Section 2"),
    Letter(paper="m", name="m", shape="size", meaning="number of basis functions", place="Section 2"),
    Letter(paper="H", name="H", shape="size", meaning="number of heads", place="Section 2"),
    Letter(paper="τ", name="tau", shape="scalar > 0", meaning="variance of the feature noise", place="Section 2"),
    Letter(paper="Z", name="Z", shape="m × N", meaning="features of the prompt tokens", place="Section 2"),
    Letter(paper="Z̃", name="Z_tilde", shape="m × K", meaning="features of all tokens, (Z, Z^Q)", place="Section 2"),
    Letter(paper="Z^Q", name="Z_query", shape="m × (K−N)", meaning="features of the unseen tokens", place="Section 2"),
    Letter(paper="(I_N, 0)", name="P", shape="N × K", meaning="selects the prompt tokens", place="Section 3"),
    Letter(paper="e_k", name="e_k", shape="K", meaning="unit vector of an unseen token k > N", place="Theorem 2"),
    Letter(paper="z_k", name="z_k", shape="m", meaning="features of that token, Z̃e_k", place="Section 2"),
    Letter(paper="y", name="y", shape="N", meaning="labels in the prompt", place="Section 2"),
    Letter(paper="Z̄", name="Limit.z_bar", shape="N × N", meaning="(ZᵀZ + mτI)^{1/2}", place="Section 3"),
    Letter(paper="Â", name="Limit.a_hat", shape="N × K", meaning="the limit matrix", place="Section 3"),
    Letter(paper="λ̂", name="Limit.lambda_hat", shape="m", meaning="the ridge coefficients", place="Section 3"),
    Letter(paper="L*", name="Limit.loss_star", shape="scalar", meaning="the least population loss", place="Lemma 5"),
    Letter(
        paper="Ã(θ)", name="mixture", shape="N × K", meaning="what the network applies to the labels", place="Eq. (8)"
    ),
    Letter(
        paper="δ_k",
        name="Point.delta_k",
        shape="N",
        meaning="Z̄(ã_k − â_k); re-derived [R]: the paper's Lemma 9 bounds it by γHα + ‖Â‖₂, without ‖Z̄‖",
        place="Lemma 5",
    ),
    Letter(paper="A", name="A", shape="N × K", meaning="Z̄Â, so that A e_k = Z̄â_k; re-derived [R]", place="Lemma 9"),
    Letter(paper="Δ", name="gap", shape="scalar", meaning="L(θ) − inf L", place="Theorem 1"),
)
