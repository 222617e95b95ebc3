"""Chains of inequalities between quantities of any size, with an exact certificate for every line.

Reading order: `quantity` (norms, sums and maxima), `chain` (facts and lines), `rules` and `lemma` (where facts come
from), `solver` and `certificate` (what discharges a line), `trust`, `trials` and `values` (what every line must stand),
`conclusion` (the finding).
"""
