"""Describe the kinds of things that tasks, decisions, pictures and audit events may be about (their subjects)."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement

from models.core.state_machine import Machine


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One kind of thing, declared beside its table. ``name``: the word in the ``subject`` columns of other tables.

    ``machine`` changes its state, from one of the states in ``begins``. ``owner`` (a user), ``place`` (a region's
    code) and ``household`` are expressions over a row of ``table``. A kind that is part of another has a ``parent``,
    whose id is ``parent_id``, and takes these three from it.

    ``photos``: the subjects of the photos that show it. ``shown``: a condition on parts, whose photos are then shown
    with those of the parent.
    """

    name: str
    table: Any
    machine: Machine | None = None
    begins: Collection[str] = ()
    owner: ColumnElement[int] | Any = None
    place: ColumnElement[str] | Any = None
    household: ColumnElement[int] | Any = None
    parent: "Subject | None" = None
    parent_id: ColumnElement[int] | Any = None
    photos: tuple[str, ...] = ()
    shown: ColumnElement[bool] | None = None
