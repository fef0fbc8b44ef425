"""Read how much of a harvest is left: 一半, 三成 (less), 没收成, 剩 200斤; and how much was picked: 150斤, 一半."""

from fractions import Fraction

from flows.engine.world import World
from flows.goods.part import part_reader
from flows.language import numerals
from flows.language.wording import plain
from flows.readers.base import Accepted, Asking

_TENTHS = 10


def read_there(text: str, total: int, unit: str, world: World) -> int | None:
    """Return how much was picked, where ``total`` was ordered and listed; None where the text does not say."""
    words, said = world.lexicon.words, plain(text)
    if said in words["harvest_none"]:
        return 0
    if said in words["harvest_half"]:
        return total // 2
    for word in words["harvest_there"]:
        said = said.removeprefix(word).strip()
    reading = part_reader(unit).read_words(said, Asking(world))
    return int(reading.value) if isinstance(reading, Accepted) else None


def read_left(text: str, total: int, unit: str, world: World) -> int | None:
    """Return how much of ``total`` is left, in the unit (``jin``: grams); None where the text does not say."""
    words, said = world.lexicon.words, plain(text)
    if said in words["harvest_none"]:
        return 0
    if said in words["harvest_half"]:
        return total // 2
    for word in words["harvest_left"]:
        if said.startswith(word):
            reading = part_reader(unit).read_words(said.removeprefix(word).strip(), Asking(world))
            return int(reading.value) if isinstance(reading, Accepted) else None
    for word in words["harvest_tenths"]:
        less = numerals.read(said.removesuffix(word), words["vague"]) if said.endswith(word) else None
        if isinstance(less, Fraction) and 0 < less <= _TENTHS:
            return int(total * (_TENTHS - less) / _TENTHS)
    return None
