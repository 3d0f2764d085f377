"""Fetching, from a local server that does what servers do on bad days."""

from __future__ import annotations

import dataclasses
import hashlib
import http.server
import json
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import ModuleType

import msgspec
import numpy as np
import polars as pl
import pytest

import vbench
from vbench import _paths
from vbench.data import catalog, download
from vbench.data.card import Card, File
from vbench.data.fetch import fetch, recorded_checksums
from vbench.data.ground_truth import compute_ground_truth
from vbench.errors import DataError, UnknownNameError, VbenchError

CONTENT = np.random.default_rng(0).bytes(300_000)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves `content`, with faults: see `Handler.do_GET`."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.contents = {}  # of single paths
        self.faults = []  # one for each request to come
        self.always = None
        self.ranges = []
        self.etag = '"v1"'

    def url(self, name="x.bin"):
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"

    def handle_error(self, request, client_address):
        """Say nothing: dropping connections is what this server is for."""


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_GET(self):
        server = self.server
        fault = server.faults.pop(0) if server.faults else server.always
        server.ranges.append(self.headers.get("Range"))
        content = server.contents.get(self.path, server.content)
        status, first, last = 200, 0, len(content)
        if isinstance(fault, int):
            self.send_error(fault)
            return
        asked = self.headers.get("Range")
        fresh = self.headers.get("If-Range") not in (None, server.etag)
        if fault == "continues another file":
            fresh = False
        if asked and fault != "ignores ranges" and not fresh:
            begin, _, end = asked.removeprefix("bytes=").partition("-")
            first, last = int(begin), min(int(end) + 1 if end else last, last)
            status = 206
            if first >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        self.send_response(status)
        self.send_header("Content-Length", str(last - first))
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{last - 1}/{len(content)}")
        if server.etag:
            self.send_header("ETag", server.etag)
        self.end_headers()
        body = content[first:last]
        if fault == "drops":
            body = body[: len(body) // 2]
        if fault == "drops at once":
            body = b""
        self.wfile.write(body)


@contextmanager
def serving():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def server():
    with serving() as running:
        yield running


def entry(*files, **card):
    return catalog.Entry("mine", Card(files=list(files), **card))


def bring(*urls, **facts):
    progress = []
    folder = fetch(
        entry(File(urls=list(urls), name="x.bin", **facts)),
        progress=lambda *at: progress.append(at),
        pause=0.0,
    )
    return (folder / "x.bin").read_bytes(), progress


def leftovers(home):
    return [path.name for path in home.rglob("*.part*")]


def test_plain_download(server, home):
    """A file comes whole, with progress, and its checksum is recorded."""
    content, progress = bring(server.url(), sha256=sha256(CONTENT), bytes=len(CONTENT))
    assert content == CONTENT
    assert ("x.bin", len(CONTENT), len(CONTENT)) in progress
    assert not leftovers(home)
    assert recorded_checksums(entry(File(urls=["x:y"]))) == {"x.bin": sha256(CONTENT)}


def test_what_is_here_is_not_fetched_again(server):
    """A second call asks the server nothing; a damaged file is brought again."""
    bring(server.url(), sha256=sha256(CONTENT))
    bring(server.url(), sha256=sha256(CONTENT))
    assert len(server.ranges) == 1
    target = entry().folder / "x.bin"
    target.write_bytes(b"damaged")
    content, _ = bring(server.url(), sha256=sha256(CONTENT))
    assert content == CONTENT
    assert len(server.ranges) == 2


def test_dropped_connections_are_continued(server):
    """After a drop only the missing bytes are asked for, as often as something came."""
    server.faults = ["drops"] * 8
    content, _ = bring(server.url(), sha256=sha256(CONTENT))
    assert content == CONTENT
    assert server.ranges[0] is None
    assert server.ranges[1] == "bytes=150000-"
    assert len(server.ranges) == 9


def test_stopped_download_is_continued_by_the_next_call(server, home):
    """What one call brought is kept for the next."""
    server.faults = ["drops", *["drops at once"] * 5]
    with pytest.raises(VbenchError, match="connection lost after 150000 of 300000 bytes"):
        bring(server.url())
    assert "x.bin.part" in leftovers(home)
    server.ranges.clear()
    content, _ = bring(server.url())
    assert content == CONTENT
    assert server.ranges == ["bytes=150000-"]


def test_server_that_ignores_ranges(server):
    """A server that sends the whole file again is understood."""
    server.faults, server.always = ["drops"], "ignores ranges"
    content, _ = bring(server.url(), sha256=sha256(CONTENT))
    assert content == CONTENT


def test_file_that_changed_in_between_starts_anew(server):
    """Halves of two versions of a file are never put together."""
    server.faults = ["drops", *["drops at once"] * 5]
    with pytest.raises(VbenchError):
        bring(server.url())
    server.content, server.etag = CONTENT[::-1], '"v2"'
    content, _ = bring(server.url())
    assert content == CONTENT[::-1]


def test_file_that_became_shorter(server):
    """A range beyond the end starts anew, unless exactly everything is here."""
    server.etag = None
    server.faults = ["drops", *["drops at once"] * 5]
    with pytest.raises(VbenchError):
        bring(server.url())
    server.content = CONTENT[:1000]
    assert bring(server.url())[0] == CONTENT[:1000]


def test_complete_part_is_taken(server, home):
    """A part that holds the whole file needs no further byte."""
    folder = entry().folder
    folder.mkdir(parents=True)
    (folder / "x.bin.part").write_bytes(CONTENT)
    (folder / "x.bin.part.json").write_text(json.dumps({"url": server.url(), "validator": '"v1"'}))
    assert bring(server.url(), sha256=sha256(CONTENT))[0] == CONTENT
    assert server.ranges == ["bytes=300000-"]


def test_part_of_another_place_is_not_continued(server):
    """What came from one mirror is not continued from another."""
    folder = entry().folder
    folder.mkdir(parents=True)
    (folder / "x.bin.part").write_bytes(b"something else")
    (folder / "x.bin.part.json").write_text(json.dumps({"url": "http://other/", "validator": ""}))
    assert bring(server.url())[0] == CONTENT
    assert server.ranges == [None]


def test_server_errors_are_tried_again_and_missing_files_are_not(server):
    """500 is tried again; 404 goes to the next place at once."""
    server.faults = [500, 503, 429]
    assert bring(server.url())[0] == CONTENT
    server.faults = [404]
    server.ranges.clear()
    (entry().folder / "x.bin").unlink()
    with pytest.raises(VbenchError, match="HTTP 404"):
        bring(server.url())
    assert len(server.ranges) == 1


def test_mirrors_are_tried_in_turn(server, tmp_path):
    """The first place that has the right file is used; all failures are told when none has."""
    (tmp_path / "wrong.bin").write_bytes(b"wrong")
    wrong, missing = (tmp_path / "wrong.bin").as_uri(), (tmp_path / "none").as_uri()
    content, _ = bring(missing, wrong, server.url(), sha256=sha256(CONTENT))
    assert content == CONTENT
    (entry().folder / "x.bin").unlink()
    with pytest.raises(VbenchError) as caught:
        bring(missing, wrong, sha256=sha256(CONTENT))
    assert "none: no such file" in str(caught.value)
    assert f"wrong checksum: SHA-256 {sha256(b'wrong')}" in str(caught.value)


def test_server_that_is_not_there(server):
    """A refused connection is tried a few times, then told with its reason."""
    url = server.url()
    server.shutdown()
    server.server_close()
    with pytest.raises(VbenchError, match=r"refused \(5 attempts in a row\)"):
        bring(url)


def test_wrong_bytes_leave_nothing(server, home):
    """A file with the wrong checksum or size is removed."""
    with pytest.raises(VbenchError, match="wrong checksum"):
        bring(server.url(), sha256="0" * 64)
    with pytest.raises(VbenchError, match="300000 bytes came, the card says 7"):
        bring(server.url(), bytes=7)
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_first_download_vouches_for_the_next(server):
    """Without a published checksum the first download's is recorded, and a change is refused."""
    bring(server.url())
    (entry().folder / "x.bin").unlink()
    server.content, server.etag = b"another file", '"v2"'
    with pytest.raises(VbenchError, match=r"not that of the first download.*checksums\.json"):
        bring(server.url())


def test_slice_of_a_large_file(server, tmp_path):
    """`rows` brings the first rows of a .fbin, with a header that says so."""
    vectors = np.arange(3000, dtype=np.float32).reshape(500, 6)
    server.content = np.array([500, 6], "<u4").tobytes() + vectors.tobytes()
    (tmp_path / "base.fbin").write_bytes(server.content)
    for url in (server.url(), (tmp_path / "base.fbin").as_uri()):
        server.faults = [None, "drops"]
        file = File(urls=[url], name="base.fbin", rows=20, bytes=8 + 20 * 6 * 4, role="base")
        folder = fetch(entry(file), pause=0.0)
        data = vbench.load(folder / "base.fbin", queries=vectors[:3], metric="l2")
        np.testing.assert_array_equal(data.base, vectors[:20])
        (folder / "base.fbin").unlink()
    assert server.ranges[-2:] == ["bytes=0-487", "bytes=244-487"]
    server.faults, server.always = [], "ignores ranges"
    fetch(entry(File(urls=[server.url()], name="base.fbin", rows=20)), pause=0.0)
    assert (folder / "base.fbin").stat().st_size == 488
    with pytest.raises(VbenchError, match="has 500 rows of 6, 501 are wanted"):
        fetch(entry(File(urls=[server.url()], name="b.fbin", rows=501)), pause=0.0)


@pytest.mark.parametrize("name", ["text2image-10m", "deep-10m", "msspacev-10m", "msmarco-10m"])
def test_sets_of_ten_million_come_as_slices(name, server, tmp_path):
    """Only the wanted rows of a file are asked for; the set opens, and its truth is true."""
    card = catalog.entry(name).card
    rows, m, random = 60, 4, np.random.default_rng(5)
    kind = "i1" if card.files[0].filename.endswith("i8bin") else "<f4"
    base, queries = (
        np.clip(random.normal(size=(count, card.d)) * 20, -127, 127).astype(kind)
        for count in (rows + 40, m)
    )
    asked = vbench.load(base[:rows], queries=queries, metric=card.metric)
    truth = compute_ground_truth(asked, 10)
    header = np.array([m, 10], "<u4").tobytes()
    known = header + truth.ids.astype("<i4").tobytes() + truth.distances.astype("<f4").tobytes()

    def packed(vectors):
        return np.array(vectors.shape, "<u4").tobytes() + vectors.tobytes()

    served = {"base": packed(base), "queries": packed(queries), "truth": known}
    server.contents = {f"/{role}": content for role, content in served.items()}
    text = (_paths.resource_dir("datasets") / f"{name}.toml").read_text()
    text = re.sub(r"^bytes = .*", "", text, flags=re.MULTILINE)
    text = re.sub(r"^rows = .*", f"rows = {rows}", text, flags=re.MULTILINE)
    text = re.sub(r"^n = .*", f"n = {rows}", text, flags=re.MULTILINE)
    text = re.sub(r"^m = .*", f"m = {m}", text, flags=re.MULTILINE)
    for file in card.files:
        for url in file.urls:
            text = text.replace(f'"{url}"', f'"{server.url(file.role)}"')
    (tmp_path / "set.toml").write_text(text)
    folder = fetch(tmp_path / "set.toml", pause=0.0)
    stop = 8 + rows * card.d * np.dtype(kind).itemsize
    assert f"bytes=0-{stop - 1}" in server.ranges
    assert (folder / card.files[0].filename).stat().st_size == stop
    dataset = vbench.load(tmp_path / "set.toml")
    assert (dataset.n, dataset.m, dataset.d, dataset.metric) == (rows, m, card.d, card.metric)
    np.testing.assert_array_equal(dataset.base, base[:rows])
    np.testing.assert_array_equal(dataset.given_ground_truth.ids, truth.ids)


def test_kind_of_source_that_is_not_known():
    """A URL of another kind is told, with the kinds that there are."""
    with pytest.raises(VbenchError, match="only https, http, file, pypi and npm sources are known"):
        bring("ftp://x/y")


def test_full_disk_keeps_what_came(server, monkeypatch, home):
    """On a full disk the message says so, and the part stays for the next call."""

    def full(source, stream, *arguments):
        stream.write(source.read(1000))
        stream.flush()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download, "_copy", full)
    with pytest.raises(VbenchError, match="No space left on device; make room and fetch again"):
        bring(server.url())
    assert (entry().folder / "x.bin.part").stat().st_size == 1000


