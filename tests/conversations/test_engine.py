"""The engine alone: where a draft stands follows from its answers, whatever happens in between."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.words.lexicon import load_lexicon
from flows.engine.engine import Engine
from flows.engine.flow import Answer, Flow, Step
from flows.engine.position import cursor, live_answers
from flows.engine.session import Draft, Option, Screen, Session, SessionBroken, dumps, loads
from flows.engine.turn import TurnContext
from flows.engine.world import World
from flows.readers import Choice, Money, Photo, Text
from models.core.refusal import Refusal
from models.people.message import Message, MessageKind

LEXICON = load_lexicon()
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
WORLD = World(NOW, LEXICON, lambda _: [])


def done(turn: TurnContext, draft: Draft) -> Answer:
    raise NotImplementedError


def agreed(answers: Mapping[str, Any]) -> bool:
    return bool(answers.get("agree") == "yes")


FLOW = Flow(
    "register",
    room="people",
    steps=(
        Step("title", Text(min=2, max=10)),
        Step("agree", Choice("agree")),
        Step("reason", Text(max=20), when=agreed),
        Step("story", Text(min=3, max=60, many=True)),
        Step("target", Money(min=100)),
        Step("photos", Photo(max=3, min=1)),
    ),
    done=done,
)
ENGINE = Engine([FLOW])
PICTURE = {"media_id": "m", "pic_url": ""}
FULL = {"title": "修路", "agree": "no", "story": "很长的路", "target": 100, "photos": [PICTURE]}


def text(words: str) -> Message:
    return Message(MessageKind.TEXT, "gh", "o", 1, text=words)


def photo(number: int) -> Message:
    return Message(MessageKind.IMAGE, "gh", "o", 1, media_id=f"m{number}", pic_url="http://127.0.0.1/p")


def begun(**answers: Any) -> tuple[Session, Draft]:
    session = Session()
    ENGINE.start(session, FLOW, "d1", {}, {}, WORLD)
    draft = session.draft
    assert draft is not None
    draft.answers.update(answers)
    return session, draft


def hear(session: Session, words: str) -> Answer:
    draft = session.draft
    assert draft is not None
    return ENGINE.read_message(session, draft, text(words), WORLD)


def macros(answer: Answer) -> list[str]:
    """The hint to keep an old answer left out."""
    return [
        f"{say.template.removeprefix('flows/people/').removeprefix('flows/engine/')}:{say.macro}"
        for say in answer.says
        if say.macro != "keep_hint"
    ]


def test_the_next_question_is_the_first_without_an_answer() -> None:
    session, draft = begun()
    assert macros(hear(session, "修路")) == ["register/title:echo", "register/agree:ask"]
    hear(session, "不同意")
    step = cursor(FLOW, draft)
    assert step is not None
    assert step.name == "story"  # the reason is asked only of who agrees


def test_back_keeps_the_old_answer_until_a_new_one_is_read() -> None:
    session, draft = begun(title="修路")
    ENGINE.back(session, draft, WORLD)
    assert draft.answers == {"title": "修路"}
    hear(session, "长" * 40)
    assert draft.answers == {"title": "修路"}
    hear(session, "修桥")
    assert draft.answers == {"title": "修桥"}
    assert draft.editing is None


def test_an_answer_may_be_left_as_it_was() -> None:
    session, draft = begun(title="修路")
    ENGINE.back(session, draft, WORLD)
    assert macros(hear(session, "不改了")) == ["register/agree:ask"]
    assert (draft.answers, draft.editing) == ({"title": "修路"}, None)


def test_an_answer_that_is_good_no_more_cannot_be_left_as_it_was() -> None:
    session, draft = begun(**{**FULL, "target": 1})
    assert macros(hear(session, "确认")) == ["register/target:below_min", "register/target:ask"]
    assert hear(session, "不改").outcome == "not_money"
    assert draft.editing == "target"


def test_what_was_newly_told_is_not_thrown_away_by_leaving_it_as_it_was() -> None:
    session, draft = begun(**FULL)
    draft.editing = "story"
    said = macros(hear(session, "我们想修一条水泥路。"))
    assert said == ["register/story:more"]
    held = dict(draft.so_far)
    hear(session, "不改")
    assert held["story"][0] == draft.so_far["story"][0]
    assert draft.answers["story"] == FULL["story"]


def test_starting_over_goes_back_to_what_came_with_the_first_words() -> None:
    session = Session()
    ENGINE.start(session, FLOW, "d1", {}, {"agree": "no"}, WORLD)
    draft = session.draft
    assert draft is not None
    assert not draft.begun
    hear(session, "修路")
    assert draft.begun
    ENGINE.carry_out(session, ["fresh", "d1"], WORLD)
    assert draft.answers == {"agree": "no"}


def test_changing_an_answer_on_the_review_asks_what_it_brings_with_it() -> None:
    session, draft = begun(**FULL)
    assert macros(hear(session, "2")) == ["register/agree:ask"]
    assert macros(hear(session, "同意"))[-1] == "register/reason:ask"
    assert "reason" in {step.name for step in FLOW.steps if step.name not in live_answers(FLOW, draft)}


def test_only_the_word_confirms() -> None:
    session, _ = begun(**FULL)
    for words in ("好的", "是", "99", "ok"):
        assert hear(session, words).confirmed is None
    session, draft = begun(**FULL)
    assert hear(session, " 确认。").confirmed is draft


def test_the_third_wrong_answer_opens_four_ways_out() -> None:
    session, draft = begun(title="修路", agree="no", story="很长的路")
    assert [hear(session, "好多").outcome for _ in range(3)][-1] == "stuck"
    answer = hear(session, "好多")
    assert answer.outcome == "not_money"  # and the count begins anew
    assert draft.answers["title"] == "修路"


def test_a_draft_about_the_same_thing_is_offered_back() -> None:
    session, draft = begun(title="修路")
    answer = ENGINE.start(session, FLOW, "d2", {}, {}, WORLD)
    assert answer.outcome == "offered_earlier"
    ENGINE.carry_out(session, answer.options[0].do, WORLD)
    assert session.draft is draft


def test_too_many_drafts_are_refused_not_dropped() -> None:
    session = Session()
    for number in range(8):
        ENGINE.start(session, FLOW, f"d{number}", {"about": number}, {"title": "修路"}, WORLD)
    answer = ENGINE.start(session, FLOW, "d9", {"about": 9}, {}, WORLD)
    assert len(session.drafts) == 8
    assert len(answer.options) == 8


class Full(Refusal):
    code = "full"
    step = "title"


def test_a_refusal_at_the_end_reopens_the_step_to_blame() -> None:
    session, draft = begun(title="修路")
    answer = ENGINE.refused(session, draft, Full(), WORLD)
    assert macros(answer) == ["replies/refusals:full", "register/title:ask"]
    assert session.draft is draft


def test_what_was_refused_does_not_stay_to_be_kept() -> None:
    session, draft = begun(**FULL)
    ENGINE.refused(session, draft, Full(), WORLD)
    assert hear(session, "不改").outcome == "no_words"
    assert (draft.editing, "title" in draft.answers) == ("title", False)


def test_one_place_that_is_offered_is_taken_by_a_yes_and_stays_after_a_slip() -> None:
    session, draft = begun(**FULL)
    draft.editing, draft.offered = "title", [["苗寨的路", "苗寨的路"]]
    assert hear(session, "1 2 3").outcome == "no_words"
    assert draft.offered
    hear(session, "是")
    assert (draft.answers["title"], draft.offered) == ("苗寨的路", [])


# Versions: sessions saved by version 1 under a version 2 that differs.


def saved_by_version_1() -> str:
    answers = {"title": "修路", "agree": "no", "story": "很长的路", "target": 500, "photos": []}
    return dumps(Session(drafts=[Draft("d1", "register", 1, 0, int(NOW.timestamp()), answers=answers)], focus="d1"))


def under(flow: Flow) -> tuple[Engine, Session, Draft]:
    engine, session = Engine([flow]), loads(saved_by_version_1())
    engine.migrate_drafts(session)
    draft = session.draft
    assert draft is not None
    return engine, session, draft


def steps_with(*new: Step, without: str = "photos") -> tuple[Step, ...]:
    replaced = {step.name: step for step in new}
    kept = tuple(replaced.pop(step.name, step) for step in FLOW.steps if step.name not in without)
    return (*kept, *replaced.values())


def test_version_2_with_a_step_added_asks_for_it() -> None:
    engine, session, draft = under(replace(FLOW, version=2, steps=steps_with(Step("deadline", Text(max=9)))))
    assert macros(engine.resume(session, WORLD)) == ["register/deadline:ask"]
    answer = engine.read_message(session, draft, text("明年"), WORLD)
    assert answer.outcome == "reviewing"


def test_version_2_with_a_step_removed_passes_over_its_answer() -> None:
    engine, session, draft = under(replace(FLOW, version=2, steps=steps_with(without="photos story")))
    answer = engine.resume(session, WORLD)
    assert "register/review:head" in macros(answer)
    assert "register/story:echo" not in macros(answer)
    assert draft.answers["story"] == "很长的路"


def test_version_2_with_another_minimum_asks_anew_and_says_why() -> None:
    engine, session, draft = under(replace(FLOW, version=2, steps=steps_with(Step("target", Money(min=1000)))))
    assert macros(engine.resume(session, WORLD)) == ["register/target:below_min", "register/target:ask"]
    engine.read_message(session, draft, text("20元"), WORLD)
    assert draft.answers["target"] == 2000


def test_version_2_with_a_step_renamed_takes_its_answer_over() -> None:
    def rename(answers: dict[str, Any]) -> dict[str, Any]:
        answers["goal"] = answers.pop("target")
        return answers

    steps = steps_with(Step("goal", Money(min=100)), without="photos target")
    engine, session, draft = under(replace(FLOW, version=2, steps=steps, migrations={1: rename}))
    assert "register/review:head" in macros(engine.resume(session, WORLD))
    assert (draft.version, draft.answers["goal"]) == (2, 500)


def test_a_flow_that_is_gone_lets_its_draft_go() -> None:
    session = loads(saved_by_version_1())
    Engine([replace(FLOW, name="other")]).migrate_drafts(session)
    assert session == Session()


# Sessions as JSON.

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
answers_of = st.dictionaries(st.text(), json_values, max_size=4)
drafts = st.builds(
    Draft,
    id=st.text(),
    flow=st.text(),
    version=st.integers(),
    started=st.integers(),
    touched=st.integers(),
    answers=answers_of,
    so_far=answers_of,
    again=st.lists(st.text(), max_size=2),
    offered=st.lists(st.tuples(st.text(), json_values).map(list), max_size=3),
    editing=st.none() | st.text(),
    misses=st.integers(),
    given=answers_of,
)
options = st.builds(Option, number=st.integers(), label=st.text(), do=st.lists(st.text(), max_size=3))
screens = st.builds(Screen, options=st.lists(options, max_size=3), at=st.integers())


@given(
    st.builds(
        Session,
        drafts=st.lists(drafts, max_size=3),
        focus=st.none() | st.text(),
        screen=st.none() | screens,
        ticket=st.none() | st.integers(),
    )
)
def test_every_session_survives_its_json(session: Session) -> None:
    assert loads(dumps(session)) == session


@given(st.text())
def test_what_is_no_session_is_refused(junk: str) -> None:
    if junk:
        with pytest.raises(SessionBroken):
            loads(junk)


def test_fields_of_a_newer_release_are_passed_over() -> None:
    newer = dumps(begun(title="修路")[0]).replace('"misses":0', '"misses":0,"mood":"good"')
    assert loads(newer).drafts[0].answers == {"title": "修路"}


class Anybody(RuleBasedStateMachine):
    """Somebody who says anything at all. No answer is lost but by their word, and there is always a way on."""

    @initialize()
    def begin(self) -> None:
        self.session = Session()
        self.world = WORLD
        self.last: Answer = ENGINE.start(self.session, FLOW, "d1", {}, {}, self.world)
        self.kept: dict[str, Any] = {}

    @property
    def draft(self) -> Draft:
        return self.session.drafts[0]

    def focused(self) -> bool:
        return self.session.draft is not None

    @precondition(focused)
    @rule(
        words=st.sampled_from(
            [
                "修路",
                "修桥铺路",
                "1",
                "2",
                "0",
                "二",
                "第二个",
                "同意",
                "不同意",
                "不改",
                "三十万",
                "1块5",
                "-1",
                "确认",
                "完成",
            ]
        )
        | st.text(max_size=12)
    )
    def types(self, words: str) -> None:
        self.last = ENGINE.read_message(self.session, self.draft, text(words), self.world)

    @precondition(focused)
    @rule(number=st.integers(0, 5))
    def sends_a_photo(self, number: int) -> None:
        self.last = ENGINE.read_message(self.session, self.draft, photo(number), self.world)

    @precondition(focused)
    @rule(
        kind=st.sampled_from(
            [MessageKind.VOICE, MessageKind.LOCATION, MessageKind.VIDEO, MessageKind.LINK, MessageKind.UNKNOWN]
        )
    )
    def sends_something_else(self, kind: MessageKind) -> None:
        self.last = ENGINE.read_message(self.session, self.draft, Message(kind, "gh", "o", 1), self.world)

    @precondition(focused)
    @rule()
    def goes_back(self) -> None:
        self.last = ENGINE.back(self.session, self.draft, self.world)

    @precondition(focused)
    @rule()
    def asks_for_help(self) -> None:
        self.last = ENGINE.help(self.session, self.draft, self.world)

    @rule(hours=st.integers(1, 20))
    def lets_time_pass(self, hours: int) -> None:
        self.world = replace(self.world, now=self.world.now + timedelta(hours=hours))
        for draft in self.session.drafts:
            draft.touched = max(draft.touched, int(self.world.now.timestamp()) - 80_000)
        self.session.age(self.world.now)

    @rule()
    def parks_and_resumes(self) -> None:
        ENGINE.park(self.session)
        self.last = ENGINE.resume(self.session, self.world)
        assert self.focused()

    @rule()
    def is_answered_by_another_process(self) -> None:
        self.session = loads(dumps(self.session))

    @invariant()
    def no_answer_is_lost(self) -> None:
        assert set(self.kept) <= set(self.draft.answers)
        self.kept = dict(self.draft.answers)

    @invariant()
    def something_is_always_said(self) -> None:
        assert self.last.says

    def teardown(self) -> None:
        """Whatever state that was: who answers what is asked reaches the end."""
        good = {"title": "修路", "agree": "2", "reason": "因为", "story": "很长的一条路", "target": "三十万"}
        ENGINE.resume(self.session, self.world)
        for _ in range(20):
            step = cursor(FLOW, self.draft)
            if step is None:
                break
            if step.name == "photos":
                ENGINE.read_message(self.session, self.draft, photo(9), self.world)
                ENGINE.read_message(self.session, self.draft, text("完成"), self.world)
            else:
                ENGINE.read_message(self.session, self.draft, text(good[step.name]), self.world)
                if step.name == "story":
                    ENGINE.read_message(self.session, self.draft, text("完成"), self.world)
        answer = ENGINE.read_message(self.session, self.draft, text("确认"), self.world)
        assert answer.confirmed is self.draft


TestAnybody = Anybody.TestCase
