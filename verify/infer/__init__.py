"""Statistical evidence: confidence intervals for every sample size, and Holm's correction over a run."""

from verify.infer.holm import FAMILY_RATE, corrected
from verify.infer.intervals import Interval, binomial_interval, law_interval, mean_interval

__all__ = ["FAMILY_RATE", "Interval", "binomial_interval", "corrected", "law_interval", "mean_interval"]
