"""Files of every format that is read."""

from __future__ import annotations

import contextlib

import h5py
import numpy as np
import polars as pl
import pytest
from vectors import gaussian_pair

from vbench.data.arrays import accept
from vbench.data.formats import read_array, read_contents
from vbench.errors import DataError

BASE, QUERIES = gaussian_pair(30, 4, 6, seed=5)
IDS = np.random.default_rng(6).permutation(30)[:20].reshape(4, 5).astype(np.int32)


def write_vecs(path, array):
    rows = np.empty(len(array), [("d", "<i4"), ("x", array.dtype, array.shape[1])])
    rows["d"], rows["x"] = array.shape[1], array
    path.write_bytes(rows.tobytes())
    return path


def write_bin(path, array, tail=b""):
    path.write_bytes(np.array(array.shape, "<u4").tobytes() + array.tobytes() + tail)
    return path


def is_mapped(array):
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return False


@pytest.mark.parametrize(
    ("suffix", "dtype"), [(".fvecs", np.float32), (".bvecs", np.uint8), (".ivecs", np.int32)]
)
def test_vecs_are_mapped(tmp_path, suffix, dtype):
    """TEXMEX files are views into the file, with the lengths left out."""
    wanted = (BASE * 50).astype(np.int8).astype(dtype)
    path = write_vecs(tmp_path / f"x{suffix}", wanted)
    found = read_array(path, ids=suffix == ".ivecs")
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == dtype
    assert is_mapped(found)


@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [(".fbin", np.float32), (".u8bin", np.uint8), (".i8bin", np.int8), (".ibin", np.int32)],
)
def test_bins_are_mapped(tmp_path, suffix, dtype):
    """Files of big-ann are views into the file."""
    wanted = (BASE * 50).astype(np.int8).astype(dtype)
    found = read_array(write_bin(tmp_path / f"x{suffix}", wanted), ids=suffix == ".ibin")
    np.testing.assert_array_equal(found, wanted)
    assert is_mapped(found)


def test_truth_of_big_ann_has_distances_behind_the_ids(tmp_path):
    """The distances that follow the ids are left out."""
    path = write_bin(tmp_path / "gt.ibin", IDS, IDS.astype(np.float32).tobytes())
    np.testing.assert_array_equal(read_array(path, ids=True), IDS)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8, np.uint8])
def test_npy_is_mapped_as_it_is(tmp_path, dtype):
    """Every dtype that is kept is mapped and not changed."""
    wanted = (BASE * 20).astype(np.int8).astype(dtype)
    np.save(tmp_path / "x.npy", wanted)
    found = read_array(tmp_path / "x.npy")
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == dtype
    assert is_mapped(found)


@pytest.mark.parametrize(
    "array",
    [BASE.astype(np.float64), np.asfortranarray(BASE), BASE.astype(">f4")],
    ids=["float64", "Fortran order", "big endian"],
)
def test_npy_of_another_make_is_converted_once(tmp_path, home, array):
    """float64 is narrowed, order and endianness are turned; the result is mapped and kept."""
    np.save(tmp_path / "x.npy", array)
    found = read_array(tmp_path / "x.npy")
    np.testing.assert_array_equal(found, BASE)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    assert is_mapped(found)
    read_array(tmp_path / "x.npy")
    assert len(list(home.glob("converted/*.npy"))) == 1


def test_changed_file_is_converted_anew(tmp_path):
    """A converted file is not used for another content of the same path."""
    path = tmp_path / "x.npy"
    np.save(path, BASE.astype(np.float64))
    read_array(path)
    np.save(path, BASE[:10].astype(np.float64) + 1)
    np.testing.assert_array_equal(read_array(path), BASE[:10] + 1)


def test_a_damaged_conversion_is_made_anew(tmp_path, home):
    """What is kept of a file, and was cut off since, does not stand in the file's way."""
    np.save(tmp_path / "wide.npy", BASE.astype(np.float64))
    np.savez(tmp_path / "x.npz", train=BASE)
    for _ in range(2):
        np.testing.assert_array_equal(read_array(tmp_path / "wide.npy"), BASE)
        np.testing.assert_array_equal(read_contents(tmp_path / "x.npz").base, BASE)
        kept = list((home / "converted").glob("*.npy"))
        assert len(kept) == 2
        for path in kept:
            path.write_bytes(path.read_bytes()[:200])


