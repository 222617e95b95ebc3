"""Two heads [B]: they represent the limit matrix exactly if the tokens are linearly independent.

Let n tokens T, the prompt first among them, be linearly independent, so N ≤ n ≤ d. For every matrix with columns a_k
there are two heads and weights with ã_k = a_k for these n tokens: Q_1 = T(TᵀT)⁻¹(I_N, 0)ᵀ X (TᵀT)⁻¹Tᵀ with the logits
X_ik = log(a_ik + c_k), any c_k > max_i |a_ik|, and Q_2 = 0, whose attention is uniform; their weights are
1ᵀ(a_k + c_k1) and −c_kN. With n = K and a_k = â_k the loss is L*. So H ≥ N belongs to the proof of Theorem 1 and not to
what heads can express. That the tokens be independent is sufficient; it is not claimed to be necessary.

Wrong if these heads have other logits, if the two parts do not add up to a_k, or if on the instance the gradient of
some token's loss, from the moments of the labels, is not 0 to sixty digits at what they answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from random import Random
from typing import Any

import flint
import sympy as sp

from theorems.network.enclosed import Ball, Enclosed, Matrix, enclose
from theorems.network.problem import problem_of
from theorems.setting.defects import penalty_n_tau, penalty_twice
from theorems.setting.experiment import Experiment
from theorems.setting.notation import Drawn, N, Sizes, a_hat, d
from verify.certify import evaluate
from verify.certify.compare import bound_of
from verify.certify.norms import frobenius_norm, smallest_eigenvalue
from verify.certify.precision import until_decided
from verify.claim import Argument, Assumption, Bound, Claim, Identity, Step, planted
from verify.prove import Equation, prove

STATEMENT = r"""
v_1, dots, v_n " linearly independent", quad N <= n <= d quad ==> quad
forall a_1, dots, a_n in RR^N: quad tilde(a)_k = a_k " for all " k <= n, \
Q_1 = T (T^top T)^(-1) (I_N, 0)^top X (T^top T)^(-1) T^top, quad X_(i k) = log(a_(i k) + c_k), quad Q_2 = 0, \
w_(1 k) = 1^top (a_k + c_k 1), quad w_(2 k) = - c_k N, quad c_k > max_i abs(a_(i k)); \
n = K quad ==> quad min_(Q, w) L = L^* quad "with" H = 2
"""

count = sp.Symbol("n", integer=True, positive=True)  # independent tokens, the prompt first
T, E, X = sp.MatrixSymbol("T", d, count), sp.MatrixSymbol("E", N, count), sp.MatrixSymbol("X", N, count)
ones = sp.MatrixSymbol("1", N, 1)
lift = sp.Symbol("c", positive=True)  # c_k, more than any |a_ik|

QUERY = T * (T.T * T).I * E.T * X * (T.T * T).I * T.T
FIRST = ones.T * (a_hat + lift * ones)  # w_1k
SECOND = -lift * ones.T * ones  # w_2k

DIGITS = 60
START_BITS, LIMIT = 256, 2048  # 60 digits are 200 bits; the condition of TᵀT takes the rest


@dataclass(frozen=True)
class TwoHeads:
    """The construction for the first n tokens of a dictionary, n = min(K, d).

    `second` is the share of the second head's weights. With `dependent` the tokens are all K, whether independent or
    not, and T(TᵀT)⁻¹ is the pseudo-inverse of Tᵀ; with `crossed` the logits stand where the tokens' order is reversed.
    """

    experiment: Experiment
    _: KW_ONLY
    second: int = 1
    dependent: bool = False
    crossed: bool = False

    @property
    def query(self) -> Any:
        """What is claimed to be Q_1."""
        return QUERY.T if self.crossed else QUERY

    @property
    def tokens(self) -> int:
        """n."""
        K, width = self.experiment.instance.tokens.shape
        return K if self.dependent else independent_tokens(K, width)


def independent_tokens(K: int, width: int) -> int:
    """As many of K tokens as can be linearly independent in so many dimensions."""
    return min(K, width)


def derive_logits(subject: TwoHeads) -> Iterator[Identity]:
    """VᵀQ_1T = X for any logits X, because (TᵀT)⁻¹Tᵀ is a left inverse of T."""
    first = Equation(E * E.T, sp.Identity(N), "E = (I, 0)")
    yield prove("VᵀQ_1T = X, V = TEᵀ", (T * E.T).T * subject.query * T, X, premises=(first,), sample=_tokens)


def derive_columns(subject: TwoHeads) -> Iterator[Identity]:
    """With numerators a + c1 in the first head and 1 in the second the two parts add up to a."""
    numerators = a_hat + lift * ones
    first = numerators * (ones.T * numerators).I * FIRST
    yield prove("w_1 s_1 + w_2 s_2 = a", first + subject.second * ones * (ones.T * ones).I * SECOND, a_hat)


def argue_heads(subject: TwoHeads) -> Iterator[Argument]:
    """The logits are real numbers, and their exponentials the numerators."""
    steps = (
        Step(expression="TᵀT is invertible", rule="the n tokens are linearly independent"),
        Step(expression="a_ik + c_k > 0, so X_ik = log(a_ik + c_k) is a real number", rule="c_k > |a_ik|"),
        Step(expression="exp(v_iᵀQ_1v_k) = a_ik + c_k, exp(v_iᵀQ_2v_k) = 1", rule="derive_logits; Q_2 = 0"),
        Step(expression="ã_k = w_1k s_1k + w_2k s_2k = a_k for k ≤ n", rule="derive_columns"),
        Step(expression="n = K, a_k = â_k: L = L*", rule="Lemma 5: the gap is (1/2K) Σ_k ‖Z̄(ã_k − â_k)‖²"),
    )
    yield Argument(name="two heads represent any n columns", steps=steps)


def certify_built(subject: TwoHeads) -> Iterator[Assumption | Bound]:
    """On the instance the heads as constructed answer each of the n tokens with the least loss, to sixty digits."""
    problem, length = problem_of(subject.experiment), subject.experiment.instance.prompt_length
    if subject.tokens < length:
        meaning = "N ≤ n ≤ d: no more tokens can be independent than there are dimensions"
        yield Assumption(name="independent tokens", margin=float(subject.tokens - length), meaning=meaning)
        return

    def built() -> tuple[Ball, list[Ball], list[Ball]]:
        enclosed = enclose(problem)
        mixture = mixture_of_two(subject, enclosed)
        missed = enclosed.moments * mixture - enclosed.cross
        places = range(subject.tokens)
        scale = flint.arb(10) ** -DIGITS
        T_value = first_columns(enclosed.tokens, subject.tokens)
        least = flint.arb(1) if subject.dependent else smallest_eigenvalue(T_value.transpose() * T_value)
        return least, [_length(missed, k) for k in places], [scale * _length(enclosed.cross, k) for k in places]

    attempt = until_decided(
        built,
        lambda found: all(bool(x <= y or x > y) for x, y in zip(found[1], found[2], strict=True)),
        bits=START_BITS,
        limit=LIMIT,
    )
    least, missed, allowed = attempt.value or (flint.arb(0), [flint.arb("nan")], [flint.arb(0)])
    n, K = subject.tokens, subject.experiment.instance.dictionary_size
    named = {"n": n, "bits": attempt.bits}
    meaning = f"λ_min(TᵀT) of the first n = {n} tokens of {K}: they are linearly independent"
    yield Assumption(name="independent tokens", margin=least, meaning=meaning, quantities=named)
    reason = f"‖E y y_k‖ in units of 10⁻{DIGITS}, two heads, n = {n}, {attempt.bits} bits"
    yield bound_of("‖E yyᵀ ã_k − E y y_k‖", missed, allowed, reason, quantities=named)


def mixture_of_two(subject: TwoHeads, enclosed: Enclosed) -> Matrix:
    """Ã of the two heads, N × K; of the tokens beyond n its columns are what they come to be."""
    columns = [[row[k] for row in enclosed.a_hat.tolist()] for k in range(enclosed.K)]
    lifts = [1 + max(abs(entry).abs_upper() for entry in column) for column in columns]
    one = flint.arb_mat([[1]] * len(columns[0]))
    values = [
        {ones: one, lift: c, a_hat: flint.arb_mat([[entry] for entry in column])}
        for column, c in zip(columns, lifts, strict=True)
    ]
    first, second = ([evaluate(weight, known)[0, 0] for known in values] for weight in (FIRST, SECOND))
    pairs = zip(columns[: subject.tokens], lifts, strict=False)
    logits = flint.arb_mat([[(entry + c).log() for entry in column] for column, c in pairs]).transpose()
    query = query_with(subject.query, enclosed, logits, dependent=subject.dependent)
    attention = enclosed.attention([query, flint.arb_mat(query.nrows(), query.ncols())])
    return enclosed.mixture(attention, [first, [subject.second * weight for weight in second]])


def query_with(stated: Any, enclosed: Enclosed, logits: Matrix, *, dependent: bool = False) -> Matrix:
    """Q with these logits (N × n) for the first n tokens, d × d.

    Raises:
        ZeroDivisionError: the tokens may be linearly dependent at this precision.
    """
    rows, n = logits.nrows(), logits.ncols()
    tokens = first_columns(enclosed.tokens, n)
    selected = flint.arb_mat([[int(i == k) for k in range(n)] for i in range(rows)])
    if dependent and n > tokens.nrows():
        inverse = tokens.transpose() * (tokens * tokens.transpose()).inv()
        return inverse.transpose() * selected.transpose() * logits * inverse
    return evaluate(stated, {T: tokens, E: selected, X: logits})


def first_columns(matrix: Matrix, number: int) -> Matrix:
    """The first columns of a matrix."""
    return flint.arb_mat([row[:number] for row in matrix.tolist()])


def _length(matrix: Matrix, k: int) -> Ball:
    return frobenius_norm(flint.arb_mat([[row[k] for row in matrix.tolist()]]))


def _tokens(sizes: Sizes, rng: Random) -> Drawn:
    """The prompt first among n tokens, which are independent where any are asked for; None where there are none."""
    rows, columns, height = sizes[N], sizes[count], sizes.get(d, sizes[count])
    if not rows <= columns <= height:
        return None
    tokens = [[rng.randint(-1, 1) + 5 * int(i == k) for k in range(columns)] for i in range(height)]
    selected = {E: [[int(i == k) for k in range(columns)] for i in range(rows)]}
    return {**selected, T: tokens} if d in sizes else selected


CLAIM = Claim(
    statement=STATEMENT,
    about=TwoHeads,
    heeds=("N", "K", "d", "m", "tau", "seed", "data", "tokens"),
    assumptions=("independent tokens",),
    builds_on=("lemma5",),
    checks=(derive_logits, derive_columns, argue_heads, certify_built),
    controls=dict(
        one_head=planted("The second head is left out.", second=0),
        second_head_twice=planted("The second head's weights are −2c_kN.", second=2),
        dependent_tokens=planted("The tokens are all K, though they are more than d.", dependent=True),
        query_transposed=planted("The first head is Q_1ᵀ.", crossed=True),
        penalty_n_tau=penalty_n_tau,
        penalty_twice=penalty_twice,
    ),
    catches={
        derive_logits: ("query_transposed",),
        derive_columns: ("one_head", "second_head_twice"),
        certify_built: (
            "one_head",
            "second_head_twice",
            "dependent_tokens",
            "query_transposed",
            "penalty_n_tau",
            "penalty_twice",
        ),
    },
    stated=("QUERY", "FIRST", "SECOND"),
    drops=("one_head", "dependent_tokens"),
)
