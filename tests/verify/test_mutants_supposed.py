"""Mutants that suppose less, or rest on a false lemma: what each falsification does to a proof."""

from typing import Any

import pytest
import sympy as sp

from theorems import lemma2, lemma3, lemma7
from theorems.network.softmax import logit_pairs
from theorems.setting.parameters import foundation_parameters
from theorems.setting.preparation import prepare
from verify.mutants import afresh
from verify.mutants.quoted import WAYS, falsified, falsify, turned
from verify.mutants.seats import answers
from verify.mutants.supposed import judged, mutants_of_hypotheses
from verify.prove.inequalities.chain import Chain, at_least, at_most
from verify.prove.inequalities.conclusion import Conclusion, conclude
from verify.prove.inequalities.lemma import hypothesis
from verify.prove.inequalities.quantity import Letter, SumOf
from verify.prove.inequalities.system import Relation
from verify.prove.inequalities.values import Values
from verify.prove.inequalities.weaker import conclude_weaker, weaker
from verify.prove.matrices.sampling import Equation
from verify.runner import run_checks

x, y = sp.symbols("x y", positive=True)
z = sp.Symbol("z", nonnegative=True)
SMALL = prepare(foundation_parameters())
BELOW = hypothesis(x, y, "x ≤ y")


def conclusion(chain: Chain, right: Any, **numbers: float) -> Conclusion:
    instances = [Values(f"instance {n}", {}, numbers) for n in range(5)]
    found = conclude("toy", chain.start, right, chain, instances=instances)
    assert found.status == "proved", found.reading
    assert isinstance(found.conclusion, Conclusion)
    return found.conclusion


def results(given: Conclusion) -> dict[str, str]:
    return {less.text: conclude_weaker("toy", given, less).status for less in weaker(given)}


def test_a_hypothesis_that_is_needed_is_refuted_without_it_and_a_sign_that_is_not_is_widened() -> None:
    given = conclusion(at_most(x).by(BELOW).to(2 * y), 2 * y, x=1, y=1)
    assert results(given) == {"x ≤ y (x ≤ y)": "refuted", "x > 0 → ≥ 0": "proved", "y > 0 → ≥ 0": "proved"}
    first = next(weaker(given))
    assert "x times 10" in (conclude_weaker("toy", given, first).witness or "")


def test_without_a_counterexample_within_reach_it_is_unknown() -> None:
    assert results(conclusion(at_most(x).by(BELOW), y, x=1, y=1000))["x ≤ y (x ≤ y)"] == "unknown"


def test_what_needs_no_hypothesis_is_proved_without_it() -> None:
    assert results(conclusion(at_most(x).to(2 * x, BELOW), 2 * x, x=1, y=1))["x ≤ y (x ≤ y)"] == "proved"


def test_a_sign_that_is_needed_is_refuted_where_it_is_widened_and_one_that_is_divided_by_is_none() -> None:
    found = results(conclusion(at_most(z).to(2 * z + x), 2 * z + x, x=1, z=2))
    assert found == {"x > 0 → ≥ 0": "proved", "z ≥ 0 → any real": "refuted"}
    assert "y > 0 → ≥ 0" not in results(conclusion(at_most(x / y).to(2 * x / y), 2 * x / y, x=1, y=1))
    assert not any("z" in text for text in results(conclusion(at_most(x).to(x + sp.sqrt(z)), x + sp.sqrt(z), x=1, z=1)))


def test_the_kinds_of_statement_are_falsified_each_in_its_way() -> None:
    a, b = Letter("a", 2, 1), Letter("b", 2, 1)
    index = sp.Idx("i", 2)
    half = sp.Rational(1, 2)
    assert falsified(at_most(x), half).end == x / 2
    assert falsified(at_least(x), half).end == 2 * x
    assert falsified(Relation(x, y), half) == Relation(x, y / 2)
    assert falsified(Equation(a, b, "e"), half).right == half * b
    assert falsified(SumOf(a, index, b, "s"), half).part == half * b
    assert turned(Relation(x, y)) == Relation(y, x)
    assert turned(Relation(x, y, True)) == Relation(x, -y, True)
    assert (turned(at_most(x).to(y)).start, turned(at_most(x).to(y)).end) == (y, x)
    assert falsified("a sentence", half) == "a sentence"


@pytest.mark.parametrize("way", WAYS)
def test_a_claim_that_quotes_a_false_lemma_loses_its_proof(way: str) -> None:
    def verdict() -> str:
        return run_checks([lemma2.derive_bound], lemma2.CLAIM.about(SMALL))[0].verdict.name

    def falsified_first() -> str:
        falsify(lemma2.SIZE, way)
        return verdict()

    assert dict(answers([verdict, falsified_first], 60.0)) == {0: "PASS", 1: "ERROR"}  # no certificate, or unsound


def test_what_may_have_read_a_module_is_forgotten_and_nothing_else() -> None:
    assert lemma2.__name__ in afresh.reads("theorems", lemma7.__name__)
    assert lemma7.__name__ not in afresh.reads("theorems", lemma2.__name__)
    assert ("PAIR", lemma3.PAIR) in set(afresh.lemmas_of("theorems"))

    def kept(module: str, lemma: bool) -> list[bool]:
        logit_pairs()  # exact instances
        lemma3.PAIR.stated(x, y)
        again = afresh.forget("theorems", module, lemma=lemma)
        return [again, logit_pairs.cache_info().currsize > 0, bool(lemma3.PAIR._stated)]

    assert kept(lemma7.__name__, lemma=False) == [False, True, False]
    assert kept("theorems.network.softmax", lemma=False) == [False, False, False]
    assert kept("theorems.network.softmax", lemma=True) == [False, True, False]
    assert kept("theorems.setting.preparation", lemma=False)[0]  # who makes the subject reads it


def test_a_claim_has_mutants_of_its_hypotheses_and_of_its_signs() -> None:
    evidence = run_checks([lemma2.derive_bound], lemma2.CLAIM.about(SMALL))
    (dropped,) = mutants_of_hypotheses("lemma2", evidence)
    assert (dropped.kind, dropped.quoted) == ("hypothesis dropped", False)
    assert "sum to 1" in dropped.change
    found = judged(dropped)
    assert (found.result, found.by) == ("rejected", "derive_bound")
    assert "times 10" in found.why
