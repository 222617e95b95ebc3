"""Completeness: true identities that must be proved, near misses that must be refuted by a witness that replays."""

from itertools import islice

import pytest
import sympy
from sympy import Identity, Inverse, MatMul, MatrixSymbol, Trace, ZeroMatrix

from tests.verify.prove import vocabulary as v
from tests.verify.prove.vocabulary import I_K, I_N, A, B, C, I_m, K, N, P, R, S, U, V, Z, c, m, tau, y
from verify.prove import Equation, Instance, prove, prove_positive_definite, prove_positive_semidefinite
from verify.prove.matrices.completion import deduce
from verify.prove.matrices.identity import assuming
from verify.prove.matrices.sampling import generic_instances

q, z = MatrixSymbol("q", K, 1), MatrixSymbol("z", m, 1)
x, a, b = (MatrixSymbol(name, N, 1) for name in "xab")
D = MatrixSymbol("D", N, N)
root = MatrixSymbol("Zbar", N, N)
s = MatrixSymbol("s", 1, 1)
W = (A + U * C * V).I
UNSEEN = (*v.PROMPT, Equation(P * q, ZeroMatrix(N, 1), "q is unseen"), Equation(v.Z_all * q, z, "z are q's features"))
ROOT = (Equation(root * root, Z.T * Z + c * I_N, "Z̄ is the root"), Equation(root.T, root, "Z̄ is symmetric"))
UNIT = (Equation(y.T * y, Identity(1), "y is a unit vector"),)
COMMUTE = (Equation(A * B, B * A, "A and B commute"),)
SYMMETRIC = (Equation(A.T, A, "A is symmetric"),)