def test_prepare_makes_a_folder(server, monkeypatch):
    """A card's function gets the files and makes the dataset; it runs once."""
    calls = []

    def make(files, folder):
        calls.append(sorted(files))
        np.save(folder / "base.npy", np.ones((5, 2), np.float32))
        np.save(folder / "queries.npy", np.ones((1, 2), np.float32))

    def fail(files, folder):
        np.save(folder / "queries.npy", np.ones((1, 2), np.float32))
        raise DataError("the raw file is not what was expected")

    maker = ModuleType("maker")
    maker.make, maker.fail = make, fail
    monkeypatch.setitem(sys.modules, "maker", maker)
    raw = File(urls=[server.url()], name="x.bin", role="raw")
    with pytest.raises(DataError, match="not what was expected"):
        fetch(entry(raw, prepare="maker:fail"))
    assert [path.name for path in entry().folder.iterdir()] == ["raw"]
    with pytest.raises(VbenchError, match="prepare = 'maker:none' cannot be imported"):
        fetch(entry(raw, prepare="maker:none"))
    for _ in range(2):
        folder = fetch(entry(raw, prepare="maker:make"))
    assert calls == [["x.bin"]]
    assert vbench.load(folder, metric="l2").n == 5
    assert len(server.ranges) == 1


def test_embedded_and_unknown_datasets():
    """What is embedded needs no fetching; an unknown name has near ones."""
    found = catalog.find("books")
    bare = dataclasses.replace(found, card=msgspec.structs.replace(found.card, additions=None))
    assert (fetch(bare) / "base.npy").is_file()
    with pytest.raises(UnknownNameError, match="did you mean 'glove-50'"):
        fetch("glove50")


