"""The export as it is run: by hand, every night, over any ledger, and however long that is."""

import gc
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session as Database

from bot.app import create_app
from bot.books.export import MANIFEST
from bot.work.context import WorkerContext
from models.core.database import snapshot
from models.ledger import NotPosted, totals
from models.public.ledger import overall
from tests.harness.money import gift_postings
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.harness.tiers import examples
from tests.scenes.export import export, read, verify
from tests.scenes.export import stage as stage
from tests.scenes.money.charities import LONGHUI, NATIONAL
from tests.scenes.money.ledger_deeds import APPEALS, DEEDS, Plain, do, put_pools, wrong

# One that crosses to another charity fails with all the transaction, and leaves nothing to export.
_OWN_DEEDS = DEEDS.filter(lambda deed: not deed.astray)
_REGIONS = {NATIONAL: DAOXIAN_MEIHUA, LONGHUI: "430524200000"}


def test_the_command_says_what_it_wrote(stage: Stage, tmp_path: Path) -> None:
    app = create_app(stage.settings)
    ran = app.test_cli_runner().invoke(args=["export-ledger", str(tmp_path)])
    assert ran.exit_code == 0, ran.output
    head = read(tmp_path, MANIFEST)["head"]
    assert f"head {head['number']}:{head['hash']}" in ran.output
    assert verify(tmp_path)[0] == 0
    assert app.test_cli_runner().invoke(args=["export-ledger"]).exit_code == 2
    app.extensions["bangfu"]["turns"].database.dispose()


@settings(max_examples=examples(4), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(deeds=st.lists(_OWN_DEEDS, min_size=12, max_size=40))
def test_whatever_was_posted_the_files_add_up_to_the_books(
    database_again: Callable[[], str], tmp_path_factory: pytest.TempPathFactory, deeds: Any
) -> None:
    url, folder = database_again(), tmp_path_factory.mktemp("export")
    stage = Stage(url)
    try:
        opened = [stage.open_appeal(region=_REGIONS[charity]) for charity in APPEALS.values()]
        assert opened == [*APPEALS]
        with stage.database.begin() as connection:
            put_pools(connection)
        play(stage, deeds)
        export(stage, folder)
        assert verify(folder)[0] == 0
        assert wrong(url) == set()
        with snapshot(url) as connection, Database(connection) as db:
            together = overall(db).totals
            each = [totals(db, appeal) for appeal in APPEALS]
            for part in ("paid", "matched", "refunded", "disbursed", "held"):
                assert getattr(together, part) == sum(getattr(one, part) for one in each)
                assert read(folder, MANIFEST)["totals"][part] == getattr(together, part)
            assert db.execute(text("SELECT count(*) FROM ledger_links")).scalar() == overall(db).transactions
    finally:
        stage.close()


def play(stage: Stage, deeds: Any) -> None:
    """As tests/ledger/test_ledger_walk.py does; what the ledger refuses, it refuses here too."""
    plain = Plain()
    with Database(stage.database) as db, db.begin():
        for deed in deeds:
            before = plain.copy()
            if deed.kind is None and not plain.posted:
                continue
            try:
                plain.do(deed)
            except NotPosted:  # its own walk shows what the ledger must not do
                plain = before
                continue
            do(db, deed, before)


@pytest.mark.slow
def test_its_memory_does_not_grow_with_the_ledger(new_database: Callable[[], str], tmp_path: Path) -> None:
    stage = Stage(new_database())
    stage.open_appeal()
    try:
        post_many(stage, range(800))
        export(stage, tmp_path)  # what is made once, is made
        few = peak_of(stage, tmp_path)
        post_many(stage, range(800, 4_000))
        stage.seal()
        many = peak_of(stage, tmp_path)
    finally:
        stage.close()
    assert (tmp_path / "ledger.csv").stat().st_size > 1_000_000
    assert many - few < 2**19
    assert verify(tmp_path)[0] == 0


def post_many(stage: Stage, numbers: range) -> None:
    with Database(stage.database) as db, db.begin():
        for number in numbers:
            gift_postings.payment_received(db, 1, 100, f"many:{number}", stage.clock())


def peak_of(stage: Stage, folder: Path) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        export(stage, folder)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_worker_publishes_it_where_there_is_a_folder_for_it(stage: Stage, tmp_path: Path, redis_url: str) -> None:
    for folder in ("", str(tmp_path / "public")):
        settings = stage.settings.model_copy(update={"export_dir": folder, "redis_url": redis_url})
        context = WorkerContext(settings)
        context.run_job("check_books", 20261130)
        context.close()
        assert (tmp_path / "public" / MANIFEST).exists() is bool(folder)
    assert verify(tmp_path / "public")[0] == 0