TRUE = {
    "push-through": (S * Z, Z * R, ()),
    "push-through inside a scalar": (y.T * Z.T * S * Z * y, y.T * Z.T * Z * R * y, ()),
    "push-through of a square": (S * S * Z, Z * R * R, ()),
    "Woodbury": (S, (I_m - Z * R * Z.T) / c, ()),
    "Woodbury in general": (W, A.I - A.I * U * (C.I + V * A.I * U).I * V * A.I, ()),
    "trace of Woodbury": (Trace(W), Trace(A.I) - Trace((C.I + V * A.I * U).I * V * A.I * A.I * U), ()),
    "ridge gradient, primal": (Z * (Z.T * S * Z * y - y) + c * S * Z * y, ZeroMatrix(m, 1), ()),
    "ridge gradient, dual": (Z * (Z.T * Z * R * y - y) + c * Z * R * y, ZeroMatrix(m, 1), ()),
    "resolvent": (R - (Z.T * Z + 2 * c * I_N).I, c * R * (Z.T * Z + 2 * c * I_N).I, ()),
    "degrees of freedom": (Trace(R) - Trace(S), (N - m) / c, ()),
    "scaled inverse": ((2 * c * Z.T * Z + 2 * c**2 * I_N).I, R / (2 * c), ()),
    "limit matrix reproduces the prompt": (v.A_hat * P.T, I_N, v.PROMPT),
    "limit matrix on an unseen token": (y.T * v.A_hat * q, (Z * R * y).T * z, UNSEEN),
    "inverse under premises": ((v.Z_all * P.T * P * v.Z_all.T + c * I_m).I, S, v.PROMPT),
    "two inverses under premises": (S * Z * v.A_hat * P.T, Z * R, v.PROMPT),
    "symmetric inverse": (R.T, R, ()),
    "inverse of a symmetric symbol": (A.I.T, A.I, SYMMETRIC),
    "inverse of a product": (Inverse(MatMul(A, B)), B.I * A.I, ()),
    "inverse around a product": (B * Inverse(MatMul(A, B)) * A, I_N, ()),
    "inverse of an inverse in a product": (Inverse(MatMul(R, A)), A.I * (Z.T * Z + c * I_N), ()),
    "inverse of a transpose": (Inverse(A.T), A.I.T, ()),
    "inverse of an inverse": (Inverse(Inverse(A.T)), A.T, ()),
    "inverse of a difference": (A.I - B.I, A.I * (B - A) * B.I, ()),
    "powers": ((A + B) ** 2, A**2 + A * B + B * A + B**2, ()),
    "negative powers": (A**-2 * A**3, A, ()),
    "binomial of commuting matrices": ((A + B) ** 2, A**2 + 2 * A * B + B**2, COMMUTE),
    "inverses commute": (A.I * B.I, B.I * A.I, COMMUTE),
    "root of the inverse": (root.I, R * root, ROOT),
    "root commutes with the inverse": (root * R, R * root, ROOT),
    "whitened": (root * R * root, I_N, ROOT),
    "trace is cyclic": (Trace(A * B * D), Trace(D * A * B), ()),
    "trace of a transpose": (Trace(A * B), Trace(B.T * A.T), ()),
    "trace of an identity": (Trace(I_K) * Trace(I_N), K * N, ()),
    "powers of a trace": (Trace(A + B) ** 2, Trace(A) ** 2 + 2 * Trace(A) * Trace(B) + Trace(B) ** 2, ()),
    "traces of matrices as scalars": (Trace(A) * B * 2, 2 * B * Trace(A.T), ()),
    "a number inside a product": (x * (y.T * A * a) * b.T, Trace(A * a * y.T) * x * b.T, ()),
    "a number is its transpose": (y.T * A * x, x.T * A.T * y, ()),
    "a number's trace": (Trace(y * y.T * A), y.T * A * y, ()),
    "a 1 × 1 symbol": (y * s * s * x.T, Trace(s) ** 2 * y * x.T, ()),
    "projection on a unit vector": ((I_N - y * y.T) ** 2, I_N - y * y.T, UNIT),
    "Householder": ((I_N - 2 * y * y.T) * (I_N - 2 * y * y.T).T, I_N, UNIT),
    "sum of selections": (P.T * P * v.Q.T, ZeroMatrix(K, K - N), v.SPLIT),
    "completing the square": (
        (a - A.I * b).T * A * (a - A.I * b),
        a.T * A * a - 2 * a.T * b + b.T * A.I * b,
        SYMMETRIC,
    ),
    "completing the square, lemma 5": (
        a.T * (Z.T * Z + c * I_N) * a - 2 * a.T * Z.T * z + z.T * z + c * Identity(1),
        (a - R * Z.T * z).T * (Z.T * Z + c * I_N) * (a - R * Z.T * z)
        + z.T * z
        + c * Identity(1)
        - z.T * Z * R * Z.T * z,
        (),
    ),
    "explicit sizes": (MatrixSymbol("F", 2, 3) * Identity(3), MatrixSymbol("F", 2, 3), ()),
}

NEAR_MISSES = {
    "push-through, wrong penalty": (S * Z, Z * (Z.T * Z + 2 * c * I_N).I),
    "push-through, factor": (S * Z, 2 * Z * R),
    "push-through, square": (S * S * Z, Z * R),
    "Woodbury, sign": (S, (I_m + Z * R * Z.T) / c),
    "Woodbury, no division": (S, I_m - Z * R * Z.T),
    "Woodbury in general, factors swapped": (W, A.I - A.I * U * (C.I + V * A.I * U).I * V * A.I * A),
    "ridge gradient, penalty": (Z * (Z.T * Z * R * y - y) + 2 * c * Z * R * y, ZeroMatrix(m, 1)),
    "ridge gradient, sign": (Z * (Z.T * Z * R * y + y) + c * Z * R * y, ZeroMatrix(m, 1)),
    "degrees of freedom, sign": (Trace(R) - Trace(S), (m - N) / c),
    "inverse of a product, order": (Inverse(MatMul(A, B)), A.I * B.I),
    "a transpose dropped": ((A * B).T, B.T * A),
    "not symmetric": (A.T, A),
    "trace is not symmetric in three": (Trace(A * B * D), Trace(B * A * D)),
    "trace is not multiplicative": (Trace(A * B), Trace(A) * Trace(B)),
    "commuting without a premise": (A * B, B * A),
    "binomial without commuting": ((A + B) ** 2, A**2 + 2 * A * B + B**2),
    "completing the square without symmetry": (
        (a - A.I * b).T * A * (a - A.I * b),
        a.T * A * a - 2 * a.T * b + b.T * A.I * b,
    ),
    "a number out of place": (x * (y.T * A * a) * b.T, Trace(A.T * a * y.T) * x * b.T),
}


