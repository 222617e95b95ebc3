"""Files that anybody may have made: each gives its arrays or one sentence, at once and without taking memory."""

from __future__ import annotations

import io
import os
import socket
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from numerics import InputError, archive
from numerics.instance import from_file

RNG = np.random.default_rng(0)
TOKENS = np.linalg.qr(RNG.standard_normal((10, 10)))[0]
FEATURES = RNG.standard_normal((10, 4))


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def header(shape: str, descr: str = "'<f8'") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def packed(path: Path, *members: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members:
            made.writestr(name, content)
    return path


def with_tokens(content: bytes) -> Callable[[Path], Path]:
    return lambda path: packed(path, ("tokens.npy", content), ("features.npy", npy(FEATURES)))


def with_features(features: np.ndarray) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        np.savez(path, tokens=TOKENS, features=features)
        return path

    return make


def patched(offset: int, value: bytes) -> Callable[[Path], Path]:
    """A good archive with other bytes in the directory entry of its last member."""

    def make(path: Path) -> Path:
        content = bytearray(with_features(FEATURES)(path).read_bytes())
        start = content.rfind(b"PK\x01\x02") + offset
        content[start : start + len(value)] = value
        path.write_bytes(content)
        return path

    return make


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def listening(path: Path) -> Path:
    here = os.getcwd()
    os.chdir(path.parent)  # the path of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)
    return path


def loop(path: Path) -> Path:
    path.symlink_to(path)
    return path


def containing(content: bytes) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return make


REFUSED: list[tuple[str, Callable[[Path], Path], str]] = [
    ("folder", folder, "is a folder, no regular file; give --tokens"),
    ("pipe", pipe, "is a pipe, no regular file; give --tokens"),
    ("socket", listening, "is a socket, no regular file; give --tokens"),
    ("device", lambda path: Path(os.devnull), "is a device, no regular file; give --tokens"),
    ("loop", loop, "cannot be read (Too many levels of symbolic links)"),
    ("below a file", lambda path: containing(b"x")(path) / "x", "cannot be read (Not a directory)"),
    ("nul", lambda path: Path("a\0b"), "cannot be read (embedded null byte)"),
    ("long name", lambda path: Path("x" * 300), "cannot be read (File name too long)"),
    ("empty", containing(b""), "is empty; save both arrays"),
    ("text", containing(b"hello"), "is not a readable .npz archive; save both arrays"),
    ("npy", containing(npy(TOKENS)), "is a single array; save both arrays"),
    ("objects", with_features(np.array([[{}, 1]] * 10)), "features holds Python objects; convert"),
    ("complex", with_features(FEATURES + 0j), "features holds complex numbers; convert"),
    ("bool", with_features(FEATURES > 0), "features holds truth values (bool); convert"),
    ("text array", with_features(FEATURES.astype(str)), "features holds text; convert"),
    ("dates", with_features(FEATURES.astype("i8").astype("M8[s]")), "features holds dates; convert"),
    ("records", with_features(np.zeros((10, 4), [("a", "f8")])), "features holds records; convert"),
    ("one axis", with_features(FEATURES[:, 0]), "features has shape (10,); give a two-dimensional"),
    ("three axes", with_features(FEATURES[None]), "features has shape (1, 10, 4); give"),
    ("scalar", with_features(np.float64(1)), "features has shape (); give"),
    ("no rows", with_features(FEATURES[:0]), "features has shape (0, 4) and holds no number"),
    ("no columns", with_features(FEATURES[:, :0]), "features has shape (10, 0) and holds no number"),
    ("nan", with_features(FEATURES * np.nan), "features has a nan or inf in row 0"),
    ("beyond", with_features(FEATURES.astype("g") * np.longdouble("1e4000")), "a number beyond float64 in row 0"),
    ("rows", with_tokens(header("(10000000000000, 10)") + bytes(80)), "tokens 10000000000000 x 10 and features 10 x 4"),
    ("huge", with_tokens(header(f"({'9' * 500}, 10)")), "tokens over 10¹⁶ x 10"),
    ("negative", with_tokens(header("(-10, 10)")), "tokens has shape (-10, 10)"),
    ("short", with_tokens(npy(TOKENS)[:-8]), "tokens in"),
    ("long", with_tokens(npy(TOKENS) + b"x"), "is damaged: 929 bytes instead of 928"),
    ("code", with_tokens(header("(10, 10)", "__import__('os').system('touch pwned')")), "has no readable header"),
    ("nested", with_tokens(b"\x93NUMPY\x02\x00" + struct.pack("<I", 9000) + b"(" * 9000), "has no readable header"),
    ("twice", lambda p: packed(p, *[("tokens.npy", npy(TOKENS))] * 2, ("features", npy(FEATURES))), "more than once"),
    ("two names", lambda p: packed(p, *[(n, npy(TOKENS)) for n in ("tokens", "tokens.npy", "features")]), "more than"),
    ("encrypted", patched(8, b"\x01"), "is encrypted"),
    ("lying", patched(24, struct.pack("<I", 0xFFFFFFF0)), "is damaged: 4294967280 bytes instead of 448"),
    ("overlapping", patched(42, struct.pack("<I", 0)), "has no readable header"),
]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(("make", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_each_file_gets_the_sentence_that_fits(
    tmp_path: Path, make: Callable[[Path], Path], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as refused:
        from_file(make(tmp_path / "mine.npz"), N=3, tau=0.1)
    assert words in str(refused.value)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("kind", [">f8", "<f8", "g", "f4", "i2", "u1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numbers_of_any_kind_and_order_are_the_same_numbers(tmp_path: Path, kind: str, order: str) -> None:
    features = np.asarray(np.arange(40).reshape(10, 4), dtype=kind, order=order)  # type: ignore[call-overload]
    path = with_features(np.repeat(features, 2, axis=0)[::2])(tmp_path / "mine.npz")
    read = from_file(path, N=3, tau=0.1).features
    assert read.dtype == np.float64
    assert read.tolist() == np.arange(40.0).reshape(10, 4).tolist()


def test_a_header_of_a_gigabyte_is_refused_before_it_is_read(tmp_path: Path) -> None:
    start = b"\x93NUMPY\x02\x00" + struct.pack("<I", 10**9)
    with pytest.raises(InputError, match="has no readable header"):
        from_file(with_tokens(start + b" " * 20_000)(tmp_path / "mine.npz"), N=3, tau=0.1)


def test_what_does_not_fit_is_refused_before_any_data_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "available", lambda: 3000)
    monkeypatch.setattr(archive, "read", lambda *_: pytest.fail("data was read"))
    with pytest.raises(InputError, match=r"need .* GiB of memory, and .* GiB are available; give fewer rows"):
        from_file(with_features(FEATURES)(tmp_path / "mine.npz"), N=3, tau=0.1)


def test_sizes_are_told_before_any_data_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "read", lambda *_: pytest.fail("data was read"))

    def refuse(K: int, d: int, m: int) -> None:
        raise InputError(f"{K} {d} {m}")

    with pytest.raises(InputError, match="10 10 4"):
        from_file(with_features(FEATURES)(tmp_path / "mine.npz"), N=3, tau=0.1, accept=refuse)


def flipped(content: bytes) -> Iterator[bytes]:
    for place in range(0, len(content), 7):
        yield content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


def test_a_flipped_byte_is_one_sentence_or_harmless(tmp_path: Path) -> None:
    path, path2 = tmp_path / "good.npz", tmp_path / "bad.npz"
    np.savez_compressed(path, tokens=TOKENS, features=FEATURES)
    good, refused = from_file(path, N=3, tau=0.1), 0
    for content in flipped(path.read_bytes()):
        path2.write_bytes(content)
        try:
            read = from_file(path2, N=3, tau=0.1)
        except InputError:
            refused += 1
        else:
            assert np.array_equal(read.tokens, good.tokens)
            assert np.array_equal(read.features, good.features)
    assert refused > 100


def test_tokens_that_cannot_be_used_are_named_with_the_remedy_that_helps(tmp_path: Path) -> None:
    for tokens, normalize, words in (
        (TOKENS * 1e200, False, r"token \d has norm 1e\+200, not 1; add --normalize"),
        (TOKENS * 1e-310, False, r"token \d has norm 1e-310, not 1; add --normalize"),
        (np.where(np.arange(10)[:, None] == 4, 0, TOKENS), False, "token 4 is zero and has no direction; remove"),
        (np.where(np.arange(10)[:, None] == 4, 2 * TOKENS[3], TOKENS), True, "tokens 3 and 4 have one direction"),
        (np.where(np.arange(10)[:, None] == 4, TOKENS[3], TOKENS), True, "tokens 3 and 4 are equal; remove one"),
        (np.arange(1.0, 11.0)[:, None], True, "d = 1 leaves two unit tokens, 1 and -1, for K = 10; drop --normalize"),
    ):
        np.savez(tmp_path / "mine.npz", tokens=tokens, features=FEATURES)
        with pytest.raises(InputError, match=words):
            from_file(tmp_path / "mine.npz", N=3, tau=0.1, normalize=normalize)
    np.savez(tmp_path / "mine.npz", tokens=TOKENS[:1], features=FEATURES[:1])
    with pytest.raises(InputError, match="N = 3 leaves no unseen token among K = 1; give at least two"):
        from_file(tmp_path / "mine.npz", N=3, tau=0.1)
