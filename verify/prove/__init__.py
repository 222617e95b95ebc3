"""Symbolic evidence: identities between matrices of any size and their expectations, proved by exact rewriting.

    prove("push-through", (Z * Z.T + c * Identity(m)).I * Z, Z * (Z.T * Z + c * Identity(N)).I).status == "proved"

where Z is a sympy MatrixSymbol of shape m × N and c a positive Symbol. Reading order: `identity` (what
can be asked), `reading` and `polynomial` (what is computed with), `rewriting` and `completion` (how),
`derivation` (what is shown, and tried out), `instance` and `sampling` (how a false identity is caught),
`expectation` and `moments` (means over random matrices).
"""

from verify.prove.expectation import Random, expectation, prove_expectation
from verify.prove.identity import prove, prove_positive_definite, prove_positive_semidefinite
from verify.prove.instance import Instance
from verify.prove.rational import selection
from verify.prove.sampling import Equation, Sample

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
