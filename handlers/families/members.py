"""家人: list who belongs to one's household, add somebody, and say who belongs to it no more."""

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from models.families.members import end_member, find_member, others_of
from models.people.family_member import ENDS, members_of
from models.people.user import User, get_resident


def show(talk: Talk) -> Answer:
    """Raises NotRegistered or ResidentsOnly."""
    return list_members(talk, _user(talk), ["family_member"], ["family_add"])


def add(talk: Talk) -> Answer:
    """Raises NotRegistered, ResidentsOnly or TooManyMembers."""
    return talk.start("add_family_member")


def ask_why(talk: Talk, number: str) -> Answer:
    """Ask why the member belongs to the household no more. Raises NoSuchMember."""
    return ask_end(talk, _user(talk), int(number), ["family_end", number], ["family"])


def end(talk: Talk, number: str, why: str) -> Answer:
    """Raises NoSuchMember."""
    user = _user(talk)
    name = find_member(talk.turn.db, user, int(number)).name
    end_member(talk.turn.db, user, int(number), why, talk.world.now)
    return ended(name, why, ["family"])


def list_members(talk: Talk, user: User, opens: list[str], adds: list[str], of: str = "") -> Answer:
    """List the household's members, with a line to add one. ``of``: whose household, where an officer reads it."""
    people = [other.masked_name for other in others_of(talk.turn.db, user)]
    lines = list(enumerate(members_of(talk.turn.db, user.household_id), 1))
    options = [Option(n, "", ["command", *opens, str(member.id)]) for n, member in lines]
    options.append(Option(len(lines) + 1, "", ["command", *adds]))
    leaves = len(options) + 1 if people and not of else None
    options += [Option(leaves, "", ["command", "leave_family"])] if leaves else []
    shown = [(n, {"name": member.name, "relation": member.relation}) for n, member in lines]
    values = {"lines": shown, "new": len(lines) + 1, "registered": people, "leaves": leaves, "of": of}
    return Answer([Say("replies/families/members", None, values)], options)


def ask_end(talk: Talk, user: User, number: int, ends: list[str], back: list[str]) -> Answer:
    """Ask by digits why the member belongs to the household no more. Raises NoSuchMember."""
    member = find_member(talk.turn.db, user, number)
    ways = {why: ["command", *ends, why] for why in ENDS} | {"stays": ["command", *back]}
    values = {"name": member.name, "relation": member.relation}
    return with_ways("replies/families/member", values, ways)


def ended(name: str | None, why: str, back: list[str]) -> Answer:
    return with_ways("replies/families/member_ended", {"name": name, "why": why}, {"list": ["command", *back]})


def _user(talk: Talk) -> User:
    return get_resident(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words["family"][0])
