"""Checkpoint files: what is refused, and in which words."""

from __future__ import annotations

import json
import os
import re
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from numerics import InputError
from numerics.checkpoint import encoded, read_checkpoint
from numerics.instance import synthetic
from numerics.model import Network, initial_network, mixture_float64, mixture_rounding
from numerics.recipe import Recipe
from numerics.state import Origin, State
from numerics.training import train
from tests.numerics.interrupted import (
    INSTANCE,
    MOMENTS,
    ORIGIN,
    START,
    TAU,
    D,
    H,
    K,
    M,
    N,
    changed,
    entry,
    kept,
    recipe,
)

pytestmark = pytest.mark.usefixtures("every_record_is_kept")

OTHER_TOKENS = synthetic(np.random.default_rng(4), N=N, K=K, d=D, m=M, tau=TAU)
OTHER_NOISE = synthetic(np.random.default_rng(0), N=N, K=K, d=D, m=M, tau=2 * TAU)
LONGER_PROMPT = synthetic(np.random.default_rng(0), N=N + 1, K=K, d=D, m=M, tau=TAU)
SAMPLED = recipe(objective="sampled")
OTHERS: list[tuple[Recipe, dict[str, Any], str]] = [
    (recipe(), {"instance": OTHER_TOKENS}, "instance = "),
    (recipe(), {"instance": OTHER_NOISE}, "instance = "),
    (recipe(), {"instance": LONGER_PROMPT}, "N = 2 there, 3 here"),
    (recipe(), {"start": initial_network(np.random.default_rng(2), heads=H, d=D, K=K, scale=1.0)}, "start = "),
    (recipe(), {"start": Network(queries=-START.queries, weights=START.weights)}, "start = "),
    (recipe(), {"start": Network(queries=START.queries, weights=START.weights + 1)}, "start = "),
    (recipe(), {"recipe": recipe(steps=251)}, "steps = 250 there, 251 here"),
    (recipe(), {"recipe": recipe(optimizer="gd")}, "optimizer = adam there, gd here"),
    (recipe(), {"recipe": recipe(rate_queries=0.03)}, "rate_queries = 0.02 there, 0.03 here"),
    (recipe(), {"recipe": recipe(rate_weights=0.03)}, "rate_weights = 0.02 there, 0.03 here"),
    (recipe(), {"recipe": recipe(precision="float64")}, "precision = float32 there, float64 here"),
    (recipe(), {"recipe": recipe(seed=1)}, "seed = 0 there, 1 here"),
    (recipe(), {"recipe": recipe(batch=8)}, "batch = 256 there, 8 here"),
    (recipe(), {"recipe": recipe(gradient_tolerance=1e-6)}, "gradient_tolerance = 0.01 there, 1e-06 here"),
    (recipe(), {"recipe": SAMPLED}, "objective = population there, sampled here"),
    (SAMPLED, {"recipe": recipe(objective="sampled", prompts=41)}, "prompts = 10000 there, 41 here"),
]


@pytest.mark.parametrize(("wanted", "changes", "difference"), OTHERS)
def test_a_checkpoint_of_another_run_is_refused_and_the_difference_named(
    path: Path, wanted: Recipe, changes: dict[str, Any], difference: str
) -> None:
    kept(path, wanted)
    mine = Origin(instance=INSTANCE, start=START, recipe=wanted)
    state = read_checkpoint(path, mine)
    message = f"checkpoint {path} belongs to another run ({difference}"
    with pytest.raises(InputError, match=re.escape(message)):
        read_checkpoint(path, replace(mine, **changes))
    given = {"instance": INSTANCE, "start": START, "recipe": wanted, "moments": MOMENTS, "labels": MOMENTS}
    with pytest.raises(InputError, match=re.escape(f"belongs to another run ({difference}")):
        train(**given | changes, resume=state)


