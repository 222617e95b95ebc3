"""Interruption and resumption: the same numbers as without, and refusal of every other checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from numerics import checkpoint, training
from numerics.checkpoint import Keeper, read_checkpoint
from numerics.instance import synthetic
from numerics.loss import feature_noise, label_moments, sample_labels, sample_tasks
from numerics.model import initial_network
from numerics.recipe import Recipe
from numerics.state import Origin
from numerics.training import Trained, train

pytestmark = pytest.mark.usefixtures("every_record_is_kept")

N, K, D, M, H, TAU = 2, 5, 3, 2, 6, 0.5
INSTANCE = synthetic(np.random.default_rng(0), N=N, K=K, d=D, m=M, tau=TAU)
MOMENTS = label_moments(INSTANCE.features, feature_noise(TAU), np.eye(M))
START = initial_network(np.random.default_rng(1), heads=H, d=D, K=K, scale=1.0)
Progress = Callable[[int, int, float], None]


def labels(count: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    return sample_labels(rng, sample_tasks(rng, count, M), INSTANCE.features, feature_noise(TAU))


def recipe(**changes: Any) -> Recipe:
    given = {"steps": 250, "optimizer": "adam", "rate_queries": 0.02, "rate_weights": 0.02, "gradient_tolerance": 1e-2}
    return Recipe(**given | changes)


def origin(wanted: Recipe) -> Origin:
    return Origin(instance=INSTANCE, start=START, recipe=wanted)


def run(wanted: Recipe, *, file: Path | None = None, resume: Path | None = None, **options: Any) -> Trained:
    keeper, state = file and Keeper(file), resume and read_checkpoint(resume, origin(wanted))
    given = {"moments": MOMENTS, "labels": labels(40), "keeper": keeper, "resume": state}
    return train(INSTANCE, START, wanted, **given | options)


def interrupt_at(step: int) -> Progress:
    def progress(current: int, steps: int, loss: float) -> None:
        if current >= step:
            raise KeyboardInterrupt

    return progress


def assert_identical(first: Trained, second: Trained) -> None:
    np.testing.assert_array_equal(first.iterations, second.iterations)
    np.testing.assert_array_equal(first.mixtures, second.mixtures)  # here a nan equals a nan
    np.testing.assert_array_equal(first.network.queries.numpy(), second.network.queries.numpy())
    np.testing.assert_array_equal(first.network.weights.numpy(), second.network.weights.numpy())
    assert (first.stopped, first.diverged_at) == (second.stopped, second.diverged_at)


RECIPES = [
    recipe(),
    recipe(precision="float64"),
    recipe(optimizer="gd", rate_queries=0.1, rate_weights=0.1),
    recipe(objective="sampled", batch=7, gradient_tolerance=0.0),
    recipe(optimizer="gd", rate_weights=30.0, precision="float64"),  # diverges
]


@pytest.mark.parametrize("wanted", RECIPES)
@pytest.mark.parametrize("step", [0, 1, 47])
def test_resuming_gives_the_numbers_of_an_uninterrupted_run(tmp_path: Path, wanted: Recipe, step: int) -> None:
    whole, path = run(wanted), tmp_path / "training.checkpoint"
    assert whole.iterations[-1] > 50
    with pytest.raises(KeyboardInterrupt):
        run(wanted, file=path, progress=interrupt_at(step))
    assert_identical(run(wanted, resume=path), whole)
    assert [item.name for item in tmp_path.iterdir()] == ["training.checkpoint"]


def test_an_interrupt_at_the_moment_of_divergence_keeps_the_first_bad_step(tmp_path: Path) -> None:
    whole, path = run(RECIPES[-1]), tmp_path / "training.checkpoint"
    assert whole.diverged_at is not None
    assert whole.diverged_at < whole.iterations[-1]  # noticed at a record, some steps after it happened
    with pytest.raises(KeyboardInterrupt):
        run(RECIPES[-1], file=path, progress=interrupt_at(int(whole.iterations[-1])))
    assert_identical(run(RECIPES[-1], resume=path), whole)


@pytest.mark.parametrize("second", [60, 200])
def test_a_resumed_run_can_be_interrupted_again(tmp_path: Path, second: int) -> None:
    wanted, path = recipe(gradient_tolerance=0.0), tmp_path / "training.checkpoint"
    for step, options in ((30, {}), (second, {"resume": path})):
        with pytest.raises(KeyboardInterrupt):
            run(wanted, file=path, progress=interrupt_at(step), **options)
    assert_identical(run(wanted, resume=path), run(wanted))


@pytest.mark.parametrize(("optimizer", "kind"), [("adam", torch.optim.Adam), ("gd", torch.optim.SGD)])
def test_an_interrupt_in_the_middle_of_an_update_does_not_tear_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, optimizer: str, kind: type[torch.optim.Optimizer]
) -> None:
    wanted, path = recipe(optimizer=optimizer), tmp_path / "training.checkpoint"
    whole, update, calls = run(wanted), kind.step, iter(range(1000))

    def interrupted(self: torch.optim.Optimizer) -> None:
        update(self)
        if next(calls) == 33:  # the parameters have moved, the step has not been counted
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(kind, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(wanted, file=path)
    assert_identical(run(wanted, resume=path), whole)


def test_an_interrupt_before_the_first_record_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "population_loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(recipe(), file=tmp_path / "training.checkpoint")
    assert not list(tmp_path.iterdir())


def test_without_a_checkpoint_an_interrupt_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run(recipe(), progress=interrupt_at(5))
    assert not list(tmp_path.iterdir())


def test_the_file_is_written_on_an_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "FILE_SECONDS", -1.0)  # the interval has always passed
    path = tmp_path / "training.checkpoint"
    whole = run(recipe(), file=path)
    steps_left: list[int] = []
    resumed = run(recipe(), resume=path, progress=lambda step, steps, loss: steps_left.append(step))
    assert_identical(resumed, whole)
    assert steps_left == whole.iterations[-2:].tolist()  # the file holds the last record but one: the last is the end


@pytest.mark.parametrize("wanted", RECIPES)
def test_looks_between_records_change_nothing_and_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: Recipe
) -> None:
    whole, path, seen = run(wanted), tmp_path / "training.checkpoint", []
    monkeypatch.setattr(training, "LOOK_SECONDS", -1.0)  # every step is a look

    def progress(step: int, steps: int, loss: float) -> None:
        seen.append(step)
        if step == 34:  # 32 and 35 are recorded
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(wanted, file=path, progress=progress)
    assert seen == list(range(35))
    assert read_checkpoint(path, origin(wanted)).step == 34
    assert_identical(run(wanted, resume=path), whole)


def test_a_finished_run_leaves_no_checkpoint_behind_before_its_time(tmp_path: Path) -> None:
    run(recipe(), file=tmp_path / "training.checkpoint")  # ends within FILE_SECONDS
    assert not list(tmp_path.iterdir())


def test_a_run_that_ended_can_be_resumed_at_its_end(tmp_path: Path) -> None:
    path, steps = tmp_path / "training.checkpoint", []
    keeper = Keeper(path)
    whole = run(recipe(), keeper=keeper)
    assert keeper.save() == path
    assert_identical(run(recipe(), resume=path, progress=lambda step, total, loss: steps.append(step)), whole)
    assert steps == [whole.iterations[-1]]


def test_gradients_whose_squares_leave_float32_do_not_end_training() -> None:
    # The sums of squares would be inf or 0 in float32, and inf ≤ 1e-2 inf as well as 0 ≤ 0 ended training at once.
    for size in (1e12, 1e-13):
        trained = run(recipe(steps=20, gradient_tolerance=1e-2), moments=MOMENTS * size)
        assert trained.iterations[-1] > 0


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_training_follows_the_cpu_and_resumes_on_it(tmp_path: Path) -> None:
    # Ten steps whose error factors (1 + rate |Hessian|) stay below 2 each: 1e3 times at most 1e3 roundings of
    # numbers below 10, in float64.
    wanted, path = recipe(steps=10, optimizer="gd", precision="float64"), tmp_path / "training.checkpoint"
    there = run(wanted, device="cuda")
    assert np.abs(there.final - run(wanted).final).max() <= 1e3 * 1e3 * 10 * 2.0**-53
    with pytest.raises(KeyboardInterrupt):
        run(wanted, device="cuda", file=path, progress=interrupt_at(5))
    assert np.abs(run(wanted, device="cuda", resume=path).final - there.final).max() <= 1e3 * 1e3 * 10 * 2.0**-53