def test_pickles_are_never_read(tmp_path):
    """An array of objects is refused and not unpickled."""
    np.save(tmp_path / "x.npy", np.array([[1, "a"]], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"x\.npy: not a whole \.npy file of numbers"):
        read_array(tmp_path / "x.npy")
    np.savez(tmp_path / "x.npz", train=np.array([[1, "a"]], dtype=object))
    with pytest.raises(DataError, match=r"x\.npz: train: not a whole"):
        read_contents(tmp_path / "x.npz")
    (tmp_path / "y.npy").write_bytes(b"text")
    with pytest.raises(DataError) as refused:
        read_array(tmp_path / "y.npy")
    assert "allow_pickle" not in str(refused.value)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_holds_everything(tmp_path, save):
    """Base, queries, truth and metric come out of one archive, mapped."""
    save(tmp_path / "x.npz", base=BASE, queries=QUERIES, neighbors=IDS, metric="angular")
    found = read_contents(tmp_path / "x.npz")
    np.testing.assert_array_equal(found.base, BASE)
    np.testing.assert_array_equal(found.queries, QUERIES)
    np.testing.assert_array_equal(found.ground_truth, IDS)
    assert found.metric == "cosine"
    assert is_mapped(found.base)


def test_npz_of_one_array_needs_no_name(tmp_path):
    """The only array of an archive is the base, or the truth."""
    np.savez(tmp_path / "x.npz", anything=BASE)
    np.testing.assert_array_equal(read_contents(tmp_path / "x.npz").base, BASE)
    np.savez(tmp_path / "gt.npz", IDS)
    np.testing.assert_array_equal(read_array(tmp_path / "gt.npz", ids=True), IDS)


def test_npz_of_unknown_names(tmp_path):
    """Arrays that could be anything are refused with the names that are known."""
    np.savez(tmp_path / "x.npz", a=BASE, b=BASE)
    with pytest.raises(DataError, match="holds a, b; the base vectors must be named train or base"):
        read_contents(tmp_path / "x.npz")


def write_hdf5(path, distance="euclidean", **arrays):
    with h5py.File(path, "w") as file:
        if distance is not None:
            file.attrs["distance"] = distance
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
    return path


@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}, {"chunks": (7, 6)}])
def test_hdf5_of_ann_benchmarks(tmp_path, options):
    """train, test and neighbors are found, mapped in place or from a converted file."""
    path = tmp_path / "x.hdf5"
    with h5py.File(path, "w") as file:
        file.attrs["distance"] = "angular"
        file.create_dataset("train", data=BASE, **options)
        file.create_dataset("test", data=QUERIES)
        file.create_dataset("neighbors", data=IDS)
        file.create_dataset("distances", data=IDS.astype(np.float32))
        file.create_dataset("learn", data=QUERIES)
        file.create_dataset("avg_distances", data=np.zeros(4))
    found = read_contents(path)
    np.testing.assert_array_equal(found.base, BASE)
    np.testing.assert_array_equal(found.queries, QUERIES)
    np.testing.assert_array_equal(found.ground_truth, IDS)
    assert found.metric == "cosine"
    assert is_mapped(found.base)


def test_hdf5_with_a_user_block(tmp_path):
    """A file whose offsets count from after a user block is read right."""
    with h5py.File(tmp_path / "x.hdf5", "w", userblock_size=512) as file:
        file["train"], file["test"] = BASE, QUERIES
    np.testing.assert_array_equal(read_contents(tmp_path / "x.hdf5").base, BASE)


@pytest.mark.parametrize(
    ("word", "metric"),
    [("euclidean", "l2"), ("ip", "ip"), (b"dot", "ip"), ("normalized", "cosine"), (None, None)],
)
def test_hdf5_says_its_metric(tmp_path, word, metric):
    """The words of ann-benchmarks and VIBE are translated."""
    path = write_hdf5(tmp_path / "x.hdf5", word, train=BASE, test=QUERIES)
    assert read_contents(path).metric == metric


def test_hdf5_of_float64_is_narrowed(tmp_path):
    """float64 vectors become float32, whatever their layout."""
    path = write_hdf5(tmp_path / "x.hdf5", train=BASE.astype(np.float64), test=QUERIES)
    assert read_contents(path).base.dtype == np.float32


