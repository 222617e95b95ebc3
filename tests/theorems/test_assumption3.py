"""Assumption 3: an oracle in plain Python, a twin, and prompts where a careless count would go wrong."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from theorems import theorem2
from theorems.assumption3 import CLAIM, Prompt, certify_coordinate, certify_distinct, prompt_of, tokens_on_the_axes
from theorems.network.assumptions import measure_assumptions
from theorems.setting.experiment import Experiment
from verify.claim import Assumption, Bound, Verdict


def verdicts(prompt: Prompt) -> dict[str, Verdict]:
    return {finding.name: finding.verdict for check in CLAIM.checks for finding in check(prompt)}


def test_the_margin_is_exact_and_that_of_the_other_claims(quick: Experiment) -> None:
    (found,) = (finding for finding in certify_coordinate(prompt_of(quick)) if isinstance(finding, Assumption))
    columns = [sorted(map(Fraction, column)) for column in quick.instance.tokens[:6].T.tolist()]
    spreads = [min(b - a for a, b in pairwise(column)) for column in columns]
    assert found.margin == float(max(spreads))
    other = next(item for item in measure_assumptions(theorem2.CLAIM.about(quick)) if item.name == "assumption3")
    assert other.verdict is found.verdict is Verdict.PASS


def test_twin_the_order_of_tokens_and_coordinates_does_not_matter(quick: Experiment) -> None:
    tokens = quick.instance.tokens
    for twin in (tokens[::-1], tokens[:, ::-1], -tokens):
        assert set(verdicts(replace(prompt_of(quick), tokens=twin, length=6)).values()) == {Verdict.PASS}


def test_distinct_tokens_may_violate_it(quick: Experiment) -> None:
    prompt = tokens_on_the_axes.plant(prompt_of(quick))
    found = verdicts(prompt)
    assert found["N ≤ number of values"] is Verdict.FAIL
    assert found["assumption3"] is Verdict.UNDECIDED
    assert found["K ≤ number of tokens"] is Verdict.PASS


def test_values_that_differ_in_the_last_bit_are_different(quick: Experiment) -> None:
    tokens = np.array([[1.0, 0.0], [np.nextafter(1.0, 2.0), 0.0], [0.0, 1.0]])
    assert set(verdicts(replace(prompt_of(quick), tokens=tokens, length=2)).values()) == {Verdict.PASS}


def test_equal_tokens_outside_the_prompt_are_found(quick: Experiment) -> None:
    tokens = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [0.6, 0.8]])
    (found,) = certify_distinct(replace(prompt_of(quick), tokens=tokens, length=2))
    assert isinstance(found, Bound)
    assert found.verdict is Verdict.FAIL


@pytest.mark.parametrize("value", [0.0, -0.0])
def test_zero_and_minus_zero_are_equal(quick: Experiment, value: float) -> None:
    tokens = np.array([[0.0, 1.0], [value, 1.0], [1.0, 0.0]])
    assert verdicts(replace(prompt_of(quick), tokens=tokens, length=2))["N ≤ number of values"] is Verdict.FAIL
