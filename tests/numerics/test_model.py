"""The transformer: softmax algebra, the reduced form against full attention, gradients, symmetries."""

from __future__ import annotations

import math

import jaxtyping
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from numerics.measure import rounding
from numerics.model import Network, attention, full_attention, initial_network, mixture, mixture_float64, predict

H, N, K, D = 3, 4, 7, 5
seeds = st.integers(0, 2**32 - 1)


def random_network(rng: np.random.Generator) -> Network:
    return Network(
        queries=torch.from_numpy(rng.standard_normal((H, D, D))),
        weights=torch.from_numpy(rng.standard_normal((H, K))),
    )


def random_tokens(rng: np.random.Generator) -> torch.Tensor:
    return torch.from_numpy(rng.standard_normal((K, D)))


def mixture_error(network: Network, tokens: torch.Tensor, condition: float = 1.0) -> torch.Tensor:
    """A bound (K) on the rounding error of any entry in a column of the mixture matrix.

    A logit is a sum of products of sums of D products: gamma_{2D+2} |V||Q||v| in the entries' absolute
    values. With a key matrix A one linear solve enters: its relative error is at most
    gamma_{3 D 2^(D-1)} D cond(A) (growth factor 2^(D-1)), covered by gamma_{16 D 2^D} cond(A). A logit
    error e changes a weight by a factor within exp(2e); softmax and head sum add gamma_{N+H+6}
    (6: subtraction of the maximum, exponential within 2 ulp, division, product).
    """
    size = tokens.abs()
    logits = (size[:N] @ network.queries.abs() @ size.T).amax(dim=(1, 2))  # H
    terms = 2 * D + 2 if condition == 1 else 16 * D * 2**D
    relative = torch.expm1(2 * rounding(terms) * condition * logits) + rounding(N + H + 6)
    return (relative[:, None] * network.weights.abs()).sum(dim=0)


def softmax_by_hand(network: Network, tokens: torch.Tensor) -> torch.Tensor:
    """Entry (i, k) is sum_h w_hk exp(v_i' Q_h v_k) / sum_j exp(v_j' Q_h v_k), one number at a time."""
    result = np.zeros((N, K))
    for h, k in np.ndindex(H, K):
        logits = [float(tokens[i] @ network.queries[h] @ tokens[k]) for i in range(N)]
        powers = [math.exp(logit - max(logits)) for logit in logits]
        result[:, k] += float(network.weights[h, k]) * np.array(powers) / math.fsum(powers)
    return torch.from_numpy(result)


