"""Tell whether words name a certain place and no other.

Places far apart share short names, and the tree has few villages: so the words
around a name count as well.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from flows.engine.world import Region, World
from flows.language.lexicon import Lexicon
from models.places.region import LEVELS, covers, prefix

_SHORTEST = 2
_DEPTHS = {2: 0, 4: 1, 6: 2, 9: 3, 12: 4}
_COUNTY = LEVELS.index("county")
_VILLAGE = LEVELS.index("village")
_ENDINGS = {"ends_wide_place": (0, 1, 2), "ends_township": (3,), "ends_village": (4,)}


def depth(code: str) -> int:
    """Return the index of the code's level in ``models.places.region.LEVELS``; -1 for no region's code."""
    return _DEPTHS.get(len(prefix(code)), -1)


def is_meant(region: Region, words: str, world: World) -> bool:
    """Tell whether the words name the region, and not another place with a similar name: 火星村 is not 星村镇.

    After the names of places above it, part of its name is enough; a place called only 街道 must follow such names.
    """
    mentions = list(_mentions(region, words, world.lexicon))
    if any(region.name in world.lexicon.words[ending] for ending in _ENDINGS):
        return any(one.is_led_to for one in mentions)
    return any(one.is_led_to or (one.is_itself and (one.is_whole or not one.before)) for one in mentions)


def is_surely_meant(region: Region, words: str, world: World) -> bool:
    """Tell whether only places above it precede the name; or nothing does, and it is a county or wider.

    A township does not count as a place above where other townships have the same name.
    """
    level = depth(region.code)
    for one in _mentions(region, words, world.lexicon):
        alone = level <= _COUNTY and not one.before
        below = one.is_led_to and (level < _VILLAGE or len(world.find_regions(one.before)) == 1)
        if one.is_itself and (alone or below):
            return True
    return False


def lies_outside(region: Region, words: str, world: World) -> list[Region]:
    """List the counties and wider places named before this one, where it lies in none of them; else none."""
    outside: list[Region] = []
    for one in _mentions(region, words, world.lexicon):
        found = world.find_regions(one.before) if one.before else []
        wider = [each for each in found if depth(each.code) <= _COUNTY and is_meant(each, one.before, world)]
        if one.is_led_to or not wider or any(_lies_in(region, each) for each in wider):
            return []
        outside += wider
    return outside


def _lies_in(region: Region, wider: Region) -> bool:
    """Tell whether the region lies in the wider one, today or formerly."""
    codes = {region.code, region.today.code}
    return any(covers(area, code) for area in {wider.code, wider.today.code} for code in codes)


@dataclass(frozen=True)
class _Mention:
    """One occurrence of a region's name, in full or in part (``name``), with the words ``before`` and ``after`` it."""

    region: Region
    lexicon: Lexicon
    name: str
    before: str
    after: str

    @property
    def is_whole(self) -> bool:
        return self.name == self.region.name

    @cached_property
    def is_itself(self) -> bool:
        """The name is in full, or is not followed by an ending of another level's places."""
        if self.is_whole:
            return True
        followed = [levels for name, levels in _ENDINGS.items() if self.after.startswith(self.lexicon.words[name])]
        return not followed or any(depth(self.region.code) in levels for levels in followed)

    @cached_property
    def is_led_to(self) -> bool:
        """The words before it are names of places above it, in full or shortened, and nothing else."""
        above = self.region.full_name.removesuffix(self.region.name)
        rest = self.before
        while rest:
            lengths = range(len(rest), _SHORTEST - 1, -1)
            length = next((length for length in lengths if rest[:length] in above), 0)
            if not length:
                return False
            rest = self._without_ending(rest[length:])
        return bool(self.before)

    def _without_ending(self, text: str) -> str:
        """Remove a level's ending: 江华县 may be written for 江华瑶族自治县."""
        endings = (ending for name in _ENDINGS for ending in self.lexicon.words[name])
        return text.removeprefix(next((ending for ending in endings if text.startswith(ending)), ""))


def _mentions(region: Region, words: str, lexicon: Lexicon) -> Iterable[_Mention]:
    text = "".join(letter for letter in words if letter.isalnum())
    lengths = range(len(region.name), _SHORTEST - 1, -1)
    name = next((region.name[:length] for length in lengths if region.name[:length] in text), None)
    start = -1 if name is None else text.find(name)
    while name and start >= 0:
        yield _Mention(region, lexicon, name, _without_lead(text[:start], lexicon), text[start + len(name) :])
        start = text.find(name, start + 1)


def _without_lead(before: str, lexicon: Lexicon) -> str:
    leads = sorted(lexicon.words["leads_to_place"], key=len, reverse=True)
    return before.removeprefix(next((lead for lead in leads if before.startswith(lead)), ""))
