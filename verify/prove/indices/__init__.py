"""Identities between arrays with indices, and their derivatives. Reading order: `indexed`, `tensors`, `calculus`."""