@pytest.mark.parametrize(
    ("arrays", "distance", "words"),
    [
        ({"test": QUERIES}, "l2", "holds test; the base vectors must be named train"),
        ({"train": BASE}, "hamming", "distance 'hamming' is not supported; l2, ip, cosine are"),
        ({"train": BASE[0]}, "l2", r"this has shape \(6,\)"),
        ({"train": BASE.astype(complex)}, "l2", "train: holds complex128; float32"),
    ],
)
def test_hdf5_that_cannot_be_used(tmp_path, arrays, distance, words):
    """What is missing or not supported is named."""
    with pytest.raises(DataError, match=words):
        read_contents(write_hdf5(tmp_path / "x.hdf5", distance, **arrays))


def test_hdf5_that_links_to_another_file(tmp_path):
    """The vectors are not looked for in the wrong file: the right one is named."""
    write_hdf5(tmp_path / "far.hdf5", "l2", train=BASE)
    with h5py.File(tmp_path / "x.hdf5", "w") as file:
        file["train"] = h5py.ExternalLink("far.hdf5", "/train")
    with pytest.raises(DataError, match=r"lies in another file, .*far\.hdf5"):
        read_contents(tmp_path / "x.hdf5")


@pytest.mark.parametrize("kind", [pl.Float32, pl.Float64])
@pytest.mark.parametrize("fixed", [True, False])
def test_parquet_of_lists(tmp_path, kind, fixed):
    """A column of lists or of fixed-size arrays becomes a table, its rows as they lie."""
    inner = pl.Array(kind, 6) if fixed else pl.List(kind)
    order = np.random.default_rng(7).permutation(30)
    emb = pl.Series("emb", BASE[order].tolist(), dtype=inner)
    pl.DataFrame({"id": order, "emb": emb}).write_parquet(tmp_path / "x.parquet")
    found = read_array(tmp_path / "x.parquet")
    np.testing.assert_array_equal(found, BASE[order])
    assert found.dtype == np.float32
    assert is_mapped(found)


def test_parquet_with_ids_of_its_own(tmp_path):
    """Ids that are not row numbers leave the rows as they lie."""
    frame = pl.DataFrame({"id": range(1000, 1030), "vector": BASE.tolist(), "name": ["x"] * 30})
    frame.write_parquet(tmp_path / "x.parquet")
    np.testing.assert_array_equal(read_array(tmp_path / "x.parquet"), BASE)


def test_parquet_truth_of_vectordbbench(tmp_path):
    """`neighbors_id` is read as truth."""
    pl.DataFrame({"id": range(4), "neighbors_id": IDS.tolist()}).write_parquet(
        tmp_path / "neighbors.parquet"
    )
    np.testing.assert_array_equal(read_array(tmp_path / "neighbors.parquet", ids=True), IDS)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"a": [1, 2]}, "one column of lists is needed"),
        ({"a": [[1.0]], "b": [[1.0]]}, "one column of lists is needed"),
        ({"emb": [[1.0, 2.0], [1.0]]}, "emb, row 1: 1 numbers, row 0 has 2"),
        ({"emb": [[1.0, 2.0], None]}, "emb, row 1: 0 numbers, row 0 has 2"),
        ({"emb": [[1.0, 2.0], [1.0, None]]}, "emb, row 1, column 1: empty"),
        ({"emb": [["a"], ["b"]]}, "holds lists of String; numbers are needed"),
        ({"emb": [[1, 2], [3, 2**30]]}, "emb: row 1, column 1 is 1073741824: float32 holds"),
    ],
)
def test_parquet_that_is_no_table(tmp_path, columns, words):
    """Ragged, empty and non-numeric lists are refused, naming row and column."""
    pl.DataFrame(columns).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(DataError, match=words):
        read_array(tmp_path / "x.parquet")


def whole_files(folder):
    np.save(folder / "a.npy", BASE)
    np.savez(folder / "b.npz", BASE)
    write_hdf5(folder / "c.hdf5", train=BASE, test=QUERIES)
    write_vecs(folder / "d.fvecs", BASE)
    write_bin(folder / "e.fbin", BASE)
    pl.DataFrame({"emb": BASE.tolist()}).write_parquet(folder / "f.parquet")
    return sorted(folder.iterdir())


@pytest.mark.parametrize("keep", [0, 3, 0.45, 0.99])
def test_truncated_files_are_refused(tmp_path, keep):
    """Every format notices that its file is cut short, in one message that names it."""
    for path in whole_files(tmp_path):
        content = path.read_bytes()
        length = int(len(content) * keep) if keep < 1 else keep
        path.write_bytes(content[:length])
        with pytest.raises(DataError) as caught:
            read_contents(path)
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)


