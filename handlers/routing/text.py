"""Handle a typed text, as the first of these that fits: a tapped line of a push, words of danger, a control word, a
choice of the newest push or on the screen, a word on the person's ticket, a command, an accusation, an answer to the
question, a message of the ticket, a sentence whose meaning is known (handlers.routing.intents), help. Numbers to call
are added to a story that speaks of danger.
"""

from flows.engine.draft_choices import ask_to_drop, ask_to_restart
from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.language.numerals import ordinal
from handlers.giving.pledge import is_gift, said_amount
from handlers.goods import plain_answers
from handlers.notifications import opt_out, push_replies, unread
from handlers.routing import intents, menu
from handlers.routing.command import Takes
from handlers.routing.dispatch import aside, finish, may_run, run_command
from handlers.routing.media import discard_pictures_of
from handlers.routing.screen import PERSON, stand
from handlers.routing.talk import Talk
from handlers.speech.question import ask_about_voice
from handlers.support import call, danger, report

# Names of the control words in config/keywords.toml. Only exact matches count.
CONTROLS = ("cancel", "back", "mistake", "help", "restart", "resume", "menu", "human", "news", "voice", "opt_out")


def handle(talk: Talk) -> Answer:
    text = talk.message.text
    tapped = push_replies.tapped(talk)
    if tapped:
        return choose(talk, tapped)
    in_danger = danger.find(talk)
    if in_danger and danger.goes_first(talk, in_danger):
        return danger.answer(talk, in_danger)
    answer = _read(talk, text)
    return danger.add_numbers(talk, in_danger, answer) if in_danger else answer


def _read(talk: Talk, text: str) -> Answer:
    for name in CONTROLS:
        if talk.world.lexicon.means(name, text):
            return _control(talk, name)
    return (
        _offered(talk)
        or _on_screen(talk, text)
        or _on_ticket(talk)
        or plain_answers.answer(talk)
        or _command(talk, text)
        or _accusation(talk)
        or _to_draft(talk)
        or _to_ticket(talk, text)
        or _not_understood(talk, text)
    )


def _control(talk: Talk, name: str) -> Answer:
    session, engine, world = talk.session, talk.engine, talk.world
    draft = session.draft
    match name:
        case "news":
            return unread.show(talk)
        case "voice":
            return ask_about_voice(talk)
        case "human":
            return call.call(talk)
        case "menu":
            return aside(talk, menu.show)
        case "opt_out":
            return aside(talk, opt_out.topics)
        case "resume":
            return engine.resume(session, world)
    if draft is None and name == "mistake":
        return stand(talk, [Say("replies/routing/mistake")], ["mine", PERSON], "mistake")
    if draft is None:
        not_any_more = plain_answers.not_any_more(talk) if name == "cancel" else None
        return not_any_more or (menu.help_(talk) if name == "help" else menu.show(talk))
    match name:
        case "cancel":
            return ask_to_drop(draft)
        case "restart":
            return ask_to_restart(draft)
        case "back" | "mistake":
            return engine.back(session, draft, world)
    return engine.help(session, draft, world)


def _offered(talk: Talk) -> Answer | None:
    """Choose by a number or label of a push that came after the last reply, even with an open question."""
    option = push_replies.typed(talk)
    return choose(talk, option) if option else None


def _on_screen(talk: Talk, text: str) -> Answer | None:
    """Choose by a number or label of the last reply or of the current question."""
    screen = talk.session.screen
    option = push_replies.pick(screen, text) if screen else None
    if option:
        return choose(talk, option)
    if talk.engine.shows_choice(talk.session, text, talk.world):
        return _to_draft(talk)
    return None


def choose(talk: Talk, option: Option) -> Answer:
    """Carry out a numbered line on the screen."""
    match option.do:
        case ["command", name, *arguments]:
            return run_command(talk, name, list(arguments))
        case ["offer", name, *arguments]:
            return aside(talk, lambda talk: run_command(talk, name, arguments))
        case ["answer", name, *arguments]:
            return run_command(talk, name, list(arguments))
        case ["offer_over"]:
            return aside(talk, lambda _: Answer([Say("replies/routing/push_expired")], outcome="offer_over"))
        case ["human"]:
            return call.call(talk)
        case ["say", words]:
            return _command(talk, words) or menu.show(talk)
        case ["drop" | "fresh", draft_id] if draft := talk.session.find(draft_id):
            discard_pictures_of(talk, draft)
    return talk.engine.carry_out(talk.session, option.do, talk.world)


def _on_ticket(talk: Talk) -> Answer | None:
    """Close or take up the person's ticket, where the text says so."""
    answer_it = call.meant(talk)
    return aside(talk, answer_it) if answer_it else None


def _command(talk: Talk, text: str) -> Answer | None:
    found = talk.commands.match(text)
    if found is None:
        return None
    command, arguments = found
    writing = talk.engine.takes_any_words(talk.session)
    if writing and command.takes is Takes.GIFT and arguments and not is_gift(talk, arguments[0]):
        return None
    if talk.session.draft and not may_run(talk, command):
        return None  # to this person it is no word at all, so the question takes it
    return aside(talk, lambda talk: run_command(talk, command.name, arguments))


def _to_draft(talk: Talk) -> Answer | None:
    draft = talk.session.draft
    if draft is None:
        return None
    free = talk.engine.takes_any_words(talk.session)
    answer = talk.engine.read_message(talk.session, draft, talk.message, talk.world)
    beside = intents.answer_beside(talk, talk.message.text) if answer.tries and not free else None
    if beside:
        draft.misses = answer.tries - 1  # a question of the person's own is no wrong answer
        return beside
    return finish(talk, answer)


def _accusation(talk: Talk) -> Answer | None:
    """Begin a report where the text is an accusation; within a story the words belong to the story."""
    found = None if talk.engine.takes_any_words(talk.session) else report.accused(talk)
    return run_command(talk, "report", found) if found else None


def _to_ticket(talk: Talk, text: str) -> Answer | None:
    """Send what nothing else takes to the person's ticket; a 0 still means the menu.

    What it clearly asks for is offered beside: the officers read it, and nobody has to wait for them. Thanks for an
    answer are answered here, and do not put the ticket before the officers once more.
    """
    if ordinal(text) == 0 or (call.is_answered(talk) and intents.is_small_talk(talk, text)):
        return None
    kept = call.add(talk)
    return intents.offer_beside(talk, kept, text) if kept and not call.is_urgent(talk) else kept


def _not_understood(talk: Talk, text: str) -> Answer:
    if ordinal(text) == 0:
        return menu.show(talk)
    if ordinal(text) is not None:
        return stand(talk, [Say("replies/routing/stale")], [], "stale")
    return said_amount(talk, text) or intents.answer_sentence(talk, text)
