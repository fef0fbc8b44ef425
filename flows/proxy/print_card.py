"""代办: an officer prints a card for a resident whom an officer registered, or who lost their card or WeChat."""

from flows.engine.desk import Desk
from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.proxy.common import for_officers, officer, whose
from flows.readers import IdNumber
from models.proxy.act import find_for
from models.proxy.card import issue_card


def check_answers(desk: Desk, draft: Draft) -> None:
    whose(desk, draft)


def done(desk: Desk, draft: Draft) -> Answer:
    staff, now = officer(desk), desk.world.now
    user = find_for(desk.db, staff, draft.answers["id_number"], now)
    card = issue_card(desk.db, user, staff, now)
    desk.jobs.append(("make_card_code", card.id))
    facts = {"name": user.masked_name, "link": desk.world.link("card", f"card:{card.id}")}
    return Answer([Say("flows/proxy/proxy_card/done", None, facts)])


proxy_card = Flow(
    "proxy_card", room="proxy", steps=(Step("id_number", IdNumber()),), done=done, admit=for_officers, check_answers=check_answers
)