def test_bin_longer_than_its_header(tmp_path):
    """A file with more bytes than its header says is another format, or damaged."""
    with pytest.raises(DataError, match=r"its header says 30 rows of 6 \(728 bytes\)"):
        read_array(write_bin(tmp_path / "x.fbin", BASE, b"more"))


def test_vecs_with_a_row_of_another_length(tmp_path):
    """A row that claims another length is named."""
    path = write_vecs(tmp_path / "x.fvecs", BASE)
    content = bytearray(path.read_bytes())
    content[28 * 7] = 5
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="row 7 claims 5 dimensions, row 0 has 6"):
        read_array(path)


def test_files_that_are_not_there_or_not_known(tmp_path):
    """A missing file, a folder, and an unknown suffix are one message each."""
    with pytest.raises(DataError, match="no such file"):
        read_contents(tmp_path / "none.npy")
    with pytest.raises(DataError, match="is a folder"):
        read_contents(tmp_path)
    (tmp_path / "x.pkl").write_bytes(b"x")
    with pytest.raises(DataError, match=r"'\.pkl' is not known; known are \.hdf5"):
        read_contents(tmp_path / "x.pkl")


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros(5, np.float32), "this has the shape"),
        (np.zeros((0, 5), np.float32), "none of them empty"),
        (np.zeros((5, 2), "V3"), "holds void24; float32, float16, int8, uint8, bfloat16"),
        (np.zeros((5, 2), bool), "holds bool"),
        (np.zeros((5, 2), np.complex64), "holds complex64"),
    ],
)
def test_shape_and_dtype(tmp_path, array, words):
    """What is not a table of vectors of a known kind is refused."""
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(DataError, match=words):
        read_array(tmp_path / "x.npy")


@pytest.mark.parametrize("number", range(6))
def test_damaged_files_never_end_in_a_traceback(tmp_path, number):
    """Flipped bytes are either read as other numbers or refused in one line."""
    path = whole_files(tmp_path)[number]
    content = path.read_bytes()
    generator = np.random.default_rng(number)
    for _ in range(40):
        damaged = bytearray(content)
        for place in generator.integers(0, min(len(content), 600), 4):
            damaged[place] = generator.integers(0, 256)
        path.write_bytes(bytes(damaged))
        with contextlib.suppress(DataError):
            read_contents(path)


@pytest.mark.parametrize("dtype", ["int16", ">i4", "int64", "uint16", "uint32", "float64", ">f8"])
def test_numbers_that_float32_holds(tmp_path, dtype):
    """Wider integers and float64 become float32, from every kind of file and from memory."""
    wanted = (BASE * 50).astype(np.int32) - (BASE * 50).astype(np.int32).min()
    np.save(tmp_path / "x.npy", wanted.astype(dtype))
    write_hdf5(tmp_path / "x.hdf5", train=wanted.astype(dtype))
    found = read_array(tmp_path / "x.npy"), read_contents(tmp_path / "x.hdf5").base
    for array in (*found, accept(wanted.astype(dtype), "x")):
        np.testing.assert_array_equal(array, wanted)
        assert array.dtype == np.float32


@pytest.mark.parametrize(
    ("dtype", "number", "words"),
    [
        ("int32", 2**24 + 1, "row 7, column 2 is 16777217: float32 holds integers up to"),
        ("int64", -(2**24) - 1, "row 7, column 2 is -16777217: float32 holds integers up to"),
        ("uint64", 2**64 - 1, "row 7, column 2 is 18446744073709551615: float32 holds"),
        ("float64", 1e39, r"row 7, column 2 is 1e\+39: float32 ends at 3\.4e38"),
        ("float64", 1e-60, "row 7, column 2 is 1e-60: in float32 the row is zero"),
    ],
)
def test_numbers_that_float32_does_not_hold(tmp_path, dtype, number, words):
    """The first number that would be another one in float32 is named."""
    array = np.zeros((30, 4), dtype)
    array[7, 2] = number
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(DataError, match=words):
        read_array(tmp_path / "x.npy")


def test_bfloat16(tmp_path):
    """Two bytes without a name, as ml_dtypes leaves them in a file, are the upper half."""
    np.save(tmp_path / "x.npy", (BASE.view("<u4") >> 16).astype("<u2").view("V2"))
    found = read_array(tmp_path / "x.npy")
    np.testing.assert_array_equal(found, (BASE.view("<u4") >> 16 << 16).view("<f4"))


