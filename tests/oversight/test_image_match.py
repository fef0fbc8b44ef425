"""Prints of pictures: the same for the same picture however it is written, and what is found by them."""

import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session as Database

from bot.photos.fingerprint import fingerprint_of
from models.appeals.appeal import Appeal
from models.appeals.flag import Flag
from models.oversight.image_match import MOST_MATCHES, NEAR, find_matches, flag_matches
from models.people.photo import FINGERPRINT_PARTS, Photo, fingerprint_columns, fingerprint_part
from models.people.user import User
from models.proxy.mandate import Mandate
from models.staff.member import Staff
from models.verification.case import Verification
from models.verification.visit import Visit
from tests.harness.drawn_pictures import FOUND, SIZE, jpeg, scene
from tests.harness.erasing import erase_person
from tests.harness.processes.worker_desk import Desk
from tests.harness.stage import Stage

PRINTS = st.integers(0, 2**64 - 1)


def written(picture: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(io.BytesIO(file.getvalue()))


AGAIN: dict[str, Callable[[Image.Image], Image.Image]] = {
    "a JPEG of little quality": lambda picture: written(picture, 40),
    "half as large": lambda picture: picture.resize((450, 337)),
    "larger": lambda picture: picture.resize((1600, 1200)),
    "small and written anew twice": lambda picture: written(written(picture.resize((320, 240)), 60), 70),
    "brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.06),
    "darker": lambda picture: ImageEnhance.Brightness(picture).enhance(0.94),
    "without colours": lambda picture: picture.convert("L").convert("RGB"),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("change", AGAIN)
def test_a_picture_is_told_again_however_it_was_written(change: str) -> None:
    missed = 0
    for seed in range(40):
        picture = scene(seed)
        first, again = fingerprint_of(picture), fingerprint_of(AGAIN[change](picture))
        assert first is not None
        assert again is not None
        missed += (first ^ again).bit_count() > NEAR
    assert missed <= 1  # where what is bright already cannot grow any brighter


def test_two_pictures_are_told_apart() -> None:
    prints = [found for seed in range(60) if (found := fingerprint_of(scene(seed))) is not None]
    assert len(prints) == 60
    apart = [(one ^ other).bit_count() for place, one in enumerate(prints) for other in prints[:place]]
    assert min(apart) > NEAR
    assert sum(apart) / len(apart) > 15


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("RGB", SIZE, "orange"),
        written(Image.new("RGB", SIZE, (250, 250, 248)), 30),
        Image.linear_gradient("L"),
        Image.effect_noise(SIZE, 30),
        Image.new("1", (1, 1)),
    ],
    ids=["a wall", "a white wall in a poor JPEG", "a sky", "the dark", "one dot"],
)
def test_what_shows_nothing_has_no_print(picture: Image.Image) -> None:
    assert fingerprint_of(picture) is None


@given(PRINTS, st.sets(st.integers(0, 63), max_size=NEAR))
def test_of_two_near_prints_one_part_at_least_is_the_same(found: int, flipped: set[int]) -> None:
    other = found
    for bit in flipped:
        other ^= 1 << bit
    ours, theirs = fingerprint_columns(found), fingerprint_columns(other)
    assert any(ours[column.key] == theirs[column.key] for column in FINGERPRINT_PARTS)


@given(PRINTS)
def test_a_print_is_kept_with_a_sign_and_its_parts_are_the_same_with_and_without(found: int) -> None:
    columns = fingerprint_columns(found)
    signed = columns["print"]
    assert signed is not None
    assert -(2**63) <= signed < 2**63
    assert signed % 2**64 == found
    for place, column in enumerate(FINGERPRINT_PARTS):
        value = columns[column.key]
        assert value == fingerprint_part(signed, place)
        assert value is not None
        assert 0 <= value < 2**16


# --- What is found by them


def photo(db: Database, subject: str, number: int, found: int | None, state: str = "kept") -> int:
    row = Photo(subject=subject, subject_id=number, media_id="m", pic_url="", state=state, **fingerprint_columns(found))
    row.created_at = db.scalars(select(Appeal.created_at).limit(1)).one()
    db.add(row)
    db.flush()
    return row.id


def visit_and_mandate(db: Database, owner: User) -> tuple[int, int, int]:
    """A case of this resident with a visit, and a mandate: (visit, case, mandate)."""
    staff, now = db.scalars(select(Staff).limit(1)).one(), owner.created_at
    case = Verification(
        user_id=owner.id,
        household_id=owner.household_id,
        region_code=owner.region_code,
        state="rejected",
        submitted_at=now,
        due_at=now,
    )
    db.add(case)
    db.flush()
    common = {"staff_id": staff.id, "draft_id": f"d-{owner.id}"}
    visit = Visit(
        verification_id=case.id, at=now, place="{}", assessment="{}", findings="", score=1, supports=True, **common
    )
    mandate = Mandate(user_id=owner.id, kind="sheet", scope="appeal", granted_at=now, expires_at=now, **common)
    db.add_all([visit, mandate])
    db.flush()
    return visit.id, case.id, mandate.id


