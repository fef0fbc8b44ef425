"""Do somebody's words name a place, and surely no other one?

Short names are shared by places far apart, and the tree knows few villages: so
what stands around a name counts as well.
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
    """The place of its level in ``models.places.region.LEVELS``; -1 for no code of a region."""
    return _DEPTHS.get(len(prefix(code)), -1)


def is_meant(region: Region, words: str, world: World) -> bool:
    """False where only part of its name stands there, and in another name: 火星村 for 星村镇, 湾头村 for 湾头镇.

    Behind the names of places above it, part of it is enough; a place called 街道 and no more is meant only there.
    """
    mentions = list(_mentions(region, words, world.lexicon))
    if any(region.name in world.lexicon.words[ending] for ending in _ENDINGS):
        return any(one.is_led_to for one in mentions)
    return any(one.is_led_to or (one.is_itself and (one.is_whole or not one.before)) for one in mentions)


def is_surely_meant(region: Region, words: str, world: World) -> bool:
    """It is named behind places above it and nothing else; or it is a county or wider, and nothing stands before it.

    A township is no such place above where others have its name.
    """
    level = depth(region.code)
    for one in _mentions(region, words, world.lexicon):
        alone = level <= _COUNTY and not one.before
        below = one.is_led_to and (level < _VILLAGE or len(world.find_regions(one.before)) == 1)
        if one.is_itself and (alone or below):
            return True
    return False


def lies_outside(region: Region, words: str, world: World) -> list[Region]:
    """The counties and wider places that the words name before this one, if it lies in none of them."""
    outside: list[Region] = []
    for one in _mentions(region, words, world.lexicon):
        found = world.find_regions(one.before) if one.before else []
        wider = [each for each in found if depth(each.code) <= _COUNTY and is_meant(each, one.before, world)]
        if one.is_led_to or not wider or any(_lies_in(region, each) for each in wider):
            return []
        outside += wider
    return outside


def _lies_in(region: Region, wider: Region) -> bool:
    """Now, or before one of them ended."""
    codes = {region.code, region.today.code}
    return any(covers(area, code) for area in {wider.code, wider.today.code} for code in codes)


@dataclass(frozen=True)
class _Mention:
    """``name``: the region's, as far as it stands in the words. ``before`` it and ``after`` it stands the rest."""

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
        """Its name stands there in full, or no ending follows that belongs to places of another level."""
        if self.is_whole:
            return True
        followed = [levels for name, levels in _ENDINGS.items() if self.after.startswith(self.lexicon.words[name])]
        return not followed or any(depth(self.region.code) in levels for levels in followed)

    @cached_property
    def is_led_to(self) -> bool:
        """Do the words before it spell places above it, in full or as people shorten them, and nothing else?"""
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
        """江华县 for 江华瑶族自治县."""
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
