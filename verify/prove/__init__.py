"""Symbolic evidence, in two rooms: `matrices` and `inequalities`.

    prove("push-through", (Z * Z.T + c * Identity(m)).I * Z, Z * (Z.T * Z + c * Identity(N)).I).status == "proved"

where Z is a sympy MatrixSymbol of shape m × N and c a positive Symbol.
"""

from verify.prove.matrices.expectation import Random, expectation, prove_expectation
from verify.prove.matrices.identity import prove, prove_positive_definite, prove_positive_semidefinite
from verify.prove.matrices.instance import Instance
from verify.prove.matrices.rational import selection
from verify.prove.matrices.sampling import Equation, Sample

__all__ = [
    "Equation",
    "Instance",
    "Random",
    "Sample",
    "expectation",
    "prove",
    "prove_expectation",
    "prove_positive_definite",
    "prove_positive_semidefinite",
    "selection",
]
