"""Presets and options become one complete description of a run, or one clear sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from theorems import PAPER
from theorems.setting.parameters import PRESETS, Parameters, control_parameters, resolve
from theorems.setting.preparation import prepare
from verify import UsageError


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"N": 16}, ["N = 16", "K = 16", "--N"]),
        ({"N": 17}, ["N = 17", "--N"]),
        ({"N": 0}, ["N = 0", "--N"]),
        ({"d": 0}, ["d = 0", "--d"]),
        ({"m": -1}, ["m = -1", "--m"]),
        ({"H": 0}, ["H = 0", "--H"]),
        ({"prompts": 0}, ["prompts = 0", "--prompts"]),
        ({"tau": 0.0}, ["tau = 0.0", "--tau"]),
        ({"tau": 1e200}, ["tau = 1e+200", "--tau"]),
        ({"step_factor": 1e-320}, ["step_factor = 1e-320", "--step-factor"]),
        (
            {"prompts": 10**20, "objective": "sampled"},
            ["prompts = 100000000000000000000", "GiB of memory", "training prompts", "--prompts"],
        ),
        ({"K": 10**7}, ["GiB of memory", "K = 10000000", "K²", "is the largest that fits"]),
        ({"H": 10**9}, ["GiB of memory", "H = 1000000000", "--H"]),
        ({"K": 10**200}, ["over 7.87e+261 GiB", "--K"]),
        ({"steps": 10**20}, ["steps = 100000000000000000000", "--steps"]),
        ({"tau": float("nan")}, ["tau = nan", "--tau"]),
        ({"tau": float("inf")}, ["tau = inf", "--tau"]),
        ({"beta": -1.0}, ["beta = -1.0", "--beta"]),
        ({"steps": -1}, ["steps = -1", "--steps"]),
        ({"seed": -1}, ["seed = -1", "--seed"]),
        ({"gamma_factor": 0.0}, ["gamma_factor = 0.0", "--gamma-factor"]),
        ({"step_factor": float("nan")}, ["step_factor = nan", "--step-factor"]),
        ({"epsilon": -1.0}, ["epsilon = -1.0", "--epsilon"]),
        ({"B": float("inf")}, ["B = inf", "--B"]),
        ({"delta": 1.0}, ["delta = 1.0", "--delta"]),
        ({"delta": float("nan")}, ["delta = nan", "--delta"]),
        ({"start_weights": -1.0}, ["start_weights = -1.0", "--start-weights"]),
        ({"rate_queries": 0.0}, ["rate_queries = 0.0", "--rate-queries"]),
        ({"tokens": Path("nowhere.npz")}, ["nowhere.npz", "--tokens"]),
        ({"data": "digits", "K": 5000}, ["K = 5000", "--K"]),
        ({"data": "digits", "d": 10}, ["d = 10", "--d"]),
        ({"data": "digits", "tokens": Path("a.npz")}, ["digits", "a.npz"]),
        ({"raw_tokens": True, "normalize": True}, ["normalize", "raw-tokens"]),
        ({"normalize": True}, ["normalize", "--tokens"]),
        ({"data": "synthetic", "tokens": Path("a.npz")}, ["synthetic", "a.npz"]),
    ],
)
def test_bad_settings_are_refused_in_one_sentence(given: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        prepare(resolve("quick", given))
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "\n" not in message


def test_the_options_reproduce_the_parameters() -> None:
    parameters = resolve("quick", {"tau": 0.3, "raw_tokens": True})
    options = PAPER.as_options(parameters, {"tau", "raw_tokens", "normalize", "N"})
    assert options[:4] == ["--N", "6", "--tau", "0.3"]
    assert options[options.index("--tau") + 1] == "0.3"
    assert "--raw-tokens" in options
    assert "--normalize" not in options


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_presets_are_valid(preset: str) -> None:
    assert isinstance(resolve(preset, {}), Parameters)
    assert prepare(resolve(preset, {})).instance.prompt_length == resolve(preset, {}).N


def test_controls_run_at_quick_size_with_the_same_seed() -> None:
    small = control_parameters(resolve("paper", {"seed": 5, "beta": 3.0}))
    assert (small.seed, small.N, small.beta) == (5, 6, 1.0)


def test_a_file_brings_its_own_sizes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "mine.npz"
    np.savez(path, tokens=rng.standard_normal((40, 7)), features=rng.standard_normal((40, 5)))
    described = prepare(resolve("paper", {"tokens": path, "normalize": True})).describe()
    assert (described["N"], described["K"], described["d"], described["m"]) == (30, 40, 7, 5)
    with pytest.raises(UsageError, match="K = 12 but the data has K = 40; drop --K"):
        prepare(resolve("paper", {"tokens": path, "normalize": True, "K": 12}))
    with pytest.raises(UsageError, match="--normalize"):
        prepare(resolve("paper", {"tokens": path}))


def test_the_digits_are_real_data_with_unit_tokens() -> None:
    experiment = prepare(resolve("quick", {"data": "digits"}))
    assert experiment.instance.token_dimension == 64
    assert np.allclose(np.linalg.norm(experiment.instance.tokens, axis=1), 1, atol=1e-12)
    assert "digits" in experiment.describe()["source"]
