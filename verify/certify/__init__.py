"""Rigorous evidence: linear algebra in ball arithmetic on python-flint.

A ball is a midpoint with a radius that contains the exact result. Inputs are the exact rationals
behind float64 data; a question is decided by whole balls, never by midpoints.
"""

from verify.certify.balls import as_float64, balls, cholesky, eigenvalue_lower_bound, square_root
from verify.certify.evaluate import evaluate

__all__ = ["as_float64", "balls", "cholesky", "eigenvalue_lower_bound", "evaluate", "square_root"]
