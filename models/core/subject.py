"""What a task, a decision, a picture or an audit event may be about: each kind of thing, declared beside its table."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement

from models.core.state_machine import Machine


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One kind of thing, by the ``name`` that whatever is about it gives it.

    ``machine`` moves it, from one of the states it ``begins`` in. ``owner`` (a user), ``place`` (a region's code) and
    ``household`` are expressions over a row of ``table``; a part has those of its ``whole``, numbered ``whole_id``.

    ``photos``: the subjects of the photos that show it; ``shown``: of which parts they are shown with the whole's.
    """

    name: str
    table: Any
    machine: Machine | None = None
    begins: Collection[str] = ()
    owner: ColumnElement[int] | Any = None
    place: ColumnElement[str] | Any = None
    household: ColumnElement[int] | Any = None
    whole: "Subject | None" = None
    whole_id: ColumnElement[int] | Any = None
    photos: tuple[str, ...] = ()
    shown: ColumnElement[bool] | None = None
