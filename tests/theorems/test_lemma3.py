"""Lemma 3 on arbitrary vectors, in exact arithmetic."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

fractions = st.fractions(min_value=-5, max_value=5, max_denominator=6)


@given(
    st.integers(1, 4).flatmap(lambda d: st.lists(st.lists(fractions, min_size=d, max_size=d), min_size=1, max_size=5))
)
def test_the_difference_is_the_sum_over_pairs(vectors: list[list[Fraction]]) -> None:
    columns = list(zip(*vectors, strict=True))
    left = sum(sum(column) ** 2 for column in columns)
    right = len(vectors) * sum(entry**2 for vector in vectors for entry in vector)
    pairs = sum(
        (one[a] - other[a]) ** 2 for i, one in enumerate(vectors) for other in vectors[:i] for a in range(len(columns))
    )
    assert right - left == pairs >= 0
