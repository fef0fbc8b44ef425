"""Appeals at their ways: drawn up and passed, on their way to the county, revised."""

from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.appeals.revision import undecided_revision
from models.appeals.revision_review import ProposedRevision, propose
from models.verification.case import lock_case
from models.verification.lifecycle import to_township
from tests.harness.stage import Stage
from tests.scenes.cases import DAY, visited

COUNTY = "431124000000"
STORY = "家里有三口人，想把院子里的棚子修好，冬天羊就不会冻着了，开春能多卖两只，给两个孩子交学费，也把饲料钱还上。"


def pass_appeals(stage: Stage, count: int) -> set[tuple[str, int]]:
    passed = set()
    for serial in range(count):
        stage.register(f"o-wang-{serial}", "resident")
        number = stage.ask(f"o-wang-{serial}")
        stage.say("o-zhou", f"通过 {number}")
        passed.add(("appeal", number))
    return passed


def to_county(stage: Stage, case: int, officer: int) -> None:
    """Visited, its notice over, and drawn by nobody."""
    visited(stage, case, officer)
    stage.clock.move(6 * DAY)
    with Database(stage.database) as db, db.begin():
        found = lock_case(db, case)
        to_township(db, found, stage.clock(), sampled=False)


def wanted(serial: int, title: str = "修羊棚", pictures: int = 1) -> ProposedRevision:
    shown = [{"media_id": f"new-{serial}-{n}", "pic_url": "http://127.0.0.1/n.jpg"} for n in range(pictures)]
    return ProposedRevision(f"draft-{serial}", title, STORY, shown)


def put_in(stage: Stage, number: int, what: ProposedRevision) -> int:
    conversation = stage.person("o-wang")
    with Database(stage.database) as db, db.begin():
        propose(db, db.get_one(Appeal, number, with_for_update=True), what, conversation, stage.clock())
        revision = undecided_revision(db, number)
        assert revision
        return revision.id
