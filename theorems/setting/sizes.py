"""What memory a run of given sizes needs, and what there is: pure arithmetic, so that a refusal takes no time.

The numbers of arrays are those that were counted at the peak of the hungriest claim, one size made large at a time.
"""

from __future__ import annotations

from collections.abc import Container

from numerics.memory import available, gibibytes
from verify import UsageError

BYTES = 8  # of a float64 number
# What an array is for, the product of sizes that it holds, and how many such arrays there are at once, balls and
# what torch keeps for gradients included (a ball is six float64 numbers).
ARRAYS: tuple[tuple[str, str, int], ...] = (
    ("tokens and features", "K (d + m)", 4),
    ("moments of the labels", "K²", 4),
    ("matrices Q of all heads", "H d²", 18),
    ("attention of all heads and tokens", "H N K", 40),
    ("training prompts", "prompts (K + m)", 3),
)
ORDER = ("H", "prompts", "K", "N", "d", "m")  # in which a smaller size is suggested


def entries(sizes: dict[str, int]) -> dict[str, int]:
    """How many numbers each kind of array has in all."""
    N, K, d, m, H, prompts = (sizes[name] for name in ("N", "K", "d", "m", "H", "prompts"))
    products = {
        "K (d + m)": K * (d + m),
        "K²": K * K,
        "H d²": H * d * d,
        "H N K": H * N * K,
        "prompts (K + m)": prompts * (K + m),
    }
    return {f"{name}, {product}": copies * products[product] for name, product, copies in ARRAYS}


def require_memory(sizes: dict[str, int], given: Container[str], fixed: Container[str] = ()) -> None:
    """Make sure that the arrays of a run fit into what memory is available now.

    Args:
        sizes: N, K, d, m, H and prompts (0 where no prompts are drawn).
        given: what the user gave; of that a smaller value is suggested first.
        fixed: what belongs to the data, so that no other value is suggested.

    Raises:
        UsageError: they do not; it names the largest array and the largest value that fits.
    """
    there, parts = available(), entries(sizes)
    needed = BYTES * sum(parts.values())
    if needed <= there:
        return
    largest = max(parts, key=lambda name: parts[name])
    candidates = sorted(
        (name for name in ORDER if name not in fixed and sizes[name]), key=lambda name: name not in given
    )
    fitting = ((name, _largest_fitting(name, sizes, there)) for name in candidates)
    name, value = next(((name, value) for name, value in fitting if value is not None), ("K", None))
    remedy = f"--{name} {value} is the largest that fits" if value is not None else "give smaller sizes"
    told = ", ".join(f"{key} = {size}" for key, size in sizes.items() if size)
    raise UsageError(
        f"{told} would need {gibibytes(needed)} of memory, most of it for {largest}, "
        f"and {gibibytes(there)} are available; {remedy}"
    )


def _largest_fitting(name: str, sizes: dict[str, int], there: int) -> int | None:
    """The largest value of one size with which all arrays fit, the others as they are; None if there is none."""
    least, most = (sizes["N"] + 1 if name == "K" else 1), sizes[name]
    if not _fits(sizes | {name: least}, there):
        return None
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if _fits(sizes | {name: middle}, there) else (least, middle - 1)
    return least


def _fits(sizes: dict[str, int], there: int) -> bool:
    return BYTES * sum(entries(sizes).values()) <= there
