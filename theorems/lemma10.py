"""Lemma 10 [R]: the gradient of the loss is Lipschitz where the weights are bounded.

Where all |α_hk| ≤ α, ∇ℓ is L-Lipschitz in ξ = (Q, α) with L the spectral norm of [[Lqq, Lqa], [Laq, Laa]]:
Lqq = (γf̄_max/K)(4α²γ‖Z̄‖HK + 8αDK), Lqa = (γf̄_max/K)(2D√K + 2αγ‖Z̄‖H√K),
Laq = (γ‖Z̄‖/K)(2αγ‖Z̄‖H√K + 2D√K), Laa = γ²‖Z̄‖²H/K, with D = γHα‖Z̄‖ + ‖A‖₂ as in Lemma 9.

The derivation computes the four entries; it gives 6αDK where 8αDK is stated, so the statement holds with room.

Wrong if two points' gradients, by automatic differentiation, differ by more, or if a line of the derivation
does not follow from its facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
import sympy as sp

from theorems import lemma1, lemma3
from theorems.lemma2 import LIPSCHITZ
from theorems.lemma7 import deviation_steps
from theorems.lemma8 import FEATURES_MOVED, RESIDUAL_MOVED, WEIGHTS_MOVED
from theorems.lemma9 import FEATURES_BOUND, RESIDUAL_BOUND, residual_chain
from theorems.network.assumptions import measure_unit_norm
from theorems.network.bounded import StatedBounds
from theorems.network.instances import small_networks
from theorems.network.letters import F_MAX, FEATURES, HERE, PAPER, PROMPT, Point, Setting, V, Z_bar, h, k, v_k, z_bar_i
from theorems.network.pair import FAR_ALPHA, FAR_Q, Pair
from theorems.network.points import POINTS, alpha_of, compared, constants_of, pairs
from theorems.network.softmax import Lipschitz
from theorems.network.stated import evaluated
from theorems.setting.constants import D, L, alpha, f_max, gamma
from theorems.setting.experiment import Experiment
from theorems.setting.notation import K
from theorems.setting.stated_constants import ENTRIES, LIPSCHITZ_MATRIX, STATED_D, spectral_norm
from verify.claim import Bound, Claim, Identity, planted
from verify.prove.inequalities.chain import Chain, Fact, at_most
from verify.prove.inequalities.conclusion import conclude
from verify.prove.inequalities.lemma import Lemma, define, quote
from verify.prove.inequalities.quantity import length, lengths_of_sums, norm, terms
from verify.prove.inequalities.rules import (
    cauchy_schwarz,
    entrywise_product,
    hoelder,
    hoelder_columns,
    largest_entry,
    minkowski,
    operator_norm_two,
    outer_product,
    same,
    times_number,
    times_vector,
    triangle,
    triangle_sum,
)
from verify.prove.inequalities.scalar_identity import prove_scalars
from verify.prove.inequalities.values import Values, extended

STATEMENT = r"""
norm(v_k) = 1, quad abs(alpha_(h,k)) <= alpha, quad abs(alpha'_(h,k)) <= alpha " for all " h, k quad ==> quad
norm(nabla ell(xi) - nabla ell(xi')) <= L norm(xi - xi'), \
L = norm(mat(L_(q q), L_(q a); L_(a q), L_(a a)))_2, quad D = gamma H alpha norm(overline(Z)) + norm(A)_2, \
L_(q q) = (gamma overline(f)_max)/K (4 alpha^2 gamma norm(overline(Z)) H K + 8 alpha D K), quad
L_(q a) = (gamma overline(f)_max)/K (2 D sqrt(K) + 2 alpha gamma norm(overline(Z)) H sqrt(K)), \
L_(a q) = (gamma norm(overline(Z)))/K (2 alpha gamma norm(overline(Z)) H sqrt(K) + 2 D sqrt(K)), quad
L_(a a) = gamma^2 norm(overline(Z))^2 H / K
"""

STATED = LIPSCHITZ_MATRIX


def residual(point: Point, setting: Setting) -> Fact:
    """‖δ_k‖ ≤ D."""
    bound = quote(RESIDUAL_BOUND, point, setting)
    named = define(D, residual_chain(HERE, replace(setting, slack=1)).end, "D = γHα‖Z̄‖ + ‖A‖₂")
    chain = at_most(norm(point.delta_k)).by(bound)
    return chain.to(setting.slack * D, named).fact("Lemma 9, with D for its bound")


def jacobian_chain(pair: Pair, pulled: sp.MatrixExpr) -> Chain:
    """‖V (J − J′) u‖ ≤ 3c ‖Q_h − Q′_h‖_F ‖u‖_∞."""
    p, q, setting = pair.here, pair.there, pair.setting
    moved, diagonal, difference = p.s_hk - q.s_hk, p.diagonal - q.diagonal, (p.J_hk - q.J_hk) * pulled
    first, second = p.s_hk.T * pulled, moved.T * pulled
    parts = diagonal.matrix * pulled, -moved * first, -q.s_hk * second
    split = times_vector(p.definition_J, pulled), times_vector(q.definition_J, pulled)
    return at_most(norm(V * difference)).by(
        hoelder_columns(PROMPT, difference),
        setting.prompt_token,
        same(difference, sum(parts[1:], parts[0]), "J = diag(s) − ssᵀ", *split, kind="1"),
        triangle(*parts, kind="1"),
        times_number(moved, first, "1"),
        times_number(q.s_hk, second, "1"),
        entrywise_product(diagonal, pulled),
        hoelder(p.s_hk, pulled),
        hoelder(moved, pulled),
        p.weights_sum_to_one,
        q.weights_sum_to_one,
        quote(WEIGHTS_MOVED, p, q, pair.softmax, setting),
    )


def head_chain(pair: Pair) -> Chain:
    """‖∇_{Q_h} ℓ(ξ) − ∇_{Q_h} ℓ(ξ′)‖_F, the three factors α_hk, δ_k and J_hk changed one after the other."""
    p, q, setting = pair.here, pair.there, pair.setting
    sums = quote(lemma1.GRADIENT_QUERIES, p) - quote(lemma1.GRADIENT_QUERIES, q)
    pulled, moved, other = Z_bar.T * p.delta_k, Z_bar.T * (p.delta_k - q.delta_k), Z_bar.T * q.delta_k
    columns = V * p.J_hk * pulled, V * p.J_hk * moved, V * (p.J_hk - q.J_hk) * other
    numbers = p.alpha_hk - q.alpha_hk, q.alpha_hk, q.alpha_hk
    parts = [column * number * v_k.T for column, number in zip(columns, numbers, strict=True)]
    chain = at_most(norm(p.G_h - q.G_h, "F")).by(
        triangle_sum(sums, "F"),
        same(sums.part, gamma / K * (parts[0] + parts[1] + parts[2]), "split", kind="F"),
        triangle(*parts, kind="F"),
    )
    for column, number in zip(columns, numbers, strict=True):
        chain = chain.by(outer_product(column * number, v_k), times_number(column, number))
    chain = chain.by(setting.token, setting.bounded(q))
    for vector in (pulled, moved):
        chain = chain.by(*deviation_steps(p, pair.softmax, setting, vector))
    chain = chain.by(jacobian_chain(pair, other).fact("the Jacobian moves by at most 3c ‖Q_h − Q′_h‖_F"))
    for vector in (p.delta_k, p.delta_k - q.delta_k, q.delta_k):
        chain = chain.by(largest_entry(FEATURES, vector), cauchy_schwarz(z_bar_i, vector))
    bounds = residual(p, setting), residual(q, setting), quote(RESIDUAL_MOVED, p, q, pair.softmax, setting)
    return chain.by(F_MAX, *bounds)


def entry_chain(pair: Pair) -> Chain:
    """|∂ℓ/∂α_hk(ξ) − ∂ℓ/∂α_hk(ξ′)|."""
    p, q, setting = pair.here, pair.there, pair.setting
    moved, turned = p.delta_k - q.delta_k, p.b_hk - q.b_hk
    parts = moved.T * p.b_hk, q.delta_k.T * turned
    slopes = quote(lemma1.GRADIENT_WEIGHT, p), quote(lemma1.GRADIENT_WEIGHT, q)
    return at_most(norm(p.g_hk - q.g_hk)).by(
        same(p.g_hk - q.g_hk, gamma / K * (parts[0] + parts[1]), "∂ℓ/∂α_hk by Lemma 1", *slopes),
        triangle(*parts),
        cauchy_schwarz(moved, p.b_hk),
        cauchy_schwarz(q.delta_k, turned),
        quote(FEATURES_BOUND, p, setting),
        residual(q, setting),
        quote(FEATURES_MOVED, p, q, pair.softmax, setting),
        quote(RESIDUAL_MOVED, p, q, pair.softmax, setting),
    )


def collected(pair: Pair, start: sp.Expr, each: Fact) -> Chain:
    """The Euclidean length over heads and tokens, in terms of ‖Q − Q′‖_F and ‖α − α′‖_F."""
    chain = at_most(start).by(each)
    chain = chain.by(*map(minkowski, lengths_of_sums(chain.end)))
    weight = pair.moved_alpha
    for index, body in ((k, weight), (h, weight), (k, length(h, weight)), (h, pair.moved_Q)):
        fact = quote(lemma3.BELOW_LENGTH, index, body)
        chain = chain.by(fact) if chain.end.has(fact.left) else chain
    return chain


@cache
def chains(pair: Pair) -> tuple[Chain, Chain]:
    """The two rows: ‖∇_Q ℓ(ξ) − ∇_Q ℓ(ξ′)‖ and ‖∇_α ℓ(ξ) − ∇_α ℓ(ξ′)‖."""
    head, single = head_chain(pair).fact("each head"), entry_chain(pair).fact("each head and token")
    return collected(pair, pair.gradients[0], head), collected(pair, pair.gradients[1], single)


def lipschitz_matrix(softmax: Lipschitz, setting: Setting = PAPER) -> sp.ImmutableMatrix:
    """The 2 × 2 matrix that the derivation gives, in the constants."""
    ends = [sp.Add(*terms(chain.end)) for chain in chains(Pair(softmax=softmax, setting=setting))]
    return sp.ImmutableMatrix([[end.coeff(far) for far in (FAR_Q, FAR_ALPHA)] for end in ends])


NORM_IS_L = define(L, norm(ENTRIES, "op"), "L is the spectral norm of the matrix of constants")


@cache
def _instances(setting: Setting) -> tuple[Values, ...]:
    """The small networks, with the values of D, of the stated entries and of L there."""
    names = dict(zip(ENTRIES, STATED, strict=True))
    return tuple(extended(v, {D: STATED_D, **names, L: spectral_norm(ENTRIES)}) for v in small_networks(setting))


def derive_rows(subject: StatedBounds) -> Iterator[Identity]:
    """How far ∇_Q ℓ and ∇_α ℓ move, in terms of ‖Q − Q′‖_F and ‖α − α′‖_F."""
    rows = subject.bound(sp.Integer(1)) * STATED * sp.Matrix([FAR_Q, FAR_ALPHA])
    names = "‖∇_Q ℓ(ξ) − ∇_Q ℓ(ξ′)‖ ≤ Lqq‖Q − Q′‖ + Lqa‖α − α′‖", "‖∇_α ℓ(ξ) − ∇_α ℓ(ξ′)‖ ≤ Laq‖Q − Q′‖ + Laa‖α − α′‖"
    pair = Pair(softmax=LIPSCHITZ, setting=subject.setting)
    for name, chain, row in zip(names, chains(pair), rows, strict=True):
        yield conclude(name, chain.start, row, chain, instances=_instances(subject.setting))
    derived = STATED - sp.Matrix([[2 * gamma * f_max * alpha * D, 0], [0, 0]])
    for place, name in enumerate(ENTRIES):
        rule = "computed from the chains above"
        yield prove_scalars(f"{name} as derived", lipschitz_matrix(LIPSCHITZ)[place], derived[place], rule)


def named_rows(pair: Pair, matrix: sp.ImmutableMatrix) -> Iterator[Fact]:
    """The two rows with the names of the entries in place of their formulas, which `matrix` gives."""
    naming = [define(name, formula, f"{name} names it") for formula, name in zip(matrix, ENTRIES, strict=True)]
    far = pair.distances
    for chain, first, second in zip(chains(pair), naming[::2], naming[1::2], strict=True):
        wide = chain.to(first.left * far[0] + second.left * far[1], rule="the stated entries are no smaller")
        row = first.right * far[0] + second.right * far[1]
        yield wide.to(row, first, second, rule="names of the entries").fact("the row above")


def norm_chain(pair: Pair, matrix: sp.ImmutableMatrix = STATED) -> Chain:
    """‖∇ℓ(ξ) − ∇ℓ(ξ′)‖ ≤ L ‖ξ − ξ′‖, L being the spectral norm of the matrix of constants."""
    moved, far = sp.Matrix(pair.gradients), sp.Matrix(pair.distances)
    return (
        at_most(sp.sqrt(moved.dot(moved)))
        .to(sp.sqrt((ENTRIES * far).dot(ENTRIES * far)), *named_rows(pair, matrix))
        .by(operator_norm_two(ENTRIES, tuple(far)), NORM_IS_L)
    )


LIPSCHITZ_GRADIENT = Lemma(__name__, "Lemma 10", norm_chain)


def derive_norm(subject: StatedBounds) -> Iterator[Identity]:
    """The two rows together: L is the spectral norm of the matrix of constants, in closed form."""
    pair = Pair(softmax=LIPSCHITZ, setting=subject.setting)
    chain, far = norm_chain(pair), sp.Matrix(pair.distances)
    goal = subject.bound(L) * sp.sqrt(far.dot(far))
    yield conclude("‖∇ℓ(ξ) − ∇ℓ(ξ′)‖ ≤ L ‖ξ − ξ′‖", chain.start, goal, chain, instances=_instances(subject.setting))
    square, gram = spectral_norm(ENTRIES) ** 2, ENTRIES.T * ENTRIES
    equation = square**2 - gram.trace() * square + gram.det()
    yield prove_scalars("‖M‖₂² is an eigenvalue of MᵀM", equation, 0, "characteristic polynomial of MᵀM at L²")


def measure_gradients(subject: StatedBounds) -> Iterator[Bound]:
    """Gradients by automatic differentiation at two random points differ by at most L ‖ξ − ξ′‖."""
    observed, bound, error = [], [], []
    for p, q in pairs(subject.experiment, "lemma10", subject.setting):
        far = np.hypot(np.linalg.norm(p.queries - q.queries), np.linalg.norm(p.alpha - q.alpha))
        moved = [np.linalg.norm(first - second) for first, second in zip(p.gradients, q.gradients, strict=True)]
        constant = lipschitz_float(subject.experiment, alpha_of(subject.setting, p, q), p.gamma)
        observed.append(float(np.linalg.norm(moved)))
        bound.append(subject.bound(constant) * far)
        error.append(float(sum(np.linalg.norm(part) for point in (p, q) for part in point.gradient_errors)))
    yield compared("‖∇ℓ(ξ) − ∇ℓ(ξ′)‖ ≤ L ‖ξ − ξ′‖", observed, bound, error, f"{POINTS} pairs of points")


def lipschitz_float(experiment: Experiment, largest: float, scale: float) -> float:
    """The stated L in float64, for α = `largest` and γ = `scale`."""
    known = constants_of(experiment) | {alpha: largest, gamma: scale}
    known[D] = float(evaluated(STATED_D, known))
    return float(np.linalg.norm([[evaluated(entry, known) for entry in row] for row in STATED.tolist()], 2))


CLAIM = Claim(
    statement=STATEMENT,
    about=StatedBounds,
    heeds=("instance", "start"),
    assumptions=("unit norm",),
    builds_on=("lemma1", "lemma2", "lemma3", "lemma8", "lemma9"),
    cites=(
        "elementary norm inequalities (Horn, Johnson, Matrix Analysis, 2nd ed., Chapter 5)",
        "Cauchy–Schwarz and Minkowski for sums (Hardy, Littlewood, Pólya, Inequalities, Chapter 2)",
    ),
    checks=(measure_unit_norm, derive_rows, derive_norm, measure_gradients),
    stated=("STATED",),
    drops=("long_tokens", "alpha_not_bounded"),
    controls=dict(
        half_of_L=planted("The constant is L/2.", factor=Fraction(1, 2)),
        root_of_L=planted("The constant is √L.", power=Fraction(1, 2)),
        long_tokens=planted(
            "The tokens have norm 50: the assumption ‖v_k‖ = 1 is dropped.", setting=Setting(token_length=50)
        ),
        alpha_not_bounded=planted(
            "Some |α_hk| reaches 100α: the assumption |α_hk| ≤ α is dropped.", setting=Setting(slack=100)
        ),
    ),
    catches={
        derive_rows: ("half_of_L", "long_tokens", "alpha_not_bounded"),
        derive_norm: ("half_of_L", "root_of_L", "long_tokens", "alpha_not_bounded"),
        measure_gradients: ("long_tokens",),
    },
)
