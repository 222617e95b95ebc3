"""Every statement of the paper, in its order: what it says, and the claims that decide it, if there are any yet.

`beside` names what stands next to a statement without counting for it: the corrected version of one that is false,
a sharper one, or one with fewer hypotheses.
"""

from __future__ import annotations

from verify.paper import Row


def _row(id: str, place: str, title: str, claims: str = "", beside: str = "", *, section: str = "Statements") -> Row:
    return Row(
        id=id, place=place, title=title, section=section, claims=tuple(claims.split()), beside=tuple(beside.split())
    )


def _assumption(*texts: str) -> Row:
    return _row(*texts, section="Setup and assumptions")


def _experiment(*texts: str) -> Row:
    return _row(*texts, section="Experiments and tables")


LEDGER = (
    _assumption("eq8", "Eq. (8)", "Full attention with the embedding matrices is a mixture of softmax columns", "eq8"),
    _assumption(
        "assumption1",
        "Assumption 1",
        "The entries of λ are independent, of mean 0 and variance 1",
        "",
        "assumption1_weaker",
    ),
    _assumption("assumption2", "Assumption 2", "At the start every B_k has full row rank", "assumption2"),
    _assumption("assumption3", "Assumption 3", "Some coordinate tells the prompt tokens apart", "assumption3"),
    _assumption("assumption4", "Assumption 4", "At inference ‖λ‖ is at most B"),
    _row("proposition1", "Proposition 1", "A Gaussian start satisfies Assumption 2 almost surely", "proposition1"),
    _row("lemma1", "Lemma 1", "The derivative of softmax attention", "lemma1"),
    _row("lemma2", "Lemma 2", "Softmax is Lipschitz with constant 2", "lemma2", "lemma2_sharp"),
    _row("lemma3", "Lemma 3", "The squared norm of a sum of l vectors", "lemma3"),
    _row("lemma4", "Lemma 4", "Regression on noisy features is ridge regression", "lemma4"),
    _row("lemma5", "Lemma 5", "The loss is a squared distance to the limit plus a constant", "lemma5", "clean_targets"),
    _row("lemma6", "Lemma 6", "Two step sizes are one in rescaled parameters", "lemma6"),
    _row("lemma7", "Lemma 7", "The gradient of a head is bounded by the root of the gap", "lemma7"),
    _row("lemma8", "Lemma 8", "Mixed features and residuals are Lipschitz", "lemma8"),
    _row("lemma9", "Lemma 9", "Mixed features and residuals are bounded", "lemma9"),
    _row("lemma10", "Lemma 10", "The gradient is Lipschitz where the weights are bounded", "lemma10"),
    _row("pl", "Proof of Theorem 1", "The PL inequality, and the contraction of one step", "pl"),
    _row("drift", "Proof of Theorem 1", "The weights stay bounded and the attention hardly moves", "drift"),
    _row(
        "theorem1",
        "Theorem 1",
        "Gradient descent converges linearly to the least loss",
        "theorem1",
        "theorem1_sharp theorem1_wide sharp_rate long_run lazy attainment",
    ),
    _row("ridge", "Eq. for λ̂", "The limiting coefficients are the ridge solution", "ridge"),
    _row(
        "theorem2",
        "Theorem 2",
        "The trained transformer performs ridge regression",
        "theorem2",
        "theorem2_free certified_network",
    ),
    _row("limit_iff", "Limit", "The gap is small exactly when Ã is close to Â", "limit_iff"),
    _row("noiseless", "Limit, τ = 0", "Without noise the limit is the pseudo-inverse", "noiseless"),
    _row(
        "best",
        "Best choice",
        "Ridge with penalty Nτ is the best choice",
        "best_as_stated",
        "best best_slope best_isotropic",
    ),
    _row(
        "remark_m_vs_n",
        "Remark on m and N",
        "The closer m to N, the closer to the best choice, and the better the prediction",
        "remark_choice remark_m_vs_n",
        "risk_falls",
    ),
    _row("one_head", "Remark on heads", "One head cannot approximate the limit in general", "one_head", "two_heads"),
    _row(
        "heads_tradeoff",
        "Remark on heads",
        "H ≥ N reaches the minimum; more heads slow the guaranteed rate",
        "theorem1 heads_tradeoff",
        "heads_rate attainment",
    ),
    _row("unseen", "Generalisation", "To unseen tokens, and to tasks from outside the training distribution", "unseen"),
    _experiment("figure2a", "Figure 2a", "Training loss, in-domain and out-of-domain error fall together"),
    _experiment("figure2b", "Figure 2b", "The same with a standard transformer of four layers"),
    _experiment("figure3", "Figure 3", "The distance to the best choice is smallest at N = m"),
    _experiment("figure4", "Figure 4", "The training loss against the number of heads"),
    _experiment("figure5", "Figure 5", "Within a fixed time fewer heads reach a lower loss"),
    _experiment("table1", "Table 1", "What earlier work covers"),
)
