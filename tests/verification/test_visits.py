"""The officer's visit: what the assessment adds up to, where the officer stood, and what is kept sealed."""

import json
from math import cos, radians

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import LargeBinary, select, text, type_coerce
from sqlalchemy.orm import Session as Database

from bot.words.lexicon import load_lexicon
from flows.engine.world import World
from flows.language.assessment import MOST
from flows.readers.base import Accepted, Asking, Rejected
from flows.readers.words.location import Here
from flows.verification.visit import MOST_PEOPLE, QUESTIONS
from models.people.message import Message, MessageKind, Point
from models.verification.visit import EARLIER, FAR_KM, Visit, distance_km, earlier_places, is_far
from tests.harness.stage import DAOXIAN_MEIHUA, Clock, Stage
from tests.scenes.cases import FINDINGS, case, registered, visited

LEXICON = load_lexicon()
SCALE = LEXICON.scale
QINGTANG = "431124104000"

latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)
points = st.tuples(latitudes, longitudes)
answers = st.fixed_dictionaries(
    {name: st.sampled_from(sorted(LEXICON.choices[f"assess_{name}"])) for name in QUESTIONS}
    | {"people": st.integers(1, MOST_PEOPLE)}
)


# What the answers add up to


@given(answers)
def test_a_score_lies_between_nothing_and_a_hundred(given: dict[str, object]) -> None:
    assert 0 <= SCALE.score(given) <= MOST


@given(answers, st.sampled_from(QUESTIONS))
def test_a_harder_answer_to_one_question_is_never_fewer_points(given: dict[str, object], name: str) -> None:
    points = SCALE.questions[name]
    by_hardness = sorted(points, key=lambda key: points[key])
    scores = [SCALE.score({**given, name: key}) for key in by_hardness]
    assert scores == sorted(scores)
    assert scores[-1] - scores[0] == points[by_hardness[-1]] - points[by_hardness[0]]


@given(answers, st.integers(1, MOST_PEOPLE), st.integers(1, MOST_PEOPLE))
def test_more_people_are_never_fewer_points(given: dict[str, object], one: int, other: int) -> None:
    few, many = sorted((one, other))
    assert SCALE.score({**given, "people": few}) <= SCALE.score({**given, "people": many})


@given(answers)
def test_a_score_is_the_sum_of_its_parts(given: dict[str, object]) -> None:
    parts = [SCALE.score({name: value}) for name, value in given.items()]
    assert SCALE.score(given) == sum(parts)


def test_every_question_has_its_points() -> None:
    assert set(SCALE.questions) == set(QUESTIONS)
    assert SCALE.most == MOST
    for name in QUESTIONS:
        assert set(SCALE.questions[name]) == set(LEXICON.choices[f"assess_{name}"])


# Where the officer stood


def asking() -> Asking:
    return Asking(World(Clock()(), LEXICON, lambda text: []))


def located(latitude: float, longitude: float, label: str = "") -> Message:
    return Message(MessageKind.LOCATION, "a", "o", 1, point=Point(latitude, longitude, label))


@given(latitudes, longitudes, st.text(max_size=300))
def test_any_location_is_read_and_still_good_later(latitude: float, longitude: float, label: str) -> None:
    reading = Here().read(located(latitude, longitude, label), asking())
    assert isinstance(reading, Accepted)
    assert reading.value["latitude"] == latitude
    assert "\n" not in reading.value["label"]
    assert Here().check(json.loads(json.dumps(reading.value)), asking()) is None


@pytest.mark.parametrize("kind", [kind for kind in MessageKind if kind is not MessageKind.LOCATION])
def test_nothing_but_a_location_says_where_somebody_stands(kind: MessageKind) -> None:
    message = Message(kind, "a", "o", 1, text="道县梅花镇", point=Point(25.5, 111.6, ""))
    assert Here().read(message, asking()) == Rejected("not_a_location")


@pytest.mark.parametrize("value", [None, {}, {"label": "x"}, {"latitude": 91, "longitude": 1, "label": ""}, "道县"])
def test_a_place_kept_under_other_rules_is_asked_for_again(value: object) -> None:
    assert Here().check(value, asking()) == Rejected("not_a_location")