def test_two_at_once_fetch_it_once(server, home):
    """The second waits for the first, and finds the file here."""
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: bring(server.url())[0], range(3)))
    assert found == [CONTENT] * 3
    assert server.ranges == [None]
    assert not leftovers(home)
    assert recorded_checksums(entry()) == {"x.bin": sha256(CONTENT)}


@pytest.mark.parametrize("etag", [None, 'W/"weak"', '"v2"'])
@pytest.mark.parametrize("honest", [True, False])
def test_a_first_checksum_is_never_that_of_a_mixed_file(server, home, etag, honest):
    """A half file is continued only with the rest of the same file."""
    server.etag = etag
    part = entry().folder / "x.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:1000])
    validator = "" if etag is None or etag.startswith("W") else etag
    part.with_name("x.bin.part.json").write_text(
        json.dumps({"url": server.url(), "validator": validator, "whole": len(CONTENT)})
    )
    server.content = bytes(reversed(CONTENT))
    if etag == '"v2"':
        server.etag = '"v3"'
    if not honest:
        server.faults = ["continues another file"]
    content, _ = bring(server.url())
    assert content == server.content
    assert recorded_checksums(entry()) == {"x.bin": sha256(server.content)}


def test_a_file_is_nobodys_before_it_is_checked(server, home, monkeypatch):
    """It takes its name when its checksum is right, not before."""
    seen = []
    target = entry().folder / "x.bin"

    def progress(name, done, total):
        seen.append(target.exists())

    fetch(entry(File(urls=[server.url()], name="x.bin")), progress=progress, pause=0.0)
    assert not any(seen)
    assert target.is_file()


