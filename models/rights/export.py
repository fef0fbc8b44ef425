"""Collect everything that is known about one person, table by table.

Whose the rows of a table are, and what is left out, is in models.rights.export_rules.
"""

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    LargeBinary,
    Row,
    Table,
    case,
    cast,
    false,
    func,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent
from models.core.base import Base
from models.core.encryption import CannotOpen, Encrypted, keyring
from models.goods.exchange import GoodsRequest
from models.goods.matches.issues import MatchIssue
from models.goods.matches.match import MATCH, Match
from models.goods.matches.thanks import GoodsThanks
from models.goods.points.collection_card import CollectionCard
from models.people.conversation import SESSION, Conversation
from models.people.photo import Photo
from models.people.user import NUMBER_TRIED, User
from models.rights.export_rules import LEFT_OUT, OF_CONVERSATION, OF_HOUSEHOLD, OF_USER, PARTS, exported_columns
from models.rights.identity import PLACES
from models.rights.number_claim import SUBJECT as NUMBER_CLAIM
from models.staff.member import Staff
from models.subjects import SUBJECTS
from models.verification.case import Verification


@dataclass(frozen=True, slots=True)
class Person:
    """Who the export is of: a conversation, and what is registered under it. ``hashes``: of the ID number, if the
    registry once knew the person by number and name."""

    conversation_id: int
    account: str
    openid: str
    user_id: int | None
    household_id: int | None
    hashes: tuple[str, ...]


# Sealed, but not declared as such: the column -> its purpose.
_SEALED = {"broken_sessions.session": SESSION.purpose}
_SESSIONS = ("conversations.session", "broken_sessions.session")
_JSON = ("notifications.facts", "visits.assessment", "visits.place")
_ID_NUMBERS = (
    *("users.id_number", "staff.id_number", "registry_entries.id_number", "number_claims.id_number"),
    "family_members.id_number",
)
# A value that no key opens any more.
UNREADABLE = {"unreadable": True}
# Conversations of staff at work: their drafts are about others (tests/rights/test_export.py knows the rest).
OFFICE_FLOWS = frozenset(
    (
        *("proxy_register", "proxy_mandate", "proxy_card", "erase_on_paper", "visit", "issue_receipt"),
        *("pay_out", "payout_return"),
        *("open_campaign", "open_point", "change_point", "receive_parcel", "hand_out_goods"),
        *("open_pool", "fund_pool", "close_pool", "return_pool", "refund_by_hand", "settle_suspense"),
        *("suspense_by_hand", "enter_settlement", "top_up", "cover_fees", "reverse_entry", "emergency_call"),
        *("invite_staff", "handover", "declare_conflict"),
        # Its drafts name another person, in whose name an officer may write it down.
        "add_family_member",
    )
)


def find_person(db: Session, conversation_id: int) -> Person:
    """Find who the export of a conversation is of."""
    conversation = db.get_one(Conversation, conversation_id)
    user = db.get(User, conversation.user_id) if conversation.user_id else None
    own = (conversation_id, conversation.account, conversation.openid)
    if user is None:
        return Person(*own, None, None, ())
    matched = user.id_number if _is_matched(db, user) else None
    hashes = keyring().lookup_hashes(matched, "id_number") if matched else ()
    return Person(*own, user.id, user.household_id, tuple(hashes))


def export_person(db: Session, person: Person, *, proved: bool = True) -> Generator[tuple[str, dict[str, Any]]]:
    """Yield each row about the person as (table, column -> JSON value), table by table, the oldest row first.

    One query a table, read a batch at a time. ``photos.path`` names the file, which the caller puts in its place.
    For whoever did not prove who they are, the copy has nothing that would prove it: of ID numbers the last places,
    and the pictures of identity cards, are left out.
    """
    for table in Base.metadata.sorted_tables:
        if table.name in LEFT_OUT:
            continue
        columns = exported_columns(table)
        rows = select(*(_raw(column) for column in columns), *_besides(table)).where(theirs(table, person))
        in_order = rows.order_by(*table.primary_key.columns)
        with db.execute(in_order, execution_options={"yield_per": 500}) as found:
            for row in found:
                values = _as_json(columns, row)
                yield table.name, values if proved else _without_proof(table, values)


def hide_places(id_number: str | None) -> str | None:
    """Replace the last places of an ID number, which prove a person, by stars."""
    return id_number and id_number[:-PLACES] + "*" * PLACES


def _without_proof(table: Table, values: dict[str, Any]) -> dict[str, Any]:
    numbers = {column.name for column in table.columns if str(column) in _ID_NUMBERS}
    hidden = {name: hide_places(values[name]) for name in numbers & values.keys() if isinstance(values[name], str)}
    if table is Photo.__table__ and values["subject"] == NUMBER_CLAIM:
        hidden["path"] = None
    return values | hidden


