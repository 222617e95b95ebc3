"""The ground that evidence rests on, tested before it is built on, and once more afterwards.

A claim is no better than the libraries that computed it. Each self-test compares what a library says with
something that shares no code with it: exact integers, a closed form, another precision, the residual.
"""

from verify.ground.selftest import AREAS, SelfTest, Tested, areas_of, once_more, outcomes_of
from verify.ground.toolkit import grounds_of

__all__ = ["AREAS", "SelfTest", "Tested", "areas_of", "grounds_of", "once_more", "outcomes_of"]
