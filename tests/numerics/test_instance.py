"""Instances: what is accepted, what is refused and in which words, and what identifies the data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from sklearn.datasets import load_digits

from numerics import InputError
from numerics.instance import Instance, digits, from_file, synthetic, unit_rows
from numerics.measure import rounding

RATE = 1e-6  # declared error rate of the statistical tests below; their seeds are fixed
RNG = np.random.default_rng


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the shape checks of the test run, as users call it: the instance's own validation must answer."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def build(**changes: Any) -> Instance:
    given = {"tokens": np.eye(4), "features": np.ones((4, 2)), "prompt_length": 2, "noise": 0.1, "source": "test"}
    return Instance(**given | changes)


def with_value(matrix: np.ndarray, index: tuple[int, int], value: float) -> np.ndarray:
    changed = matrix.copy()
    changed[index] = value
    return changed


BAD = [
    ({"tokens": np.ones(4)}, r"tokens has shape (4,); give a two-dimensional array"),
    ({"tokens": np.ones((0, 4)), "features": np.ones((0, 2))}, "tokens has shape (0, 4); give a two-dimensional"),
    ({"features": np.ones(4)}, r"features has shape (4,); give a two-dimensional array"),
    ({"tokens": np.eye(4, dtype=int)}, "tokens holds int64; convert it to floating point"),
    ({"features": np.ones((4, 2), dtype=complex)}, "features holds complex128; convert it to floating point"),
    ({"tokens": with_value(np.eye(4), (2, 1), np.nan)}, "tokens has a nan or inf in row 2; remove that row"),
    ({"features": with_value(np.ones((4, 2)), (3, 0), np.inf)}, "features has a nan or inf in row 3; remove"),
    ({"features": np.ones((3, 2))}, "tokens has 4 rows and features has 3; give row k of both for token k"),
    ({"prompt_length": 0}, "N = 0 is too small; give --N at least 1"),
    ({"prompt_length": 4}, "N = 4 leaves no unseen token among K = 4; choose --N below --K"),
    ({"prompt_length": 5}, "N = 5 leaves no unseen token among K = 4; choose --N below --K"),
    ({"noise": 0.0}, "tau = 0.0 is not a noise level; give --tau a positive finite number"),
    ({"noise": -0.5}, "tau = -0.5 is not a noise level"),
    ({"noise": float("nan")}, "tau = nan is not a noise level"),
    ({"noise": float("inf")}, "tau = inf is not a noise level"),
    ({"tokens": np.eye(4)[[0, 1, 2, 1]]}, "tokens 1 and 3 are equal; remove one"),
    ({"tokens": np.eye(4)[[0, 1, 1, 0]]}, "tokens 1 and 2 are equal; remove one"),
    ({"tokens": np.array([[0.0, 1], [1, 0], [-0.0, 1], [2, 0]])}, "tokens 0 and 2 are equal"),
]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("changes", "message"), BAD)
def test_bad_data_is_refused_in_words(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        build(**changes)


def test_an_instance_knows_its_sizes() -> None:
    instance = synthetic(RNG(0), N=3, K=7, d=5, m=2, tau=0.5)
    assert (instance.prompt_length, instance.dictionary_size) == (3, 7)
    assert (instance.token_dimension, instance.feature_count, instance.noise) == (5, 2, 0.5)


SIZES = {"N": 3, "K": 7, "d": 5, "m": 2, "tau": 0.5}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [(name, 0, f"{name} = 0 is too small; give --{name} at least 1") for name in ("N", "K", "d", "m")]
    + [("N", 7, "N = 7 leaves no unseen token among K = 7"), ("tau", 0.0, "tau = 0.0 is not a noise level")],
)
def test_bad_sizes_are_refused(name: str, value: float, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        synthetic(RNG(0), **SIZES | {name: value})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"K": 1798}, "K = 1798 exceeds the 1797 distinct digits; choose a smaller --K"),
        ({"m": 0}, "m = 0 is too small; give --m at least 1"),
        ({"N": 30}, "N = 30 leaves no unseen token among K = 30"),
        ({"tau": -1.0}, "tau = -1.0 is not a noise level"),
    ],
)
def test_bad_digits_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        digits(RNG(0), **{"N": 5, "K": 30, "m": 3, "tau": 0.1} | changes)


@pytest.mark.parametrize("make", [synthetic, lambda rng, d, **sizes: digits(rng, **sizes)])
def test_a_seed_fixes_every_number(make: Any) -> None:
    first, again, other = (make(RNG(seed), **SIZES) for seed in (3, 3, 4))
    assert first.sha256 == again.sha256 != other.sha256


def test_synthetic_numbers_are_standard_normal() -> None:
    instance = synthetic(RNG(1), N=3, K=300, d=40, m=10, tau=0.5, unit_norm=False)
    for matrix in (instance.tokens, instance.features):
        law = stats.chi2(matrix.size)  # the exact law of the sum of squares
        assert law.ppf(RATE / 2) <= np.sum(matrix**2) <= law.isf(RATE / 2)
        assert abs(matrix.sum()) <= stats.norm.isf(RATE / 2) * np.sqrt(matrix.size)
    assert instance.source == "synthetic, raw Gaussian tokens"


def test_unit_norm_only_rescales_the_raw_tokens() -> None:
    raw, unit = (synthetic(RNG(1), **SIZES, unit_norm=flag) for flag in (False, True))
    assert np.array_equal(unit.tokens, unit_rows(raw.tokens))
    assert np.array_equal(unit.features, raw.features)


def test_digits_are_images_with_bounded_features() -> None:
    instance = digits(RNG(0), N=5, K=40, m=6, tau=0.1)
    images = {row.tobytes() for row in unit_rows(load_digits().data)}
    assert {row.tobytes() for row in instance.tokens} <= images
    # sqrt(2) cos(.) exceeds sqrt(2) by at most the rounding of one product
    assert np.abs(instance.features).max() <= np.sqrt(2) * (1 + rounding(2))
    assert np.linalg.matrix_rank(instance.features) == 6


entries = st.floats(-1e300, 1e300, allow_subnormal=True)


@given(arrays(np.float64, (3, 4), elements=entries).filter(lambda matrix: matrix.any(axis=1).all()))
def test_unit_rows_have_length_one_whatever_their_size(matrix: np.ndarray) -> None:
    # d squares, their sum and a root: gamma_{d+2} on the norm, one division, and as much to measure it here
    assert np.abs(np.linalg.norm(unit_rows(matrix), axis=1) - 1).max() <= rounding(2 * (4 + 3))


@given(arrays(np.float64, (2, 3), elements=st.floats(0.01, 100)), st.integers(-900, 900))
def test_unit_rows_forget_powers_of_two(matrix: np.ndarray, power: int) -> None:
    assert np.array_equal(unit_rows(np.ldexp(matrix, power)), unit_rows(matrix))


def test_a_zero_row_has_no_direction() -> None:
    with pytest.raises(InputError, match="tokens row 1 is zero and has no direction; remove it"):
        unit_rows(np.array([[1.0, 2], [0, 0]]))


@given(st.integers(0, 7 * (5 + 2) - 1))
def test_the_fingerprint_sees_every_number(index: int) -> None:
    instance = synthetic(RNG(0), **SIZES)
    joined = np.hstack([instance.tokens, instance.features])
    joined.ravel()[index] = np.nextafter(joined.ravel()[index], np.inf)
    changed = build(tokens=joined[:, :5], features=joined[:, 5:], prompt_length=3, noise=0.5)
    assert changed.sha256 != instance.sha256


def test_the_fingerprint_sees_sizes_and_noise_but_not_storage() -> None:
    tokens = np.arange(8.0).reshape(4, 2)
    same = [
        build(tokens=tokens),
        build(tokens=np.asfortranarray(tokens)),
        build(tokens=tokens.astype(np.float32)),
        build(tokens=tokens, noise=np.float64(0.1)),
        build(tokens=tokens, source="elsewhere"),
    ]
    others = [build(tokens=tokens, noise=0.2), build(tokens=tokens, prompt_length=3)]
    others.append(build(tokens=np.hstack([tokens, np.ones((4, 1))]), features=np.ones((4, 1))))
    assert len({instance.sha256 for instance in same}) == 1
    assert len({instance.sha256 for instance in [same[0], *others]}) == 1 + len(others)


def test_a_saved_instance_comes_back_exactly(tmp_path: Path) -> None:
    instance = synthetic(RNG(0), **SIZES)
    path = tmp_path / "data.npz"
    np.savez(path, tokens=instance.tokens, features=instance.features)
    again = from_file(path, N=3, tau=0.5)
    assert again.sha256 == instance.sha256
    assert again.source == "file data.npz"


def save(path: Path, **changes: Any) -> Path:
    np.savez(path, **{"tokens": np.eye(4), "features": np.ones((4, 2))} | changes)
    return path


BAD_ARCHIVES = [
    ({"tokens": 2 * np.eye(4)}, "token 0 has norm 2, not 1; add --normalize to scale every token"),
    ({"tokens": np.eye(4) * [1, 1, 1 + 2e-6, 1]}, "token 2 has norm 1.000002, not 1; add --normalize"),
    ({"tokens": np.eye(4, dtype=complex)}, "tokens holds complex numbers; convert it to floating point"),
    ({"features": np.array([["a", "b"]] * 4)}, "features holds text; convert it to floating point"),
    ({"features": np.array([[{}, 1]] * 4)}, "features holds Python objects; convert it to floating point numbers"),
    ({"features": np.ones((3, 2))}, "tokens has 4 rows and features has 3; give row k of both for token k"),
    ({"tokens": np.ones(4)}, "tokens has shape (4,); give a two-dimensional array"),
    ({"tokens": with_value(np.eye(4), (1, 1), np.nan)}, "tokens has a nan or inf in row 1; remove that row"),
    ({"tokens": np.eye(4)[[0, 1, 1, 2]]}, "tokens 1 and 2 are equal; remove one"),
]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("changes", "message"), BAD_ARCHIVES)
def test_bad_archives_are_refused_in_words(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        from_file(save(tmp_path / "data.npz", **changes), N=2, tau=0.1)


@pytest.mark.parametrize("missing", ["tokens", "features"])
def test_a_missing_key_is_named(tmp_path: Path, missing: str) -> None:
    arrays_left = {"tokens": np.eye(4), "features": np.ones((4, 2))}
    arrays_left.pop(missing)
    np.savez(tmp_path / "data.npz", **arrays_left)
    with pytest.raises(InputError, match=f"data.npz lacks {missing}; save both arrays with numpy.savez"):
        from_file(tmp_path / "data.npz", N=2, tau=0.1)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere.npz does not exist; give --tokens an .npz file"):
        from_file(tmp_path / "nowhere.npz", N=2, tau=0.1)


def array_file(path: Path) -> None:
    with path.open("wb") as stream:
        np.save(stream, np.eye(3))


@pytest.mark.parametrize(
    "spoil", [Path.mkdir, Path.touch, array_file, lambda path: path.write_text("tokens,features\n1,2\n")]
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, spoil: Any) -> None:
    spoil(tmp_path / "data.npz")
    with pytest.raises(InputError, match=r"data.npz is (a|empty|not a readable).*; (give --tokens|save both arrays)"):
        from_file(tmp_path / "data.npz", N=2, tau=0.1)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "data.npz"
    np.savez_compressed(path, tokens=RNG(0).standard_normal((30, 4)), features=RNG(1).standard_normal((30, 2)))
    return path


@given(data=st.data())
def test_a_damaged_archive_is_refused_or_still_an_instance(archive: Path, data: st.DataObject) -> None:
    content = bytearray(archive.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    damaged = archive.with_name("damaged.npz")
    damaged.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    message = "a reason; and a remedy"
    try:
        assert from_file(damaged, N=2, tau=0.1, raw=True).dictionary_size == 30
    except InputError as error:
        message = str(error)
    assert "; " in message


def test_normalize_raw_and_integers_are_accepted(tmp_path: Path) -> None:
    tokens = np.array([[3, 4], [1, 0], [0, 2], [5, 12]])
    path = save(tmp_path / "data.npz", tokens=tokens)
    assert np.array_equal(from_file(path, N=2, tau=0.1, raw=True).tokens, tokens)
    unit = from_file(path, N=2, tau=0.1, normalize=True).tokens
    assert np.array_equal(unit, [[3 / 5, 4 / 5], [1, 0], [0, 1], [5 / 13, 12 / 13]])
