"""Two heads against a network in numpy, and where the construction has no tokens to stand on."""

from dataclasses import replace

import flint
import numpy as np
import pytest

from theorems.network.enclosed import enclose
from theorems.network.problem import problem_of
from theorems.setting.experiment import Experiment
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from theorems.two_heads import TwoHeads, certify_built, mixture_of_two
from verify.claim import Verdict


def softmax(logits: np.ndarray) -> np.ndarray:
    numerators: np.ndarray = np.exp(logits - logits.max(axis=0))
    return numerators / numerators.sum(axis=0)


@pytest.mark.parametrize(("length", "number", "dimension"), [(1, 3, 3), (3, 5, 9), (4, 8, 8)])
def test_oracle_any_columns_by_pseudo_inverses_in_numpy(length: int, number: int, dimension: int) -> None:
    rng = np.random.default_rng(length)
    tokens, wanted = rng.standard_normal((dimension, number)), rng.standard_normal((length, number))
    lift = 1 + np.abs(wanted).max()
    query = np.linalg.pinv(tokens[:, :length].T) @ np.log(wanted + lift) @ np.linalg.pinv(tokens)
    first, second = (softmax(tokens[:, :length].T @ Q @ tokens) for Q in (query, np.zeros_like(query)))
    answered = (wanted + lift).sum(axis=0) * first - lift * length * second
    assert answered == pytest.approx(wanted, abs=1e-9)


def test_the_columns_are_those_of_the_limit(quick: Experiment) -> None:
    with flint.ctx.workprec(256):
        found = mixture_of_two(TwoHeads(quick), enclose(problem_of(quick)))
    built = np.array(found.mid().tolist(), dtype=float)
    n = quick.instance.token_dimension
    assert built[:, :n] == pytest.approx(quick.theory.a_hat[:, :n], abs=1e-12)
    assert np.abs(built[:, n:] - quick.theory.a_hat[:, n:]).max() > 0.1, "more tokens than dimensions are not promised"


def test_twin_rotated_tokens_are_answered_alike(quick: Experiment) -> None:
    """A rotation of the tokens changes Q and nothing that the heads answer."""
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((quick.instance.token_dimension,) * 2))[0]
    turned = replace(quick.instance, tokens=quick.instance.tokens @ rotation)
    other = replace(quick, study=replace(quick.study, instance=turned))
    assert [item.verdict for item in certify_built(TwoHeads(other))] == [Verdict.PASS, Verdict.PASS]


def test_a_prompt_longer_than_the_dimension_is_undecided() -> None:
    (found,) = certify_built(TwoHeads(prepare(resolve("quick", {"N": 6, "d": 4}))))
    assert found.verdict is Verdict.UNDECIDED


def test_too_few_bits_are_undecided(quick: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("theorems.two_heads.START_BITS", 64)
    monkeypatch.setattr("theorems.two_heads.LIMIT", 64)
    assert [item.verdict for item in certify_built(TwoHeads(quick))][-1] is Verdict.UNDECIDED
