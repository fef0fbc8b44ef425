"""Show the numbered menu, help, and the answer to a message that was not understood."""

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from handlers.routing.screen import PERSON, stand
from handlers.routing.talk import Talk
from handlers.staff.seat import find_seat
from models.staff.member import find_role


def _menu_for(talk: Talk) -> str:
    """Choose the person's menu, a choice set of config/choices.toml; staff get that of their role."""
    person = talk.turn.person
    role = find_role(talk.turn.db, person.account, person.openid, person.user_id, talk.world.now)
    return f"menu_{role or 'new'}"


def show(talk: Talk) -> Answer:
    """Show the main commands, numbered."""
    return _listed(_lines(talk), "replies/routing/menu", "menu")


def help_(talk: Talk) -> Answer:
    """Explain how to talk to this account; staff see those of their commands too that no numbered line names."""
    lines = _lines(talk)
    answer = _listed(lines, "replies/routing/help", "help")
    staff = find_seat(talk)
    if staff:
        listed = {line.do[1] for line in lines}
        theirs = [name for name in talk.commands.said_by(staff.role) if name not in listed]
        answer.says.append(Say("replies/routing/staff_help", None, {"theirs": theirs}))
    return answer


def not_understood(talk: Talk) -> Answer:
    """Show the menu; where something else stands on the screen, repeat that, with the way to the menu."""
    lines = _lines(talk)
    shown = [(option.number, option.do) for option in talk.session.choices]
    if shown and shown != [(line.number, line.do) for line in lines]:
        said = Say("replies/routing/not_understood_here")
        return stand(talk, [said], ["what_can_you_do", PERSON], "not_understood")
    return _listed(lines, "replies/routing/not_understood", "not_understood")


def welcome(talk: Talk) -> Answer:
    return _listed(_lines(talk), "replies/routing/welcome", "welcome")


def privacy(talk: Talk) -> Answer:
    return Answer([Say("replies/routing/privacy")])


def _lines(talk: Talk) -> list[Option]:
    """Turn the person's menu, whose keys are command names, into numbered lines."""
    lines = talk.world.lexicon.options(_menu_for(talk))
    return [Option(number, label, ["command", name]) for number, (name, label) in enumerate(lines, 1)]


def _listed(lines: list[Option], template: str, outcome: str) -> Answer:
    shown = [(line.number, line.label) for line in lines]
    return Answer([Say(template, None, {"options": shown})], lines, outcome)