@given(points, points)
def test_a_distance_is_the_same_both_ways_and_no_longer_than_half_the_earth(
    one: tuple[float, float], other: tuple[float, float]
) -> None:
    there = distance_km(one, other)
    assert there == pytest.approx(distance_km(other, one), abs=1e-6)
    assert 0 <= there <= 20_016


@given(points)
def test_a_place_is_nowhere_from_itself(here: tuple[float, float]) -> None:
    assert distance_km(here, here) == 0
    assert not is_far(here, [here] * 3)
    assert not is_far(here, [])


def test_distances_are_those_of_the_map() -> None:
    assert distance_km((39.9042, 116.4074), (31.2304, 121.4737)) == pytest.approx(1067, abs=3)  # Beijing, Shanghai
    assert distance_km((25.0, 111.0), (26.0, 111.0)) == pytest.approx(111.2, abs=0.1)
    assert distance_km((25.0, 111.0), (25.0, 112.0)) == pytest.approx(111.2 * cos(radians(25)), abs=0.1)


@given(st.floats(0, 0.2), st.lists(points, max_size=4))
def test_a_few_odd_places_do_not_move_the_middle(off: float, odd: list[tuple[float, float]]) -> None:
    home = (25.53, 111.6)
    others = [*odd, *([home] * (len(odd) + 1))]
    assert not is_far((home[0] + off, home[1]), others)
    assert is_far((home[0] + FAR_KM / 111 + 0.01, home[1]), others)


# Kept


def flags(stage: Stage, number: int) -> str | None:
    with Database(stage.database) as db:
        return db.scalar(select(Visit.flags).where(Visit.verification_id == number))


def test_a_visit_far_from_where_the_others_were_is_flagged(stage: Stage) -> None:
    officer = stage.appoint("o-zhou", "village")
    numbers = [registered(stage, f"o-p{serial}") for serial in range(4)]
    far_away = {"latitude": 26.0, "longitude": 111.6, "label": ""}
    for number in numbers[:3]:
        visited(stage, number, officer)
    visited(stage, numbers[3], officer, place=far_away)
    assert [flags(stage, number) for number in numbers] == [None, None, None, "far"]
    # Another township knows nothing of these.
    other = stage.appoint("o-other", "village", QINGTANG)
    elsewhere = registered(stage, "o-elsewhere", QINGTANG)
    visited(stage, elsewhere, other, place=far_away)
    assert flags(stage, elsewhere) is None


def test_only_the_last_visits_are_compared_and_one_that_does_not_open_is_passed_over(stage: Stage) -> None:
    officer = stage.appoint("o-zhou", "village")
    for serial in range(EARLIER + 2):
        visited(stage, registered(stage, f"o-p{serial}"), officer)
    with Database(stage.database) as db, db.begin():
        assert len(earlier_places(db, DAOXIAN_MEIHUA)) == EARLIER
        newest = db.scalars(select(Visit.id).order_by(Visit.id.desc())).first()
        db.execute(text("UPDATE visits SET place = :damaged WHERE id = :id"), {"damaged": b"damaged", "id": newest})
        assert len(earlier_places(db, DAOXIAN_MEIHUA)) == EARLIER - 1


def test_where_what_and_how_are_sealed(stage: Stage) -> None:
    officer = stage.appoint("o-zhou", "village")
    visited(stage, registered(stage, "o-wang"), officer)
    columns = [type_coerce(column, LargeBinary) for column in (Visit.place, Visit.assessment, Visit.findings)]
    with Database(stage.database) as db:
        kept = b"".join(map(bytes, db.execute(select(*columns)).one()))
    for plain in ("25.53", "latitude", "people", FINDINGS[:4]):
        assert plain.encode() not in kept


def test_the_resident_is_found_in_need_by_the_officer_and_not_by_the_score(stage: Stage) -> None:
    officer = stage.appoint("o-zhou", "village")
    yes, no = registered(stage, "o-yes"), registered(stage, "o-no")
    visited(stage, yes, officer)
    visited(stage, no, officer, supports=False)
    assert case(stage, yes).state == "public_notice"
    assert case(stage, no).state == "township_review"
    assert case(stage, no).notice_until is None