def theirs(table: Table, person: Person) -> ColumnElement[bool]:
    """Build the condition that a row of the table is about the person. Raises KeyError for a table without a rule."""
    if table.name in PARTS:
        name, of = PARTS[table.name]
        whole = Base.metadata.tables[of]
        return table.c[name].in_(select(whole.c.id).where(theirs(whole, person)))
    match table.name:
        case "matches":
            return or_(Match.donor_id == person.user_id, _for_household(Match.id, person))
        case "collection_cards":
            return _for_household(CollectionCard.match_id, person)
        case "match_issues":
            return _for_household(MatchIssue.match_id, person)
        case "goods_thanks":
            given = select(Match.id).where(Match.donor_id == person.user_id)
            told = GoodsThanks.match_id.in_(given) & (GoodsThanks.state == "published")
            return or_(told, _for_household(GoodsThanks.match_id, person))
        case "photos":
            return _photos(person)
        case "registry_entries":
            return table.c.id_hash.in_(person.hashes)
        case "staff":
            # By the WeChat alone: an ID number is what somebody typed.
            return (table.c.account == person.account) & (table.c.openid == person.openid)
    for columns, number in _rules(person):
        if table.name in columns:
            return table.c[columns[table.name]] == number if number is not None else false()
    raise KeyError(f"nobody said whose the rows of {table.name} are")


def _for_household(match: Any, person: Person) -> ColumnElement[bool]:
    """Build a condition on a match's id: it is for a request of the person's."""
    asked = select(Match.id).join(GoodsRequest, GoodsRequest.id == Match.request_id)
    own: ColumnElement[bool] = match.in_(asked.where(GoodsRequest.owner_id == person.user_id))
    return own


def _rules(person: Person) -> tuple[tuple[Mapping[str, str], int | None], ...]:
    return (
        (OF_CONVERSATION, person.conversation_id),
        (OF_USER, person.user_id),
        (OF_HOUSEHOLD, person.household_id),
    )


def _is_matched(db: Session, user: User) -> bool:
    """Tell whether the registry knew the person by number and name: a number alone may be somebody else's."""
    found = (Verification.user_id == user.id) & (Verification.registry_result == "match")
    return db.scalar(select(Verification.id).where(found).limit(1)) is not None


def _photos(person: Person) -> ColumnElement[bool]:
    """The photos of the person's drafts and of all that is theirs."""
    drafts = (Photo.subject == "draft") & (Photo.subject_id == person.conversation_id)
    own = [select(Photo.id).where(drafts)]
    for subject in SUBJECTS.values():
        if subject.photos:
            # The goods as they were handed out are shown to the household, not to the donor.
            of = _for_household(Match.id, person) if subject is MATCH else theirs(subject.table.__table__, person)
            rows = select(subject.table.id).where(of)
            own.append(select(Photo.id).where(Photo.subject.in_(subject.photos), Photo.subject_id.in_(rows)))
    # Not with OR, for which the planner would read the photos of the whole country.
    return Photo.id.in_(union_all(*own)) & (Photo.state != "gone")


def _besides(table: Table) -> list[ColumnElement[Any]]:
    """Add the work number of the officer who looked, as the person may ask it in the chat (谁看过我)."""
    if table is not AuditEvent.__table__:
        return []
    number = cast(func.substr(AuditEvent.actor, len("staff:") + 1), BigInteger)
    reader = Staff.id == case((AuditEvent.actor.startswith("staff:"), number))
    return [select(Staff.work_no).where(reader).scalar_subquery().label("reader")]


def _raw(column: Column[Any]) -> ColumnElement[Any]:
    """Read what is sealed as it is stored: one value that no key opens must not keep all the others back.

    Of a try to register with the person's ID number, the subject is whoever tried.
    """
    if str(column) == "audit_events.subject_id":
        return case((AuditEvent.action != NUMBER_TRIED, column)).label(column.name)
    sealed = isinstance(column.type, Encrypted)
    return type_coerce(column, LargeBinary).label(column.name) if sealed else column


def _as_json(columns: list[Column[Any]], row: Row[Any]) -> dict[str, Any]:
    values = {column.name: _value(column, value) for column, value in zip(columns, row, strict=False)}
    return values | {name: row._mapping[name] for name in row._fields[len(columns) :]}


def _value(column: Column[Any], value: Any) -> Any:
    """Write a value as JSON has it: times in UTC with their zone, days as ISO text, what was sealed in the clear."""
    name = str(column)
    purpose = column.type.purpose if isinstance(column.type, Encrypted) else _SEALED.get(name)
    if purpose and value is not None:
        try:
            value = keyring().open(bytes(value), purpose)
            return _session(value) if name in _SESSIONS else json.loads(value) if name in _JSON else value
        except (CannotOpen, ValueError):
            return UNREADABLE
    return value.isoformat() if isinstance(value, datetime | date) else value


def _session(text: str) -> dict[str, Any]:
    """Take out of a session what the person wrote: drafts of their own, and photos that no question asked for.

    The rest is what stood on the screen. Raises ValueError.
    """
    if not text:
        return {}
    session = json.loads(text)
    drafts = [draft for draft in session.get("drafts", ()) if not _is_of_office(draft)]
    return {"drafts": drafts, "photos": session.get("loose", [])}


def _is_of_office(draft: dict[str, Any]) -> bool:
    return draft.get("flow") in OFFICE_FLOWS or "for" in draft.get("given", {})
