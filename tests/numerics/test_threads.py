"""Small problems run on one thread, and the number is restored."""

import pytest
import torch

from numerics.threads import SMALL, threads_for


@pytest.mark.parametrize(("multiplications", "alone"), [(SMALL - 1, True), (SMALL, False)])
def test_small_problems_get_one_thread(multiplications: int, alone: bool) -> None:
    before = torch.get_num_threads()
    with threads_for(multiplications):
        inside = torch.get_num_threads()
    assert inside == (1 if alone else before)
    assert torch.get_num_threads() == before
