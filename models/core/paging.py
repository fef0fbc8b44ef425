"""Lists a page at a time: whoever reads asks for one more than a page, and so knows whether more is there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """``after``: what the next page begins after; None on the last one."""

    items: Sequence[Item]
    after: int | None


def page_of(found: Sequence[Item], most: int, number: Callable[[Item], int]) -> Page[Item]:
    """Cut what was found to a page of ``most``. ``number``: by which the next one is asked for."""
    items = found[:most]
    return Page(items, number(items[-1]) if len(found) > most else None)
