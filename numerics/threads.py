"""How many threads a computation gets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

# Multiplications in V^T Q_h over all heads below which a second thread costs more in waiting than it computes.
SMALL = 200_000


@contextmanager
def threads_for(multiplications: int) -> Iterator[None]:
    """One thread for a small problem, torch's own number otherwise; restored afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if multiplications < SMALL else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
