"""The public ledger: a stranger with the files alone recomputes all of it, and any change to them is found."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlalchemy.orm import Session as Database

from bot.books import export as exporting
from bot.books.export import DATA, FILES, MANIFEST, NotTheLedger
from bot.books.sealing import seal_all
from models.appeals.appeal import Appeal
from models.ledger import LedgerTransaction
from models.ledger.kinds import MOVES
from models.ledger.tables import LedgerEntry
from models.public.ledger import overall
from tests.harness.money import gift_postings
from tests.harness.money.checking_books import check, unguarded
from tests.harness.money.ledger_rows import NOW, balances
from tests.harness.stage import Stage
from tests.scenes.export import export, read, verify
from tests.scenes.export import stage as stage


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_stranger_finds_the_same_head_and_sums(stage: Stage, tmp_path: Path) -> None:
    export(stage, tmp_path / "ours")
    assert {path.name for path in (tmp_path / "ours").iterdir()} == {*FILES, ".lock"}
    theirs = shutil.copytree(tmp_path / "ours", tmp_path / "theirs")
    code, said = verify(theirs)
    assert code == 0, said
    manifest = read(theirs, MANIFEST)
    with Database(stage.database) as db:
        found = overall(db)
        assert manifest["head"] == {"number": found.transactions, "hash": found.head}
        assert f"head {found.transactions}:{found.head}" in said
        assert found.totals.paid == 13_045
        assert found.totals.held == 12_345 + 5_000 - 9_000
    held: dict[str, int] = {}
    for account, fen in balances(stage.database).items():
        held[account.kind] = held.get(account.kind, 0) + fen
    assert {kind: fen for kind, fen in manifest["accounts"].items() if fen} == held
    assert f"held = {(12_345 + 5_000 - 9_000) // 100}.45" in said
    assert f"head {found.head}" in check(stage).output


def test_a_line_holds_what_anybody_needs_and_nobody(stage: Stage, tmp_path: Path) -> None:
    export(stage, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text(encoding="utf-8").splitlines()]
    gift = lines[1]
    assert {name: gift[name] for name in ("number", "kind", "cause", "day", "reverses")} == {
        "number": 2,
        "kind": "payment_received",
        "cause": "order:1",
        "day": "2026-11-24",
        "reverses": None,
    }
    assert gift["entries"] == [["appeal", 1, -12_345], ["channel", 0, 12_345]]
    assert set(gift) == {"number", "kind", "cause", "at", "day", "reverses", "entries", "hash"}
    rows = table(tmp_path, "ledger.csv")
    assert sum(int(row["fen"]) for row in rows) == 0
    assert len(rows) == read(tmp_path, MANIFEST)["entries"]
    assert lines[6]["reverses"] == 6


def test_the_readme_tells_every_kind_of_posting_and_names_the_form(stage: Stage, tmp_path: Path) -> None:
    export(stage, tmp_path)
    words = (tmp_path / "README.txt").read_text(encoding="utf-8")
    assert all(f"\n{kind} " in words for kind in MOVES)
    assert "bangfu-ledger-1" in words
    source: dict[str, Any] = {}
    exec(compile((tmp_path / "verify.py").read_text(encoding="utf-8"), "verify", "exec"), source)  # noqa: S102 - ours
    assert source["COUNTS_AS"] == {kind: move.counts_as for kind, move in MOVES.items() if move.counts_as}


def damage(folder: Path, name: str, line: int, old: str, new: str) -> None:
    lines = (folder / name).read_text(encoding="utf-8").splitlines(keepends=True)
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new, 1)
    (folder / name).write_text("".join(lines), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "line", "old", "new", "says"),
    [
        ("ledger.jsonl", 2, "12345", "12346", "does not sum"),
        ("ledger.jsonl", 4, '"order:2"', '"order:9"', "the hash"),
        ("ledger.jsonl", 4, '"at":1', '"at":2', "the hash"),
        ("ledger.jsonl", 5, '"number":5', '"number":6', "the number"),
        ("ledger.jsonl", 3, "{", "[", "cannot be read"),
        ("ledger.jsonl", 7, '"reverses":6', '"reverses":5', "the hash"),
        ("ledger.csv", 4, "12345", "12344", "differs"),
        ("ledger.csv", 1, "fen", "yuan", "another heading"),
        ("appeals.csv", 3, "12345", "12344", "should be 12345"),
    ],
)
def test_what_was_changed_is_named_by_its_line(
    stage: Stage, tmp_path: Path, name: str, line: int, old: str, new: str, says: str
) -> None:
    export(stage, tmp_path)
    damage(tmp_path, name, line, old, new)
    code, said = verify(tmp_path)
    assert code == 1
    assert f"{name} 第 {line} 行 / line {line}: " in said
    assert says in said


def test_a_file_that_is_another_is_named(stage: Stage, tmp_path: Path) -> None:
    """A day that no hash is over, in both places where it stands; what the manifest says; what tells how to read it."""
    for name, wanted in (("README.txt", "README.txt"), ("ledger.jsonl", "ledger.jsonl"), (MANIFEST, "totals")):
        folder = tmp_path / name
        export(stage, folder)
        for other in ("ledger.jsonl", "ledger.csv") if name == "ledger.jsonl" else (name,):
            words = (folder / other).read_text(encoding="utf-8")
            for old, new in (("2026-11-24", "2026-11-23"), ('"paid": 13045', '"paid": 13046'), ("帮扶通", "别的")):
                words = words.replace(old, new)
            (folder / other).write_text(words, encoding="utf-8")
        code, said = verify(folder)
        assert code == 1
        assert f"WRONG: {wanted}" in said.replace("manifest.json ", ""), said


def test_lines_that_are_gone_are_missed(stage: Stage, tmp_path: Path) -> None:
    for drop in (1, 5, 10):
        folder = tmp_path / f"without-{drop}"
        export(stage, folder)
        lines = (folder / "ledger.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        assert len(lines) == 10
        del lines[drop - 1]
        (folder / "ledger.jsonl").write_text("".join(lines), encoding="utf-8")
        assert verify(folder)[0] == 1


def test_what_was_not_sealed_is_not_published(stage: Stage, tmp_path: Path) -> None:
    export(stage, tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    with unguarded(stage) as connection:
        connection.execute(update(LedgerTransaction).where(LedgerTransaction.cause == "order:1").values(cause="x:1"))
    with pytest.raises(NotTheLedger):
        export(stage, tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == before
    assert not list(tmp_path.glob(".*.part"))


def test_a_chain_that_was_cut_is_not_published(stage: Stage, tmp_path: Path) -> None:
    with unguarded(stage) as connection:
        connection.execute(delete(LedgerEntry))
    with pytest.raises(NotTheLedger):
        export(stage, tmp_path)
    assert not any((tmp_path / name).exists() for name in FILES)


def test_a_head_that_was_noted_must_still_be_there(stage: Stage, tmp_path: Path) -> None:
    export(stage, tmp_path)
    noted = f"{read(tmp_path, MANIFEST)['head']['number']}:{read(tmp_path, MANIFEST)['head']['hash']}"
    with Database(stage.database) as db, db.begin():
        gift_postings.payment_received(db, 1, 100, "order:9", stage.clock())
    export(stage, tmp_path)
    assert verify(tmp_path, noted)[0] == 0
    for other, says in ((noted.replace(":", ":0")[:-1], "not as you noted"), (f"99{noted[2:]}", "ends before")):
        code, said = verify(tmp_path, other)
        assert code == 1
        assert says in said


def test_a_title_is_no_formula(stage: Stage, tmp_path: Path) -> None:
    with stage.database.begin() as connection:
        connection.execute(update(Appeal).where(Appeal.id == 1).values(title='=cmd|"/C calc"!A1, 苗寨'))
    export(stage, tmp_path)
    rows = table(tmp_path, "appeals.csv")
    assert [row["title"] for row in rows] == ["苗寨修路", '\'=cmd|"/C calc"!A1, 苗寨']
    assert verify(tmp_path)[0] == 0


def test_an_empty_ledger_is_right_too(new_database: Callable[[], str], tmp_path: Path) -> None:
    stage = Stage(new_database())
    export(stage, tmp_path)
    stage.close()
    assert verify(tmp_path)[0] == 0
    assert read(tmp_path, MANIFEST)["head"] == {"number": 0, "hash": "0" * 64}
    assert {*read(tmp_path, MANIFEST)["files"]} == {*DATA, "README.txt", "verify.py"}


def test_what_is_posted_while_the_files_are_written_is_in_none_of_them(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here between the sealing and the snapshot: it is in the balances already, and has no link."""

    def post_more(_: object) -> None:
        seal_all(stage.database)
        with Database(stage.database) as db, db.begin():
            gift_postings.payment_received(db, 1, 77, "late:1", NOW)
            gift_postings.payment_received(db, 2, 88, "late:2", NOW)

    monkeypatch.setattr(exporting, "_seal", post_more)
    export(stage, tmp_path)
    code, said = verify(tmp_path)
    assert code == 0, said
    assert "late" not in (tmp_path / "ledger.csv").read_text(encoding="utf-8")
    monkeypatch.undo()
    export(stage, tmp_path)
    assert verify(tmp_path)[0] == 0
    assert "late:2" in (tmp_path / "ledger.csv").read_text(encoding="utf-8")
