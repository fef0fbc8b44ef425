"""A scanned card: the resident proves who they are, and their WeChat is bound to their registration."""

from typing import Any

from sqlalchemy import select

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.proxy.common import Figures
from flows.proxy.read_back import next_question
from flows.readers import Agree
from models.core.audit_trail import record
from models.proxy.card import LAST_PLACES, CardDead, WeChatOfStaff, WeChatTaken, bind_wechat, check_last_places
from models.staff.member import Staff


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Admit a WeChat that is neither registered nor of staff. ``given``: ``card``, the row id of a live card.

    Raises WeChatTaken or WeChatOfStaff.
    """
    if turn.person.user_id is not None:
        raise WeChatTaken
    person = (Staff.account == turn.person.account) & (Staff.openid == turn.person.openid)
    if turn.db.scalar(select(Staff.id).where(person, Staff.state != "revoked").limit(1)):
        raise WeChatOfStaff
    return given


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Check the last places as soon as they are answered; a wrong try counts even if the conversation is dropped."""
    said = draft.answers.get("last_places")
    if said is None or draft.given.get("right") == said:
        return
    draft.given.pop("right", None)
    check_last_places(turn.db, draft.given["card"], said, f"conversation:{turn.person.conversation_id}", turn.world.now)
    draft.given["right"] = said


def done(turn: TurnContext, draft: Draft) -> Answer:
    admit(turn, draft.given)
    if draft.given.get("right") != draft.answers["last_places"]:
        raise CardDead  # the review is reached only after a right answer
    now = turn.world.now
    user = bind_wechat(turn.db, draft.given["card"], turn.person.conversation_id, now)
    record(
        turn.db,
        at=now,
        actor=f"user:{user.id}",
        action="consented",
        subject="user",
        subject_id=user.id,
        detail="account",
    )
    question = next_question(turn.db, user.id)
    says = [Say("flows/proxy/bind_card/done", None, {"name": user.masked_name, "left": question is not None})]
    return Answer([*says, *(question.says if question else [])], question.options if question else [])


bind_card = Flow(
    "bind_card",
    room="proxy",
    steps=(
        Step("last_places", Figures(length=LAST_PLACES, x=True)),
        Step("consent", Agree()),
    ),
    done=done,
    admit=admit,
    check_answers=check_answers,
)
