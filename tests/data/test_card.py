"""Cards: what they may say, and the cards of the catalog themselves."""

from __future__ import annotations

import pytest

from vbench import _paths
from vbench.data import catalog
from vbench.data.card import read_card
from vbench.errors import VbenchError


def write(tmp_path, text):
    path = tmp_path / "card.toml"
    path.write_text(text)
    return path


def test_facts_are_what_is_stated(tmp_path):
    """Only stated keys appear among the facts."""
    card = read_card(write(tmp_path, 'title = "T"\nn = 5\nmetric = "ip"\n'))
    assert card.facts() == {"title": "T", "n": 5, "metric": "ip"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('titel = "T"', "unknown key 'titel'; did you mean 'title'"),
        ('metric = "euclid"', "metric = 'euclid'; .*allowed: 'l2', 'ip', 'cosine'"),
        ("n = 0", "n = 0: Expected `int` >= 1"),
        ('[[files]]\nurl = "x"', "unknown key 'url' in files.0.; did you mean 'urls'"),
        ("[[files]]\nurls = []", r"files\[0\]\.urls"),
        ('[[files]]\nurls = ["a"]\nsha256 = "12"', r"files\[0\]\.sha256"),
        (
            '[[files]]\nurls = ["a"]\nrole = "basis"',
            "role = 'basis'; did you mean 'base'.*allowed: .*'queries'",
        ),
        ('folder = "x"\n[[files]]\nurls = ["a"]', "either `folder` or `files`"),
        (
            '[additions]\nprepare = "a:b"\n[[additions.files]]\nurls = ["file:///a/b"]',
            "`additions` are of an embedded dataset",
        ),
        ('[[files]]\nurls = ["https://a/b?x=1/"]\nname = "../b"', "is not a file name"),
        ('[[files]]\nurls = ["file:///a/b"]\n[[files]]\nurls = ["file:///c/b"]', "two files"),
    ],
)
def test_mistakes_name_file_and_key(tmp_path, text, words):
    """A mistake in a card is one message with file, key and what is allowed."""
    with pytest.raises(VbenchError, match=words) as caught:
        read_card(write(tmp_path, text))
    assert "card.toml" in str(caught.value)


def test_file_names_come_from_the_url(tmp_path):
    """A file is kept under the last part of its first URL, or the name it is given."""
    card = read_card(
        write(
            tmp_path,
            '[[files]]\nurls = ["https://x.org/a%20b.hdf5?download=true"]\n'
            '[[files]]\nurls = ["pypi:a==1!b/c.npy"]\n'
            '[[files]]\nurls = ["https://x.org/deep-10M"]\nname = "truth.ibin"\n',
        )
    )
    assert [file.filename for file in card.files] == ["a b.hdf5", "c.npy", "truth.ibin"]


@pytest.mark.parametrize(
    "name", sorted(p.stem for p in _paths.resource_dir("datasets").glob("*.toml"))
)
def test_every_card_of_the_catalog_is_complete(name):
    """Each card has a title, metric, sizes, terms, citation, and data or places to get it."""
    entry = catalog.entry(name)
    card = entry.card
    assert card.title
    assert card.description
    assert card.metric
    assert card.n
    assert card.d
    assert card.terms or card.license
    assert card.citation
    assert bool(card.folder) != bool(card.files)
    for file in card.files:
        for url in file.urls:
            assert url.startswith(("https://", "http://", "pypi:", "npm:"))


def test_well_known_sets_are_in_the_catalog():
    """The sets that everybody quotes have a card."""
    wanted = {"books", "glove-50", "sift-128-euclidean", "gist-960-euclidean", "deep-10m"}
    wanted |= {"glove-100-angular", "text2image-10m", "msspacev-10m", "laion-clip-512-normalized"}
    wanted |= {"msmarco-10m", "glove-50-all"}
    assert wanted <= set(catalog.names())


def test_the_metric_in_words_of_other_tools(tmp_path):
    """It is translated; a word that is not known is refused with its key."""
    path = tmp_path / "x.toml"
    path.write_text('title = "x"\nmetric = "Euclidean"\n')
    assert read_card(path).metric == "l2"
    path.write_text('title = "x"\nmetric = "hamming"\n')
    with pytest.raises(VbenchError, match=r"x\.toml: metric"):
        read_card(path)


def test_the_license_under_its_old_key(tmp_path):
    """Cards of earlier versions say `licence`; it is read, and an unknown key still refused."""
    path = tmp_path / "old.toml"
    path.write_text('metric = "l2"\nlicence = "CC0"\n')
    assert read_card(path).license == "CC0"
