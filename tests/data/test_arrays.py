"""Numbers are taken as they are, or converted without loss; what cannot be is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vbench.data.arrays import (
    LARGEST_INTEGER,
    accept,
    make_unchangeable,
    map_converted,
    map_npy,
    one_of,
    signed_ids,
)
from vbench.errors import DataError

FLAT = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "uint8"])
def test_what_indexes_take_is_not_copied(dtype: str) -> None:
    """Nor where rows lie apart; in another byte order or column by column it is converted."""
    array = FLAT.astype(dtype)
    assert accept(array, "x") is array
    apart = np.zeros((3, 9), dtype)[:, :4]
    assert accept(apart, "x") is apart
    for other in (np.asfortranarray(array), array.astype(array.dtype.newbyteorder(">"))):
        found = accept(other, "x")
        assert (found.dtype, found.flags.c_contiguous) == (np.dtype(dtype), True)
        assert np.array_equal(found, FLAT)


@pytest.mark.parametrize("dtype", ["float64", "int64", "uint16", ">i4", "longdouble"])
def test_other_numbers_become_float32(dtype: str) -> None:
    """The values stay."""
    found = accept(FLAT.astype(dtype), "x")
    assert found.dtype == np.float32
    assert np.array_equal(found, FLAT)


def test_bfloat16_is_the_upper_half_of_float32() -> None:
    """As two bytes without a type."""
    halves = (FLAT.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    assert np.array_equal(accept(halves.view("V2"), "x"), FLAT)


def changed(value: Any, dtype: str) -> np.ndarray:
    array = np.ones((3, 4), dtype)
    array[1, 2] = value
    return array


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (changed(LARGEST_INTEGER + 1, "int64"), "x: row 1, column 2 is 16777217: .*up to 2²⁴"),
        (changed(-LARGEST_INTEGER - 1, "int32"), "row 1, column 2 is -16777217"),
        (changed(1e39, "float64"), r"row 1, column 2 is 1e\+39: float32 ends at"),
        (np.full((2, 3), 1e-60), "row 0, column 0 is 1e-60: in float32 the row is zero"),
        (np.ones(3), r"two dimensions, none of them empty; this has the shape \(3,\)"),
        (np.ones((0, 3)), r"shape \(0, 3\)"),
        (np.array([["a"]]), "holds str.*convert it first"),
        (np.array([[1j]]), "holds complex128; float32, float16"),
    ],
)
def test_what_would_be_lost_is_refused(array: np.ndarray, says: str) -> None:
    """With row, column and value."""
    with pytest.raises(DataError, match=says):
        accept(array, "x")


def test_what_is_at_the_edge_is_taken() -> None:
    """The largest integer; infinity that was there; a small number in a row that has others."""
    assert accept(changed(LARGEST_INTEGER, "int64"), "x")[1, 2] == LARGEST_INTEGER
    assert np.isinf(accept(changed(np.inf, "float64"), "x")[1, 2])
    assert accept(changed(1e-60, "float64"), "x")[1, 2] == 0.0
    assert not accept(np.zeros((2, 2)), "x").any()


def test_ids_keep_their_type() -> None:
    """Integers alone."""
    ids = np.array([[2**40]], dtype=">i8")
    assert accept(ids, "x", ids=True).tolist() == [[2**40]]
    with pytest.raises(DataError, match="holds float32; integer ids can be read"):
        accept(np.ones((2, 2), np.float32), "x", ids=True)


def test_the_largest_unsigned_id_stands_for_none() -> None:
    """Of signed ids it is an id like others."""
    for dtype in (np.uint32, np.uint64):
        most = np.iinfo(dtype).max
        assert signed_ids(np.array([[3, most]], dtype)).tolist() == [[3, -1]]
    ids = np.array([[3, np.iinfo(np.int32).max]], np.int32)
    assert signed_ids(ids) is ids


def test_a_file_is_converted_once_block_by_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The blocks cover all rows, the last one too; the next time nothing is read."""
    monkeypatch.setattr("vbench.data.arrays.BLOCK_BYTES", 8 * 4 * 2)
    source, asked = tmp_path / "source", []
    source.write_bytes(b"x" * 1000)

    def block(start: int, stop: int) -> np.ndarray:
        asked.append((start, stop))
        return FLAT[start:stop]

    for _ in range(2):
        found = map_converted(source, "base", (3, 4), np.dtype("float32"), block)
        assert isinstance(found, np.memmap)
        assert np.array_equal(found, FLAT)
    assert asked == [(0, 2), (2, 3)]


def test_what_is_no_whole_npy_file_is_refused(tmp_path: Path) -> None:
    """Nor is one of objects, which would run code."""
    path = tmp_path / "a.npy"
    np.save(path, FLAT)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(DataError, match=r"mine: not a whole \.npy file of numbers"):
        map_npy(path, "mine")
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"a\.npy: not a whole"):
        map_npy(path)


def test_what_is_unchangeable_cannot_be_made_writeable(tmp_path: Path) -> None:
    """A copy of what somebody could write to; what nobody can is not copied."""
    given = FLAT.copy()
    found = make_unchangeable(given)
    given[0, 0] = 99.0
    assert found[0, 0] == 0.0
    with pytest.raises(ValueError, match="WRITEABLE"):
        found.flags.writeable = True
    assert make_unchangeable(found) is found
    np.save(tmp_path / "a.npy", FLAT)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert make_unchangeable(mapped) is mapped
    assert make_unchangeable(mapped[1:]).base is not None
    copied = np.load(tmp_path / "a.npy", mmap_mode="c")
    assert make_unchangeable(copied) is not copied


def test_the_first_wanted_name_that_is_there_is_taken() -> None:
    """In the order of the wanted ones."""
    assert one_of(("a", "b"), ("b", "a")) == "a"
    assert one_of(("a",), ("b",)) is None
