"""What the motion of Q adds to the closed form of Long run: the chains behind κ and the fixed point.

All tokens are taken together: B is the block-diagonal matrix of all B_k, δ, w and a = Z̄Â are stacked, and η = η_w/K.
M is what the closed form takes for B⁽⁰⁾B⁽⁰⁾ᵀ, within a distance `defect`. The chains are about any such matrices; that
the network's obey the hypotheses is `theorems.long_run.derive_motion`.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

import flint
import sympy as sp

from theorems.network.exact import to_ball, to_balls
from theorems.setting.constants import f_max, gamma, zeta_0
from verify.prove.inequalities.chain import Chain, Fact, at_most
from verify.prove.inequalities.lemma import cite, define, hypothesis
from verify.prove.inequalities.quantity import Letter, SumOf, norm, total
from verify.prove.inequalities.rules import NORMS, operator_norm, same, triangle, triangle_sum
from verify.prove.inequalities.values import PRECISION, Values
from verify.prove.matrices.sampling import Equation

rows, cols = sp.symbols("R C", integer=True, positive=True)
step, q, W, b, B_norm, defect, S, rho, kappa, limit, room = sp.symbols("η q W b ‖B⁽⁰⁾‖ d S ρ κ ‖w̄‖ 1−ρ", positive=True)
t = sp.Symbol("t", integer=True, positive=True)
s = sp.Idx("s", t)  # the steps before step t

STEPS = 12  # of the instances; the bounds on sums are then attained up to 2⁻¹²
PACE = Fraction(1, 10**4)
SCALES = Fraction(1), Fraction(4), Fraction(1, 4), Fraction(16), Fraction(1, 16)
SIZES = (2, 3), (3, 2), (4, 3), (2, 5), (5, 4)

B_0, B, B_next = (Letter(name, rows, cols) for name in ("B⁽⁰⁾", "B", "B⁺"))
M, a = Letter("M", rows, rows), Letter("a", rows, 1)
w, delta, delta_next = Letter("w", cols, 1), Letter("δ", rows, 1), Letter("δ⁺", rows, 1)
remainder = delta_next - (delta - step * M * delta)

DELTA = Equation(delta, B * w - a, "δ = Bw − a")
NEXT = Equation(delta_next, B_next * (w - step * B.T * delta) - a, "δ⁺ = B⁺w⁺ − a, w⁺ = w − ηBᵀδ")


def _at_most(matrix: Any, bound: Any, why: str) -> tuple[Fact, Fact]:
    """‖X‖₂ = ‖Xᵀ‖₂ ≤ bound, as it is used for X and for Xᵀ."""
    first, second = (hypothesis(norm(X, "op"), bound, why) for X in (matrix, matrix.T))
    return first, second


START = _at_most(B_0, B_norm, "‖B⁽⁰⁾‖₂ ≤ ‖B⁽⁰⁾‖")
MOVED = _at_most(B - B_0, b, "‖B − B⁽⁰⁾‖₂ ≤ b")
MOVED_NEXT = _at_most(B_next - B_0, b, "‖B⁺ − B⁽⁰⁾‖₂ ≤ b")
DEFECT = hypothesis(norm(B_0 * B_0.T - M, "op"), defect, "‖B⁽⁰⁾B⁽⁰⁾ᵀ − M‖₂ ≤ d")
TURNED = hypothesis(
    norm(B_next - B, "op"),
    step * f_max**2 * W / gamma**2 * norm(delta),
    "‖B⁺ − B‖₂ ≤ f̄_max ‖Q⁺ − Q‖ ≤ (η/γ²) f̄_max² W ‖δ‖",
)
WEIGHTS = hypothesis(norm(w), W, "‖w‖ ≤ W")


def remainder_chain() -> Chain:
    """‖δ⁺ − (I − ηM)δ‖ ≤ η (2‖B⁽⁰⁾‖b + b² + f̄_max²W²/γ² + d) ‖δ‖."""
    moved, moved_next, off = B - B_0, B_next - B_0, B_0 * B_0.T - M
    pulled = moved.T * delta, B_0.T * delta
    parts = moved_next * pulled[0], moved_next * pulled[1], B_0 * pulled[0], off * delta
    scaled = [-step * part for part in parts] + [(B_next - B) * w]
    whole = sum(scaled[1:], scaled[0])
    return at_most(norm(remainder)).by(
        same(remainder, whole, "B⁺ = B⁽⁰⁾ + (B⁺ − B⁽⁰⁾), B = B⁽⁰⁾ + (B − B⁽⁰⁾)", NEXT, DELTA),
        triangle(*scaled),
        operator_norm(moved_next, pulled[0]),
        operator_norm(moved_next, pulled[1]),
        operator_norm(B_0, pulled[0]),
        operator_norm(off, delta),
        operator_norm(B_next - B, w),
        operator_norm(moved.T, delta),
        operator_norm(B_0.T, delta),
        MOVED_NEXT[0],
        MOVED[1],
        START[0],
        START[1],
        DEFECT,
        TURNED,
        WEIGHTS,
    )


# The sums over all steps before t. δ̄ is the closed form, δ̄⁺ = (I − ηM) δ̄ with δ̄^(0) = δ^(0).
delta_s, frozen_s = Letter("δ", rows, 1, s), Letter("δ̄", rows, 1, s)
next_s, frozen_next_s, remainder_s = (Letter(name, rows, 1, s) for name in ("δ⁺", "δ̄⁺", "r"))
apart_t = Letter("δ−δ̄^(t)", rows, 1)
B_s, Q_t, Q_0, w_t, frozen_w = (
    Letter("B", rows, cols, s),
    *(Letter(x, cols, cols) for x in ("Q^(t)", "Q⁽⁰⁾")),
    *(Letter(x, cols, 1) for x in ("w^(t)", "w̄^(t)")),
)
slope_s = Letter("∇_Q ℓ", cols, cols, s)
off_s = delta_s - frozen_s

RHO = define(rho, kappa / zeta_0, "ρ = κ/ζ_0")
ROOM = hypothesis(room, 1 - rho, "ρ < 1", equal=True)
CONTRACTS = cite(
    norm((delta_s - frozen_s) - step * M * (delta_s - frozen_s)),
    (1 - step * zeta_0) * norm(off_s),
    "ζ_0 ≤ λ(M) ≤ 1/η, so ‖(I − ηM)x‖ ≤ (1 − ηζ_0)‖x‖",
    source=NORMS,
)
REMAINDER = hypothesis(norm(remainder_s), step * kappa * norm(delta_s), "the bound on the remainder")
RECURSION = Equation(next_s, delta_s - step * M * delta_s + remainder_s, "δ⁺ = (I − ηM)δ + r")
FROZEN = Equation(frozen_next_s, frozen_s - step * M * frozen_s, "δ̄⁺ = (I − ηM)δ̄")
SHIFTED = hypothesis(
    total(s, norm(off_s)),
    total(s, norm(next_s - frozen_next_s)),
    "Σ_{s<t} x_s ≤ Σ_{s<t} x_{s+1} for x_s = ‖δ − δ̄‖, x_0 = 0",
)
PATH = hypothesis(step * total(s, norm(frozen_s)), S, "S = η Σ_s ‖δ̄(s)‖, or more")


LETTERS = (
    B_0,
    B,
    B_next,
    M,
    a,
    w,
    delta,
    delta_next,
    delta_s,
    frozen_s,
    next_s,
    frozen_next_s,
    remainder_s,
    B_s,
    Q_t,
    Q_0,
    w_t,
    frozen_w,
    slope_s,
)


def apart_chain() -> Chain:
    """‖δ⁺ − δ̄⁺‖ ≤ (1 − ηζ_0) ‖δ − δ̄‖ + ηκ ‖δ‖."""
    shrunk = off_s - step * M * off_s
    return at_most(norm(next_s - frozen_next_s)).by(
        same(next_s - frozen_next_s, shrunk + remainder_s, "difference of the recursions", RECURSION, FROZEN),
        triangle(shrunk, remainder_s),
        CONTRACTS,
        REMAINDER,
    )


def neglect_chain() -> Chain:
    """What a step adds to n: ‖δ⁺ − δ̄⁺‖ ≤ (p + ε) ‖δ − δ̄‖ + ε ‖δ̄‖ with p = 1 − ηζ_0 and ε = ηκ."""
    parts = off_s, frozen_s
    split = at_most(norm(delta_s)).by(triangle(*parts))  # their sum is δ
    return apart_chain().by(split.fact("‖δ‖ ≤ ‖δ − δ̄‖ + ‖δ̄‖"))


def apart_sum_chain() -> Chain:
    """η Σ_{s<t} ‖δ − δ̄‖ ≤ ρ η Σ_{s<t} ‖δ‖."""
    whole, path = total(s, norm(off_s)), total(s, norm(delta_s))
    grown = at_most(whole).by(SHIFTED, apart_chain().fact("each step")).fact("summed over the steps")
    return at_most(step * whole).to(kappa / zeta_0 * step * path, grown).by(RHO)


def path_chain() -> Chain:
    """η Σ_{s<t} ‖δ‖ ≤ S/(1 − ρ)."""
    path = total(s, norm(delta_s))
    split = at_most(path).by(triangle(off_s, frozen_s)).fact("Σ‖δ‖ ≤ Σ‖δ − δ̄‖ + Σ‖δ̄‖")  # their sum is δ
    apart = apart_sum_chain().fact("η Σ‖δ − δ̄‖ ≤ ρη Σ‖δ‖")
    scaled = at_most(room * step * path).to(S, split, apart, PATH, ROOM)
    return at_most(step * path).to(S / room, scaled.fact("(1 − ρ) times that"))


def queries_chain() -> Chain:
    """‖Q^(t) − Q⁽⁰⁾‖ ≤ f̄_max W S / ((1 − ρ)γ²)."""
    moved = SumOf(Q_t - Q_0, s, -step / gamma**2 * slope_s, "gradient descent, η_Q = η_w/γ² = ηK/γ²")
    slope = hypothesis(norm(slope_s, "F"), f_max * W * norm(delta_s), "‖K∇_Q ℓ‖ ≤ f̄_max ‖w‖ ‖δ‖, and ‖w‖ ≤ W")
    chain = at_most(norm(Q_t - Q_0, "F")).by(triangle_sum(moved, "F"), slope)
    return chain.to(f_max * W * S / (room * gamma**2), path_chain().fact("η Σ‖δ‖ ≤ S/(1 − ρ)"))


def weights_chain() -> Chain:
    """‖w^(t)‖ ≤ ‖w̄‖ + (b + ‖B⁽⁰⁾‖ρ) S/(1 − ρ)."""
    parts = (B_s - B_0).T * delta_s, B_0.T * off_s
    slope = B_s.T * delta_s - B_0.T * frozen_s
    moved = SumOf(w_t - frozen_w, s, -step * slope, "gradient descent on w, and on w̄ with Q fixed")
    turned = hypothesis(norm((B_s - B_0).T, "op"), b, "‖B − B⁽⁰⁾‖₂ ≤ b at every step before t")
    off = at_most(norm(w_t - frozen_w)).by(
        triangle_sum(moved),
        same(slope, parts[0] + parts[1], "add and subtract B⁽⁰⁾ᵀδ"),
        triangle(*parts),
        operator_norm((B_s - B_0).T, delta_s),
        operator_norm(B_0.T, off_s),
        turned,
        START[1],
    )
    sums = apart_sum_chain().fact("η Σ‖δ − δ̄‖ ≤ ρη Σ‖δ‖"), path_chain().fact("η Σ‖δ‖ ≤ S/(1 − ρ)")
    off = off.to((b + B_norm * rho) * S / room, *sums)
    frozen = hypothesis(norm(frozen_w), limit, "‖w̄^(t)‖ ≤ ‖w̄‖ for every t")
    return at_most(norm(w_t)).by(triangle(frozen_w, w_t - frozen_w), frozen, off.fact("‖w − w̄‖"))  # their sum is w


def tight_instances() -> tuple[Values, ...]:
    """Small and large matrices with one entry, at which all bounds on one step are attained up to a thousandth."""
    return tuple(map(_step, SCALES, SIZES))


def _step(size: Fraction, shape: tuple[int, int]) -> Values:
    """All of ‖B⁽⁰⁾‖, b, d, f̄_max, W and γ are `size`, and δ = 1."""
    turned = PACE * size  # η f̄_max² W / γ²
    now, after = 2 * size, 2 * size - turned
    target = now * size - 1
    moved = after * (size - PACE * now) - target
    matrices = {
        "B⁽⁰⁾": size,
        "B": now,
        "B⁺": after,
        "M": size**2 - size,
        "w": size,
        "a": target,
        "δ": Fraction(1),
        "δ⁺": moved,
    }
    numbers = {"η": PACE, **dict.fromkeys(("b", "‖B⁽⁰⁾‖", "d", "f̄_max", "W", "γ"), size)}
    return _values(shape, numbers, matrices, {})


def run_instances() -> tuple[Values, ...]:
    """Small and large runs of matrices with one entry: all bounds on sums are attained in the limit of many steps."""
    return tuple(map(_run, SCALES, SIZES))


def _run(size: Fraction, shape: tuple[int, int]) -> Values:
    """B⁽⁰⁾ = size, B = 2 B⁽⁰⁾ from the first step on, M = 8 B⁽⁰⁾², η = 1/M and δ⁽⁰⁾ = −size⁴, so that ρ = 1/2."""
    M_value, pace, halves = 8 * size**2, 1 / (8 * size**2), [Fraction(1, 2**k) for k in range(STEPS + 1)]
    residuals, frozen = [-(size**4) * half for half in halves], [-(size**4), *[Fraction(0)] * STEPS]
    weight = -pace * 2 * size * sum(residuals[:-1])
    frozen_weight = -pace * size * sum(frozen[:-1])
    slopes = [size * weight * now for now in residuals[:-1]]
    numbers = {
        "η": pace,
        "ζ_0": M_value,
        "κ": M_value / 2,
        "ρ": Fraction(1, 2),
        "1−ρ": Fraction(1, 2),
        "S": pace * size**4,
        "W": weight,
        "b": size,
        "‖B⁽⁰⁾‖": size,
        "f̄_max": size,
        "γ": size,
        "‖w̄‖": frozen_weight,
    }
    fixed = {
        "B⁽⁰⁾": size,
        "M": M_value,
        "Q^(t)": -pace / size**2 * sum(slopes),
        "Q⁽⁰⁾": Fraction(0),
        "w^(t)": weight,
        "w̄^(t)": frozen_weight,
    }
    moving = {
        "B": [2 * size] * STEPS,
        "δ": residuals,
        "δ̄": frozen,
        "δ⁺": residuals[1:],
        "δ̄⁺": frozen[1:],
        "r": residuals[1:],
        "∇_Q ℓ": slopes,
    }
    return _values(shape, numbers, fixed, moving)


def _values(
    shape: tuple[int, int], numbers: dict[str, Any], fixed: dict[str, Any], moving: dict[str, list[Any]]
) -> Values:
    """Each matrix has the given number as its first entry, and zeros."""
    told = f"R, C = {shape}, first entries: "
    told += ", ".join(f"{name} = {value}" for name, value in (fixed | numbers).items())
    told += "".join(f", {name}^(s) = {', '.join(map(str, values))}" for name, values in moving.items())
    with flint.ctx.workprec(PRECISION):
        letters = {name: partial(_entry, shape, name, value) for name, value in fixed.items()}
        letters |= {name: partial(_entry_at, shape, name, values) for name, values in moving.items()}
        sizes = {rows: shape[0], cols: shape[1], t: STEPS}
        return Values(told, sizes, {name: to_ball(value) for name, value in numbers.items()}, letters)


def _entry_at(shape: tuple[int, int], name: str, values: list[Any], step: int) -> Any:
    return _entry(shape, name, values[step])


def _entry(shape: tuple[int, int], name: str, value: Any) -> Any:
    height, width = next(letter.shape for letter in LETTERS if letter.name == name)
    size = dict(zip((rows, cols, sp.Integer(1)), (*shape, 1), strict=True))
    return to_balls([[value * (i == j == 0) for j in range(size[width])] for i in range(size[height])])
