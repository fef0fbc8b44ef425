"""我的单位: a person sees the organisations for which they speak or ask to speak, and asks in their name."""

from flows.engine.flow import Answer, Say
from handlers.routing.answers import labels, with_ways
from handlers.routing.talk import Talk
from models.core.state_machine import Actor
from models.organisations.application import withdraw as withdraw_application
from models.organisations.organisation import NoSuchOrganisation, get_organisation
from models.organisations.own import own_organisations
from models.people.user import get_resident


def show(talk: Talk) -> Answer:
    """Raises NotRegistered or ResidentsOnly."""
    word = talk.world.lexicon.words["my_organisations"][0]
    user = get_resident(talk.turn.db, talk.turn.person.user_id, then=word)
    found = own_organisations(talk.turn.db, user.id)
    ways = {}
    for one in found:
        if one.stands == "speaks":
            ways[f"ask:{one.name}"] = ["command", "ask_in_its_name", str(one.number)]
        elif one.stands == "ended":
            ways[f"succeed:{one.name}"] = ["command", "succeed", str(one.number)]
        elif one.stands == "new":
            ways[f"withdraw:{one.name}"] = ["command", "withdraw_organisation", str(one.number)]
    ways["register"] = ["command", "register_organisation"]
    values = {"lines": found, "labels": labels(talk.world.lexicon, "organisation_kind")}
    return with_ways("replies/organisations/mine", values, ways)


def succeed(talk: Talk, number: str) -> Answer:
    """Begin to ask to speak for it. Only a numbered line leads here."""
    return talk.start("succeed", {"organisation": int(number)})


def ask(talk: Talk, number: str) -> Answer:
    """Begin its crowdfunding. Only a numbered line leads here."""
    return talk.start("start_appeal", {"kind": "crowdfund", "organisation": int(number)}, kind="crowdfund")


def withdraw(talk: Talk, number: str) -> Answer:
    """Withdraw one's own application. Only a numbered line leads here. Raises NoSuchOrganisation or WrongState."""
    db, user_id = talk.turn.db, talk.turn.person.user_id
    organisation = get_organisation(db, int(number), lock=True)
    if organisation.applied_by != user_id:
        raise NoSuchOrganisation(number=organisation.id)
    withdraw_application(db, organisation.id, Actor.owner(user_id), talk.world.now)
    return Answer([Say("replies/organisations/withdrawn", None, {"name": organisation.name})])
