"""Numeric checks evaluate what is stated: the evaluation against balls, and planted constants that must reach them."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
import sympy as sp

from theorems import lemma8, lemma9
from theorems.network.instances import small_networks
from theorems.network.letters import HERE, h, k
from theorems.network.stated import each, evaluated, held
from theorems.setting.constants import A_norm, Z_norm, alpha, gamma
from theorems.setting.experiment import Experiment
from theorems.setting.notation import H, K
from verify.claim import Finding, Verdict
from verify.discovery import load
from verify.mutants.variations import variations
from verify.prove.inequalities.quantity import largest, length, norm
from verify.prove.inequalities.system import Relation
from verify.prove.inequalities.values import Values, number


def table(values: Values, quantity: Any) -> np.ndarray:
    """The values of a quantity with the axes of heads and tokens."""
    sizes = [range(values.sizes[symbol]) for symbol in (H, K)]
    return np.array([[float(number(quantity, values, {h: a, k: b}).mid()) for b in sizes[1]] for a in sizes[0]])


@pytest.mark.parametrize("place", range(6))
def test_statements_have_the_values_that_balls_give_them(place: int) -> None:
    values = small_networks()[place]
    known = {quantity: table(values, quantity) for quantity in (lemma8.MOVED_B, lemma8.MOVED_Q, lemma8.MOVED_ALPHA)} | {
        symbol: float(values.numbers[str(symbol)].mid()) for symbol in (alpha, gamma, Z_norm, A_norm)
    }
    known[H], known[lemma8.MOVED_Q] = values.sizes[H], known[lemma8.MOVED_Q][:, :1]
    for statement in (lemma8.STATED_B, lemma8.STATED_DELTA, lemma9.STATED_D, length((h, k), lemma8.MOVED_ALPHA)):
        found = np.broadcast_to(evaluated(statement, known), (values.sizes[H], values.sizes[K]))
        assert found == pytest.approx(table(values, statement), rel=1e-12)
    assert evaluated(largest(h, lemma8.MOVED_Q), known).item() == known[lemma8.MOVED_Q].max()


def test_what_has_no_value_is_named() -> None:
    with pytest.raises(KeyError, match="γ has no value"):
        evaluated(gamma * 2, {})
    with pytest.raises(TypeError, match="cannot evaluate sin"):
        evaluated(sp.sin(gamma), {gamma: 1.0})


def verdict_of(observed: Any, bound: Any, error: Any = 0.0, **more: Any) -> Verdict:
    relation = Relation(HERE.gap, norm(HERE.delta_k))
    return held("it", relation, {HERE.gap: observed, norm(HERE.delta_k): bound}, error, "reason", **more).verdict


def test_one_entry_decides() -> None:
    ones = np.ones((2, 3, 4))
    high = ones.copy()
    high[1, 2, 3] = 3
    assert verdict_of(ones, 2 * ones) is Verdict.PASS
    assert verdict_of(high, 2 * ones) is Verdict.FAIL
    assert verdict_of(high, 2 * ones, error=2.0) is Verdict.UNDECIDED
    assert verdict_of(high, each([1.0, 4.0])) is Verdict.UNDECIDED  # 1 against 1
    wide = np.zeros((2, 3, 4))
    wide[1, 0, 0] = np.inf
    assert verdict_of(high, 2 * ones, error=wide) is Verdict.FAIL  # what is unknown elsewhere hides no violation
    assert verdict_of(np.full((2, 1, 1), np.nan), 2 * ones) is Verdict.UNDECIDED


def test_what_is_uncertain_widens_by_what_it_moves() -> None:
    assert verdict_of(each([1.0]), each([1.1]), uncertain={HERE.gap: each([0.04])}) is Verdict.PASS
    assert verdict_of(each([1.0]), each([1.1]), uncertain={HERE.gap: each([0.06])}) is Verdict.UNDECIDED


# The stated constants that a claim's numeric checks evaluate.
NUMERIC = {
    "lemma2": ("BOUND",),
    "lemma2_sharp": ("BOUND",),
    "lemma7": ("BOUND",),
    "lemma8": ("BOUND_B", "BOUND_DELTA"),
    "lemma9": ("BOUND_B", "BOUND_D"),
    "lemma10": ("STATED",),
    "pl": ("STATED_PL", "STATED_STEP"),
    "lemma1": ("BY_ALPHA", "BY_QUERIES"),
    "lemma3": ("LEFT", "RIGHT"),
    "lemma5": ("LOSS_STAR",),
    "lemma6": ("W", "STEP_W", "STEP_Q"),
    "attainment": ("WEIGHTS",),
    "ridge": ("PRIMAL", "DUAL"),
    "theorem1": ("STATED_RATE",),
    "theorem2": ("PROMPT_ANSWER", "UNSEEN_ANSWER", "STATED_ERROR", "RATIO"),
    "certified_network": ("STATED_WORST", "STATED_TOKEN", "STATED_ALL", "STATED_MEAN", "STATED_REACH"),
    "lazy": ("SOLUTION", "ORDER"),
    "sharp_rate": ("SHARP",),
    "long_run": ("STATED_LOSS", "STATED_QUERIES"),
    "drift": ("BOUND_ALPHA", "BOUND_DRIFT", "BOUND_ROOM"),
    "limit_iff": ("LEFT_END", "RIGHT_END"),
}


def numeric(claim: Any, subject: Any) -> list[Finding]:
    checks = [check for check in claim.checks if check.__name__.startswith(("measure", "certify", "estimate"))]
    return [finding for check in checks for finding in check(subject)]


def appearance(findings: list[Finding]) -> list[tuple[Any, ...]]:
    return [(finding.name, finding.verdict, finding.reading) for finding in findings]  # type: ignore[union-attr]


@pytest.mark.parametrize(("name", "constant"), [(name, each) for name, given in NUMERIC.items() for each in given])
def test_a_planted_constant_reaches_the_numeric_checks(
    name: str, constant: str, quick: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, module = load("theorems", name), importlib.import_module(f"theorems.{name}")
    before = appearance(numeric(claim, claim.about(quick)))
    wrong = next(made for made in variations(getattr(module, constant)) if made.kind.startswith("constant"))
    monkeypatch.setattr(module, constant, wrong.value)
    assert appearance(numeric(claim, claim.about(quick))) != before, wrong.text
