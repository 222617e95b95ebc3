"""Lemma 9: attained by one prompt token, and by one-hot attention."""

import flint
import numpy as np
import pytest

from theorems.lemma9 import features_bound_chain, residual_chain
from theorems.network.instances import small_networks
from theorems.network.letters import HERE
from theorems.setting.experiment import Experiment
from verify.prove.inequalities.quantity import free
from verify.prove.inequalities.values import PRECISION, number


@pytest.mark.parametrize(("chain", "least"), [(features_bound_chain(HERE), 1.0), (residual_chain(HERE), 0.95)])
def test_one_prompt_token_attains_the_bounds(chain: object, least: float) -> None:
    single = small_networks()[0]
    with flint.ctx.workprec(PRECISION):
        ratios = [
            float((number(chain.start, single, place) / number(chain.end, single, place)).mid())  # type: ignore[attr-defined]
            for place in single.places(free(chain.start), free(chain.end))  # type: ignore[attr-defined]
        ]
    assert least - 1e-12 <= max(ratios) <= 1 + 1e-12


def test_one_hot_attention_gives_the_column_norms(quick: Experiment) -> None:
    z_bar = quick.theory.z_bar
    assert np.linalg.norm(z_bar @ np.eye(len(z_bar)), axis=0).max() <= np.linalg.norm(z_bar, 2)
