"""The scalars in which the constants of Theorems 1 and 2 are written.

No constant is typed here: every lemma computes its own from its derivation, as an expression in these.
"""

from __future__ import annotations

import sympy as sp


def _positive(name: str) -> sp.Symbol:
    return sp.Symbol(name, positive=True)


c = _positive("c")  # the Lipschitz constant of softmax: 2 in Lemma 2, 1 in its sharp form
gamma = _positive("γ")  # γ² = η_w/η_Q
alpha = _positive("α")  # the bound on every |α_hk|
Z_norm = _positive("‖Z̄‖")
f_max = _positive("f̄_max")
A_norm = _positive("‖A‖₂")
zeta_0 = _positive("ζ_0")
Delta_0 = _positive("Δ_0")  # the gap ℓ − L* at the start, positive because w = 0 there and Z̄ is invertible
eta = _positive("η_Q")
eta_w = _positive("η_w")  # γ²η_Q
gap = sp.Symbol("Δ", nonnegative=True)  # ℓ(ξ) − L*
D = _positive("D")  # the bound on ‖δ_k‖ of Lemma 9
L = _positive("L")  # the Lipschitz constant of ∇ℓ, Lemma 10
sigma = _positive("σ")  # σ = γ²ζ_0/(2K), the constant of the Polyak–Łojasiewicz inequality
rate = sp.Symbol("r", nonnegative=True)  # r = 1 − η_Q σ = 1 − η_w ζ_0/(2K), at least ½ by Theorem 1
q = sp.Symbol("q", nonnegative=True)  # q² = r
B = _positive("B")  # Assumption 4: ‖λ‖ ≤ B
epsilon = _positive("ε")  # the error that is asked for
steps = sp.Symbol("T", integer=True, positive=True)  # that Theorem 2 asks for
threshold = _positive("x_δ")  # of the label noise, see theorems.setting.tail
Z_size = sp.Symbol("‖Z‖₂", nonnegative=True)
