"""Label noise as it is drawn: its law, and how often it and the labels are larger than they are said to be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from functools import partial

import flint
import numpy as np
import sympy as sp
from scipy import stats

from numerics.loss import sample_labels, sample_tasks
from numerics.measure import rounding
from theorems.network.stated import evaluated
from theorems.setting.constants import B, Delta_0, Z_size, epsilon, threshold
from theorems.setting.experiment import Experiment
from theorems.setting.limit import PRECISION
from theorems.setting.notation import m, tau
from theorems.setting.study import stream
from theorems.setting.tail import THRESHOLD, x_delta
from verify.claim import Bound, Estimate
from verify.infer import Interval, binomial_interval, law_interval

TAIL_SAMPLES = 20_000
# The distance between two distribution functions is known to 0.017/√N from 20 000 N samples at Holm's strictest rate
# (1e-3 / 3), and scatters by less; uniform noise of the right variance is 0.057 away from normal, constant noise 0.34.
LAW_RESOLUTION = 0.03


@dataclass(frozen=True)
class NoiseThreshold:
    """The threshold x_δ for the label noise of an experiment's prompts, as it is stated."""

    experiment: Experiment
    _: KW_ONLY
    threshold: sp.Expr = THRESHOLD

    @property
    def delta(self) -> float:
        """The probability of missing ε that is asked for."""
        return self.experiment.parameters.delta

    @property
    def x_delta(self) -> float:
        """The threshold for the experiment's N and δ."""
        with flint.ctx.workprec(PRECISION):
            return float(x_delta(self.experiment.instance.prompt_length, self.delta, self.threshold).mid())


def measure_tail_law(subject: NoiseThreshold) -> Iterator[Bound]:
    """The Laurent–Massart threshold has exact χ² tail probability at most δ."""
    delta = subject.delta
    # scipy's chi-square tail is accurate to about 1e-12 relative; 1e-9 leaves three digits.
    yield Bound(
        name="P(χ²_N > threshold) ≤ δ",
        observed=float(stats.chi2(subject.experiment.instance.prompt_length).sf(subject.x_delta)),
        bound=delta,
        rounding=1e-9 * delta,
        ceiling=1.0,
        reason=f"δ = {delta:g}",
    )


def label_norms(subject: NoiseThreshold, ratio: sp.Expr) -> Iterator[Estimate]:
    """The noise over √(τ‖λ‖²) is standard normal; it and ‖y‖² exceed x_δ and what `ratio` holds it to at most δ."""
    experiment, most_noise = subject.experiment, subject.x_delta
    data, rng = experiment.instance, stream(experiment.study.seed, "label norm")
    tasks, features = sample_tasks(rng, TAIL_SAMPLES, data.feature_count), data.features[: data.prompt_length]
    labels = sample_labels(rng, tasks, features, experiment.study.noise)
    deviation = np.sqrt(data.noise * np.sum(tasks**2, axis=1))[:, None]
    scaled = (labels - tasks @ features.T) / deviation
    # Each is wrong by at most this, and with it the distribution function by no more than the law says below.
    lost = float(np.max(rounding(data.feature_count + 2) * (np.abs(tasks) @ np.abs(features).T) / deviation))
    known = lost < 1 and bool(np.isfinite(scaled).all())
    law = law_interval(scaled.ravel(), stats.norm.cdf) if known else _unknown
    yield Estimate(
        name="distance of the noise over √(τ‖λ‖²) from N(0, 1)",
        allowed=(0.0, 0.0),
        resolution=LAW_RESOLUTION,
        interval=_widened(law, lost * stats.norm.pdf(0)),
        reason=f"Dvoretzky–Kiefer–Wolfowitz–Massart; rounding moves a label by {lost:.1g} of the noise's deviation",
        quantities={"rounding_share": lost},
    )
    length, moved = np.linalg.norm(scaled, axis=1), lost * np.sqrt(data.prompt_length)
    sizes = {B: np.linalg.norm(tasks, axis=1), Z_size: np.linalg.norm(features, 2), threshold: most_noise}
    sizes |= {m: data.feature_count, tau: data.noise, Delta_0: 1.0, epsilon: 1.0}
    bound = evaluated(ratio * m * tau * epsilon / Delta_0, sizes)  # what the stated ratio holds ‖y‖² to
    for name, above in (
        ("P(noise above the threshold)", [length + move > np.sqrt(most_noise) for move in (-moved, moved)]),
        ("P(‖y‖² above its bound)", [np.sum(labels**2, axis=1) > bound] * 2),
    ):
        fewest, most = (int(np.sum(each)) for each in above)
        few, many = (binomial_interval(count, TAIL_SAMPLES) if known else _unknown for count in (fewest, most))
        told = str(fewest) if fewest == most else f"{fewest} to {most}"
        yield Estimate(
            name=name,
            allowed=(0.0, subject.delta),
            interval=partial(_joined, few, many),
            reason=f"Clopper–Pearson, {told} of {TAIL_SAMPLES} prompts",
            quantities={"fewest_above": fewest, "most_above": most},
        )


def _unknown(rate: float) -> tuple[float, float]:
    """All that is known of a probability where rounding hides the samples."""
    return 0.0, 1.0


def _widened(interval: Interval, by: float) -> Interval:
    """The interval for a probability, wider by `by` at either end."""

    def wider(rate: float) -> tuple[float, float]:
        low, high = interval(rate)
        return max(0.0, low - by), min(1.0, high + by)

    return wider


def _joined(few: Interval, many: Interval, rate: float) -> tuple[float, float]:
    """From the low end of one interval to the high end of another."""
    return few(rate)[0], many(rate)[1]
