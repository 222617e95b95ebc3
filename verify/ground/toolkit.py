"""Every self-test of a run: those of the toolkit's own libraries, and those that the subject brings."""

from __future__ import annotations

from typing import Any

from verify.ground import arrays, balls, exact, laws, linear, matrices, symbols
from verify.ground.selftest import SelfTest


def grounds_of(subject: Any) -> tuple[SelfTest, ...]:
    """The self-tests of the libraries that the toolkit calls, then those of the subject's own `grounds()`, if any."""
    own = getattr(subject, "grounds", None)
    toolkit = (*exact.TESTS, *symbols.TESTS, *balls.TESTS, *matrices.TESTS, *arrays.TESTS, *linear.TESTS, *laws.TESTS)
    return toolkit if own is None else (*toolkit, *own())
