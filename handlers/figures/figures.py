"""数字 [地区]: tell anybody the few figures of the whole country or of a region, with the page of all of them."""

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from handlers.routing.talk import Talk
from models.figures.delta import FIGURES
from models.figures.report import FiguresRegionUnknown, read_report
from models.places.region import COUNTRY


def figures(talk: Talk, words: str = "") -> Answer:
    """Tell the named region's figures, or ask which one if several have the name. Raises FiguresRegionUnknown."""
    if not words:
        return show(talk, COUNTRY)
    found = talk.world.find_regions(words)
    if not found:
        raise FiguresRegionUnknown(words=words)
    if len(found) == 1:
        return show(talk, found[0].code)
    options = [Option(n, "", ["command", "view_figures", region.code]) for n, region in enumerate(found, 1)]
    lines = [(n, region.full_name) for n, region in enumerate(found, 1)]
    return Answer([Say("replies/oversight/which_region", None, {"lines": lines})], options)


def show(talk: Talk, region_code: str) -> Answer:
    """Tell a region's figures. Raises FiguresRegionUnknown."""
    report = read_report(talk.turn.db, region_code)
    values = {
        "name": report.name,
        "shown": {figure: report.tables[figure].shown() for figure in FIGURES},
        "link": talk.world.link("figures", region_code),
    }
    return Answer([Say("replies/figures/figures", None, values)])
