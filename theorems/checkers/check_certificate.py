"""Check a certificate of Theorem 1 of arXiv:2408.10147 with Python alone: python check_certificate.py FILE

Exit status 0: every claim in FILE is true; 1: the first that is not, in one sentence; 2: FILE cannot be read.
Given numbers are exact fractions. What is irrational or would grow too long is enclosed in balls, integers with an
error bound; where these are too wide to decide, all is done again with twice the bits. No float decides anything.
What is not checked here is said at the end.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

SCHEMA = "theorem1-certificate/2"
STATEMENT = (
    "Theorem 1 of arXiv:2408.10147: gradient descent on the population loss from Q and w = 0, with step sizes eta_Q, "
    "eta_w = gamma^2 eta_Q, satisfies Delta^(t) <= rate^t Delta^(0) for every t, where Delta^(t) is the gap L - inf L. "
    "Claimed: lambda_min(B_k B_k^T) >= zeta_0 for every k; norm_Z_bar, f_max, norm_A and Delta_0 are no smaller than "
    "|Z_bar|_2, the longest column of Z_bar, |Z_bar A_hat|_2 and Delta^(0); with them, gamma^2 >= 128 (2 + sqrt 2) "
    "K^(3/2) sqrt(H) norm_Z_bar^2 f_max Delta_0 zeta_0^(-5/2), eta_Q <= 1/L for the constant L of Lemma 10, and "
    "1 > rate >= 1 - eta_w zeta_0 / (2K); gaps[t] encloses Delta^(t) for t = 0, ..., steps."
)
NOT_CHECKED = (
    "not checked: that the bound goes on beyond step {steps}, and that the least loss is the infimum, rest on "
    "Theorem 1 and Lemma 5; that tokens, features and Q are the instance that is meant, on whoever gives them"
)
SIZES = ("N", "K", "d", "m", "H", "steps")  # of the prompt, dictionary, tokens and features; heads
SCALARS = ("tau", "gamma", "eta_Q", "eta_w", "rate", "zeta_0", "norm_Z_bar", "f_max", "norm_A", "Delta_0")
SHAPES = {"tokens": "Kd", "features": "Km", "Q": "Hdd", "w": "HK", "A_hat": "NK"} | dict.fromkeys(SCALARS, "")
UNIT = Fraction(1, 10**12)  # how far ‖v_k‖² may be from 1: few vectors of binary numbers have norm 1 exactly
WIDTH = Fraction(1, 10**6)  # of an interval for the gap, relative to its upper end: a wider one tells nothing
NUMBER = re.compile(
    r"([+-]?)(?:0x([0-9a-f]+)(?:\.([0-9a-f]*))?p([+-]?\d{1,4})|(\d+)(?:\.(\d*))?(?:e([+-]?\d{1,4}))?(?:/(\d+))?)"
)
LONGEST = 8192, 2**26, 10**10  # digits of a number, bytes of a file, products of balls: about three hours
SLACK = 1 + Fraction(1, 10**9)  # makes up for it: max ‖v_k‖ enters the conditions on γ² and L with powers up to 4


@dataclass(frozen=True, slots=True)
class Ball:
    """A real number x with |2^bits x − mid| ≤ rad."""

    mid: int
    rad: int
    bits: int

    def __add__(self, other: "Ball") -> "Ball":
        return Ball(self.mid + other.mid, self.rad + other.rad, self.bits)

    def __sub__(self, other: "Ball") -> "Ball":
        return Ball(self.mid - other.mid, self.rad + other.rad, self.bits)

    def __mul__(self, other: "Ball") -> "Ball":
        return dot((self,), (other,))

    def __truediv__(self, other: "Ball") -> "Ball":  # x'/y' − x/y = (x' − x − (x/y)(y' − y)) / y'
        least = max(0, other.mid - other.rad)  # an ArithmeticError below if y may not be positive
        mid = (self.mid << self.bits) // other.mid
        return Ball(mid, ((self.rad << self.bits) + (abs(mid) + 1) * other.rad) // least + 2, self.bits)


def dot(x: Sequence[Ball], y: Sequence[Ball]) -> Ball:
    """Σ x_i y_i; |x'y' − xy| ≤ |x'| |y' − y| + |x' − x| |y|."""
    mid = sum(a.mid * b.mid for a, b in zip(x, y, strict=True))
    rad = sum((abs(a.mid) + a.rad) * b.rad + a.rad * abs(b.mid) for a, b in zip(x, y, strict=True))
    return Ball(mid >> x[0].bits, (rad >> x[0].bits) + 2, x[0].bits)


