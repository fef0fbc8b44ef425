"""What the public figures count, such as residents who registered: as the bot writes it, and folded."""

from datetime import date

from sqlalchemy import insert
from sqlalchemy.orm import Session as Database

from bot.figures.folding import fold_all
from models.figures.delta import MONEY, FigureDelta
from tests.harness.stage import Stage


def register_many(stage: Stage, **given: int) -> None:
    """So many residents in a place and month: ``r431124101000_202601=12``."""
    count_many(stage, "registered_resident", **given)


def count_many(stage: Stage, figure: str, **given: int) -> None:
    """So many of a figure, or so much money in fen, in a place and month."""
    rows = []
    for place, number in given.items():
        region, _, month = place[1:].partition("_")
        each = [number] if figure in MONEY else [1] * number
        for n, amount in enumerate(each):
            cause = f"{figure[-8:]}{region}{month}{n}"
            row = {"cause": cause, "figure": figure, "region_code": region, "amount": amount}
            rows.append({**row, "month": date(int(month[:4]), int(month[4:]), 1)})
    with Database(stage.database) as db, db.begin():
        db.execute(insert(FigureDelta), rows)
    fold_all(stage.database)