NEARBY, FAR = FOUND ^ 0b1_0000_0000_0100_0001, FOUND ^ 0b1111


def test_other_households_pictures_are_found_appeals_first(stage: Stage) -> None:
    first, second, third = (stage.open_appeal() for _ in range(3))
    with Database(stage.database) as db, db.begin():
        own = photo(db, "appeal", first, FOUND)
        photo(db, "appeal", first, FOUND)  # its own other picture
        photo(db, "draft", 1, FOUND)
        photo(db, "listing", second, FOUND)
        photo(db, "appeal", second, FOUND, state="gone")
        photo(db, "appeal", second, FAR)
        assert find_matches(db, own) == []
        visit, case, mandate = visit_and_mandate(db, db.get_one(User, db.get_one(Appeal, third).owner_id))
        of_appeal = photo(db, "appeal", second, NEARBY)
        of_visit = photo(db, "visit", visit, FOUND)
        of_mandate = photo(db, "mandate", mandate, FOUND)
        found = [(alike.photo_id, alike.subject, alike.number) for alike in find_matches(db, own)]
        assert found == [(of_appeal, "appeal", second), (of_mandate, "mandate", mandate), (of_visit, "case", case)]
        assert find_matches(db, photo(db, "appeal", first, None)) == []
        assert find_matches(db, 999) == []


def test_a_mandate_and_a_visit_of_the_same_household_are_its_own(stage: Stage) -> None:
    appeal = stage.open_appeal()
    with Database(stage.database) as db, db.begin():
        own = photo(db, "appeal", appeal, FOUND)
        visit, _, mandate = visit_and_mandate(db, db.get_one(User, db.get_one(Appeal, appeal).owner_id))
        photo(db, "visit", visit, FOUND)
        photo(db, "mandate", mandate, FOUND)
        assert find_matches(db, own) == []


def test_no_more_are_named_than_somebody_would_read(stage: Stage) -> None:
    first, second = stage.open_appeal(), stage.open_appeal()
    with Database(stage.database) as db, db.begin():
        own = photo(db, "appeal", first, FOUND)
        for _ in range(MOST_MATCHES + 5):
            photo(db, "appeal", second, NEARBY)
        assert len(find_matches(db, own)) == MOST_MATCHES
        flag_matches(db, [own, own], stage.clock())
        assert db.execute(select(Flag.appeal_id, Flag.code, Flag.item)).all() == [(first, "photo_reused", str(second))]


@pytest.mark.planner
def test_candidates_are_found_by_index(stage: Stage) -> None:
    for column in FINGERPRINT_PARTS:
        with stage.database.connect() as connection:
            query = select(Photo.id).where(column == 5, Photo.state == "kept")
            words = query.compile(connection, compile_kwargs={"literal_binds": True})
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # of no row it would read it all
            plan = connection.exec_driver_sql(f"EXPLAIN {words}").all()
            assert f"ix_photos_{column.key}" in str(plan)


# --- In the worker


def fetched_for(desk: Desk, appeal: int, content: bytes) -> int:
    number = desk.owed(content)
    with Database(desk.database) as db, db.begin():
        db.execute(update(Photo).where(Photo.id == number).values(subject_id=appeal))
    desk.context.run_job("fetch_photo", number)
    return number


def test_a_picture_that_another_household_has_shown_flags_the_later_appeal(desk: Desk, stage: Stage) -> None:
    first, second, third = (stage.open_appeal() for _ in range(3))
    picture = scene(3)
    fetched_for(desk, first, jpeg(picture))
    fetched_for(desk, third, jpeg(scene(4)))
    smaller = fetched_for(desk, second, jpeg(picture.resize((600, 450)), 50))
    desk.context.run_job("fetch_photo", smaller)
    with Database(desk.database) as db:
        assert db.execute(select(Flag.appeal_id, Flag.code, Flag.item)).all() == [(second, "photo_reused", str(first))]


def test_blank_pictures_are_like_no_other(desk: Desk, stage: Stage) -> None:
    for _ in range(2):
        kept = fetched_for(desk, stage.open_appeal(), jpeg(Image.new("RGB", SIZE, "orange")))
        assert (desk.row(kept).state, desk.row(kept).print) == ("kept", None)
    with Database(desk.database) as db:
        assert db.scalar(select(func.count()).select_from(Flag)) == 0


def test_an_erased_persons_picture_leaves_no_print(desk: Desk, stage: Stage) -> None:
    appeal = stage.open_appeal()
    kept = fetched_for(desk, appeal, jpeg(scene(5)))
    assert desk.row(kept).print is not None
    with Database(desk.database) as db, db.begin():
        for number in erase_person(db, stage.person("o-owner-0"), stage.clock()):
            assert number == kept
    desk.context.run_job("forget_photo", kept)
    row = desk.row(kept)
    assert (row.state, row.path, row.print) == ("gone", None, None)
    assert [getattr(row, column.key) for column in FINGERPRINT_PARTS] == [None] * 4