@pytest.mark.parametrize("name", TRUE)
def test_proves(name: str) -> None:
    left, right, premises = TRUE[name]
    identity = prove(name, left, right, premises=premises, tried_elsewhere=bool(premises))
    assert identity.status == "proved", identity.reading
    assert identity.derivation[-1].expression == "0"


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_refutes_with_a_witness_that_replays(name: str) -> None:
    left, right = NEAR_MISSES[name]
    identity = prove(name, left, right)
    assert identity.status == "refuted"
    assert identity.residual != "0"
    assert identity.witness is not None
    instance = Instance.read(identity.witness, _symbols(left, right))
    values = [instance.evaluate(side) for side in (left, right)]
    assert values[0] != values[1]
    shown = ["[" + ", ".join("[" + ", ".join(map(str, row)) + "]" for row in value) + "]" for value in values]
    assert identity.witness.endswith(f"left = {shown[0]}, right = {shown[1]}")


def _symbols(*expressions: sympy.Basic) -> set[sympy.Basic]:
    matrices = {symbol for e in expressions for symbol in e.atoms(MatrixSymbol)}
    sizes = {symbol for matrix in matrices for size in matrix.shape for symbol in size.free_symbols}
    return matrices | sizes | {symbol for e in expressions for symbol in e.free_symbols}


@pytest.mark.parametrize(
    ("name", "left", "right"),
    [
        ("limit matrix, penalty", R * (Z.T * v.Z_all + 2 * c * P) * P.T, I_N),
        ("limit matrix, other side", v.A_hat.T * v.A_hat, I_K),
    ],
)
def test_premises_take_a_sample_to_refute(name: str, left: sympy.Basic, right: sympy.Basic) -> None:
    assert prove(name, left, right, premises=v.PROMPT).status == "unknown"
    identity = prove(name, left, right, premises=v.SPLIT, sample=v.split_sample)
    assert identity.status == "refuted"
    assert "P = [[1, 0" in str(identity.witness)


def test_a_proof_under_premises_is_tried_on_the_sample() -> None:
    assert prove("prompt", v.A_hat * P.T, I_N, premises=v.PROMPT, sample=v.split_sample).status == "proved"


def test_what_cannot_be_tried_is_not_proved() -> None:
    """Sizes that are too large, premises without a sample, and inverses that never exist."""
    large, tall = MatrixSymbol("A", 1000, 1000), MatrixSymbol("x", 2, 1)
    for left, right, premises in (
        (large.T.T * large, large**2, ()),
        (v.A_hat * P.T, I_N, v.PROMPT),
        (tall.T * Inverse(tall * tall.T) * tall, 2 * Identity(1), ()),
    ):
        found = prove("untried", left, right, premises=premises)
        assert (found.status, found.witness) == ("unknown", None)
        assert found.residual.startswith("0, but it was tried on no exact instance")


def test_a_proof_is_tried_at_different_sizes_from_two_on() -> None:
    seen = list(islice(generic_instances([S * Z, Z * R], (), None), 5))
    for instance in seen:
        sizes = [int(instance.values[symbol]) for symbol in (N, m)]
        assert min(sizes) >= 2
        assert sizes[0] != sizes[1]
    assert len({str(instance) for instance in seen}) == 5


@pytest.mark.parametrize("name", ["1", "K - N", "2N", "a b"])
def test_a_size_that_looks_like_a_number_or_an_expression_is_refused(name: str) -> None:
    size = sympy.Symbol(name, integer=True, positive=True)
    x = MatrixSymbol("x", size, size)
    with pytest.raises(ValueError, match="looks like a number or an expression"):
        prove("sizes", x.T.T, x)


def test_one_name_with_two_shapes_is_refused() -> None:
    one, other = MatrixSymbol("x", N, 1), MatrixSymbol("x", m, 1)
    with pytest.raises(ValueError, match=r"share a name|has the shapes|are called"):
        prove("shapes", one.T * one, other.T * other)