@given(seeds, st.floats(0.01, 100))
def test_every_softmax_column_is_a_probability(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    columns = attention(scale * random_network(rng).queries, random_tokens(rng), N)
    assert columns.shape == (H, N, K)
    assert (columns >= 0).all()
    # a column is N quotients by one rounded sum of N terms; they are added up once more here
    assert ((columns.sum(dim=1) - 1).abs() <= rounding(2 * N + 2)).all()


@given(seeds)
def test_the_mixture_is_the_formula(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network, tokens = random_network(rng), random_tokens(rng)
    error = (mixture(network, tokens, N) - softmax_by_hand(network, tokens)).abs()
    assert (error <= 2 * mixture_error(network, tokens)).all()  # either side may err


@given(seeds)
def test_full_attention_has_the_reduced_form_on_its_diagonal(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network, tokens = random_network(rng), random_tokens(rng)
    labels = torch.from_numpy(rng.standard_normal(N))
    key = torch.from_numpy(rng.standard_normal((D, D)))
    full = torch.diagonal(full_attention(network, tokens, labels, key))
    reduced = predict(labels[None, :], mixture(network, tokens, N))[0]
    column = mixture_error(network, tokens, condition=float(torch.linalg.cond(key)))
    # N label products per side, each side errs; the entries of a column stay below sum_h |w_h|
    error = 2 * labels.abs().sum() * (column + rounding(N) * network.weights.abs().sum(dim=0))
    assert ((full - reduced).abs() <= error).all()


def test_full_attention_off_the_diagonal_is_something_else() -> None:
    rng = np.random.default_rng(0)
    network, tokens = random_network(rng), random_tokens(rng)
    labels, key = torch.from_numpy(rng.standard_normal(N)), torch.eye(D, dtype=torch.float64)
    first_row = full_attention(network, tokens, labels, key)[0]
    reduced = predict(labels[None, :], mixture(network, tokens, N))[0]
    assert ((first_row - reduced).abs()[1:] > 0.01).any()  # the weights of token 0 in place of each token's own


@given(seeds)
def test_shuffling_the_prompt_shuffles_the_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network, tokens = random_network(rng), random_tokens(rng)
    prompt = torch.from_numpy(rng.permutation(N))
    order = torch.cat([prompt, torch.arange(N, K)])
    shuffled = Network(queries=network.queries, weights=network.weights[:, order])
    difference = mixture(shuffled, tokens[order], N) - mixture(network, tokens, N)[prompt][:, order]
    assert (difference.abs() <= 2 * mixture_error(network, tokens)[order]).all()


@given(seeds)
def test_a_logit_shared_by_the_prompt_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network, tokens = random_network(rng), random_tokens(rng)
    tokens[:, 0] = 1  # then Q_h + e_1 c' adds c . v_k to every logit of token k
    shift = torch.zeros(D, D, dtype=torch.float64)
    shift[0] = torch.from_numpy(rng.standard_normal(D))
    shifted = Network(queries=network.queries + shift, weights=network.weights)
    difference = mixture(shifted, tokens, N) - mixture(network, tokens, N)
    error = mixture_error(network, tokens) + mixture_error(shifted, tokens)
    assert (difference.abs() <= error).all()


@given(seeds, st.integers(-8, 8))
def test_the_mixture_is_linear_in_the_weights(seed: int, factor: int) -> None:
    rng = np.random.default_rng(seed)
    network, tokens = random_network(rng), random_tokens(rng)
    scaled = Network(queries=network.queries, weights=factor * network.weights)
    difference = mixture(scaled, tokens, N) - factor * mixture(network, tokens, N)
    # the softmax columns are the same numbers; only products and head sums are rounded, on both sides
    bound = 2 * rounding(H + 2) * abs(factor) * network.weights.abs().sum(dim=0)
    assert (difference.abs() <= bound).all()


def test_without_queries_attention_is_uniform() -> None:
    columns = attention(torch.zeros(H, D, D, dtype=torch.float64), random_tokens(np.random.default_rng(0)), N)
    assert torch.equal(columns, torch.full((H, N, K), 1 / N, dtype=torch.float64))


def test_gradients_agree_with_finite_differences() -> None:
    rng = np.random.default_rng(0)
    network, tokens = random_network(rng), random_tokens(rng)

    def entries(queries: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        return mixture(Network(queries=queries, weights=weights), tokens, N)

    # Central differences with h = 1e-6 truncate at h^2 f'''/6 and round at u |f| / h = 1e-10 |f|; the
    # entries are below 10 and their third derivatives below 1e3 |v|^6, which 1e-7 covers.
    inputs = (network.queries.requires_grad_(), network.weights.requires_grad_())
    assert torch.autograd.gradcheck(entries, inputs, eps=1e-6, atol=1e-7, rtol=1e-6)


def test_the_start_has_zero_weights_and_normal_queries() -> None:
    network = initial_network(np.random.default_rng(0), heads=8, d=20, K=5, scale=3.0)
    assert network.queries.shape == (8, 20, 20)
    assert torch.equal(network.weights, torch.zeros(8, 5, dtype=torch.float64))
    law, rate = stats.chi2(network.queries.numel()), 1e-6  # exact law; declared error rate; the seed is fixed
    assert law.ppf(rate / 2) <= float((network.queries / 3).square().sum()) <= law.isf(rate / 2)


def test_the_start_is_fixed_by_its_seed() -> None:
    first, again, other = (initial_network(np.random.default_rng(s), heads=2, d=3, K=4, scale=1.0) for s in (5, 5, 6))
    assert torch.equal(first.queries, again.queries)
    assert not torch.equal(first.queries, other.queries)


def test_conversion_keeps_the_numbers_and_drops_the_graph() -> None:
    network = random_network(np.random.default_rng(0))
    network.queries.requires_grad_()
    single = network.to(device="cpu", dtype=torch.float32)
    assert single.queries.dtype == single.weights.dtype == torch.float32
    assert not single.queries.requires_grad
    assert torch.equal(single.weights, network.weights.float())


def test_float64_evaluation_takes_the_parameters_as_they_are() -> None:
    rng = np.random.default_rng(0)
    single, tokens = random_network(rng).to(device="cpu", dtype=torch.float32), random_tokens(rng)
    exact = mixture(single.to(device="cpu", dtype=torch.float64), tokens, N).numpy()
    assert np.array_equal(mixture_float64(single, tokens.numpy(), N), exact)
    assert np.array_equal(mixture_float64(single, np.asfortranarray(tokens.numpy()), N), exact)


@pytest.mark.parametrize("wrong", [(H + 1, K), (H, K, 1)])
def test_shape_annotations_are_checked(wrong: tuple[int, ...]) -> None:
    with pytest.raises(jaxtyping.TypeCheckError, match="weights"):
        Network(queries=torch.zeros(H, D, D), weights=torch.zeros(wrong))


def test_shapes_are_checked_across_arguments() -> None:
    with pytest.raises(jaxtyping.TypeCheckError, match="tokens"):
        attention(torch.zeros(H, D, D), torch.zeros(K, D + 1), N)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_computes_the_same_mixture() -> None:
    rng = np.random.default_rng(0)
    network, tokens = random_network(rng), random_tokens(rng)
    there = mixture(network.to(device="cuda", dtype=torch.float64), tokens.cuda(), N).cpu()
    assert ((there - mixture(network, tokens, N)).abs() <= 2 * mixture_error(network, tokens)).all()
