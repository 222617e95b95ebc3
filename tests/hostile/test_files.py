"""Files and folders that nobody should hand in: refused in one sentence, quickly, and left as they are."""

from __future__ import annotations

import json
import os
import socket
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.hostile.machine import PAPER, Copies, assert_no_traceback, assert_refused, contents

EYE = np.eye(4)
SECONDS = 90  # a refusal that takes longer, though the machine is slow, waits for something that never comes
MEMORY = 6 * 2**30  # bytes of address space beyond which a small file must not lead


def _npz(path: Path, **arrays: object) -> None:
    np.savez(path, **arrays)


def _header(path: Path, shape: tuple[int, ...], *, data: bytes = b"") -> None:
    """An archive whose arrays claim a shape, with other data than that."""
    described = str({"descr": "<f8", "fortran_order": False, "shape": shape}).ljust(117) + "\n"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(described)) + described.encode() + data
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("tokens.npy", "features.npy"):
            archive.writestr(name, array)


def _bomb(path: Path) -> None:
    """Three gigabytes of zeros in some megabytes."""
    shape = (100, 4_000_000)
    described = str({"descr": "<f8", "fortran_order": False, "shape": shape}).ljust(117) + "\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in ("tokens.npy", "features.npy"):
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(described)) + described.encode())
                for _ in range(25 if name == "tokens.npy" else 1):
                    member.write(bytes(2**20))


def _damaged(path: Path) -> None:
    _npz(path, tokens=EYE, features=EYE)
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(bytes(content))


def _cut(path: Path) -> None:
    _npz(path, tokens=EYE, features=EYE)
    path.write_bytes(path.read_bytes()[:300])


def _npy(path: Path) -> None:
    with path.open("wb") as stream:
        np.save(stream, EYE)


def _pickle(path: Path) -> None:
    """An object array that would make a folder if it were unpickled."""

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, ("trapped",)

    _npz(path, tokens=np.array([[Trap()]], dtype=object), features=EYE)


def _member(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tokens.npy", content)
        archive.writestr("features.npy", content)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        folder = os.getcwd()
        os.chdir(path.parent)
        try:
            listening.bind(path.name)
        finally:
            os.chdir(folder)


STRUCTURED = np.zeros((4, 4), dtype=[("x", "<f8")])
TOKENS: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "missing": (lambda path: None, ["does not exist"]),
    "empty": (lambda path: path.write_bytes(b""), ["numpy.savez"]),
    "text": (lambda path: path.write_text("tokens, features"), ["numpy.savez"]),
    "array_alone": (_npy, ["numpy.savez"]),
    "folder": (lambda path: path.mkdir(), ["folder"]),
    "fifo": (lambda path: os.mkfifo(path), ["regular file"]),
    "socket": (_socket, []),
    "loop": (lambda path: path.symlink_to(path), []),
    "dangling": (lambda path: path.symlink_to("nowhere"), ["does not exist"]),
    "device": (lambda path: path.symlink_to("/dev/zero"), ["regular file"]),
    "cut": (_cut, ["numpy.savez"]),
    "damaged": (_damaged, []),
    "bomb": (_bomb, []),
    "declared": (lambda path: _header(path, (10**13, 4)), []),
    "declared_wide": (lambda path: _header(path, (2, 2**62)), []),
    "declared_negative": (lambda path: _header(path, (-1, 4)), []),
    "short": (lambda path: _header(path, (4, 4), data=bytes(64)), []),
    "no_header": (lambda path: _member(path, b"\x93NUMPY"), []),
    "header_of_code": (lambda path: _member(path, b"\x93NUMPY\x01\x00\x20\x00__import__('os').mkdir('trapped')\n"), []),
    "no_features": (lambda path: _npz(path, tokens=EYE), ["features"]),
    "other_names": (lambda path: _npz(path, x=EYE, y=EYE), ["tokens", "features"]),
    "objects": (_pickle, ["object"]),
    "text_array": (lambda path: _npz(path, tokens=EYE.astype(str), features=EYE), ["tokens"]),
    "complex": (lambda path: _npz(path, tokens=EYE * 1j, features=EYE), ["tokens", "complex"]),
    "booleans": (lambda path: _npz(path, tokens=EYE > 0, features=EYE), ["tokens", "bool"]),
    "dates": (lambda path: _npz(path, tokens=EYE.astype("M8[s]"), features=EYE), ["tokens"]),
    "structured": (lambda path: _npz(path, tokens=STRUCTURED, features=EYE), ["tokens"]),
    "flat": (lambda path: _npz(path, tokens=EYE[0], features=EYE), ["tokens", "(4,)"]),
    "deep": (lambda path: _npz(path, tokens=EYE[None], features=EYE), ["tokens", "(1, 4, 4)"]),
    "scalar": (lambda path: _npz(path, tokens=1.0, features=EYE), ["tokens", "()"]),
    "no_rows": (lambda path: _npz(path, tokens=EYE[:0], features=EYE[:0]), ["tokens", "(0, 4)"]),
    "no_columns": (lambda path: _npz(path, tokens=EYE[:, :0], features=EYE), ["tokens", "(4, 0)"]),
    "no_feature": (lambda path: _npz(path, tokens=EYE, features=EYE[:, :0]), ["features", "(4, 0)"]),
    "one_token": (lambda path: _npz(path, tokens=EYE[:1], features=EYE[:1]), ["N = 2"]),
    "other_length": (lambda path: _npz(path, tokens=EYE, features=EYE[:3]), ["4 rows", "3"]),
    "nan": (lambda path: _npz(path, tokens=EYE * [[np.nan], [1], [1], [1]], features=EYE), ["tokens", "row 0"]),
    "inf": (lambda path: _npz(path, tokens=EYE, features=np.where(EYE[2:3].T, np.inf, EYE)), ["features", "row 2"]),
    "too_long": (lambda path: _npz(path, tokens=np.ldexp(EYE.astype(np.longdouble), 2000), features=EYE), ["tokens"]),
    "twins": (lambda path: _npz(path, tokens=EYE[[0, 1, 1, 2]], features=EYE), ["tokens 1 and 2"]),
    "zero_signs": (lambda path: _npz(path, tokens=[[1, 0.0], [1, -0.0], [0, 1.0]], features=EYE[:3]), ["equal"]),
    "not_unit": (lambda path: _npz(path, tokens=3 * EYE, features=EYE), ["norm 3", "--normalize"]),
    "zero_token": (lambda path: _npz(path, tokens=EYE * [[0], [1], [1], [1]], features=EYE), ["token 0"]),
    "huge": (lambda path: _npz(path, tokens=1e200 * EYE, features=EYE), ["--normalize"]),
}
ENTRY = ("lemma7", "--N", "2", "--H", "4")


