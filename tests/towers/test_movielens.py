"""MovieLens 100k: its three files as frames, divided by time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vbench.errors import DataError
from vbench.towers.interactions import prepare
from vbench.towers.movielens import FILMS, RATINGS, USERS, read_movielens
from vbench.towers.recipe import change_recipe, find_recipe


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Forty users with twelve ratings each, of thirty films, one a second."""
    rng = np.random.default_rng(0)
    rows = [(user, film) for user in range(40) for film in rng.permutation(30)[:12]]
    rng.shuffle(rows)
    texts = {
        RATINGS: ["user_id:token\titem_id:token\trating:float\ttimestamp:float"]
        + [f"{user}\t{film}\t{film % 5 + 1}\t{at}" for at, (user, film) in enumerate(rows)],
        USERS: ["user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token"]
        + [f"{user}\t{20 + user}\tF\twriter\t9421" for user in range(40)],
        FILMS: ["item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq"]
        + [f'{film}\tIt\'s "{film}"\t{"V" if film == 3 else 1990}\tDrama' for film in range(30)],
    }
    for name, lines in texts.items():
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    return {name: tmp_path / name for name in texts}


def test_the_last_ratings_are_held_out(files: dict[str, Path]) -> None:
    """By time; ratings and features are read, and what is no year is none."""
    ratings, users, films = read_movielens(files)
    recipe = change_recipe(find_recipe("movielens-100k", None), {"min_user": "2"})
    data = prepare(ratings, users, films, recipe, seed=0)
    assert data.split == "by time: the last 30% held out"
    assert len(data.test) == 144
    last = ratings.sort("timestamp").tail(144)
    users_of, items_of = data.users.to_list(), data.items.to_list()
    pairs = zip(data.test.user.tolist(), data.test.item.tolist(), strict=True)
    held = {(users_of[user - 1], items_of[item - 1]) for user, item in pairs}
    assert held == set(zip(last["user"], last["item"], strict=True))
    wanted = [int(items_of[item - 1]) % 5 + 1 for item in data.train.item.tolist()]
    np.testing.assert_array_equal(data.train.rating, wanted)
    assert films.filter(item="3").row(0)[1:3] == ('It\'s "3"', None)
    assert {field.name for field in data.item_fields} == {"title", "year", "genres"}


def test_other_files_are_refused(files: dict[str, Path]) -> None:
    """By the columns that they lack."""
    files[FILMS].write_text("id\tname\n1\tx\n")
    with pytest.raises(DataError, match=r"no column item_id.*no file of MovieLens 100k"):
        read_movielens(files)
