"""代办: what officers do for people without a phone; and what those people say to it when they have one."""

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.proxy.common import acting, officer
from flows.proxy.read_back import next_question, told
from handlers.routing.answers import more, with_ways
from handlers.routing.talk import Talk
from models.people.user import User, get_resident, get_user
from models.proxy import card as cards
from models.proxy.act import acts_of, confirm_act, deny_act, read_back, unanswered
from models.proxy.card import find_card, live_card
from models.proxy.consent_code import make_code, void_codes
from models.proxy.mandate import live_mandates, revoke_all

PAGE = 5
MOST_PEOPLE = 6


def proxy(talk: Talk) -> Answer:
    """代办: the three things that can be done for somebody."""
    officer(talk.desk)
    ways = {
        "register": ["command", "proxy_register"],
        "appeal": ["command", "proxy_appeal"],
        "card": ["command", "proxy_card"],
    }
    return with_ways("replies/proxy/menu", {}, ways)


def appeal(talk: Talk) -> Answer:
    """For one of those whose consent lives, or for somebody new."""
    staff = officer(talk.desk)
    mandates = live_mandates(talk.desk.db, staff.id, "appeal", talk.world.now, MOST_PEOPLE)
    if not mandates:
        return talk.start("proxy_mandate")
    options, lines = [], []
    for number, each in enumerate(mandates, 1):
        options.append(Option(number, "", ["command", "proxy_write", str(each.id)]))
        lines.append((number, talk.desk.db.get_one(User, each.user_id).masked_name, each.expires_at))
    options.append(Option(len(lines) + 1, "", ["command", "proxy_mandate"]))
    return Answer([Say("replies/proxy/people", None, {"lines": lines, "new": len(lines) + 1})], options)


def write(talk: Talk, number: str) -> Answer:
    """The appeal itself, by a consent that lives. Raises NoMandate."""
    acting(talk.desk, int(number))
    return talk.start("start_appeal", {"mandate": int(number)})


def authorise(talk: Talk) -> Answer:
    """授权代办: a code to read to the officer, what it allows, and how to take it back."""
    word = talk.world.lexicon.words["authorise_proxy"][0]
    user = get_resident(talk.desk.db, talk.desk.person.user_id, then=word)
    code, until = make_code(talk.desk.db, user.id, talk.world.now)
    return with_ways("replies/proxy/consent_code", {"code": code, "until": until}, {"back": ["command", "take_back"]})


def take_back(talk: Talk) -> Answer:
    """The code is void, and every consent ends."""
    user = get_user(talk.desk.db, talk.desk.person.user_id)
    void_codes(talk.desk.db, user.id, talk.world.now)
    count = revoke_all(talk.desk.db, user.id, f"user:{user.id}", talk.world.now)
    return Answer([Say("replies/proxy/taken_back", None, {"count": count})])


def acts(talk: Talk, before: str = "") -> Answer:
    """代办记录: first what waits for a yes or a no, read back in full; then the list of everything."""
    word = talk.world.lexicon.words["proxy_acts"][0]
    user = get_user(talk.desk.db, talk.desk.person.user_id, then=word)
    waiting = None if before else next_question(talk.desk.db, user.id)
    return waiting or _list(talk, user, int(before) if before else None)


def confirm(talk: Talk, number: str) -> Answer:
    return _answered(talk, number, yes=True)


def deny(talk: Talk, number: str) -> Answer:
    return _answered(talk, number, yes=False)


def scanned(talk: Talk, code: str) -> Answer:
    """Somebody holds a printed card before their WeChat. Raises CardDead, WeChatTaken or WeChatOfStaff."""
    return talk.start("bind_card", {"card": find_card(talk.desk.db, code).id})


def void_card(talk: Talk) -> Answer:
    """Its owner does not want the card that an officer printed."""
    user = get_user(talk.desk.db, talk.desk.person.user_id)
    found = live_card(talk.desk.db, user.id)
    if found:
        cards.void_card(talk.desk.db, found, f"user:{user.id}", "by_owner", talk.world.now)
    return Answer([Say("replies/proxy/card_voided")])


def _answered(talk: Talk, number: str, *, yes: bool) -> Answer:
    """Only of what was done in the name of whoever talks. The next one follows at once."""
    user = get_user(talk.desk.db, talk.desk.person.user_id)
    act = (confirm_act if yes else deny_act)(talk.desk.db, user.id, int(number), talk.world.now)
    values = {"yes": yes, "act": told(read_back(talk.desk.db, act)), "left": len(unanswered(talk.desk.db, user.id))}
    after = next_question(talk.desk.db, user.id)
    says = [Say("replies/proxy/answered", None, values), *(after.says if after else [])]
    return Answer(says, after.options if after else [])


def _list(talk: Talk, user: User, before: int | None) -> Answer:
    found = acts_of(talk.desk.db, user.id, before, PAGE + 1)
    lines = [(act, told(read_back(talk.desk.db, act))) for act in found[:PAGE]]
    options: list[Option] = []
    if len(found) > PAGE:
        options += more(talk, 1, "proxy_acts", str(found[PAGE - 1].id))
    printed = live_card(talk.desk.db, user.id)
    if printed:
        options.append(Option(2 if options else 1, "", ["command", "void_card"]))
    values = {
        "lines": [(act.at, act.confirmed_at is not None, act.denied_at is not None, facts) for act, facts in lines],
        "more": 1 if len(found) > PAGE else None,
        "card": options[-1].number if printed else None,
        "printed_at": printed.issued_at if printed else None,
    }
    return Answer([Say("replies/proxy/acts", None, values)], options)
