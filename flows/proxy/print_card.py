"""代办: an officer prints a card for a resident whom an officer registered, or who lost their card or WeChat."""

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.proxy.common import answered_resident, for_officers, officer
from flows.readers import IdNumber
from models.proxy.act import find_resident
from models.proxy.card import issue_card


def check_answers(turn: TurnContext, draft: Draft) -> None:
    answered_resident(turn, draft)


def done(turn: TurnContext, draft: Draft) -> Answer:
    staff, now = officer(turn), turn.world.now
    user = find_resident(turn.db, staff, draft.answers["id_number"])
    card = issue_card(turn.db, user, staff, now)
    turn.jobs.append(("make_card_code", card.id))
    facts = {"name": user.masked_name, "link": turn.world.link("card", f"card:{card.id}")}
    return Answer([Say("flows/proxy/proxy_card/done", None, facts)])


proxy_card = Flow(
    "proxy_card",
    room="proxy",
    steps=(Step("id_number", IdNumber()),),
    done=done,
    admit=for_officers,
    check_answers=check_answers,
)
