"""Pictures depend on nothing but what they show: no settings, variable, style or home of a user changes a byte."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CODE = """
import hashlib, os
from tests.verify.render import samples
from verify.render.pdf import render_pdf
here = os.getcwd()
print(hashlib.sha256(render_pdf(samples.record())).hexdigest(), os.environ.get("MPLBACKEND"))
assert os.getcwd() == here
"""
SETTINGS = """axes.grid: True
savefig.bbox: tight
text.usetex: True
font.family: No Such Font
axes.formatter.use_locale: True
svg.fonttype: path
figure.dpi: 20
backend: qtagg
no.such.key: 1
"""


def digest(folder: Path, **environment: str | None) -> list[str]:
    kept = {name: value for name, value in os.environ.items() if name not in environment}
    given = {name: value for name, value in environment.items() if value is not None}
    process = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=folder,
        env=kept | given | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    return process.stdout.split()


@cache
def usual() -> str:
    return digest(ROOT)[0]


@pytest.mark.parametrize("content", [SETTINGS.encode(), b"\xff\xfe\x00", b"backend: no_such_backend\n", None])
def test_settings_in_the_folder(content: bytes | None, tmp_path: Path) -> None:
    if content is None:
        os.mkfifo(tmp_path / "matplotlibrc")  # reading it would never end
    else:
        (tmp_path / "matplotlibrc").write_bytes(content)
    assert digest(tmp_path)[0] == usual()


def test_settings_at_home_and_in_variables(tmp_path: Path) -> None:
    (tmp_path / "matplotlib" / "stylelib").mkdir(parents=True)
    for name in ("matplotlibrc", "matplotlib/matplotlibrc", "matplotlib/stylelib/mine.mplstyle"):
        (tmp_path / name).write_text(SETTINGS)
    found = digest(
        tmp_path,
        MATPLOTLIBRC=str(tmp_path / "matplotlibrc"),
        XDG_CONFIG_HOME=str(tmp_path),
        MPLBACKEND="qtagg",
        MPLSTYLE="ggplot",
        SOURCE_DATE_EPOCH="1",
    )
    assert found == [usual(), "qtagg"]  # what the user's programs see stays as it was


@pytest.mark.parametrize(
    "home",
    [{"MPLCONFIGDIR": "/proc/nowhere"}, {"HOME": "/proc", "XDG_CONFIG_HOME": None, "XDG_CACHE_HOME": None}],
)
def test_a_home_that_cannot_be_written_costs_no_word(home: dict[str, str | None], tmp_path: Path) -> None:
    assert digest(tmp_path, **home)[0] == usual()