def test_a_damaged_record_is_named(server):
    """What the first download vouched for is not forgotten silently."""
    bring(server.url())
    record = entry().folder / "checksums.json"
    for content in ("", "[]", '{"x.bin": 3}', '{"x.bin": {"sha256": 3}}', "[" * 9000, "\0"):
        record.write_text(content)
        with pytest.raises(DataError, match=r"checksums.json: damaged .* delete it"):
            bring(server.url())
    record.unlink()
    assert bring(server.url())[0] == CONTENT


def test_a_card_by_its_path(server, tmp_path, home):
    """It is fetched by that path, into a folder that no name of the catalog has."""
    card = tmp_path / "books.toml"
    np.save(tmp_path / "x.npy", np.ones((9, 2), np.float32))
    server.content = (tmp_path / "x.npy").read_bytes()
    files = [(role, server.url(f"{role}.npy")) for role in ("base", "queries")]
    tables = [f'[[files]]\nurls = ["{url}"]\nrole = "{role}"\n' for role, url in files]
    card.write_text('metric = "l2"\n' + "".join(tables))
    with pytest.raises(DataError, match=f"vbench data fetch {card}"):
        vbench.load(card)
    folder = fetch(card)
    assert folder.parent == home / "datasets"
    assert folder.name.startswith("books@")
    assert vbench.load(str(card)).n == 9
    assert catalog.find("books").status == "embedded"


