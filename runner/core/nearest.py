"""Which of the words that exist was meant by one that does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable


def nearest(
    word: str, names: Iterable[str], *, most: int = 3, likeness: float = 0.5, fold: Callable[[str], str] = str
) -> list[str]:
    """At most `most` of the names that are spelled like `word`, the best first; empty where none is.

    `likeness` is from 0, anything, to 1, the same. Words are compared as `fold` makes them; of names that are the same
    then, the last counts.
    """
    from difflib import get_close_matches

    folded = {fold(name): name for name in names}
    return [folded[text] for text in get_close_matches(fold(word), list(folded), n=most, cutoff=likeness)]
