"""What a user can set, the presets, and how what was given becomes one complete description of a run.

Imports nothing heavy, so that help and listings answer at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from theorems.setting.sizes import require_memory
from verify import UsageError


def _option(default: Any, help_text: str, choices: tuple[str, ...] = ()) -> Any:
    return field(default=default, metadata={"help": help_text, "choices": choices})


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """One complete description of a run; the defaults are the paper's own scale.

    K, d and m may be None: then they are read from the data.
    """

    N: int = _option(30, "prompt length")
    K: int | None = _option(200, "dictionary size, above N")
    d: int | None = _option(100, "token dimension")
    m: int | None = _option(20, "number of basis functions")
    H: int = _option(64, "number of heads")
    tau: float = _option(0.01, "noise level, the variance of the feature noise")
    beta: float = _option(1.0, "standard deviation of the entries of Q at the start")
    start_weights: float = _option(0.0, "standard deviation of w at the start; Theorem 1 asks for 0")
    gamma_factor: float = _option(1.0, "γ as a multiple of the least that Theorem 1 allows")
    step_factor: float = _option(1.0, "η_Q as a multiple of 1/L, the largest that Theorem 1 allows")
    force: bool = _option(False, "run Theorem 1's descent even where a hypothesis fails")
    epsilon: float = _option(1e-3, "error ε that Theorem 2 promises")
    delta: float = _option(0.05, "probability δ with which Theorem 2 may miss it")
    B: float = _option(25.0, "largest norm of λ in Assumption 4 and Theorem 2")
    seed: int = _option(0, "seed of everything random")
    data: str = _option("synthetic", "where tokens come from", ("synthetic", "digits"))
    tokens: Path | None = _option(None, "an .npz file with tokens (K x d) and features (K x m)")
    normalize: bool = _option(False, "scale the tokens of the file to unit length")
    raw_tokens: bool = _option(False, "keep tokens at their own length, as in the paper's experiments")
    steps: int = _option(1500, "budget of training steps")
    optimizer: str = _option("adam", "how to train", ("adam", "gd"))
    rate_queries: float | None = _option(None, "step size of Q (default: 0.01 for adam, curvature for gd)")
    rate_weights: float | None = _option(None, "step size of w (default: 0.01 for adam, curvature for gd)")
    objective: str = _option("population", "loss to minimise", ("population", "sampled"))
    prompts: int = _option(10000, "training prompts of the sampled loss")
    precision: str = _option("float32", "arithmetic of training", ("float32", "float64"))
    device: str = _option("auto", "where to train", ("auto", "cpu", "cuda"))


# What a claim may name in `heeds` beside single options. Tokens and features are drawn from one stream, and the sizes
# decide where in it each number stands.
_DICTIONARY = ("N", "K", "d", "seed", "data", "tokens", "normalize", "raw_tokens")
GROUPS: dict[str, tuple[str, ...]] = {
    "dictionary": _DICTIONARY,
    "instance": (*_DICTIONARY, "m", "tau"),
    "start": ("H", "beta", "seed"),
    "training": (
        "start_weights",
        "steps",
        "optimizer",
        "rate_queries",
        "rate_weights",
        "objective",
        "prompts",
        "precision",
        "device",
    ),
    "descent": ("gamma_factor", "step_factor", "force"),
    "promise": ("epsilon", "delta", "B"),
}
INSTANCE = frozenset({*GROUPS["instance"], *GROUPS["start"], "start_weights"})  # what the instance is made from
QUICK: dict[str, Any] = {"N": 6, "K": 16, "d": 10, "m": 4, "H": 24, "tau": 0.1, "steps": 1000}
# Instances on which Theorem 1 can be followed literally: γ is about 10, 20 and 50, the guaranteed decrease in one
# step 0.057, 0.017 and 0.011. The last is about the largest that certifies 900 steps within a minute. Seeds are those
# with the largest decrease of the first six, two and two; nothing else depends on them.
LITERAL: dict[str, Any] = {"N": 2, "K": 4, "d": 4, "m": 2, "H": 16, "tau": 1.0, "beta": 5.0, "seed": 5}
LITERAL_4: dict[str, Any] = {"N": 4, "K": 8, "d": 8, "m": 4, "H": 64, "tau": 2.0, "beta": 20.0, "seed": 1}
LITERAL_6: dict[str, Any] = {"N": 6, "K": 12, "d": 12, "m": 6, "H": 64, "tau": 2.0, "beta": 20.0, "seed": 0}
PRESETS: dict[str, dict[str, Any]] = {
    "quick": QUICK,
    "literal": LITERAL,
    "literal4": LITERAL_4,
    "literal6": LITERAL_6,
    "paper": {},
}


def idle(values: Mapping[str, Any]) -> frozenset[str]:
    """The options that mean nothing beside these values: there are prompts only if the loss is sampled."""
    replaced = {"data"} if values.get("tokens") is not None else set()
    return frozenset(replaced | ({"prompts"} if values.get("objective", "population") == "population" else set()))


def resolve(preset: str, given: dict[str, Any]) -> Parameters:
    """A preset with what the user gave on top; sizes that belong to the data stay open.

    Raises:
        UsageError: an option that contradicts another.
    """
    _reject_contradictions(given)
    _reject_values(given)
    settings = PRESETS[preset] | given
    if given.get("tokens") is not None:
        settings |= {name: given.get(name) for name in ("K", "d", "m")}
    elif given.get("data") == "digits":
        settings |= {"d": given.get("d")}
    parameters = Parameters(**settings)
    _reject_sizes(parameters, given)
    return parameters


def _reject_contradictions(given: Mapping[str, Any]) -> None:
    tokens, data = given.get("tokens"), given.get("data")
    if tokens is not None and data is not None:
        raise UsageError(f"data = {data!r} and tokens = {tokens} exclude each other; drop one")
    if given.get("normalize") and given.get("raw_tokens"):
        raise UsageError("normalize and raw-tokens ask for opposite things; drop one")
    if given.get("normalize") and tokens is None:
        raise UsageError("normalize = True applies to a file of tokens; add --tokens FILE.npz or drop --normalize")
    if given.get("raw_tokens") and data == "digits":
        raise UsageError("raw-tokens does not apply to data = 'digits', whose tokens are unit-norm; drop one")


# Numbers that are squared somewhere: within these, squares and their quotients are float64 numbers of full precision.
LEAST, MOST = 1e-150, 1e150
_POSITIVE = ("tau", "gamma_factor", "step_factor", "epsilon", "B", "rate_queries", "rate_weights")
_DEVIATIONS = ("beta", "start_weights")
_COUNTS = ("N", "K", "d", "m", "H", "prompts")
MOST_WHOLE = 2**63 - 1  # of seeds and steps


def _reject_values(given: Mapping[str, Any]) -> None:
    """Numbers that mean nothing, heeded or not; the comparisons are written so that nan is refused too."""
    for name, value in given.items():
        if value is None:
            continue
        option = f"--{name.replace('_', '-')}"
        if name in _POSITIVE and not LEAST <= value <= MOST:
            raise UsageError(f"{name} = {value} is out of range; give {option} between {LEAST:g} and {MOST:g}")
        if name in _DEVIATIONS and value != 0 and not LEAST <= value <= MOST:
            raise UsageError(f"{name} = {value} is no deviation; give {option} 0 or between {LEAST:g} and {MOST:g}")
        if name in _COUNTS and value < 1:
            raise UsageError(f"{name} = {value} is too small; give {option} at least 1")
        if name in ("seed", "steps") and not 0 <= value <= MOST_WHOLE:
            raise UsageError(f"{name} = {value} is out of range; give {option} between 0 and 2⁶³ − 1")
        if name == "delta" and not LEAST <= value < 1:
            raise UsageError(f"delta = {value} is not a probability; give --delta between {LEAST:g} and 1")


def _reject_sizes(parameters: Parameters, given: Mapping[str, Any]) -> None:
    """Sizes that no memory holds, heeded or not, and a prompt that leaves no token unseen; those of data count as 1."""
    check_order(parameters)
    K, d, m = (size or 1 for size in (parameters.K, parameters.d, parameters.m))
    prompts = parameters.prompts if parameters.objective == "sampled" or "prompts" in given else 0
    sizes = {"N": parameters.N, "K": K, "d": d, "m": m, "H": parameters.H, "prompts": prompts}
    require_memory(sizes, given)


def check_order(parameters: Parameters) -> None:
    """Refuse N ≥ K, where both are known before any data is read."""
    N, K = parameters.N, parameters.K
    if K is not None and parameters.tokens is None and N >= K:
        raise UsageError(f"N = {N} leaves no unseen token among K = {K}; choose --N below --K")


def control_parameters(parameters: Parameters, preset: str | None = None) -> Parameters:
    """The small run in which defects are planted: quick sizes with the same seed, or the claim's own preset."""
    if preset is not None:
        return Parameters(**PRESETS[preset], device=parameters.device)
    return replace(Parameters(**QUICK), seed=parameters.seed, device=parameters.device)


def foundation_parameters() -> Parameters:
    """The instance for statements without proofs that others rest on: the same in every run."""
    return Parameters(**QUICK, device="cpu")
