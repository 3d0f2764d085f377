"""Where the servers of a call's indexes are: at addresses that it gives, or yet to be started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vbench.errors import UnknownNameError, VbenchError
from vbench.indexes.recipe import Recipe
from vbench.indexes.registry import resolve
from vbench.indexes.service import check_reachable


def addresses(recipes: Sequence[Recipe], connect: Mapping[str, str]) -> dict[str, str]:
    """The address of each service that is reached, by its name.

    Parameters
    ----------
    connect
        By the name of an index or of its service; what a recipe says comes after it.

    Raises
    ------
    VbenchError
        A name is none of these, two addresses are given for one service, or one that cannot be
        started here has none.
    """
    services = {each.name: resolve(each.adapter).service for each in recipes}
    known = {name for name, kind in services.items() if kind is not None}
    known |= {kind.name for kind in services.values() if kind is not None}
    for name, url in connect.items():
        if name not in known:
            raise UnknownNameError(
                "index in connect", name, known, "only an index that is built in a service has one"
            )
        if not isinstance(url, str) or not url.strip():
            raise VbenchError(f"connect: {name} is given no address")
    found: dict[str, str] = {}
    for recipe in recipes:
        kind = services[recipe.name]
        names = [recipe.name, *([] if kind is None else [kind.name])]
        given = next((connect[name] for name in names if name in connect), recipe.connect)
        check_reachable(kind, given, recipe.name)
        if kind is None or given is None:
            continue
        if found.setdefault(kind.name, given) != given:
            raise VbenchError(
                f"two addresses are given for {kind.name}; one run has one server of it: make a "
                "run for each, and compare them"
            )
    return found
