"""The example of docs/rounds.md comes out as it says, and so do its figures."""

import re

from bot.words.lexicon import load_lexicon
from config.settings import ROOT
from models.goods.rounds.gathering import MOST_CANDIDATES
from models.goods.rounds.rule import FAIR, HELPED_POINTS, OVERTAKEN_FOR_DAYS, Standing, order, part_of, share

DOC = (ROOT / "docs" / "rounds.md").read_text(encoding="utf-8")


def table(heading: str) -> list[list[str]]:
    """The cells of the table whose first heading this is."""
    whole = DOC[DOC.index(f"| {heading}") :].partition("\n\n")[0].splitlines()
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in whole[2:]]


def test_the_example_is_computed_by_the_rule() -> None:
    seed = re.search(r"Seed `([0-9a-f]+)`, (\w+) buckets", DOC)
    assert seed
    lacks = {}
    candidates = []
    for came, (key, score, waited, needed, helped, missed, lacking) in enumerate(table("key | score"), 1):
        days = re.match(r"\d+", needed)
        known = {"assessed": int(score), "waited": int(waited), "days_left": int(days[0]) if days else None}
        candidates.append(
            Standing(key=key, **known, helped=int(helped), missed=int(missed), levels=None, came=came)  # type: ignore[arg-type]
        )
        lacks[key] = int(lacking)
    rows = order(FAIR, seed[1], candidates)
    parts = share([lacks[row.key] for row in rows], 5, part_of(weighed=False, smallest=1), 1)
    said = []
    for place, (row, part) in enumerate(zip(rows, parts, strict=True), 1):
        of = row.points
        said.append([str(cell) for cell in (place, row.key, of.need, of.waited, of.due, of.helped, of.score, part)])
    assert said == table("place")


def test_its_figures_are_those_of_the_rule() -> None:
    assert f"at most {OVERTAKEN_FOR_DAYS}" in DOC
    assert f"more than {OVERTAKEN_FOR_DAYS} days later" in DOC.replace("\n", " ")
    assert f"less {HELPED_POINTS} for each time" in DOC
    assert f"more than {MOST_CANDIDATES:,}" in DOC
    rules = load_lexicon().goods
    assert (rules.hours_to_gather, rules.hours_where_it_spoils, rules.days_it_spoils_in) == (24, 4, 30)
