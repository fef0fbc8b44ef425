"""公示: list the households on public notice, five at a time, or show one with the way to object."""

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from handlers.routing.answers import one_page, with_ways
from handlers.routing.talk import Talk
from handlers.staff.seat import find_seat, parse_reference
from models.people.user import home_of
from models.places.region import Region, level_of, township_of
from models.verification.objection import NoSuchNotice
from models.verification.public_notice import find_notice, list_notices

PAGE = 5
# Levels with a list of their own: a city or province is too large for neighbours to know each other.
LISTED = ("county", "township", "village")
_MOST_OFFERED = 9


def notices(talk: Talk, said: str = "") -> Answer:
    """公示: the notices of the writer's home or region; 公示 <place>: of that place; 公示 <number>: one household."""
    if said.startswith(("appeal:", "case:")):
        return notice(talk, str(parse_reference(said)[1]))
    if said:
        return _somewhere(talk, said)
    home = _home(talk)
    return (
        notices_in(talk, home)
        if home
        else Answer([Say("replies/verification/public_notices_where", None, {"lines": [], "said": ""})])
    )


def notices_in(talk: Talk, region_code: str, after: str = "") -> Answer:
    page = list_notices(talk.turn.db, region_code, int(after) if after else None, PAGE, talk.world.now)
    lines = list(enumerate(page.items, 1))
    options = [Option(n, "", ["command", "notice", str(each.number), region_code]) for n, each in lines]
    values = {
        "region": talk.turn.db.get_one(Region, region_code).full_name,
        "lines": lines,
        "link": talk.world.link("notices", region_code),
    }
    turn = ["notices_in", region_code, str(page.after)] if page.after else None
    return one_page(talk, "replies/verification/public_notices", values, options, turn)


def notice(talk: Talk, number: str, region_code: str = "") -> Answer:
    """Show one household on notice. Raises NoSuchNotice."""
    found = find_notice(talk.turn.db, int(number), talk.world.now)
    if found is None:
        raise NoSuchNotice(number=int(number))
    ways = {"object": ["command", "object", f"case:{number}"]}
    if region_code:
        ways["list"] = ["command", "notices_in", region_code]
    return with_ways("replies/verification/public_notice", {"item": found}, ways)


def _somewhere(talk: Talk, said: str) -> Answer:
    """List the notices of the named place; ask which if the words name several, or none in LISTED."""
    found = {region.today.code: region.today for region in talk.world.find_regions(said)}
    small = [region for region in found.values() if level_of(region.code) in LISTED]
    if len(small) == 1:
        return notices_in(talk, small[0].code)
    lines = list(enumerate(small[:_MOST_OFFERED], 1))
    options = [Option(n, "", ["command", "notices_in", region.code]) for n, region in lines]
    shown = [(n, region.full_name) for n, region in lines]
    return Answer(
        [Say("replies/verification/public_notices_where", None, {"lines": shown, "said": said[:30]})], options
    )


def _home(talk: Talk) -> str | None:
    """Find the region of staff who cover a county or less, else the writer's township; None if unknown."""
    staff = find_seat(talk)
    if staff and level_of(staff.region_code) in LISTED:
        return staff.region_code
    code = home_of(talk.turn.db, talk.turn.person.user_id)
    return township_of(code) if code else None
