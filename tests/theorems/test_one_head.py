"""One head: what it leaves, against quadratic programs by brute force and networks trained by scipy."""

from dataclasses import replace
from itertools import product

import flint
import numpy as np
import pytest
from scipy.optimize import minimize

from theorems.one_head import OneHead, certify_least, certify_reached
from theorems.setting.experiment import Experiment
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from verify.claim import Verdict


def distance(root: np.ndarray, target: np.ndarray) -> float:
    """The least ‖Z̄(c − â)‖² over c of one sign, by all faces of the two orthants."""
    found = []
    for sign, support in product((1, -1), product((0, 1), repeat=len(target))):
        kept = np.flatnonzero(support)
        column = np.zeros_like(target)
        if kept.size:
            column[kept] = np.linalg.lstsq(root[:, kept], root @ target, rcond=None)[0]
        if np.all(sign * column >= 0):
            found.append(float(np.sum((root @ (column - target)) ** 2)))
    return min(found)


def test_oracle_all_faces_of_the_orthants(quick: Experiment) -> None:
    with flint.ctx.workprec(256):
        claimed = [float(bound.mid()) for bound, _ in OneHead(quick).closest]
    theory = quick.theory
    assert claimed == pytest.approx([distance(theory.z_bar, column) for column in theory.a_hat.T], rel=1e-9, abs=1e-12)
    assert claimed[: quick.instance.prompt_length] == [0.0] * 6, "prompt columns are unit vectors"


def test_a_trained_head_stays_above(quick: Experiment) -> None:
    """Oracle: scipy minimises ‖Z̄(w s(Q) − â_k)‖² over the logits of one unseen token; it comes close, never below."""
    theory = quick.theory
    for k in (7, 8, 9):
        found = []
        for sign in (1, -1):

            def error(logs: np.ndarray, sign: int = sign, k: int = k) -> float:
                return float(np.sum((theory.z_bar @ (sign * np.exp(logs) - theory.a_hat[:, k])) ** 2))

            found.append(minimize(error, np.full(quick.instance.prompt_length, -1.0)).fun)
        with flint.ctx.workprec(256):
            claimed = float(OneHead(quick).closest[k][0].mid())
        assert claimed * (1 - 1e-9) <= min(found) <= claimed * 1.01 + 1e-4


def test_twin_the_order_of_the_prompt_does_not_matter(quick: Experiment) -> None:
    order = np.concatenate([np.random.default_rng(0).permutation(6), np.arange(6, 16)])
    data = replace(quick.instance, tokens=quick.instance.tokens[order], features=quick.instance.features[order])
    other = replace(quick, study=replace(quick.study, instance=data))
    with flint.ctx.workprec(256):
        pairs = [[float(b.mid()) for b, _ in OneHead(each).closest] for each in (quick, other)]
    assert np.array(pairs[1])[6:] == pytest.approx(np.array(pairs[0])[6:], rel=1e-9)


def test_one_label_has_one_sign_and_nothing_is_excluded() -> None:
    """Every distance is 0, on both sides, which balls cannot compare."""
    found = {item.name: item.verdict for item in certify_least(OneHead(prepare(resolve("quick", {"N": 1}))))}
    assert found["both signs"] is Verdict.UNDECIDED
    assert Verdict.FAIL not in found.values()


def test_where_the_prompt_has_more_tokens_than_dimensions_nothing_is_constructed() -> None:
    assert list(certify_reached(OneHead(prepare(resolve("quick", {"N": 6, "d": 4}))))) == []
