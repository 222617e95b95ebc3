"""Holm's step-down correction, applied to intervals.

In a claim with n estimates, the chance that any true claim is rejected is at most FAMILY_RATE, and
so is the chance that any false claim is accepted (each is one Holm family of n hypotheses).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from verify.claim import Estimate, Verdict

FAMILY_RATE = 1e-3  # declared in advance, for each claim; a run of several claims adds their rates up


def corrected(estimates: Sequence[Estimate], rate: float = FAMILY_RATE) -> list[Estimate]:
    """The same estimates, each with the error rate at which it is decided.

    Holm tests the smallest p-value at rate/n, the next at rate/(n-1), and so on, and stops at the
    first that is not rejected. With intervals: those decided at the current rate leave the family,
    the rate is raised accordingly, until nothing more is decided. Each direction steps down alone.
    """
    failing = _step_down(estimates, Verdict.FAIL, rate)
    passing = _step_down(estimates, Verdict.PASS, rate)
    return [
        replace(estimate, rate=_deciding_rate(estimate, fail_rate, pass_rate))
        for estimate, fail_rate, pass_rate in zip(estimates, failing, passing, strict=True)
    ]


def _deciding_rate(estimate: Estimate, fail_rate: float, pass_rate: float) -> float:
    if estimate.verdict_at(fail_rate) is Verdict.FAIL:
        return fail_rate
    if estimate.verdict_at(pass_rate) is Verdict.PASS:
        return pass_rate
    return min(fail_rate, pass_rate)  # the wider interval decides neither way


def _step_down(estimates: Sequence[Estimate], verdict: Verdict, rate: float) -> list[float]:
    """For each estimate, the rate at which Holm's procedure gives it `verdict`, or else the last rate tried."""
    pending = set(range(len(estimates)))
    rates = [rate] * len(estimates)
    while pending:
        level = rate / len(pending)
        for index in pending:
            rates[index] = level
        decided = {index for index in pending if estimates[index].verdict_at(level) is verdict}
        if not decided:
            break
        pending -= decided
    return rates
