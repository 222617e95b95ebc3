"""The network of the paper: each file writes its quantities down in one way, once.

letters: names with their definitions, for proofs of all sizes; `softmax` has the weights, `pair` two points.
exact: rational parameters, evaluated in balls at any precision; `instances` has small ones that attain the bounds,
`labelled` those with the labels of a prompt, `off_limit` those and what lies between network and limit.
points: float64, each quantity with a bound on its rounding error beside it.
enclosed: float64 parameters, taken as exact, enclosed in balls; `problem` takes them from an experiment.
stated, bounded: a statement in letters, evaluated on numbers, and what a defect makes of it.
"""
