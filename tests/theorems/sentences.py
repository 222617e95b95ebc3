"""The numbers that a sentence shows, and where they may come from."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import theorems
from verify.exact import middles
from verify.finding import OnInstance

# A number by itself: no exponent, index or part of a name or of a formula such as 2K, L(0) or N(0, 1).
NUMBER = re.compile(
    r"(?<![\w.,(⁻^/−²³⁴⁵⁶⁷⁸⁹*|])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w(/⁻²³⁴⁵⁶⁷⁸⁹√^|]|\.\d| [+−·] |,? [A-Zσπ]\()"
)
RADIUS = re.compile(r" \+/- [^]]+\]")  # of a ball, whose middle is looked for
FIELDS = ("predicted", "observed", "tolerance", "bound", "rounding", "margin", "x", "y", "factor", "allowed", "rate")


def shown(finding: OnInstance) -> Iterator[str]:
    """The numbers in a finding's own words; what its class says of its data is not among them."""
    for text in (finding.name, getattr(finding, "reason", ""), getattr(finding, "meaning", "")):
        yield from NUMBER.findall(RADIUS.sub("]", text))


def unnamed(finding: OnInstance, header: Mapping[str, Any]) -> list[str]:
    """The numbers shown that are neither data of the finding, nor named, nor settings, nor constants of the method."""
    known = [*finding.quantities.values(), *header.values(), *_data(finding)]
    constants = constants_of_the_method()
    return [number for number in shown(finding) if number not in constants and not _is_among(number, known)]


def _data(finding: OnInstance) -> Iterator[float]:
    for name in FIELDS:
        value = getattr(finding, name, None)
        if value is not None and not isinstance(value, str):
            yield from np.asarray(middles(value) if isinstance(value, np.ndarray) else value, dtype=float).ravel()[
                : 10**5
            ]
    if hasattr(finding, "uncertainty"):
        yield float(finding.uncertainty)


def _is_among(number: str, known: Iterable[Any]) -> bool:
    """Whether a value, rounded to as many digits as are shown, is the number."""
    digits = len(number.partition("e")[0].lstrip("-0.").replace(".", "")) or 1
    values = [float(value) for value in known if isinstance(value, int | float | np.number)]
    return any(float(f"{value:.{digits}g}") == float(number) for value in values if np.isfinite(value))


@cache
def constants_of_the_method() -> frozenset[str]:
    """The numbers that are written in the sources of the paper, outside their documentation, as they are shown."""
    found: set[str] = set()
    for path in Path(theorems.__path__[0]).rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documentation = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and node not in documentation:
                value = node.value
                if isinstance(value, str):
                    found.update(NUMBER.findall(value))
                elif isinstance(value, int | float) and not isinstance(value, bool):
                    found.update({str(value), f"{value:g}"})
    return frozenset(found)