def test_header_of_two_uint64(tmp_path):
    """The size of the file tells that the header is that of cuVS and raft."""
    (tmp_path / "x.fbin").write_bytes(np.array(BASE.shape, "<u8").tobytes() + BASE.tobytes())
    np.testing.assert_array_equal(read_array(tmp_path / "x.fbin"), BASE)
    assert is_mapped(read_array(tmp_path / "x.fbin"))


@pytest.mark.parametrize("rows", [30, 10**9])
def test_a_slice_that_is_named_as_one(tmp_path, rows):
    """Slices of big-ann keep the suffix before theirs, and may keep the header of the whole."""
    path = tmp_path / "base.1B.fbin.crop_nb_30"
    path.write_bytes(np.array([rows, 6], "<u4").tobytes() + BASE.tobytes())
    np.testing.assert_array_equal(read_array(path), BASE)


def test_half_floats(tmp_path):
    """`.f16bin` is mapped as float16."""
    found = read_array(write_bin(tmp_path / "x.f16bin", BASE.astype("<f2")))
    assert found.dtype == np.float16
    np.testing.assert_array_equal(found, BASE.astype(np.float16))


@pytest.mark.parametrize("name", ["bigann-10M", "gt100", "truth.bin", "gt.dat"])
@pytest.mark.parametrize("write", [write_bin, write_vecs, "npy", "npz"])
def test_ground_truth_without_a_usual_suffix(tmp_path, name, write):
    """What stands in the file tells its format."""
    path = tmp_path / name
    if callable(write):
        write(path, IDS)
    else:
        with path.open("wb") as stream:
            np.save(stream, IDS) if write == "npy" else np.savez(stream, ids=IDS)
    np.testing.assert_array_equal(read_array(path, ids=True), IDS)


def test_vectors_without_a_usual_suffix_are_told_what_they_look_like(tmp_path):
    """Numbers in a file of bytes could be of several types: the suffix has to say which."""
    write_bin(tmp_path / "x.bin", BASE)
    with pytest.raises(DataError, match=r"'\.bin' is not known; it looks like \.fbin: give it"):
        read_contents(tmp_path / "x.bin")


@pytest.mark.parametrize(
    "word",
    [["angular"], np.array([b"angular"]), np.bytes_("Angular"), np.array([["cosine"]], "S"), "cos"],
)
@pytest.mark.parametrize("of_dataset", [True, False])
def test_hdf5_attributes_as_arrays(tmp_path, word, of_dataset):
    """An array of one string is that string, on the file or on its base vectors."""
    path = write_hdf5(tmp_path / "x.hdf5", None, train=BASE, test=QUERIES)
    with h5py.File(path, "r+") as file:
        place = file["train"] if of_dataset else file
        place.attrs["metric" if of_dataset else "distance"] = word
        place.attrs["type"] = np.array([b"dense"])
        place.attrs["point_type"] = ["float"]
    assert read_contents(path).metric == "cosine"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("distance", ["l2", "ip"], "attribute distance: one string is needed, this is array"),
        ("type", "sparse", r"holds sparse vectors \(type\); dense can be read"),
        ("point_type", [b"bit"], r"holds bit vectors \(point_type\); float"),
    ],
)
def test_hdf5_attributes_that_do_not_fit(tmp_path, key, value, words):
    """What the attributes say is named where it cannot be read."""
    path = write_hdf5(tmp_path / "x.hdf5", "l2", train=BASE, test=QUERIES)
    with h5py.File(path, "r+") as file:
        file.attrs[key] = value
    with pytest.raises(DataError, match=words):
        read_contents(path)


@pytest.mark.parametrize("value", ["euclidean", np.array([b"L2"]), np.array(["dot", "ip"][:1])])
def test_npz_says_its_metric(tmp_path, value):
    """One string, whatever its shape."""
    np.savez(tmp_path / "x.npz", train=BASE, test=QUERIES, metric=value)
    wanted = "ip" if "dot" in str(value) else "l2"
    assert read_contents(tmp_path / "x.npz").metric == wanted


def test_npz_with_an_object(tmp_path):
    """An object is not unpickled: the file and the array are named."""
    np.savez(tmp_path / "x.npz", train=BASE, metric=np.array({"a": 1}, dtype=object))
    with pytest.raises(DataError, match=r"x\.npz: metric: one string is needed"):
        read_contents(tmp_path / "x.npz")
