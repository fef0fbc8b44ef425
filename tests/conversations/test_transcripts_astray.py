"""The transcripts through the simulator in safe mode, with a fifth of all deliveries dropped, late or doubled."""

import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, select
from sqlalchemy.orm import Session as Database

from bot.simulator import envelope, events
from bot.simulator.envelope import Content
from bot.simulator.faults import Fault, Kind
from bot.simulator.platform import Delivery, Status
from bot.simulator.simulator import Simulator
from models.tables import metadata
from tests.harness.simulator.in_process import RunningSimulator
from tests.harness.stage import Stage
from tests.harness.transcript import Actor

# Scenes of money act beside the platform, as WeChat Pay does, and give each play givers of its own. Who begins to
# listen is another program, which this platform does not reach.
BESIDE = re.compile(r"^\$ (listens|collects|collected|gives|pays|refund|fails)\b", re.MULTILINE)
TRANSCRIPTS = [
    path
    for path in sorted((Path(__file__).parent.parent / "transcripts").glob("*.chat"))
    if not BESIDE.search(path.read_text(encoding="utf-8"))
]
ASTRAY = {Kind.DROP: 0.07, Kind.LATE: 0.07, Kind.DUPLICATE: 0.06}
# Made from a message's key or by lot, when something was done on the true clock, or how long it took.
BY_CHANCE = {"draft_id", "code", "key", "session", "dedupe_key", "ms", "name", "id_number", "phone", "reply", "facts"}
BY_CHANCE |= {"code_hash", "out_trade_no", "transaction_id", "out_refund_no", "refund_id"}
BY_CHANCE |= {"parcel", "seed", "seed_hash", "lot", "due_at"}
BY_CHANCE |= {"token_hash", "scene_hash", "digits_hash", "browser_hash"}
# The database makes them of what is compared.
BY_CHANCE |= {"terms"}
MADE = {"audit_head", "audit_links", "audit_unsealed", "ledger_head", "ledger_links", "ledger_unsealed"}
# A statement's rows are grouped by the database, in the order that its plan happens to have.
UNORDERED = {"region_deltas"}


class Unheard(Exception):
    """All three deliveries of a message went astray, as one in some hundred does: WeChat itself gives up then."""


class PhoneActor(Actor):
    """Plays a transcript as somebody with a phone: what is sent goes through the platform."""

    def __init__(self, stage: Stage, simulator: Simulator) -> None:
        super().__init__(stage)
        self.simulator = simulator
        self.deliveries: list[Delivery] = []

    def _send(self, words: str) -> None:
        self.stage.said = []
        self.expected = []
        delivery = self.simulator.deliver(self.openid, self._content(words))
        if delivery.status is Status.UNAVAILABLE:
            raise Unheard
        assert delivery.violations == ()
        self.deliveries.append(delivery)
        self.reply = delivery.reply_text

    def _content(self, words: str) -> Content:
        special = re.fullmatch(r"\[(\w+)(?: (.*))?\]", words)
        if not special:
            return envelope.text(words.replace("\\n", "\n"))
        kind, rest = special[1], special[2] or ""
        match kind:
            case "photo":
                self.photos += 1
                return envelope.image(f"http://127.0.0.1/p{self.photos}.jpg", f"media-{self.photos}")
            case "place":
                return envelope.location(25.6, 111.6, rest)
            case "here":
                latitude, longitude, *label = rest.split()
                return envelope.location(float(latitude), float(longitude), " ".join(label))
            case "tap":
                return envelope.text(words, f"n{rest}")
            case "voice":
                return envelope.voice("voice-1", rest)
            case "event":
                name, _, key = rest.partition(" ")
                if name == "subscribe":
                    return events.subscribe(key.removeprefix("qrscene_"))
                if name == "VIEW":
                    return events.view(key, menu_id=1)
                return events.scan(key, "ticket") if name == "SCAN" else events.click(key)
        return Content(kind, [("MediaId", "media-0")])


def final_state(stage: Stage) -> list[str]:
    """Return every row, but for what differs from run to run; a row's number is its place in its table."""
    rows = []
    with Database(stage.database) as db:
        tables = [table for table in metadata.sorted_tables if table.name not in {"regions", *MADE}]
        places = {table.c.id: _places(db, table.c.id) for table in tables if "id" in table.c}
        for table in tables:
            columns = [column for column in table.columns if column.name not in BY_CHANCE]
            if table.name in UNORDERED:
                columns = [column for column in columns if not column.primary_key]
            numbered = [places.get(_whose_number(column), {}) for column in columns]
            ordered = select(*columns).order_by(*(columns if table.name in UNORDERED else table.primary_key.columns))
            rows += [
                f"{table.name} {tuple(place.get(value, value) for place, value in zip(numbered, row, strict=True))}"
                for row in db.execute(ordered)
            ]
    return rows


def _places(db: Database, number: Column[int]) -> dict[int, int]:
    """Number a table's rows anew: on PostgreSQL what is tried a second time uses numbers up, and leaves no row."""
    return {id_: place for place, id_ in enumerate(db.scalars(select(number).order_by(number)), 1)}


def _whose_number(column: Column[Any]) -> Column[Any]:
    """Return the column that a number of this one comes from: a foreign key's target, or itself."""
    return next((key.column for key in column.foreign_keys), column)


def play(
    url: str, script: str, run_simulator: Callable[..., RunningSimulator], seed: int, astray: bool
) -> tuple[list[str], list[Delivery]]:
    stage = Stage(url)
    try:
        simulator = run_simulator(stage.app, seed=seed).simulator
        if astray:
            for kind, share in ASTRAY.items():
                simulator.faults.add(Fault(kind, share=share))
        actor = PhoneActor(stage, simulator)
        actor.play(script)
        return final_state(stage), actor.deliveries
    finally:
        stage.close()


# Each is played at least twice: a few of them, spread over the alphabet, say whether it still works.
@pytest.mark.sampled(40)
@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)
def test_a_fifth_astray_changes_nothing(
    transcript: Path, database_again: Callable[[], str], run_simulator: Callable[..., RunningSimulator]
) -> None:
    script = transcript.read_text(encoding="utf-8")
    straight, _ = play(database_again(), script, run_simulator, 0, astray=False)
    seed = zlib.crc32(transcript.stem.encode())
    for again in range(8):
        try:
            crooked, deliveries = play(database_again(), script, run_simulator, seed + again, astray=True)
        except Unheard:
            continue
        break
    else:
        pytest.fail("in eight tries somebody was never heard")
    assert crooked == straight
    assert all(delivery.attempts[-1].outcome == "answered" for delivery in deliveries)
    if len(deliveries) > 30:
        assert any(attempt.faults for delivery in deliveries for attempt in delivery.attempts)
