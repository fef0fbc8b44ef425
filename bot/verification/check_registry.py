"""Ask the registry about a case between two short transactions, so that none is open while it answers."""

from datetime import datetime

import structlog
from sqlalchemy import Engine, LargeBinary, select, type_coerce
from sqlalchemy.orm import Session

from bot.registry import Registry
from bot.work.clock import Clock, true_now
from models.core.encryption import CannotOpen, keyring, purpose_of
from models.people.user import User
from models.verification.case import Verification
from models.verification.lifecycle import registry_answered, registry_is_due
from models.verification.registry import UNAVAILABLE, Finding

log = structlog.get_logger()


def check_registry(database: Engine, registry: Registry, verification_id: int, clock: Clock = true_now) -> None:
    """Ask the registry about a case's resident and store the answer.

    May run twice, even at once: whether the case still waits is checked before asking and again with the answer.
    """
    person = _who(database, verification_id, clock())
    if person is None:
        return
    finding = _ask(registry, verification_id, *person)
    with Session(database) as db, db.begin():
        registry_answered(db, verification_id, finding, clock())
    log.info("registry.asked", verification=verification_id, result=finding.result)


def _who(database: Engine, verification_id: int, now: datetime) -> tuple[bytes | None, bytes | None] | None:
    """Read the sealed ID number and name of the case's resident. None: the registry is not to be asked now."""
    sealed = (type_coerce(User.id_number, LargeBinary), type_coerce(User.name, LargeBinary))
    of_case = select(*sealed).join(Verification, Verification.user_id == User.id)
    with database.begin() as connection:
        row = connection.execute(of_case.where(Verification.id == verification_id, registry_is_due(now))).one_or_none()
    return None if row is None else (row[0], row[1])


def _ask(registry: Registry, verification_id: int, id_number: bytes | None, name: bytes | None) -> Finding:
    try:
        if id_number is None or name is None:
            raise CannotOpen
        number = keyring().open(bytes(id_number), purpose_of(User.id_number))
        typed = keyring().open(bytes(name), purpose_of(User.name))
    except CannotOpen:
        # Logged for an operator. The case is asked again later, and does not hold up the others.
        log.error("registry.person_unreadable", verification=verification_id)
        return UNAVAILABLE
    return registry.look_up(number, typed)
