"""Two and four runs at once into one folder: each pair there is whole and of one run, and no run loses its verdict."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from tests.hostile.machine import PAPER, Copies, Ended, assert_no_traceback, contents
from tests.hostile.test_kills import run_of


@pytest.mark.parametrize("count", [2, 4])
def test_runs_at_once_into_one_folder(count: int, environment: dict[str, str], tmp_path: Path) -> None:
    done: list[Ended] = []

    def repeat(number: int) -> None:
        with Copies(environment=environment) as running:
            for turn in range(2):
                seed = str(10 * number + turn)
                done.append(running.run("sums", "--seed", seed, "--output", "out", folder=tmp_path, **PAPER))

    threads = [threading.Thread(target=repeat, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 2 * count
    for run in done:
        assert_no_traceback(run)
        assert (run.status, run.err) == (0, ""), run.told
    assert set(contents(tmp_path)) == {"out", "out/sums.json", "out/sums.pdf"}
    assert json.loads((tmp_path / "out" / "sums.json").read_text())["verdict"] == "pass"
    assert run_of(tmp_path / "out" / "sums.json") == run_of(tmp_path / "out" / "sums.pdf")
