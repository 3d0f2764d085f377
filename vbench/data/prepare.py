"""What cards of the catalog name as `prepare`: functions that make datasets of others' files."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vbench.data.tables import read_parquet
from vbench.errors import DataError, MissingExtraError

_PARTS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
_SENSES = 16_000
_SENTENCES = 3_000
_SEED = 1985
_BATCH = 64
_TOKENS = 64
_QUOTED = re.compile(r'"([^"]+)"')
_FREQUENT = 101_000
_NEXT = 150_000
_RARE = 350_000
_RUNG_QUERIES = 1_000
_GLOVE_SEED = 2014


class Sense(NamedTuple):
    """One synset: its part of speech, its first word, what it means, and how it is used."""

    part: str
    word: str
    gloss: str
    sentences: tuple[str, ...]


def prepare_wordnet(files: Mapping[str, Path], folder: Path) -> None:
    """Make `wordnet` of the WordNet files: sentences ask for the gloss of the sense they use.

    The base is the glosses of 16,000 senses that have a usage sentence, drawn at random; the
    queries are 3,000 of their sentences; relevant is the gloss of the sense that a sentence was
    written for. The 19,000 short texts take the model about a minute.

    Parameters
    ----------
    files
        `wordnet.tar.gz` (WordNet's data files), `model.onnx` and `tokenizer.json`.

    Raises
    ------
    MissingExtraError
        onnxruntime or tokenizers is not installed.
    DataError
        The archive holds no WordNet.
    """
    write_senses(read_senses(files["wordnet.tar.gz"]), Encoder(files), folder)


def read_senses(archive: Path) -> list[Sense]:
    """Every sense with at least one usage sentence, in the order of the files."""
    found: list[Sense] = []
    try:
        with tarfile.open(archive) as tar:
            members = {Path(name).name: name for name in tar.getnames()}
            for part in _PARTS:
                stream = tar.extractfile(members[f"data.{part}"])
                assert stream is not None
                # The license at the top of each file is indented by two spaces.
                lines = io.TextIOWrapper(stream, encoding="latin-1")
                senses = (_sense(part, line) for line in lines if not line.startswith("  "))
                found += filter(None, senses)
    except (tarfile.TarError, KeyError) as error:
        raise DataError(f"{archive}: not WordNet's data files ({error}); fetch it again") from None
    return found


def _sense(part: str, line: str) -> Sense | None:
    head, _, text = line.partition(" | ")
    sentences = tuple(each.strip() for each in _QUOTED.findall(text))
    gloss = text.partition('"')[0].strip().rstrip(";").strip()
    if not sentences or not gloss:
        return None
    return Sense(part, head.split()[4].replace("_", " "), gloss, sentences)


class Encoder:
    """Texts to vectors of unit length: the mean of the model's last hidden states."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        try:
            import onnxruntime
            import tokenizers
        except ModuleNotFoundError:
            raise MissingExtraError("making vectors of texts", "text") from None
        self._tokenizer = tokenizers.Tokenizer.from_file(str(files["tokenizer.json"]))
        self._tokenizer.enable_truncation(_TOKENS)
        self._tokenizer.enable_padding()
        self._session = onnxruntime.InferenceSession(
            str(files["model.onnx"]), providers=["CPUExecutionProvider"]
        )
        self._inputs = {each.name for each in self._session.get_inputs()}

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts: float32 (len(texts), d)."""
        # Texts of one length together: a batch is as long as its longest.
        order = np.argsort([len(text) for text in texts], kind="stable")
        parts = [
            self._batch([texts[row] for row in order[start : start + _BATCH]])
            for start in range(0, len(order), _BATCH)
        ]
        made = np.concatenate(parts)
        vectors = np.empty_like(made)
        vectors[order] = made
        return vectors

    def _batch(self, texts: Sequence[str]) -> NDArray[np.float32]:
        encoded = self._tokenizer.encode_batch(list(texts))
        mask = np.array([each.attention_mask for each in encoded], dtype=np.int64)
        given = {
            "input_ids": np.array([each.ids for each in encoded], dtype=np.int64),
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(mask),
        }
        states = self._session.run(
            None, {name: given[name] for name in given if name in self._inputs}
        )[0]
        weight = mask[:, :, np.newaxis].astype(np.float32)
        mean = (states * weight).sum(axis=1) / weight.sum(axis=1)
        return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True), dtype=np.float32)


def write_senses(senses: Sequence[Sense], encode: Any, folder: Path) -> None:
    """Draw the sentences, encode both sides, and write the dataset's files."""
    random = np.random.default_rng(_SEED)
    drawn = random.choice(len(senses), min(_SENSES, len(senses)), replace=False)
    senses = [senses[row] for row in np.sort(drawn)]
    uses = [(row, text) for row, sense in enumerate(senses) for text in sense.sentences]
    chosen = np.sort(random.choice(len(uses), min(_SENTENCES, len(uses)), replace=False))
    rows, sentences = zip(*(uses[each] for each in chosen), strict=True)
    np.save(folder / "base.npy", encode([sense.gloss for sense in senses]).astype(np.float16))
    np.save(folder / "queries.npy", encode(sentences).astype(np.float16))
    pl.DataFrame(
        {
            "part": [senses[row].part for row in rows],
            "words": np.where([len(text.split()) > 5 for text in sentences], "many", "few"),
            "sentence": sentences,
        }
    ).write_parquet(folder / "queries.parquet")
    pl.DataFrame(
        {
            "part": [sense.part for sense in senses],
            "word": [sense.word for sense in senses],
            "gloss": [sense.gloss for sense in senses],
        }
    ).write_parquet(folder / "items.parquet")
    # One sentence may stand under several senses: it asks for all of them.
    asked = pl.DataFrame({"query": np.arange(len(rows)), "text": sentences})
    known = pl.DataFrame({"item": [row for row, _ in uses], "text": [text for _, text in uses]})
    pairs = asked.join(known, on="text").select("query", "item").unique().sort("query", "item")
    pairs.write_parquet(folder / "relevance.parquet")


def prepare_glove(files: Mapping[str, Path], folder: Path) -> None:
    """Make `glove-50` of the GloVe vectors: a base, and a ladder of ever stranger queries.

    The files are `vectors.npy` (400,000, 50) float32, words by falling frequency, and
    `words.parquet`.
    """
    _write_ladder(files, folder, every_word=False)


def prepare_all_glove(files: Mapping[str, Path], folder: Path) -> None:
    """Make `glove-50-all` of the same files: the same queries, to every word that is not asked."""
    _write_ladder(files, folder, every_word=True)


def _write_ladder(files: Mapping[str, Path], folder: Path, *, every_word: bool) -> None:
    vectors = np.load(files["vectors.npy"], mmap_mode="r", allow_pickle=False)
    words = read_parquet(files["words.parquet"])["index"].to_numpy()
    random = np.random.default_rng(_GLOVE_SEED)

    held_out = np.sort(random.choice(_FREQUENT, _RUNG_QUERIES, replace=False))
    base = np.setdiff1d(np.arange(_FREQUENT), held_out)
    following = np.sort(random.choice(np.arange(_FREQUENT, _NEXT), _RUNG_QUERIES, replace=False))
    pairs = np.array([random.choice(base, 2, replace=False) for _ in range(_RUNG_QUERIES)])
    triples = np.array([random.choice(base, 3, replace=False) for _ in range(_RUNG_QUERIES)])
    rare = np.sort(random.choice(np.arange(_RARE, len(vectors)), _RUNG_QUERIES, replace=False))

    a, b, c = (vectors[triples[:, place]] for place in range(3))
    if every_word:
        asked = np.concatenate([held_out, following, rare])
        base = np.setdiff1d(np.arange(len(vectors)), asked)
    rungs = {
        "1 held-out": (vectors[held_out], words[held_out]),
        "2 next": (vectors[following], words[following]),
        "3 mean": (vectors[pairs].mean(axis=1), [" + ".join(words[pair]) for pair in pairs]),
        "4 analogy": (a - b + c, [f"{words[i]} − {words[j]} + {words[k]}" for i, j, k in triples]),
        "5 rare": (vectors[rare], words[rare]),
    }
    np.save(folder / "base.npy", vectors[base])
    np.save(folder / "queries.npy", np.vstack([vectors for vectors, _ in rungs.values()]))
    pl.DataFrame(
        {
            "ladder": np.repeat(list(rungs), _RUNG_QUERIES),
            "words": np.concatenate([np.asarray(names) for _, names in rungs.values()]),
        }
    ).write_parquet(folder / "queries.parquet")
    pl.DataFrame({"word": words[base], "rank": base}).write_parquet(folder / "items.parquet")
