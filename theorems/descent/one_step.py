"""One more exact step from the end of a certified run: how far it is from the recursion with B at its start."""

from __future__ import annotations

from dataclasses import dataclass

import flint

from theorems.descent.trajectory import DescentRun, Trajectory
from theorems.network.enclosed import Ball, Enclosed, Matrix, by_token, enclose
from verify.certify.norms import largest, spectral_norm, sum_of_squares


@dataclass(frozen=True, kw_only=True)
class OneStep:
    """‖B⁽⁰⁾‖, b ≥ ‖B − B⁽⁰⁾‖ and ‖B⁺ − B⁽⁰⁾‖, ‖w‖, ‖B⁺Bᵀ − B⁽⁰⁾B⁽⁰⁾ᵀ‖, and ‖δ⁺ − (I − ηB⁽⁰⁾B⁽⁰⁾ᵀ)δ‖ / (η‖δ‖).

    All tokens are taken together, as in `theorems.descent.motion`: B is block-diagonal, so its norm is the largest of
    any token's, and δ is stacked. For one token alone the remainder has no such bound: Q moves for the sake of all.
    """

    B_norm: Ball
    b: Ball
    weights: Ball
    turned: Ball
    remainder: Ball


def one_step(run: DescentRun, trajectory: Trajectory) -> OneStep:
    """The step of size η = η_w/K after the trajectory's last; use its balls at that precision."""
    enclosed, prescription = enclose(run.problem), run.prescription
    eta = prescription.step_weights / enclosed.K
    attention = enclosed.attention(trajectory.queries)
    mixture = enclosed.mixture(attention, trajectory.weights)
    slopes = enclosed.gradients(attention, trajectory.weights, mixture)
    step_queries = flint.arb(prescription.step_queries)
    queries = [Q - slope * step_queries for Q, slope in zip(trajectory.queries, slopes[0], strict=True)]
    pairs = zip(trajectory.weights, slopes[1], strict=True)
    weights = [[w - prescription.step_weights * g for w, g in zip(*rows, strict=True)] for rows in pairs]
    after = enclosed.attention(queries)
    start = _mixed(enclosed, enclosed.attention_of(run.problem))
    here, there = _mixed(enclosed, attention), _mixed(enclosed, after)
    delta, moved = (
        (enclosed.z_bar * (each - enclosed.a_hat)).transpose().tolist()
        for each in (mixture, enclosed.mixture(after, weights))
    )
    columns = [[flint.arb_mat([[x] for x in row]) for row in rows] for rows in (delta, moved)]
    rest = [y - x + B * (B.transpose() * x) * eta for B, x, y in zip(start, *columns, strict=True)]
    return OneStep(
        B_norm=largest(map(spectral_norm, start)),
        b=largest(spectral_norm(B - first) for now in (here, there) for B, first in zip(now, start, strict=True)),
        weights=sum_of_squares(w for row in trajectory.weights for w in row).sqrt(),
        turned=largest(
            spectral_norm(two * one.transpose() - first * first.transpose())
            for one, two, first in zip(here, there, start, strict=True)
        ),
        remainder=_length(rest) / (eta * _length(columns[0])),
    )


def _length(columns: list[Matrix]) -> Ball:
    """The Euclidean norm of all columns, stacked."""
    return sum_of_squares(x for column in columns for x in column.entries()).sqrt()


def _mixed(enclosed: Enclosed, attention: list[Matrix]) -> list[Matrix]:
    """B_k for every token."""
    return [enclosed.z_bar * C for C in by_token(attention)]
