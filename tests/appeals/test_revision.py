"""What is public changes by nobody's hand but that of staff who did not vouch for it, whatever its owner does.

Also what becomes of what an owner puts right, and of pictures that are shown no more.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.appeals.correction import CannotChange, NothingChanged
from models.appeals.revision import Revision, undecided_revision
from models.appeals.revision_review import ProposedRevision, approve, latest_proposal, propose, reject
from models.books import violations
from models.core.database import snapshot
from models.core.state_machine import WrongState
from models.people.photo import Photo
from models.public.catalogue import APPEALS
from models.public.views import PublicStory, find_story
from models.staff.member import Staff
from models.staff.task import find_task
from models.staff.turn import HasConflict, NotYourTurn, OutsideRegion
from tests.harness.erasing import erase_person
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.harness.tiers import examples
from tests.scenes.appeals import STORY, put_in, wanted


def publish(stage: Stage) -> int:
    """A published appeal with a picture; o-zhou vouched for it, o-qin did not."""
    stage.register("o-wang", "resident")
    number = stage.ask("o-wang")
    stage.appoint("o-zhou", "village")
    stage.say("o-zhou", f"通过 {number}")
    stage.appoint("o-qin", "village")
    return number


def staff(db: Database, name: str) -> Staff:
    return db.scalars(select(Staff).where(Staff.openid == f"o-{name}")).one()


def public(stage: Stage, number: int) -> tuple[PublicStory | None, object, set[str]]:
    """Everything of it that a stranger may see, and the pictures that stand with it."""
    with Database(stage.database) as db:
        shown = (Photo.subject == "appeal") & (Photo.subject_id == number) & (Photo.state != "gone")
        pictures = set(db.scalars(select(Photo.media_id).where(shown)))
        return find_story(db, number, None), APPEALS.find(db, number, None), pictures


def test_abuse_an_appeal_edited_after_approval(stage: Stage) -> None:
    """The owner does everything there is to do; the public sees what was passed until staff have read the new."""
    number = publish(stage)
    before = public(stage, number)
    for words in (f"改 {number}", "1", "给全家买新衣服和手机", "2", STORY, "完成", "确认"):
        stage.say("o-wang", words)
    assert public(stage, number) == before
    assert "买台缝纫机做衣服" in stage.say("o-stranger", f"看 {number}")
    assert "没找到" in stage.say("o-stranger", "看求助 手机")
    # Neither does who vouched for it, nor an officer of elsewhere, nor the charity, nor a typed 通过.
    stage.appoint("o-far", "village", "431124104000")
    stage.appoint("o-fund", "fund_holder", "430000000000")
    with Database(stage.database) as db:
        revision = db.scalars(select(Revision.id)).one()
        refused = (("zhou", HasConflict), ("far", OutsideRegion), ("fund", NotYourTurn))
        for name, why in refused:
            with pytest.raises(why):
                approve(db, staff(db, name), revision, stage.clock())
    assert "不用您办" in stage.say("o-qin", f"通过 {number}")
    assert public(stage, number) == before
    # What people gave to cannot be written at all.
    for change in ({"target_fen": 900_000}, {"deadline": stage.clock() + timedelta(days=99)}):
        with pytest.raises(IntegrityError), stage.database.begin() as connection:
            connection.execute(update(Appeal).values(**change))
    with Database(stage.database) as db, db.begin():
        approve(db, staff(db, "qin"), revision, stage.clock())
    story, _, pictures = public(stage, number)
    assert story is not None
    assert (story.title, story.story) == ("给全家买新衣服和手机", STORY)
    assert pictures == before[2]


def test_what_waits_is_for_one_who_did_not_vouch_and_the_books_are_right(stage: Stage) -> None:
    number = publish(stage)
    first = put_in(stage, number, wanted(1))
    second = put_in(stage, number, wanted(2, "修好羊棚过冬"))
    with Database(stage.database) as db:
        assert db.get_one(Revision, first).state == "withdrawn"
        assert find_task(db, "revision", first) is None
        task = find_task(db, "revision", second)
        assert task is not None
        assert task.assignee == staff(db, "qin").id
        with pytest.raises(NotYourTurn):
            approve(db, staff(db, "qin"), first, stage.clock())
    with snapshot(stage.settings.database_url) as connection:
        assert list(violations(connection, stage.clock())) == []


def test_a_revision_of_what_is_stopped_waits_and_of_what_is_over_cannot_be(stage: Stage) -> None:
    number = publish(stage)
    revision = put_in(stage, number, wanted(1))
    stage.appoint("o-county", "county", "431124000000")
    stage.say("o-county", f"冻结 {number} 1")
    person = stage.person("o-wang")
    with Database(stage.database) as db:
        with pytest.raises(WrongState):
            approve(db, staff(db, "qin"), revision, stage.clock())
        with pytest.raises(CannotChange):
            propose(db, db.get_one(Appeal, number), wanted(2), person, stage.clock())
    with Database(stage.database) as db, db.begin():
        reject(db, staff(db, "qin"), revision, ("not_true",), stage.clock())
    assert public(stage, number)[0].title == "买台缝纫机做衣服"  # type: ignore[union-attr]


def test_pictures_that_are_not_wanted_any_more_are_let_go(stage: Stage) -> None:
    number = publish(stage)
    with Database(stage.database) as db, db.begin():
        db.execute(update(Photo).values(state="kept", path="000/1.jpg"))
        old = db.scalars(select(Photo.id)).one()
    revision = put_in(stage, number, wanted(1, pictures=2))
    with Database(stage.database) as db, db.begin():
        _, dropped = approve(db, staff(db, "qin"), revision, stage.clock())
        assert dropped == [old]
    assert public(stage, number)[2] == {"new-1-0", "new-1-1"}
    refused = put_in(stage, number, wanted(2))
    with Database(stage.database) as db, db.begin():
        db.execute(update(Photo).where(Photo.media_id == "new-2-0").values(state="kept", path="000/2.jpg"))
        _, dropped = reject(db, staff(db, "qin"), refused, ("story_unclear",), stage.clock())
        assert len(dropped) == 1
    assert public(stage, number)[2] == {"new-1-0", "new-1-1"}


def test_who_is_erased_leaves_no_words_in_what_was_to_change(stage: Stage) -> None:
    number = publish(stage)
    revision, person = put_in(stage, number, wanted(1)), stage.person("o-wang")
    with Database(stage.database) as db, db.begin():
        db.execute(update(Photo).where(Photo.subject == "revision").values(state="kept", path="000/9.jpg"))
        assert erase_person(db, person, stage.clock())
    with Database(stage.database) as db:
        gone = db.get_one(Revision, revision)
        assert (gone.state, gone.story) == ("withdrawn", "")
        assert find_task(db, "revision", revision) is None
        assert {photo.state for photo in db.scalars(select(Photo))} == {"gone"}


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["propose", "same", "approve", "reject"]),
        st.sampled_from(["zhou", "qin", "far"]),
        st.integers(1, 9),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def walked(module_database: str) -> Iterator[tuple[Stage, int]]:
    url = module_database
    stage = Stage(url)
    number = publish(stage)
    stage.appoint("o-far", "village", "431124104000")
    yield stage, number
    stage.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(30))
@given(acts=ACTS)
def test_whatever_is_tried_the_public_sees_what_was_last_passed(
    walked: tuple[Stage, int], acts: list[tuple[str, str, int]]
) -> None:
    stage, number = walked
    with Database(stage.database) as db:
        appeal = db.get_one(Appeal, number)
        passed = (appeal.title, appeal.story)
        for serial, (act, who, title) in enumerate(acts):
            waiting = undecided_revision(db, number)
            seen = (waiting.title, waiting.story) if waiting else None
            try:
                with db.begin_nested():
                    if act == "propose":
                        what = ProposedRevision(
                            f"walk-{serial}", f"修羊棚第{title}样", STORY, latest_proposal(db, appeal).pictures
                        )
                        propose(db, appeal, what, 1, stage.clock())
                    elif act == "same":
                        propose(
                            db,
                            appeal,
                            ProposedRevision(f"walk-{serial}", appeal.title, appeal.story, []),
                            1,
                            stage.clock(),
                        )
                    elif waiting and act == "approve":
                        approve(db, staff(db, who), waiting.id, stage.clock())
                        passed = seen or passed
                        assert who == "qin"
                    elif waiting:
                        reject(db, staff(db, who), waiting.id, ("not_true",), stage.clock())
                        assert who == "qin"
            except (HasConflict, OutsideRegion, NothingChanged):
                pass
            shown = find_story(db, number, None)
            assert shown is not None
            assert (shown.title, shown.story) == passed
        db.rollback()


def test_the_same_draft_is_the_same_revision_and_nothing_new_is_none(stage: Stage) -> None:
    number = publish(stage)
    first = put_in(stage, number, wanted(1))
    assert put_in(stage, number, wanted(1)) == first
    with Database(stage.database) as db:
        appeal = db.get_one(Appeal, number)
        shown = [{"media_id": f"stage-{number}", "pic_url": f"http://127.0.0.1/s{number}.jpg"}]
        with pytest.raises(NothingChanged):
            propose(db, appeal, ProposedRevision("again", appeal.title, appeal.story, shown), 1, stage.clock())
        assert latest_proposal(db, appeal).title == "修羊棚"
        assert appeal.region_code == DAOXIAN_MEIHUA
