"""Identities between matrices of any size and their expectations, proved by exact rewriting.

Reading order: `identity` (what can be asked), `from_sympy` and `polynomial` (what is computed with), `rewriting` and
`completion` (how), `derivation` (what is shown, and tried out), `instance` and `sampling` (how a false identity is
caught), `expectation` and `moments` (means over random matrices).
"""