def _flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def _zip(path: Path) -> None:
    """As torch.save writes: an archive with a pickle."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}q\x00.")


def _headed(header: bytes, length: int | None = None, data: bytes = b"") -> Callable[[Path], object]:
    content = struct.pack("<Q", len(header) if length is None else length) + header + data
    return lambda path: path.write_bytes(content)


HUGE = json.dumps({"queries": {"dtype": "F32", "shape": [25_000_000_000], "data_offsets": [0, 100_000_000_000]}})
NO_CHECKPOINTS: dict[str, Callable[[Path], object]] = {
    "empty": Path.touch,
    "text": lambda path: path.write_text("not a checkpoint"),
    "bytes": lambda path: path.write_bytes(bytes(range(256)) * 9),
    "an earlier version's": _zip,
    "pickle": lambda path: path.write_bytes(b"\x80\x04K\x01."),
    "a header that ends nowhere": _headed(b"{}", 2**63),
    "100 GB declared": _headed(HUGE.encode()),
    "deep nesting": _headed(b"[" * 5000),
    "deep metadata": _headed(b'{"__metadata__":{"state":"' + b"[" * 5000 + b'","kind":"x","sha256":"x"}}'),
    "no metadata": _headed(b"{}"),
    "an unknown type": _headed(b'{"queries":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}', data=b"ab"),
    "truncated": lambda path: (kept(path), path.write_bytes(path.read_bytes()[:-100])),
    "longer": lambda path: (kept(path), path.write_bytes(path.read_bytes() + b"x")),
}


@pytest.mark.parametrize("kind", NO_CHECKPOINTS)
def test_a_file_that_is_no_checkpoint_is_refused(path: Path, kind: str) -> None:
    NO_CHECKPOINTS[kind](path)
    message = f"{path} is not a checkpoint of this program; drop --resume to start afresh"
    with pytest.raises(InputError, match=re.escape(message)):
        read_checkpoint(path, ORIGIN)


def test_every_flipped_bit_is_found_out(path: Path) -> None:
    kept(path)
    size = path.stat().st_size
    for place in [*range(0, size, size // 60), size - 1]:
        _flip(path, place)
        with pytest.raises(
            InputError, match=r"is damaged: its digest differs; drop|is not a checkpoint of this program"
        ):
            read_checkpoint(path, ORIGIN)
        _flip(path, place)
    assert read_checkpoint(path, ORIGIN).step == 48


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (Path.mkdir, "is a folder|is no regular file"),
        (os.mkfifo, "is no regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "is no regular file"),
        (lambda path: path.symlink_to(path), "cannot be read"),
        (lambda path: path.symlink_to("nowhere"), "does not exist"),
        (lambda path: None, "does not exist"),
        (lambda path: os.truncate(path, 10**11) if path.touch() is None else None, "has 100000000000 bytes"),
    ],
)
def test_what_cannot_be_read_is_refused_at_once(path: Path, make: Callable[[Path], object], words: str) -> None:
    make(path)
    with pytest.raises(InputError, match=words) as error:
        read_checkpoint(path, ORIGIN)
    assert str(path) in str(error.value)
    assert "--resume" in str(error.value)


@pytest.mark.parametrize("name", ["a\0b", "x" * 300, "file/deeper"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="--resume"):
        read_checkpoint(tmp_path / name, ORIGIN)


def _without(state: State, name: str) -> State:
    return replace(state, arrays={key: array for key, array in state.arrays.items() if key != name})


# States with a digest that fits: a program wrote them, but not this one at this step of this run.
IMPOSSIBLE: dict[str, tuple[Callable[[State], State], str]] = {
    "nan": (lambda s: changed(s, "queries", entry(np.nan)), "queries has a nan or inf"),
    "inf": (lambda s: changed(s, "weights", entry(np.inf)), "weights has a nan or inf"),
    "negative squares": (lambda s: changed(s, "queries.exp_avg_sq", entry(-1.0)), "negative mean of squares"),
    "another count": (lambda s: changed(s, "weights.step", entry(46.0)), "weights.step is 46 at step 48"),
    "zeroed history": (lambda s: changed(s, "mixtures", np.zeros_like), "record 19 is not the mixture matrix"),
    "another beginning": (lambda s: changed(s, "mixtures", entry(0.1)), "record 0 is not the mixture matrix"),
    "moved": (lambda s: changed(s, "weights", lambda w: w * np.float32(1 + 1e-6)), "record 19 is not the mixture"),
    "short history": (lambda s: replace(s, iterations=s.iterations[:-1]), "it has 19 records"),
    "no history": (lambda s: replace(s, iterations=()), "it has 0 records"),
    "swapped history": (lambda s: replace(s, iterations=s.iterations[::-1]), "it has 20 records, which are not"),
    "beyond the end": (lambda s: replace(s, step=251), "it is at step 251 of 250"),
    "before the start": (lambda s: replace(s, step=-1), "it is at step -1 of 250"),
    "another step": (lambda s: replace(s, step=49), "weights.step|queries.step"),
    "fewer mixtures": (lambda s: changed(s, "mixtures", lambda m: m[:-1].copy()), "its arrays do not have"),
    "another shape": (lambda s: changed(s, "queries", lambda q: q.reshape(-1)), "its arrays do not have"),
    "another type": (lambda s: changed(s, "queries", lambda q: q.astype(np.float64)), "its arrays do not have"),
    "an array too few": (lambda s: _without(s, "weights.exp_avg"), "its arrays do not have"),
    "no gradient": (lambda s: replace(s, gradient_scale=np.nan), "its gradient scale is nan"),
    "negative time": (lambda s: replace(s, seconds=-1.0), "its time is -1.0"),
}


@pytest.mark.parametrize("kind", IMPOSSIBLE)
def test_a_state_that_the_run_cannot_have_reached_is_refused(path: Path, kind: str) -> None:
    change, words = IMPOSSIBLE[kind]
    kept(path)
    path.write_bytes(encoded(change(read_checkpoint(path, ORIGIN))))
    with pytest.raises(InputError, match=words) as error:
        read_checkpoint(path, ORIGIN)
    assert str(error.value).startswith(f"checkpoint {path} is not one of this program: ")


@pytest.mark.parametrize("step", ["47", 47.0, True, None, [47]])
def test_numbers_of_another_type_are_refused(path: Path, step: Any) -> None:
    kept(path)
    state = read_checkpoint(path, ORIGIN)
    object.__setattr__(state, "step", step)  # past the types
    path.write_bytes(encoded(state))
    with pytest.raises(InputError, match="is not a checkpoint of this program"):
        read_checkpoint(path, ORIGIN)


def test_the_bound_on_the_rounding_of_a_mixture_covers_another_order_of_summation() -> None:
    """Heads in reverse order and coordinates permuted: the same mixture, other roundings, within the bound."""
    network = Network(queries=3 * START.queries, weights=torch.from_numpy(np.random.default_rng(5).normal(size=(H, K))))
    turned = Network(queries=network.queries.flip(0).flip(1).flip(2), weights=network.weights.flip(0))
    first = mixture_float64(network, INSTANCE.tokens, N)
    second = mixture_float64(turned, INSTANCE.tokens[:, ::-1], N)
    bound = mixture_rounding(network, INSTANCE.tokens, N)
    assert np.abs(first - second).max() > 0
    assert (np.abs(first - second) <= 2 * bound).all()
    assert bound.max() < 1e-12  # of entries of about 1: it says something
