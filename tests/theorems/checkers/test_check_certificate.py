"""The checker that stands alone: its arithmetic against flint, fractions and numpy, and files that it cannot read."""

from __future__ import annotations

import random
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import flint
import numpy as np
import pytest

from theorems.checkers import check_certificate
from theorems.checkers.check_certificate import Ball, above, dot, enclose, exp, main

SOURCE = Path(check_certificate.__file__)
BITS = 200


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"17", b"\xff\xfe", b"[" * 10**5])
def test_a_file_that_is_no_certificate_cannot_be_read(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert main(str(path)) == 2
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize("arguments", [[], ["/nowhere/certificate.json"]])
def test_a_file_that_is_missing_cannot_be_read(arguments: list[str]) -> None:
    command = [sys.executable, "-I", "-S", str(SOURCE), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith("cannot read ")
    assert done.stdout.endswith("there is no such file; give the file that --certificate wrote\n")


def contains(ball: Ball, exact: flint.arb) -> bool:
    """Whether the exact number, known to many more bits, certainly lies in the ball."""
    middle = flint.arb(ball.mid) / flint.arb(2) ** ball.bits
    return bool(abs(middle - exact) <= flint.arb(ball.rad) / flint.arb(2) ** ball.bits)


@pytest.mark.parametrize("width", [0, 1 << 20, 1 << 150])
def test_exponentials_contain_those_of_flint(width: int) -> None:
    """Oracle: python-flint, at the middle and at both ends of the argument."""
    numbers = random.Random(0)
    points = [numbers.uniform(-1, 1) * 10.0**power for power in range(-12, 3) for _ in range(10)]
    with flint.ctx.workprec(4 * BITS):
        for point in [0.0, 1.0, -1.0, *points]:
            x = Ball(enclose(Fraction(point), BITS).mid, 1 + width, BITS)
            for end in (x.mid - x.rad, x.mid, x.mid + x.rad):
                assert contains(exp(x), (flint.arb(end) / flint.arb(2) ** BITS).exp())
            if not width:
                assert exp(x).rad <= 8 * max(1, int(np.exp(point)))


def test_arithmetic_contains_the_exact_result() -> None:
    """Oracle: fractions, for numbers anywhere in the balls."""
    numbers = random.Random(1)

    def draw(low: float) -> tuple[Ball, Fraction]:
        mid, rad = int(numbers.uniform(low, 3) * 2**60), numbers.randrange(2**30)
        return Ball(mid, rad, 60), Fraction(mid + numbers.randint(-rad, rad), 2**60)

    for _ in range(500):
        (x, a), (y, b), (z, c) = draw(-3), draw(-3), draw(0.01)
        results = [(x + y, a + b), (x - y, a - b), (x * y, a * b), (x / z, a / c), (dot([x, y], [y, z]), a * b + b * c)]
        for ball, exact in results:
            assert abs(exact * 2**60 - ball.mid) <= ball.rad < 2**46  # at most (1 + 3/0.01) 2^30/0.01, after division


def test_a_divisor_that_may_be_zero_is_undecided() -> None:
    with pytest.raises(ArithmeticError):
        Ball(1, 0, 9) / Ball(5, 5, 9)
    with pytest.raises(ArithmeticError):
        Ball(1, 0, 9) / Ball(-5, 1, 9)


def test_definiteness_agrees_with_eigenvalues() -> None:
    """Oracle: numpy, on random matrices that are not too close to singular."""
    rng, seen = np.random.default_rng(0), set()
    for size in (1, 2, 3, 6):
        for _ in range(50):
            square = rng.standard_normal((size, 2 * size))
            left, right = square @ square.T, np.eye(size) * rng.uniform(0, 2)
            right = right + rng.uniform(-0.2, 0.2) * np.ones((size, size))
            scale = rng.uniform(0.1, 2)
            least = np.linalg.eigvalsh(scale * left - right)[0]
            entries = ([[Fraction(x) for x in row] for row in matrix.tolist()] for matrix in (left, right))
            pivot = above(Fraction(scale), *(enclose(matrix, BITS) for matrix in entries))
            if abs(least) > 1e-9:
                assert abs(pivot.mid) > pivot.rad
                assert (pivot.mid > 0) == (least > 0)
                seen.add((size, least > 0))
    assert len(seen) == 8