@pytest.mark.parametrize("name", TOKENS)
def test_tokens_are_refused(name: str, copies: Copies, tmp_path: Path) -> None:
    make, named = TOKENS[name]
    make(tmp_path / "mine.npz")
    before = contents(tmp_path)
    run = copies.run(*ENTRY, "--tokens", "mine.npz", folder=tmp_path, seconds=SECONDS, limits={"RLIMIT_AS": MEMORY})
    assert_refused(run, *named)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("scale", [0.0, 1e-310, 1e160])
def test_features_of_any_size_come_to_a_verdict_or_a_sentence(scale: float, copies: Copies, tmp_path: Path) -> None:
    _npz(tmp_path / "mine.npz", tokens=EYE, features=scale * EYE)
    run = copies.run(*ENTRY, "--tokens", "mine.npz", "--output", "out", "--no-pdf", folder=tmp_path)
    assert_no_traceback(run)
    if run.status == 2:
        assert_refused(run, "features")
        assert not (tmp_path / "out").exists()
    else:
        assert run.status in (0, 1, 3), run.told
        verdict = json.loads((tmp_path / "out" / "lemma7.json").read_text())["verdict"]
        assert verdict == {0: "pass", 3: "undecided"}.get(run.status, verdict)


NAMES = (b"a b", b"-x", b"\xff", b"[red]", "漢字".encode(), b"a\nb", 180 * b"x", b"\x1b[31m", b"$(id)", b"%s{0}")


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_names_of_any_kind_are_read(name: bytes, copies: Copies, tmp_path: Path) -> None:
    """A file's name is bytes; whatever they are, its contents count."""
    file = os.fsdecode(name) + ".npz"
    with (tmp_path / file).open("wb") as stream:
        np.savez(stream, tokens=EYE, features=EYE)
    run = copies.run("ridge", "--N", "2", f"--tokens={file}", "--output", "out", folder=tmp_path)
    assert run.status in (0, 3), run.told
    assert_no_traceback(run)
    assert "\x1b" not in run.out + run.err
    assert (tmp_path / "out" / "ridge.pdf").read_bytes().startswith(b"%PDF")


CHECKPOINT = ("trained", "--N", "2", "--K", "4", "--d", "3", "--m", "3", "--H", "4", "--steps", "40", "--no-pdf")
CHECKPOINTS: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("a checkpoint"),
    "folder": lambda path: path.mkdir(),
    "fifo": lambda path: os.mkfifo(path),
    "loop": lambda path: path.symlink_to(path),
    "zeros": lambda path: path.symlink_to("/dev/zero"),
    "huge": lambda path: _sparse(path, 10**12),
    "long_header": lambda path: path.write_bytes(struct.pack("<Q", 2**60) + b"{}"),
    "pickle": lambda path: path.write_bytes(b"\x80\x04cos\nmkdir\n(S'trapped'\ntR."),
    "deep": lambda path: path.write_bytes(struct.pack("<Q", 60000) + b"[" * 60000),
    "archive": lambda path: zipfile.ZipFile(path, "w").close(),
}


def _sparse(path: Path, size: int) -> None:
    with path.open("wb") as stream:
        stream.truncate(size)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_checkpoints_are_refused(name: str, copies: Copies, tmp_path: Path) -> None:
    CHECKPOINTS[name](tmp_path / "kept")
    before = contents(tmp_path) if name not in ("zeros", "huge") else {}
    run = copies.run(*CHECKPOINT, "--resume", "kept", folder=tmp_path, seconds=SECONDS, **PAPER)
    assert_refused(run, "kept")
    assert name in ("zeros", "huge") or contents(tmp_path) == before
    assert not (tmp_path / "reports").exists()
    if name == "huge":
        (tmp_path / "kept").unlink()


