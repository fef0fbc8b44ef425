"""Ask a command for the two members of staff who answer for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from sqlalchemy.orm import Session

from models.staff.directory import find_member
from models.staff.member import Staff
from models.staff.signers import CannotSign, Signers

_WHY = {
    "same": "is the same person in another seat: two people have to answer for it",
    "not_serving": "is not at work",
    "place": "has no seat of the place where the person lives, or none that may do this",
    "conflict": "is of the person's household or declared a tie to it",
}


def _demand_two(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    if len(given) != 2:
        raise click.BadParameter("give it twice, as two of the staff answer for it")
    return given


def signed(command: Any) -> Any:
    """Add the option ``--by``, which is given twice, as ``signers``."""
    told = "Who answers for it; twice."
    return click.option("--by", "signers", multiple=True, metavar="WORK_NO", help=told, callback=_demand_two)(command)


def find_signers(db: Session, work_nos: tuple[str, ...]) -> Signers:
    """Raises ClickException."""
    first, second = (_member(db, work_no) for work_no in work_nos)
    return first, second


@contextmanager
def telling_who_cannot() -> Iterator[None]:
    """Turn CannotSign into the words of the command line. Raises ClickException."""
    try:
        yield
    except CannotSign as refused:
        raise click.ClickException(f"{refused.work_no} {_WHY[refused.why]}; nothing was changed") from None


def _member(db: Session, work_no: str) -> Staff:
    staff = find_member(db, work_no)
    if staff is None:
        raise click.ClickException(f"nobody has the work number {work_no}")
    return staff