def test_a_size_that_is_not_whole_refutes_nothing() -> None:
    half = Identity((N + 1) / 2)
    assert prove("half", Trace(half), (N + 1) / 2).status != "refuted"


def test_what_is_defined_at_equal_sizes_alone_is_not_proved_for_all() -> None:
    both = (Z * Z.T).I * Z * (Z.T * Z).I * Z.T  # Z is square where both inverses exist
    found = prove("both inverses", both, (Z * Z.T).I)
    assert found.status == "unknown"
    assert "every instance on which it is defined has N = m: state it with one size for both" in found.reading


def test_unknown_says_what_remains() -> None:
    identity = prove("scaled", P * P.T, 2 * I_N, premises=v.PROMPT)
    assert (identity.status, identity.residual) == ("unknown", "−I")


def test_the_derivation_of_push_through_is_readable() -> None:
    lines = [(step.expression, step.rule) for step in prove("push-through", S * Z, Z * R).derivation]
    symmetric = "definition; symmetric, because what it inverts is"
    assert lines == [
        ("R₁ = (Z Zᵀ + c I)⁻¹", symmetric),
        ("R₂ = (Zᵀ Z + c I)⁻¹", symmetric),
        ("R₁ Z", "left side, expanded"),
        ("Z R₂", "right side, expanded"),
        ("R₁ Z − Z R₂", "left − right"),
        ("Z Zᵀ R₁ Z + c R₁ Z − Z Zᵀ Z R₂ − c Z R₂", "multiply on the left by Z Zᵀ + c I, which is invertible"),
        ("Z − Z Zᵀ Z R₂ − c Z R₂", "Z Zᵀ R₁ → I − c R₁  (definition of R₁)"),
        ("0", "Zᵀ Z R₂ → I − c R₂  (definition of R₂)"),
    ]


def test_deduced_rules_are_numbered_and_derived_before_they_are_used() -> None:
    derivation = prove("degrees of freedom", Trace(R) - Trace(S), (N - m) / c).derivation
    rules = [step.rule for step in derivation]
    first, second = (next(i for i, rule in enumerate(rules) if rule.startswith(f"({k}) ")) for k in (1, 2))
    assert first < second
    assert "in two ways" in rules[first]
    assert rules[second].count("(1)") == 1
    assert rules[-1].endswith("(2)")


def test_completion_of_two_ridge_inverses_ends() -> None:
    reader = assuming([R, S], ())
    for inverse in (R, S):
        reader.matrix(inverse)
    complete = list(deduce(reader.rules, traces=True))[-1]
    assert {str(rule) for rule in complete.rules} == {
        "R₁ Zᵀ → Zᵀ R₂",
        "R₂ Z → Z R₁",
        "Zᵀ Z R₁ → I − c R₁",
        "Z Zᵀ R₂ → I − c R₂",
        "tr(R₂) → tr(R₁) + (m − N)/c",
    }


def test_positive_definite() -> None:
    gram = Z.T * Z + m * tau * I_N
    identity = prove_positive_definite("Z̄²", gram, factor=Z, shift=m * tau)
    assert identity.status == "proved"
    assert identity.derivation[-1].expression.endswith("for v ≠ 0, where X = Z, c = m τ > 0")
    assert prove_positive_definite("Z̄²", gram, factor=Z, shift=tau).status == "refuted"
    unsigned = sympy.Symbol("t", real=True)
    unknown = prove_positive_definite("t", Z.T * Z + unsigned * I_N, factor=Z, shift=unsigned)
    assert unknown.status == "unknown"
    assert "not known to be positive" in unknown.residual


def test_positive_semidefinite() -> None:
    assert prove_positive_semidefinite("ZZᵀ", Z * Z.T, factor=Z.T).status == "proved"
    assert prove_positive_semidefinite("ZZᵀ", 2 * Z * Z.T, factor=Z.T).status == "refuted"


def test_the_same_answer_every_time() -> None:
    first, second = (prove("again", S * Z, 2 * Z * R) for _ in range(2))
    assert first == second
