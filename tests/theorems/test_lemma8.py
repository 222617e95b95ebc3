"""Lemmas 8 and 9 by formulas written out in numpy, and what column norms would give."""

import numpy as np
import pytest

from theorems import lemma2, lemma2_sharp
from theorems.lemma8 import STATED_B, features_moved_chain, residual_moved_chain
from theorems.lemma9 import STATED_D
from theorems.lemma9 import residual_chain as residual_bound_chain
from theorems.network.bounded import StatedBounds
from theorems.network.letters import HERE, PAPER, THERE, Setting
from theorems.network.points import alpha_of, pairs
from theorems.setting.constants import Z_norm, f_max
from theorems.setting.experiment import Experiment


def test_the_constant_of_lemma_2_is_a_factor_of_the_first_bound() -> None:
    assert features_moved_chain(HERE, THERE, lemma2.LIPSCHITZ).end == STATED_B
    assert features_moved_chain(HERE, THERE, lemma2_sharp.LIPSCHITZ).end == STATED_B / 2


def test_column_norms_replace_the_spectral_norm_everywhere() -> None:
    for chain in (
        features_moved_chain(HERE, THERE, lemma2.LIPSCHITZ, Setting(by_columns=True)),
        residual_moved_chain(HERE, THERE, lemma2.LIPSCHITZ, Setting(by_columns=True)),
    ):
        assert chain.end.has(f_max)
        assert not chain.end.has(Z_norm)
    assert residual_bound_chain(HERE, Setting(by_columns=True)).end == STATED_D.subs(Z_norm, f_max)


@pytest.mark.parametrize("constant", [1, 2])
def test_both_bounds_hold_in_plain_numpy(constant: int, quick: Experiment) -> None:
    z_bar, a_hat = quick.theory.z_bar, quick.theory.a_hat
    size = np.linalg.norm(z_bar, 2)
    for p, q in pairs(quick, "numpy"):
        far = np.array([np.linalg.norm(a - b) for a, b in zip(p.queries, q.queries, strict=True)])
        for k in range(len(p.tokens)):
            delta = [z_bar @ (r.gamma * r.weights[:, :, k].T @ r.alpha[:, k] - a_hat[:, k]) for r in (p, q)]
            moved = np.abs(p.alpha[:, k] - q.alpha[:, k])
            alpha = alpha_of(PAPER, p, q)
            bound = p.gamma * size * (constant * alpha * far + moved).sum()
            assert np.linalg.norm(delta[0] - delta[1]) <= bound * (1 + 1e-9)
            most = p.gamma * len(p.queries) * alpha * size + np.linalg.norm(z_bar @ a_hat, 2)
            assert np.linalg.norm(delta[0]) <= most * (1 + 1e-9)
            for h in range(0, len(p.queries), 7):
                change = z_bar @ (p.weights[h, :, k] - q.weights[h, :, k])
                assert np.linalg.norm(change) <= constant * size * far[h] * (1 + 1e-9) + 1e-12


def test_a_stated_bound_is_exact_for_symbols_and_a_float_for_numbers(quick: Experiment) -> None:
    subject = StatedBounds(quick, factor=2, power=2)
    assert subject.bound(Z_norm) == 2 * Z_norm**2
    assert subject.bound(3.0) == 18.0
    assert Setting() == PAPER
