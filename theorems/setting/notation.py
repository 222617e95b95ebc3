"""The one table of notation: paper letter, Python name, shape, meaning, place.

Sizes are positive integer symbols, so that every expression below holds for all dimensions.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import sympy as sp

from verify.prove import Equation

Sizes = Mapping[sp.Symbol, int]
Drawn = Mapping[sp.MatrixSymbol, Sequence[Sequence[int | Fraction]]] | None  # exact matrices, if there are such


@dataclass(frozen=True)
class Letter:
    """One row of the notation table.

    `name` is that of a symbol in this file, in `constants` or in `network.letters`, an attribute of `Limit` or `Point`,
    or, after the statement's name, one of its file; empty for a letter that is written in words only.
    """

    paper: str
    name: str
    shape: str
    meaning: str
    place: str


def _size(name: str) -> sp.Symbol:
    return sp.Symbol(name, integer=True, positive=True)


N, K, d, m, H = (_size(name) for name in ("N", "K", "d", "m", "H"))
tau = sp.Symbol("tau", positive=True)

Z = sp.MatrixSymbol("Z", m, N)
Z_tilde = sp.MatrixSymbol("Z̃", m, K)
Z_query = sp.MatrixSymbol("Z_Q", m, K - N)
V = sp.MatrixSymbol("V", d, N)
V_tilde = sp.MatrixSymbol("Ṽ", d, K)
Q_h = sp.MatrixSymbol("Q_h", d, d)
w_h = sp.MatrixSymbol("w_h", K, 1)
C = sp.MatrixSymbol("C", N, H)  # C_k of any token
a_hat = sp.MatrixSymbol("â", N, 1)  # â_k of any token
P = sp.MatrixSymbol("P", N, K)
y = sp.MatrixSymbol("y", N, 1)
task = sp.MatrixSymbol("lambda", m, 1)

e_k = sp.MatrixSymbol("e_k", K, 1)
z_k = sp.MatrixSymbol("z_k", m, 1)

# What ties these letters together, for proofs: the prompt comes first, and token k is unseen.
PROMPT = (Equation(P * P.T, sp.Identity(N), "P = (I, 0)"), Equation(Z_tilde * P.T, Z, "Z̃Pᵀ = Z"))
UNSEEN = (Equation(P * e_k, sp.ZeroMatrix(N, 1), "k > N"), Equation(Z_tilde * e_k, z_k, "z_k is column k of Z̃"))


def small_dictionary(sizes: Sizes, rng: random.Random) -> Drawn:
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
    # Sizes and indices
    Letter("N", "N", "size", "prompt length", "Section 2"),
    Letter("K", "K", "size", "dictionary size, N < K", "Section 2"),
    Letter("d", "d", "size", "token dimension", "Section 2"),
    Letter("m", "m", "size", "number of basis functions", "Section 2"),
    Letter("H", "H", "size", "number of heads", "Section 2"),
    Letter("T", "steps", "size", "number of training steps that Theorem 2 asks for", "Theorem 2"),
    Letter("l", "lemma3.l", "size", "number of vectors", "Lemma 3"),
    Letter("n", "", "size", "number of different prompt tokens", "Proposition 1"),
    Letter("n", "tail.count", "size", "number of Gaussian numbers", "Theorem 2"),
    Letter("h", "h", "index", "a head", "Section 2"),
    Letter("k", "k", "index", "a token", "Section 2"),
    Letter("j", "", "index", "a prompt position, a coordinate of tokens", "Lemma 1"),
    Letter("t", "t", "index ≥ 0", "a step of training", "Theorem 1"),
    Letter("s", "s", "index < t", "an earlier step of training", "Theorem 1"),
    # The data
    Letter("v_k", "v_k", "d", "token k", "Section 2"),
    Letter("v_i", "v_i", "d", "token i of the prompt", "Section 2"),
    Letter("V", "V", "d × N", "the prompt tokens", "Section 2"),
    Letter("Ṽ", "V_tilde", "d × K", "all tokens", "Section 2"),
    Letter("Z", "Z", "m × N", "features of the prompt tokens", "Section 2"),
    Letter("Z̃", "Z_tilde", "m × K", "features of all tokens, (Z, Z^Q)", "Section 2"),
    Letter("Z^Q", "Z_query", "m × (K−N)", "features of the unseen tokens", "Section 2"),
    Letter("z_k", "z_k", "m", "features of token k, Z̃e_k", "Section 2"),
    Letter("e_k", "e_k", "K", "unit vector of token k, for proofs about the limit of an unseen one", "Theorem 2"),
    Letter("(I_N, 0)", "P", "N × K", "selects the prompt tokens", "Section 3"),
    Letter("λ", "task", "m", "the task, whose labels are λᵀ(z_k + ε_k)", "Section 2"),
    Letter("y", "y", "N", "labels in the prompt", "Section 2"),
    Letter("ε_k", "lemma5.noise", "m", "noise of the features of token k", "Section 2"),
    Letter("ε̃_i", "lemma4.noise", "m", "noise of the features, of the lemma's own", "Lemma 4"),
    Letter("τ", "tau", "scalar > 0", "variance of the feature noise", "Section 2"),
    Letter("B", "B", "scalar > 0", "bound on ‖λ‖", "Assumption 4"),
    Letter("‖Z‖₂", "Z_size", "scalar ≥ 0", "spectral norm of Z", "Theorem 2"),
    # The network
    Letter("θ", "", "", "the parameters (Q, w)", "Section 2"),
    Letter("Q_h", "Q_h", "d × d", "what head h asks, (W^K)ᵀW^Q", "Section 2"),
    Letter("w_h", "w_h", "K", "weights of head h, one for each token", "Section 2"),
    Letter("W^V, W^K, W^Q", "eq8.W_VALUE", "matrices", "value, key and query of a head", "Eq. (8)"),
    Letter("E", "eq8.EMBEDDED_ALL", "(d+1) × K", "embeddings of all tokens with the prompt's labels", "Eq. (8)"),
    Letter("E^P", "eq8.EMBEDDED", "(d+1) × N", "embeddings of the prompt", "Eq. (8)"),
    Letter("J", "eq8.J", "(d+1) × d", "(I, 0)ᵀ", "Eq. (8)"),
    Letter("j", "eq8.j", "d+1", "the last unit vector", "Eq. (8)"),
    Letter("β", "", "scalar > 0", "standard deviation of the entries of Q at the start", "Proposition 1"),
    Letter("s_hk", "Point.s_hk", "N", "softmax(VᵀQ_h v_k)", "Lemma 1"),
    Letter("J_hk", "Point.J_hk", "N × N", "the Jacobian of softmax, diag(s) − ssᵀ", "Lemma 7"),
    Letter("C_k", "C", "N × H", "columns s_hk, one for each head", "Assumption 2"),
    Letter("B_k", "Point.B_k", "N × H", "Z̄C_k", "Assumption 2"),
    Letter("b_hk", "Point.b_hk", "N", "Z̄s_hk, a column of B_k", "Lemma 8"),
    Letter("Ã(θ)", "lemma5.A_tilde", "N × K", "what the network applies to the labels", "Eq. (8)"),
    Letter("ã_k", "lemma5.a_k", "N", "column k of Ã, C_kw_k", "Eq. (8)"),
    Letter("ŷ_k", "", "scalar", "the network's answer for token k, yᵀã_k", "Eq. (8)"),
    # The limit
    Letter("Z̄", "Limit.z_bar", "N × N", "(ZᵀZ + mτI)^{1/2}", "Section 3"),
    Letter("Z̄", "Z_bar", "N × N", "the letter for it in inequalities", "Lemma 7"),
    Letter("z̄_i", "z_bar_i", "N", "column i of Z̄", "Lemma 7"),
    Letter("Â", "Limit.a_hat", "N × K", "the limit matrix", "Section 3"),
    Letter("â_k", "a_hat", "N", "column k of Â", "Section 3"),
    Letter("λ̂", "Limit.lambda_hat", "m", "the ridge coefficients", "Section 3"),
    Letter("A", "A", "N × K", "Z̄Â, so that A e_k = Z̄â_k; re-derived [R]", "Lemma 9"),
    Letter("a_k", "a_k", "N", "column k of A", "Lemma 9"),
    Letter(
        "δ_k",
        "Point.delta_k",
        "N",
        "Z̄(ã_k − â_k); re-derived [R]: the paper's Lemma 9 bounds it by γHα + ‖Â‖₂, without ‖Z̄‖",
        "Lemma 5",
    ),
    # The loss
    Letter("L(θ)", "", "scalar", "the population loss", "Section 2"),
    Letter("L*", "Limit.loss_star", "scalar", "the least population loss", "Lemma 5"),
    Letter("Δ", "gap", "scalar ≥ 0", "L(θ) − inf L", "Theorem 1"),
    Letter("Δ_0", "Delta_0", "scalar > 0", "the gap at the start", "Theorem 1"),
    Letter("ξ", "", "", "the parameters (Q, α) after rescaling", "Lemma 6"),
    Letter("ℓ(ξ)", "", "scalar", "the loss in rescaled parameters, L(θ)", "Lemma 6"),
    Letter("α_hk", "Point.alpha_hk", "scalar", "w_hk/γ", "Lemma 6"),
    # Constants of Theorems 1 and 2
    Letter("γ", "gamma", "scalar > 0", "γ² = η_w/η_Q", "Theorem 1"),
    Letter("η_Q", "eta", "scalar > 0", "step size for Q", "Theorem 1"),
    Letter("η_w", "eta_w", "scalar > 0", "step size for w, γ²η_Q", "Theorem 1"),
    Letter("ζ_0", "zeta_0", "scalar > 0", "least eigenvalue of all B_kB_kᵀ at the start", "Assumption 2"),
    Letter("c", "c", "scalar > 0", "Lipschitz constant of softmax: 2 in Lemma 2, 1 in its sharp form", "Lemma 2"),
    Letter("α", "alpha", "scalar > 0", "bound on every |α_hk|", "Lemma 7"),
    Letter("D", "D", "scalar > 0", "bound on ‖δ_k‖", "Lemma 9"),
    Letter("L", "L", "scalar > 0", "Lipschitz constant of ∇ℓ", "Lemma 10"),
    Letter("σ", "sigma", "scalar > 0", "γ²ζ_0/(2K)", "PL inequality"),
    Letter("‖Z̄‖", "Z_norm", "scalar > 0", "spectral norm of Z̄", "Theorem 1"),
    Letter("f̄_max", "f_max", "scalar > 0", "largest column norm of Z̄", "Theorem 1"),
    Letter("‖A‖₂", "A_norm", "scalar > 0", "spectral norm of A", "Lemma 9"),
    Letter("r", "rate", "scalar ≥ 0", "1 − η_Qσ, what a step leaves of the gap", "Theorem 1"),
    Letter("q", "q", "scalar ≥ 0", "√r", "Drift"),
    Letter("ε", "epsilon", "scalar > 0", "the error that is asked for", "Theorem 2"),
    Letter("δ", "", "scalar in (0, 1)", "the chance that the label noise is larger than supposed", "Theorem 2"),
    Letter("x_δ", "threshold", "scalar > 0", "the size that χ² exceeds with probability δ", "Theorem 2"),
    # Letters of one statement
    Letter("x", "", "N", "the logits that softmax is applied to", "Lemma 2"),
    Letter("v", "", "N", "x − x′, a direction", "Lemma 2"),
    Letter("μ", "", "scalar", "the mean of v under softmax weights", "Lemma 2"),
    Letter("x_i", "", "any", "the vectors that are summed", "Lemma 3"),
    Letter("X", "", "d × l", "these vectors as columns", "Lemma 3"),
    Letter("M", "", "l × l", "lI − 11ᵀ", "Lemma 3"),
    Letter("u", "", "N", "any vector", "Lemma 7"),
    Letter("X", "", "N × K", "Ã − Â", "Limit, both ways"),
    Letter("M", "", "N × N", "a root of ‖Z̄‖₂²I − Z̄²", "Limit, both ways"),
    Letter("R", "", "scalar > 0", "bound on ‖y‖", "Certified network"),
    Letter("R(c)", "", "scalar", "mean squared error of ridge with penalty c", "Best penalty"),
    Letter("c, p", "", "scalar > 0", "any penalty, and the one that is called best", "Best penalty"),
    Letter("a", "", "N", "any linear predictor, yᵀa", "Best penalty"),
    Letter("X_c", "", "N × N", "(ZᵀZ + cI)⁻¹", "Best penalty"),
    Letter("S", "", "m × N", "the singular values of Z, s_i on its diagonal", "Best penalty"),
    Letter("u_i", "", "scalar", "component i of z_k along the singular vectors of Z", "Best penalty"),
    Letter("U", "", "m × N", "orthonormal basis of the range of Z", "Best penalty for isotropic tasks"),
    Letter("g", "", "N", "λ in that basis, isotropic", "Best penalty for isotropic tasks"),
    Letter("Λ", "", "m × n", "the tasks of a law as columns √p_i c_i", "Assumption 1, weaker"),
    Letter("c_i, p_i", "", "m, scalar > 0", "a task of the law, and its probability", "Assumption 1, weaker"),
    Letter("Y", "risk_falls.Y", "m × n", "features of the tokens that a prompt goes on with", "Longer prompts"),
    Letter("W", "risk_falls.W", "m × (N+n)", "(Z, Y), the features of the longer prompt", "Longer prompts"),
    Letter("q", "risk_falls.q", "n", "Yᵀ(WWᵀ + mτI)⁻¹z_k", "Longer prompts"),
    Letter("M", "", "m × m", "(ZZᵀ + mτI)⁻¹", "Longer prompts"),
    Letter("Π", "", "m × m", "I − 11ᵀ/m", "Unseen tokens"),
    Letter("P_k", "", "N × N", "(η_w/K) B_kB_kᵀ at the start", "Long run"),
    Letter("M", "", "N × N", "B_kB_kᵀ at the start, up to what rounding leaves", "Long run"),
    Letter("W", "", "scalar > 0", "bound on ‖w‖", "Long run"),
    Letter("q", "", "scalar > 0", "bound on how far Q moves", "Long run"),
    Letter("b", "", "scalar > 0", "bound on how far B_k moves", "Long run"),
    Letter("κ", "", "scalar > 0", "bound on what the motion of B_k adds in a step, over η_w/K", "Long run"),
    Letter("ε", "", "scalar > 0", "(η_w/K)κ", "Long run"),
    Letter("p", "", "scalar < 1", "1 − η_wζ_0/K", "Long run"),
    Letter("r", "", "N", "what the motion of B_k adds to δ in a step", "Long run"),
    Letter("ρ", "", "scalar < 1", "κ/ζ_0", "Long run"),
    Letter("S", "", "scalar > 0", "(η_w/K) Σ_s ‖δ̄(s)‖", "Long run"),
    Letter("n(t)", "", "scalar ≥ 0", "bound on what the motion of Q changes in √Δ", "Long run"),
    Letter("w̄, δ̄, Δ̄", "", "", "w, δ and Δ where Q does not move", "Long run"),
    Letter("x", "", "scalar > 0", "η_wζ_0/2K", "Sharp rate"),
    Letter("n", "two_heads.count", "size", "number of independent tokens, the prompt first", "Two heads"),
    Letter("T", "two_heads.T", "d × n", "these tokens", "Two heads"),
    Letter("E", "two_heads.E", "N × n", "(I_N, 0), selects the prompt among them", "Two heads"),
    Letter("X", "two_heads.X", "N × n", "logits log(a_ik + c_k) that the first head is made to have", "Two heads"),
    Letter("c_k", "two_heads.lift", "scalar > 0", "more than any |a_ik|", "Two heads"),
    Letter("c", "one_head.c", "N", "a column of one sign, w_k s_k of one head", "One head"),
    Letter("μ", "one_head.mu", "N", "multipliers of that sign, which certify a distance", "One head"),
    Letter("e", "one_head.e", "N", "the numerators of softmax", "One head"),
    Letter("D_k", "", "scalar ≥ 0", "least ‖Z̄(c − â_k)‖² over all c of one sign", "One head"),
    Letter("σ", "", "1 or −1", "a sign", "One head"),
    Letter("M", "", "2 × 2", "2K/(γ²ζ_0) times the matrix of Lemma 10", "Heads and the guaranteed rate"),
    Letter("n", "heads_rate.n", "scalar > 0", "how many times over heads are there", "Heads and the guaranteed rate"),
    Letter("u", "heads_rate.u", "scalar ≥ 0", "H‖Z̄‖²/ζ_0 − 1", "Heads and the guaranteed rate"),
    Letter("v", "heads_rate.v", "scalar ≥ 0", "√(2KΔ_0) − ‖A‖₂", "Heads and the guaranteed rate"),
    Letter("Y", "heads_rate.Y", "N × n", "B_k of the heads that are added", "Heads and the guaranteed rate"),
    Letter(
        "B'", "heads_rate.W", "N × (H+n)", "(B_k, Y_k), of the network with more heads", "Heads and the guaranteed rate"
    ),
)
