"""What a keeper of checkpoints writes, leaves alone and removes."""

from __future__ import annotations

import errno
import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from numerics import InputError, checkpoint
from numerics.checkpoint import Keeper, read_checkpoint, require_replaceable
from numerics.state import State
from numerics.training import train
from tests.numerics.interrupted import INSTANCE, MOMENTS, ORIGIN, START, changed, entry, kept, recipe

pytestmark = pytest.mark.usefixtures("every_record_is_kept")


def test_two_runs_of_one_recipe_leave_each_others_files_alone(path: Path) -> None:
    first, second = kept(path, until=20), kept(path, until=50)
    first.complete()
    first.discard()
    assert read_checkpoint(path, ORIGIN).step == 52  # the second's, which may still need it
    second.complete()
    second.discard()
    assert not path.exists()


def test_a_run_that_never_trained_or_is_not_complete_removes_nothing(path: Path) -> None:
    kept(path).discard()
    Keeper(path).discard()
    assert read_checkpoint(path, ORIGIN).step == 48


def test_a_run_removes_the_file_that_it_went_on_from_only_in_its_own_place(path: Path, tmp_path: Path) -> None:
    kept(path)
    state = read_checkpoint(path, ORIGIN)
    for place in (tmp_path / "elsewhere", path):
        keeper = Keeper(place)
        keeper.adopt(state, path)
        train(INSTANCE, START, recipe(), moments=MOMENTS, keeper=keeper, resume=state)
        keeper.discard()
        assert path.exists() == (place != path)


def test_a_resumed_run_keeps_what_it_went_on_from_before_it_trains(path: Path, tmp_path: Path) -> None:
    kept(path)
    state, again = read_checkpoint(path, ORIGIN), tmp_path / "again"
    keeper = Keeper(again)
    keeper.adopt(state, path)
    assert keeper.save() == again
    assert again.read_bytes() == path.read_bytes()
    assert read_checkpoint(again, ORIGIN).sha256 == state.sha256


def test_nothing_is_saved_of_a_run_that_has_not_begun(path: Path) -> None:
    assert Keeper(path).save() is None
    assert not path.exists()


def test_a_state_that_is_not_finite_is_not_kept(path: Path) -> None:
    keeper = kept(path)
    state = read_checkpoint(path, ORIGIN)
    keeper.offer(lambda: changed(replace(state, step=50), "weights.exp_avg_sq", entry(np.inf)))
    assert keeper.save() == path
    assert read_checkpoint(path, ORIGIN).step == 48


def test_the_file_of_a_run_that_diverged_is_removed_as_well(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "FILE_SECONDS", -1.0)
    keeper, wanted = Keeper(path), recipe(optimizer="gd", rate_weights=30.0)
    assert train(INSTANCE, START, wanted, moments=MOMENTS, keeper=keeper).diverged_at is not None
    assert path.exists()
    keeper.discard()
    assert not path.exists()


def test_a_full_disk_costs_one_line_and_not_the_training(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    told: list[str] = []
    monkeypatch.setattr(checkpoint, "FILE_SECONDS", -1.0)
    monkeypatch.setattr(os, "fsync", full)
    keeper = Keeper(path, told.append)
    train(INSTANCE, START, recipe(), moments=MOMENTS, keeper=keeper)
    assert told == [f"checkpoint {path} cannot be written (No space left on device); training goes on without"]
    assert not list(path.parent.iterdir())
    with pytest.raises(OSError, match="No space"):
        keeper.save()


def test_two_threads_may_save_at_once(path: Path) -> None:
    keeper = kept(path)
    state, errors = read_checkpoint(path, ORIGIN), []

    def save() -> None:
        try:
            keeper.save()
        except Exception as error:
            errors.append(error)

    for step in range(20):
        keeper.offer(lambda step=step: replace(state, seconds=float(step)))
        threads = [threading.Thread(target=save) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert read_checkpoint(path, ORIGIN).seconds == step
    assert not errors
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_keeping_takes_its_share_of_the_time_at_most(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """A slow disk: a write of 2 seconds is not repeated before 2 / SHARE seconds have passed."""
    monkeypatch.undo()
    now, writes = [0.0], []
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])

    def slow(file: Path, content: bytes) -> os.stat_result:
        writes.append(now[0])
        now[0] += 2.0
        return Path(__file__).stat()

    monkeypatch.setattr(checkpoint, "write_atomically", slow)
    state = State(
        settings={}, step=0, iterations=(0,), gradient_scale=1.0, seconds=0.0, arrays={"mixtures": np.zeros((1, 2, 5))}
    )
    keeper = Keeper(path)
    while now[0] < 2000:
        keeper.offer(lambda: replace(state))
        now[0] += 0.1
    assert writes[0] >= checkpoint.FILE_SECONDS
    assert 2.0 * len(writes) <= 2000 * checkpoint.SHARE + 2.0
    assert len(writes) > 2


def test_nothing_but_a_checkpoint_is_replaced(path: Path) -> None:
    require_replaceable(path)
    kept(path)
    require_replaceable(path)
    path.write_bytes(b"")
    require_replaceable(path)
    for make in (
        lambda: path.write_text("my only copy"),
        lambda: path.write_bytes(b"PK" + bytes(30)),
        path.mkdir,
        lambda: os.mkfifo(path),
        lambda: path.symlink_to(path),
        lambda: path.symlink_to("/dev/null"),
    ):
        path.rmdir() if path.is_dir() else path.unlink()
        make()
        with pytest.raises(InputError, match="is no checkpoint of this program and is not replaced; move it"):
            require_replaceable(path)
