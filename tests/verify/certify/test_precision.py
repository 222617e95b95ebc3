"""Precision is raised until a question closes; running out of bits decides nothing."""

from __future__ import annotations

import flint
import pytest

from verify.certify.precision import until_decided


def third_of(denominator: int) -> flint.arb:
    """1/3 − (2^p − 1)/(3 · 2^p) = 2^-p / 3, known only above p bits."""
    return flint.arb(1) / 3 - (flint.arb(2) ** denominator - 1) / (3 * flint.arb(2) ** denominator)


def test_bits_double_until_the_sign_is_certain() -> None:
    before = flint.ctx.prec
    attempt = until_decided(lambda: third_of(300), lambda value: value > 0)
    assert attempt.decided
    assert attempt.bits == 512
    assert attempt.value > 0
    assert flint.ctx.prec == before


def test_a_tie_stays_open() -> None:
    attempt = until_decided(lambda: flint.arb(1) / 3 * 3 - 1, lambda value: value > 0, limit=300)
    assert not attempt.decided
    assert attempt.bits == 256
    assert attempt.value is not None


def test_what_breaks_down_is_tried_again_and_then_left_open() -> None:
    def fragile() -> int:
        if flint.ctx.prec < 200:
            raise ZeroDivisionError
        return flint.ctx.prec

    assert until_decided(fragile).value == 256
    attempt = until_decided(fragile, limit=128)
    assert attempt.value is None
    assert not attempt.decided


def test_a_start_above_the_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="bits = 64 is above limit = 32"):
        until_decided(lambda: 1, limit=32)