def times(A: Any, B: Any) -> list[list[Ball]]:
    """A Bᵀ."""
    return [[dot(row, other) for other in B] for row in A]


def enclose(x: Any, bits: int) -> Any:
    """The ball around a fraction; of lists, entry by entry."""
    if isinstance(x, list):
        return [enclose(entry, bits) for entry in x]
    return Ball((x.numerator << bits) // x.denominator, 1, bits)


def exp(x: Ball) -> Ball:
    """(e^y)^(2^k) with y = x/2^k, |y| < 1/2^15, by Taylor's series, whose remainder is below its last term."""
    k = max(0, (abs(x.mid) + x.rad).bit_length() - x.bits + 16)
    y = Ball(x.mid << 16, x.rad << 16, x.bits + k + 16)
    n, total, term = 0, enclose(1, y.bits), enclose(1, y.bits)
    while abs(term.mid) > 1:
        n, term = n + 1, term * y
        term = Ball(term.mid // n, term.rad // n + 2, y.bits)
        total += term
    total += Ball(0, abs(term.mid) + term.rad, y.bits)
    for _ in range(k):
        total *= total
    return Ball(total.mid >> k + 16, (total.rad >> k + 16) + 2, x.bits)


def above(x: Fraction, left: Any, right: Any) -> Any:
    """Positive if x · left − right is positive definite: the first pivot of elimination that is not, or the last."""
    rows = [[enclose(x, b.bits) * a - b for a, b in zip(*pair, strict=True)] for pair in zip(left, right, strict=True)]
    while rows[1:] and rows[0][0].mid > rows[0][0].rad:
        top, *rows = rows
        rows = [[a - row[0] * b / top[0] for a, b in zip(row[1:], top[1:], strict=True)] for row in rows]
    return rows[0][0]


def exact(data: Any, *shape: int) -> Any:
    """A number in a string (hexadecimal float, decimal, quotient), exactly, or nested lists of them."""
    if shape and isinstance(data, list) and len(data) == shape[0]:
        return [exact(entry, *shape[1:]) for entry in data]
    if shape or not isinstance(data, str):
        raise ValueError(f"{str(data)[:40]!r} is not {f'a list of {shape[0]}' if shape else 'a number in a string'}")
    found = NUMBER.fullmatch(data) if len(data) <= LONGEST[0] else None
    if found is None:
        raise ValueError(f"{data[:40]!r} is not a number in a string of at most {LONGEST[0]} digits")
    sign, hexadecimal, binary, exponent, digits, decimals, power, divisor = found.groups("")
    if hexadecimal:
        value = int(hexadecimal + binary, 16) * Fraction(2) ** (int(exponent) - 4 * len(binary))
    else:
        value = int(digits + decimals) * Fraction(10) ** (int(power or 0) - len(decimals)) / int(divisor or 1)
    if value >= 2**1000:
        raise ValueError(f"{data[:40]!r} is out of range")
    return -value if sign == "-" else value


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which every key stands once."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def parse(path: str) -> dict[str, Any]:
    """The file as JSON, with exactly the keys of a certificate, its schema and its statement."""
    if not Path(path).is_file():  # a pipe would be waited for
        raise FileNotFoundError(None, "there is no such file")
    with Path(path).open("rb") as stream:
        text = stream.read(LONGEST[1] + 1)
    if len(text) > LONGEST[1]:
        raise ValueError(f"it is longer than {LONGEST[1]} bytes")
    data: dict[str, Any] = json.loads(text.decode("utf-8"), object_pairs_hook=once)
    expected = {"schema", "statement", "source", "gaps", *SIZES, *SHAPES}
    keys = set(data) if isinstance(data, dict) else set()
    if keys != expected:
        raise ValueError(f"its keys lack {sorted(expected - keys)} and do not belong: {sorted(keys - expected)}"[:300])
    if (data["schema"], data["statement"]) != (SCHEMA, STATEMENT):
        raise ValueError(f"its schema or its statement is not that of {SCHEMA}")
    if not isinstance(data["source"], str):
        raise ValueError("its source is not a string")
    return data


def read(path: str) -> SimpleNamespace:
    """What the file says, and `moments`, E y_i y_k = z_iᵀz_k + mτ [i = k] for i ≤ N: its first N columns are M = Z̄²."""
    data = parse(path)
    sizes = {name: data[name] for name in SIZES}
    if not all(type(size) is int and size > 0 for size in sizes.values()) or sizes["N"] >= sizes["K"]:
        raise ValueError(f"sizes must be positive integers with N < K, they are {sizes}"[:300])
    N, K, d, _, H, steps = sizes.values()
    if steps * H * (2 * N * d * (d + K) + 200 * N * K) > LONGEST[2]:
        raise ValueError(f"steps = {steps} of this size are out of reach of this program")
    found = {name: exact(data[name], *(sizes[letter] for letter in shape)) for name, shape in SHAPES.items()}
    c = SimpleNamespace(**sizes, **found, gaps=exact(data["gaps"], steps + 1, 2))
    inner = [[sum(map(Fraction.__mul__, z, other)) for other in c.features] for z in c.features[: c.N]]
    c.moments = [[x + c.m * c.tau * (i == k) for k, x in enumerate(row)] for i, row in enumerate(inner)]
    c.M = [row[: c.N] for row in c.moments]
    return c


def descent(c: SimpleNamespace, bits: int) -> Iterator[tuple[Any, Ball]]:
    """At each step s_hk = softmax(VᵀQ_h v_k) and the gap (1/2K) Σ_k (ã_k − â_k)ᵀM(ã_k − â_k), ã_k = Σ_h w_hk s_hk."""
    M, A_hat, v, Q, w = (enclose(x, bits) for x in (c.M, c.A_hat, c.tokens, c.Q, c.w))
    from_first = enclose([[x - y for x, y in zip(u, c.tokens[0], strict=True)] for u in c.tokens[: c.N]], bits)
    step_Q, step_w, share = (enclose(x / c.K, bits) for x in (c.eta_Q, c.eta_w, Fraction(1, 2)))
    while True:
        powers = [[[exp(dot(u, Qv)) for u in from_first] for Qv in times(v, Q_h)] for Q_h in Q]
        s = [[[x / sum(p[1:], p[0]) for x in p] for p in row] for row in powers]
        d = [[dot([u[k] for u in w], [u[k][i] for u in s]) - A_hat[i][k] for i in range(c.N)] for k in range(c.K)]
        r = times(d, M)  # r_k = M_PP ã_k − M_Pk
        yield s, share * dot([x for row in d for x in row], [x for row in r for x in row])
        for h in range(c.H):  # ∂L/∂w_hk = g_k / K and ∇_{Q_h}L = (1/K) Σ_k V(w_hk s ∘ (r_k − g_k)) v_kᵀ, s = s_hk
            g = [dot(*pair) for pair in zip(s[h], r, strict=True)]
            p = [[w[h][k] * x * (y - g[k]) for x, y in zip(s[h][k], r[k], strict=True)] for k in range(c.K)]
            slope = times(times(zip(*v[: c.N], strict=True), p), list(zip(*v, strict=True)))
            Q[h] = [[x - step_Q * y for x, y in zip(*rows, strict=True)] for rows in zip(Q[h], slope, strict=True)]
            w[h] = [x - step_w * y for x, y in zip(w[h], g, strict=True)]


def hypotheses(c: SimpleNamespace, bits: int) -> Iterator[tuple[bool | Ball, str]]:
    """The claimed bounds, without roots: Z̄XZ̄ ≥ cI ⟺ MXM ≥ cM; from them the theorem's conditions on γ and η_Q."""
    yield len(set(map(tuple, c.tokens))) == c.K, "the tokens are distinct"
    yield all(abs(sum(x * x for x in v) - 1) <= UNIT for v in c.tokens), "every |v_k|^2 is within 1e-12 of 1"
    values = ", ".join(f"{name} = {float(getattr(c, name)):.6g}" for name in SCALARS)
    yield all(getattr(c, name) > 0 for name in SCALARS), f"positive are {values}"
    columns = [[sum(map(Fraction.__mul__, row, column)) for column in zip(*c.A_hat, strict=True)] for row in c.M]
    yield columns == c.moments, "A_hat minimises the loss, Z_bar^2 A_hat = Z^T Z_tilde + m tau (I, 0)"
    (M, moments), (s, gap) = (enclose(x, bits) for x in (c.M, c.moments)), next(descent(c, bits))
    for k in range(c.K):
        MC = [[dot(row, s_h[k]) for s_h in s] for row in M]
        yield above(1 / c.zeta_0, times(MC, MC), M), f"the eigenvalues of B_k B_k^T exceed zeta_0 for k = {k + 1}"
    yield above(c.norm_Z_bar**2, M, times(M, M)), "the spectral norm of Z_bar is below norm_Z_bar"
    yield all(c.M[i][i] <= c.f_max**2 for i in range(c.N)), "no column of Z_bar is longer than f_max"
    yield above(c.norm_A**2, M, times(moments, moments)), "the spectral norm of A = Z_bar A_hat is below norm_A"
    yield enclose(c.Delta_0, bits) - gap, "the gap at the start is below Delta_0"
    two, n, h, g = (Fraction(isqrt(int(x * 4**200)) + 1, 2**200) for x in (2, c.K, c.H, 2 * c.K * c.Delta_0))  # ≥ √x
    K, H, Z, f, gamma = c.K, c.H, c.norm_Z_bar, c.f_max, c.gamma
    least = 128 * (2 + two) * n**3 * h * Z**2 * f * c.Delta_0  # times ζ_0^{−5/2}
    yield (SLACK * least) ** 2 <= gamma**4 * c.zeta_0**5, "gamma is as large as the theorem asks for"
    alpha = 4 * g * Z / (gamma * c.zeta_0)  # the lemma on drift
    D = gamma * H * alpha * Z + c.norm_A  # Lemma 9
    L_qq, mixed = gamma * f * (4 * alpha**2 * gamma * Z * H + 8 * alpha * D), 2 * n * (D + alpha * gamma * Z * H)
    L = enclose([[L_qq, gamma * f * mixed / K], [gamma * Z * mixed / K, gamma**2 * Z**2 * H / K]], bits)  # Lemma 10
    yield above((SLACK * c.eta_Q) ** -2, enclose([[1, 0], [0, 1]], bits), times(L, L)), "eta_Q is below 1/L"
    yield c.eta_w == gamma**2 * c.eta_Q, "eta_w is gamma^2 eta_Q"


def claims(c: SimpleNamespace, bits: int) -> Iterator[tuple[bool | Ball, str]]:
    """What must be positive or true, in sentences: the hypotheses, and that each gap is small and in its interval."""
    yield from hypotheses(c, bits)
    yield not any(map(any, c.w)), "w is 0 at the start"
    yield c.rate >= 1 - c.eta_w * c.zeta_0 / (2 * c.K), "the rate is not below 1 - eta_w zeta_0 / 2K"
    yield c.rate < 1, "the rate is below 1"
    tight = all(0 < low <= high <= low + WIDTH * high for low, high in c.gaps)
    yield tight, "every interval for the gap is positive and at most 1e-6 of it wide"
    factor, bound = enclose(1 - c.eta_w * c.zeta_0 / (2 * c.K), bits), enclose(c.Delta_0, bits)
    for t, ((low, high), (_, gap)) in enumerate(zip(enclose(c.gaps, bits), descent(c, bits), strict=False)):
        yield min(gap - low, high - gap, key=lambda x: x.mid - x.rad), f"step {t}: the gap is inside its interval"
        yield bound - gap, f"step {t}: the gap is below (1 - eta_w zeta_0 / 2K)^{t} Delta_0"
        bound = factor * (bound if t else gap)
    yield True, f"{t} steps: each gap is in its interval, finally {float(c.gaps[t][1]):.3g}, and below rate^t Delta_0"


def main(path: str) -> int:
    """Say what is true and what is not, and return the exit status."""
    try:
        c = read(path)
    except OSError as error:
        print(f"cannot read {path!r}: {error.strerror or error}; give the file that --certificate wrote")
        return 2
    except Exception as error:
        print(f"cannot read {path!r}: {' '.join(str(error).split()) or type(error).__name__}")
        return 2
    for bits in (c.steps + 128 << i for i in range(4)):
        try:
            for holds, claim in claims(c, bits):
                if isinstance(holds, Ball) and abs(holds.mid) <= holds.rad:
                    raise ArithmeticError(claim)
                if not (holds.mid > 0 if isinstance(holds, Ball) else holds):
                    print(f"FALSE: {claim}")
                    return 1
                print(end="" if claim.startswith("step") else f"true: {claim}\n")
            print(NOT_CHECKED.format(steps=c.steps))
            return 0
        except ArithmeticError as error:
            print(f"UNDECIDED with {bits} bits: {error}")
    return 1


if __name__ == "__main__":
    sys.exit(main("".join(sys.argv[1:2])))
