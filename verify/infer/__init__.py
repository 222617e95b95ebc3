"""Statistical evidence: exact confidence intervals and Holm's correction over a run."""

from verify.infer.holm import FAMILY_RATE, corrected
from verify.infer.intervals import binomial_interval, variance_interval

__all__ = ["FAMILY_RATE", "binomial_interval", "corrected", "variance_interval"]
