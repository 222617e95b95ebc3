"""Shape annotations are checked in every test: numerics and theorems are imported through jaxtyping.

Hypothesis draws the same examples in every run and times none of them: a failure is never the machine's.
Tests run side by side, so each of them, and each program that it starts, keeps to one thread.
"""

import os

from hypothesis import settings
from jaxtyping import install_import_hook

os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is first imported
install_import_hook(["numerics", "theorems"], "beartype.beartype")
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")
