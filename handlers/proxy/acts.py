"""代办, 授权代办, 代办记录: officers start proxy acts; residents authorise, confirm, deny and revoke them."""

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.proxy.common import lock_mandate, officer
from flows.proxy.read_back import act_facts, next_question
from handlers.proxy.residents import ask_which_resident
from handlers.routing.answers import more, with_ways
from handlers.routing.talk import Talk
from models.people.user import User, get_resident, get_user
from models.proxy import card as cards
from models.proxy.act import acts_of, confirm_act, deny_act, read_back, unanswered_acts
from models.proxy.card import find_card, live_card
from models.proxy.consent_code import make_consent_code, void_consent_codes
from models.proxy.mandate import APPEAL, revoke_all_mandates

PAGE = 5


def show_menu(talk: Talk) -> Answer:
    """代办: offer what is done for residents, from their registration to who is of their family. Raises NotYours."""
    officer(talk.turn)
    ways = {
        "register": ["command", "proxy_register"],
        "appeal": ["command", "proxy_appeal"],
        "card": ["command", "proxy_card"],
        "erase": ["command", "erase_on_paper"],
        "goods": ["command", "proxy_goods"],
        "page": ["command", "proxy_pages"],
        "family": ["command", "proxy_family"],
    }
    return with_ways("replies/proxy/menu", {}, ways)


def choose_resident(talk: Talk) -> Answer:
    """Offer the residents with a live mandate for an appeal, or a new mandate. Raises NotYours."""
    return ask_which_resident(talk, APPEAL, "replies/proxy/people", "proxy_write", "proxy_mandate")


def write_appeal(talk: Talk, number: str) -> Answer:
    """Start the appeal of a live mandate. Raises NotYours or NoMandate."""
    lock_mandate(talk.turn, int(number))
    return talk.start("start_appeal", {"mandate": int(number)})


def authorise(talk: Talk) -> Answer:
    """授权代办: make a consent code for the resident to read to the officer, with a way to take it back."""
    word = talk.world.lexicon.words["authorise_proxy"][0]
    user = get_resident(talk.turn.db, talk.turn.person.user_id, then=word)
    code, until = make_consent_code(talk.turn.db, user.id, talk.world.now)
    return with_ways("replies/proxy/consent_code", {"code": code, "until": until}, {"back": ["command", "take_back"]})


def take_back(talk: Talk) -> Answer:
    """Void the consent code and revoke all mandates of the writer."""
    user = get_user(talk.turn.db, talk.turn.person.user_id)
    void_consent_codes(talk.turn.db, user.id, talk.world.now)
    count = revoke_all_mandates(talk.turn.db, user.id, f"user:{user.id}", talk.world.now)
    return Answer([Say("replies/proxy/taken_back", None, {"count": count})])


def acts(talk: Talk, before: str = "") -> Answer:
    """代办记录: read back the oldest unanswered act; when all are answered, list all acts."""
    word = talk.world.lexicon.words["proxy_acts"][0]
    user = get_user(talk.turn.db, talk.turn.person.user_id, then=word)
    waiting = None if before else next_question(talk.turn.db, user.id)
    return waiting or _list(talk, user, int(before) if before else None)


def confirm(talk: Talk, number: str) -> Answer:
    return _answered(talk, number, yes=True)


def deny(talk: Talk, number: str) -> Answer:
    return _answered(talk, number, yes=False)


def scanned(talk: Talk, code: str) -> Answer:
    """Start binding after a printed card was scanned. Raises CardDead, WeChatTaken or WeChatOfStaff."""
    return talk.start("bind_card", {"card": find_card(talk.turn.db, code).id})


def void_card(talk: Talk) -> Answer:
    """Void the writer's own live card, if there is one."""
    user = get_user(talk.turn.db, talk.turn.person.user_id)
    found = live_card(talk.turn.db, user.id)
    if found:
        cards.void_card(talk.turn.db, found, f"user:{user.id}", "by_owner", talk.world.now)
    return Answer([Say("replies/proxy/card_voided")])


def _answered(talk: Talk, number: str, *, yes: bool) -> Answer:
    """Confirm or deny one of the writer's own acts; the next unanswered one follows. Raises NoSuchAct."""
    user = get_user(talk.turn.db, talk.turn.person.user_id)
    act = (confirm_act if yes else deny_act)(talk.turn.db, user.id, int(number), talk.world.now)
    left = len(unanswered_acts(talk.turn.db, user.id))
    values = {"yes": yes, "act": act_facts(read_back(talk.turn.db, act)), "left": left}
    after = next_question(talk.turn.db, user.id)
    says = [Say("replies/proxy/answered", None, values), *(after.says if after else [])]
    return Answer(says, after.options if after else [])


def _list(talk: Talk, user: User, before: int | None) -> Answer:
    page = acts_of(talk.turn.db, user.id, before, PAGE)
    lines = [(act, act_facts(read_back(talk.turn.db, act))) for act in page.items]
    options = more(talk, 1, "proxy_acts", str(page.after)) if page.after else []
    printed = live_card(talk.turn.db, user.id)
    if printed:
        options.append(Option(2 if options else 1, "", ["command", "void_card"]))
    values = {
        "lines": [(act.at, act.confirmed_at is not None, act.denied_at is not None, facts) for act, facts in lines],
        "more": 1 if page.after else None,
        "card": options[-1].number if printed else None,
        "printed_at": printed.issued_at if printed else None,
    }
    return Answer([Say("replies/proxy/acts", None, values)], options)
