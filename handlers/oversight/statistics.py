"""统计 [地区]: show an officer the figures of their own region or of one below it."""

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from handlers.routing.talk import Talk
from handlers.staff.seat import staff_of
from models.oversight.statistics import AGES, RegionUnknown, count_region
from models.places.region import Region


def statistics(talk: Talk, words: str = "") -> Answer:
    """Show the named region's figures, or ask which one if several have the name. Raises RegionUnknown."""
    staff, db = staff_of(talk), talk.turn.db
    if not words:
        return show(talk, staff.region_code)
    found = [region for region in talk.world.find_regions(words) if staff.covers(region.code)]
    if not found:
        own = db.get_one(Region, staff.region_code).full_name
        raise RegionUnknown(words=words, region=own)
    if len(found) == 1:
        return show(talk, found[0].code)
    options = [Option(n, "", ["command", "view_statistics", region.code]) for n, region in enumerate(found, 1)]
    lines = [(n, region.full_name) for n, region in enumerate(found, 1)]
    return Answer([Say("replies/oversight/which_region", None, {"lines": lines})], options)


def show(talk: Talk, region_code: str) -> Answer:
    """Show a region's figures. Raises RegionUnknown for one outside the officer's own region."""
    staff, db = staff_of(talk), talk.turn.db
    region = db.get(Region, region_code)
    if region is None or not staff.covers(region_code):
        raise RegionUnknown(words=region_code, region=db.get_one(Region, staff.region_code).full_name)
    figures = count_region(db, region_code, talk.world.now)
    values = {"region": region.full_name, "figures": figures, "ages": AGES}
    return Answer([Say("replies/oversight/statistics", None, values)])