def test_code_of_a_card_by_its_path_needs_trust(server, tmp_path, monkeypatch):
    """`prepare` of such a card is run only if that is said."""
    calls = []

    def make(files, folder):
        calls.append(sorted(files))
        np.save(folder / "base.npy", np.ones((5, 2), np.float32))

    maker = ModuleType("maker")
    maker.make = make
    monkeypatch.setitem(sys.modules, "maker", maker)
    card = tmp_path / "mine.toml"
    card.write_text(
        f'metric = "l2"\nprepare = "maker:make"\n[[files]]\nurls = ["{server.url()}"]\n'
    )
    with pytest.raises(VbenchError, match=r"maker:make' is code .* trust=True"):
        fetch(card)
    assert not calls
    assert not server.ranges
    with pytest.raises(DataError, match=r"fetch .*mine.toml --trust"):
        vbench.load(card)
    fetch(card, trust=True)
    assert calls == [["x.bin"]]


@pytest.mark.parametrize(
    "url", ["http://[bad/x", "http://host:port/x", "http://a b/x", "https:///"]
)
def test_what_is_no_url(url):
    """It is told at once."""
    with pytest.raises(VbenchError, match=r"x\.bin could not be fetched|not a URL"):
        bring(url)


def test_tables_are_added_to_an_embedded_dataset(tmp_path, monkeypatch):
    """They are joined by ids, beside what is shipped; without them it opens as it is."""
    folder = tmp_path / "shop"
    folder.mkdir()
    for name, rows in (("base", 6), ("queries", 3)):
        np.save(folder / f"{name}.npy", np.random.default_rng(1).normal(size=(rows, 2)))
    pl.DataFrame({"id": list("abc")}).write_parquet(folder / "queries.parquet")
    pl.DataFrame({"id": list("uvwxyz"), "price": range(6)}).write_parquet(folder / "items.parquet")
    (tmp_path / "raw.csv").write_text("id,year\n" + "".join(f"{i},{ord(i)}\n" for i in "zyxwvu"))
    calls = []

    def make(files, target):
        calls.append(target)
        pl.read_csv(files["raw.csv"]).write_parquet(target / "items.parquet")
        pairs = pl.DataFrame({"query": ["c", "a"], "item": ["u", "z"]})
        pairs.write_parquet(target / "interactions.parquet")

    module = ModuleType("adding")
    module.make = make
    module.wrong = lambda files, target: (target / "base.npy").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "adding", module)
    card = tmp_path / "shop.toml"

    def written(function):
        files = f'[[additions.files]]\nurls = ["{(tmp_path / "raw.csv").as_uri()}"]\nrole = "raw"\n'
        start = f'metric = "l2"\nfolder = "shop"\n[additions]\nprepare = "{function}"\n'
        card.write_text(start + files)
        return catalog.find(card)

    entry = written("adding:make")
    bare = vbench.load(card)
    assert bare.interactions is None
    assert bare.items.columns == ["id", "price"]
    with pytest.raises(VbenchError, match="is code that would be run"):
        fetch(entry)
    fetch(entry, trust=True)
    more = vbench.load(card)
    assert more.items["year"].to_list() == [ord(i) for i in "uvwxyz"]
    assert more.items["price"].to_list() == list(range(6))
    assert more.interactions.rows() == [(2, 0), (0, 5)]
    assert more.fingerprint == bare.fingerprint
    fetch(entry, trust=True)
    assert len(calls) == 1
    # Made for other rows than those that are shipped now, they are not taken.
    pl.DataFrame({"id": list("uvwxyq"), "price": range(6)}).write_parquet(folder / "items.parquet")
    assert vbench.load(card).interactions is None
    with pytest.raises(DataError, match=r"wrong made base\.npy; it may add queries\.parquet"):
        fetch(written("adding:wrong"), trust=True)