PLACES: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "file": (lambda folder: (folder / "out").write_text("mine"), ["--output", "out"]),
    "below_file": (lambda folder: (folder / "out").write_text("mine"), ["--output", "out/deep/er"]),
    "device": (lambda folder: None, ["--output", "/dev/null"]),
    "proc": (lambda folder: None, ["--output", "/proc/self/nowhere"]),
    "loop": (lambda folder: (folder / "out").symlink_to("out"), ["--output", "out"]),
    "dangling": (lambda folder: (folder / "out").symlink_to("nowhere"), ["--output", "out"]),
    "long": (lambda folder: None, ["--output", "x" * 300]),
    "long_path": (lambda folder: None, ["--output", "/".join(["y" * 100] * 60)]),
    "fifo": (lambda folder: os.mkfifo(folder / "out"), ["--output", "out"]),
    "record_folder": (lambda folder: (folder / "out" / "lemma3.json").mkdir(parents=True), ["--output", "out"]),
    "report_folder": (lambda folder: (folder / "out" / "lemma3.pdf").mkdir(parents=True), ["--output", "out"]),
    "record_link": (lambda folder: _linked(folder, "lemma3.json"), ["--output", "out"]),
    "report_link": (lambda folder: _linked(folder, "lemma3.pdf"), ["--output", "out"]),
    "own_notes": (lambda folder: (folder / "lemma3.json").write_text('{"notes": 1}'), ["--output", "."]),
    "own_pdf": (lambda folder: (folder / "lemma3.pdf").write_text("my notes"), ["--output", "."]),
    "certificate_null": (lambda folder: None, ["--certificate", "/dev/null"]),
    "certificate_record": (lambda folder: None, ["--certificate", "reports/theorem1.json"]),
    "certificate_report": (lambda folder: None, ["--certificate", "reports/../reports/theorem1.pdf"]),
    "certificate_folder": (lambda folder: (folder / "c").mkdir(), ["--certificate", "c"]),
    "certificate_empty": (lambda folder: None, ["--certificate", ""]),
    "certificate_notes": (lambda folder: (folder / "c").write_text("mine"), ["--certificate", "c"]),
    "certificate_fifo": (lambda folder: os.mkfifo(folder / "c"), ["--certificate", "c"]),
    "certificate_loop": (lambda folder: (folder / "c").symlink_to("c"), ["--certificate", "c"]),
    "certificate_link": (lambda folder: (folder / "c").symlink_to("elsewhere"), ["--certificate", "c"]),
    "certificate_below_file": (lambda folder: (folder / "c").write_text("mine"), ["--certificate", "c/d"]),
    "certificate_long": (lambda folder: None, ["--certificate", "z" * 300]),
}


def _linked(folder: Path, name: str) -> None:
    (folder / "out").mkdir()
    (folder / "mine").write_text("mine")
    (folder / "out" / name).symlink_to("../mine")


@pytest.mark.parametrize("name", PLACES)
def test_places_are_refused(name: str, copies: Copies, tmp_path: Path) -> None:
    make, words = PLACES[name]
    make(tmp_path)
    before = contents(tmp_path)
    claim = ["theorem1", "--preset", "literal"] if words[0] == "--certificate" else ["lemma3"]
    run = copies.run(*claim, *words, folder=tmp_path, seconds=SECONDS)
    assert_refused(run)
    assert contents(tmp_path) == before


def test_a_folder_of_results_that_somebody_else_made_harms_no_listing(copies: Copies, tmp_path: Path) -> None:
    hostile: dict[str, bytes] = {
        "lemma1": b"",
        "lemma2": b"[" * 100_000,
        "lemma3": b"\xff\xfe",
        "lemma4": b"null",
        "lemma5": b"[]",
        "lemma6": b'{"verdict": "pass"}',
        "lemma7": b'{"schema": 1, "claim": "lemma7", "verdict": "[/]"}',
        "lemma8": b'{"schema": 1e999, "verdict": ["pass"]}',
        "lemma9": b'{"verdict": {"a": NaN}}',
    }
    for name, content in hostile.items():
        (tmp_path / f"{name}.json").write_bytes(content)
        (tmp_path / f"{name}.pdf").write_bytes(content)
    (tmp_path / "lemma10.json").mkdir()
    os.mkfifo(tmp_path / "eq8.json")
    (tmp_path / "ridge.json").symlink_to("ridge.json")
    (tmp_path / "lazy.json").symlink_to("/dev/zero")
    before = contents(tmp_path)
    for words in (["list"], ["list", "--json"]):
        run = copies.run(*words, "--output", str(tmp_path), folder=tmp_path, seconds=SECONDS)
        assert run.status == 0, run.told
        assert "Traceback" not in run.err, run.told
        assert "pass" not in run.out.replace("passes", ""), run.told
    assert contents(tmp_path) == before
