"""Check states against the audit trail: every move is permitted, and each row is in the state of its last move."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, select

from models.books.filled import filled
from models.books.violation import Violation
from models.core.audit_trail import AuditEvent
from models.core.database import stream
from models.core.state_machine import Machine
from models.core.subject import Subject
from models.subjects import SUBJECTS


def check_states(connection: Connection, _now: datetime) -> Iterator[Violation]:
    moving = {name: subject for name, subject in SUBJECTS.items() if subject.machine}
    there = filled(connection, (subject.table for subject in moving.values()))
    moved = set(connection.scalars(select(AuditEvent.subject).where(AuditEvent.to_state.is_not(None)).distinct()))
    for name, subject in moving.items():
        if subject.machine and (name in moved or subject.table.__tablename__ in there):
            yield from _check(connection, subject, subject.machine)


def _check(connection: Connection, kept: Subject, machine: Machine) -> Iterator[Violation]:
    """Read the rows of a table and their audit trails side by side, both in the order of ids."""
    things = stream(connection, select(kept.table.id, kept.table.state).order_by(kept.table.id))
    thing = next(things, None)
    for number, moves in _trails(connection, kept.name):
        while thing and thing.id < number:
            yield from _never_moved(kept, thing)
            thing = next(things, None)
        last = None
        for move in moves:
            yield from _check_move(kept, machine, move, last)
            last = move
        if thing is None or thing.id != number:
            yield Violation("no_such_thing", kept.name, number, "has a trail, but is not there")
            continue
        if last and last.to_state != thing.state:
            yield _differs(kept, thing, f"its last move (link {last.id}) led to {last.to_state}")
        thing = next(things, None)
    while thing:
        yield from _never_moved(kept, thing)
        thing = next(things, None)


def _trails(connection: Connection, subject: str) -> Iterator[tuple[int, Iterator[Row[Any]]]]:
    event = AuditEvent
    moves = (
        select(event.id, event.subject_id, event.from_state, event.to_state)
        .where(event.subject == subject, event.to_state.is_not(None))
        .order_by(event.subject_id, event.id)
    )
    return groupby(stream(connection, moves), key=lambda move: move.subject_id)


def _check_move(kept: Subject, machine: Machine, move: Row[Any], last: Row[Any] | None) -> Iterator[Violation]:
    subject, number = kept.name, move.subject_id
    if (move.from_state, move.to_state) not in machine.moves:
        words = f"went from {move.from_state} to {move.to_state} (link {move.id}), which is no move"
        yield Violation("no_such_move", subject, number, words)
    begins = (last.to_state,) if last else kept.begins
    if move.from_state not in begins:
        words = f"moved from {move.from_state} (link {move.id}), but stood in {' or '.join(sorted(begins))}"
        yield Violation("trail_gap", subject, number, words)


def _never_moved(kept: Subject, thing: Row[Any]) -> Iterator[Violation]:
    if thing.state not in kept.begins:
        yield _differs(kept, thing, "nothing moved it there")


def _differs(kept: Subject, thing: Row[Any], why: str) -> Violation:
    return Violation("state_differs", kept.name, thing.id, f"stands in {thing.state}, but {why}")
