"""Eq. (8) against block matrices written out in numpy, and the symbolic selection on which refutations rest."""

import random

import numpy as np
from scipy.special import softmax

from theorems import eq8
from theorems.setting.experiment import Experiment
from theorems.setting.notation import K, N, d
from verify.claim import Verdict


def test_the_diagonal_of_full_attention_in_numpy() -> None:
    rng = np.random.default_rng(0)
    size, prompt, count, heads = 3, 4, 6, 5
    tokens, labels = rng.standard_normal((size, count)), rng.standard_normal(prompt)
    queries, weights = rng.standard_normal((heads, size, size)), rng.standard_normal((heads, count))
    embedding = np.vstack([tokens, np.concatenate([labels, np.zeros(count - prompt)])])
    output = np.zeros((count, count))
    for query, weight in zip(queries, weights, strict=True):
        product, value = np.zeros((size + 1, size + 1)), np.zeros((count, size + 1))
        product[:size, :size], value[:, size] = query, weight
        scores = embedding[:, :prompt].T @ product @ embedding
        output += value @ embedding[:, :prompt] @ softmax(scores, axis=0)
    mixed = np.einsum("hk,hnk->nk", weights, softmax(tokens[:, :prompt].T @ queries @ tokens, axis=1))
    assert np.allclose(np.diag(output), labels @ mixed, rtol=0, atol=1e-12)


def test_a_transposed_query_is_refuted_at_the_right_place(quick: Experiment) -> None:
    found = list(eq8.derive_reduction(eq8.FullAttention(quick, transposed=True)))
    assert [finding.verdict for finding in found] == [Verdict.PASS, Verdict.FAIL, Verdict.PASS, Verdict.PASS]


def test_a_prompt_longer_than_the_dictionary_is_no_instance() -> None:
    assert eq8._blocks({d: 2, N: 3, K: 2}, random.Random(0)) is None
