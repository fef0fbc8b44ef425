"""Cut lists into pages: a query asks for one row more than a page, and so knows whether another page follows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list. ``after``: the cursor after which the next page begins; None on the last page."""

    items: Sequence[Item]
    after: int | None


def page_of(found: Sequence[Item], most: int, number: Callable[[Item], int]) -> Page[Item]:
    """Cut ``found`` to a page of ``most``. ``number``: returns an item's cursor for the next page."""
    items = found[:most]
    return Page(items, number(items[-1]) if len(found) > most else None)
