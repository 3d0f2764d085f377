"""Third-party text, made fit for a terminal: names of recipes, segments, files, errors."""

from __future__ import annotations

import functools
import re


@functools.cache
def _controls() -> re.Pattern[str]:
    """The characters; made when they are first looked for, which `vbench --help` does not."""
    return re.compile(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # they move the cursor, ring, or begin a command
        "\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"  # they turn the line around
        "\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f]"  # no characters; unseen ones
    )


def plain(text: object) -> str:
    r"""Write what controls a terminal as an escape that is seen: ``\x1b``.

    Line breaks and tabs stay.

    Examples
    --------
    >>> print(plain("hnsw\x1b[31m"))
    hnsw\x1b[31m
    """
    return _controls().sub(lambda match: match[0].encode("unicode_escape").decode(), str(text))


def plain_json(text: str) -> str:
    """Escape in JSON what :func:`plain` would, in JSON's own way: the values stay the same."""
    return _controls().sub(lambda match: json_escape(match[0]), text)


def in_figure(name: object) -> str:
    """A name in one line for matplotlib: a dollar begins no formula there."""
    text = " ".join(plain(name).split()).replace("$", r"\$")
    # What begins with an underscore is left out of a legend.
    return f" {text}" if text.startswith("_") else text


def json_escape(character: str) -> str:
    r"""One character as JSON writes those it has no letter for: ``\u009b``."""
    units = character.encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
