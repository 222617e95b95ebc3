"""Precision as a consequence: a computation is repeated with twice the bits until its question is decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import flint

Value = TypeVar("Value")

START = 64  # bits; a little more than float64
LIMIT = 8192  # bits; beyond it a question is taken to be a tie


@dataclass(frozen=True, kw_only=True)
class Attempt(Generic[Value]):
    """The last computation made: its value (None where it broke down), its bits, and whether it decides."""

    value: Value | None
    bits: int
    decided: bool


def until_decided(
    compute: Callable[[], Value],
    decides: Callable[[Value], bool] = lambda value: True,
    *,
    bits: int = START,
    limit: int = LIMIT,
) -> Attempt[Value]:
    """Run `compute` with `bits` bits, then with twice as many, until `decides(value)` or `limit` is passed.

    An ArithmeticError (a matrix that may be singular, say) leaves the question open as well. Running
    out of bits is never an answer: `decided` is then False.

    Raises:
        ValueError: `bits` is above `limit`.
    """
    if bits > limit:
        raise ValueError(f"bits = {bits} is above limit = {limit}; start lower or allow more")
    while True:
        with flint.ctx.workprec(bits):
            try:
                value = compute()
                decided = decides(value)
            except ArithmeticError:
                value, decided = None, False
        if decided or 2 * bits > limit:
            return Attempt(value=value, bits=bits, decided=decided)
        bits *= 2
