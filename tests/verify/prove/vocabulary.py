"""The symbols of the paper's algebra, shared by the tests of the calculus."""

import random
from collections.abc import Mapping
from typing import Any

import sympy

from verify.prove import Equation, selection
from verify.prove.matrices.rational import draw

m, N, K = sympy.symbols("m N K", integer=True, positive=True)
c, tau = sympy.symbols("c tau", positive=True)

Z = sympy.MatrixSymbol("Z", m, N)
y = sympy.MatrixSymbol("y", N, 1)
A, B = sympy.MatrixSymbol("A", N, N), sympy.MatrixSymbol("B", N, N)
U, V, C = sympy.MatrixSymbol("U", N, K), sympy.MatrixSymbol("V", K, N), sympy.MatrixSymbol("C", K, K)
I_N, I_m, I_K = sympy.Identity(N), sympy.Identity(m), sympy.Identity(K)

R = (Z.T * Z + c * I_N).I
S = (Z * Z.T + c * I_m).I

P, Q = sympy.MatrixSymbol("P", N, K), sympy.MatrixSymbol("Q", K - N, K)  # select the prompt, and the rest
Z_all = sympy.MatrixSymbol("Ztilde", m, K)
A_hat = R * (Z.T * Z_all + c * P)  # the limit matrix

PROMPT = (
    Equation(P * P.T, I_N, "P selects the prompt"),
    Equation(Z_all * P.T, Z, "Z is the prompt's part of Z̃"),
)
SPLIT = (
    *PROMPT,
    Equation(Q * Q.T, sympy.Identity(K - N), "Q selects the unseen tokens"),
    Equation(P.T * P + Q.T * Q, I_K, "every token is in the prompt or unseen"),
)


def split_sample(sizes: Mapping[Any, int], rng: random.Random) -> Mapping[Any, Any] | None:
    """A prompt of the first N of K tokens."""
    n, k = sizes[N], sizes[K]
    if n >= k:
        return None
    features = draw(rng, sizes[m], k)
    chosen = {P: selection(range(n), k), Q: selection(range(n, k), k)}
    return {**chosen, Z_all: features, Z: [row[:n] for row in features]}
