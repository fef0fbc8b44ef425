"""Load the words that are matched, and refuse to start if one of them is ambiguous."""

import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from bot.goods.rules import read_goods_rules
from bot.market.rules import read_market_rules
from bot.words.intents import read_intents
from bot.words.norms import read_norms
from config.settings import Settings
from flows.language.assessment import MOST, Scale
from flows.language.danger import DangerWords
from flows.language.lexicon import Lexicon
from flows.language.wording import plain
from models.market.rules import WITHOUT_LAND

CONFIG = Path(__file__).parents[2] / "config"
_PARTS = ("control", "commands", "words")


class AmbiguousWords(Exception):
    """One word has two meanings, or a word is not in the normal form to which typed text is folded."""


@cache
def load_lexicon(folder: Path = CONFIG) -> Lexicon:
    """Read the word files of config/, once in a process. Raises AmbiguousWords, BadNorms, BadIntents or re.error."""
    keywords = _read(folder / "keywords.toml")
    readers = _read(folder / "readers.toml")
    choices = _read(folder / "choices.toml")
    assessment = _read(folder / "assessment.toml")
    sorts = _read(folder / "sorts.toml")
    words = {
        name: tuple(listed)
        for group in (
            keywords["control"],
            keywords["commands"],
            keywords["words"],
            readers["words"],
            sorts.pop("words"),
        )
        for name, listed in group.items()
    }
    keys = {name: {key: tuple(labels) for key, labels in options.items()} for name, options in choices.items()}
    keys |= _assessed(assessment)
    norms = read_norms(_read(folder / "norms.toml"))
    danger = DangerWords(**_read(folder / "danger.toml"))
    danger.check()
    others: dict[str, Any] = {kind: _tuples(readers[kind]) for kind in ("solar_days", "lunar_days")}
    others["goods"] = read_goods_rules(_read(folder / "goods.toml"))
    groups = [group for group in choices["crop_group"] if group not in WITHOUT_LAND]
    others["market"] = read_market_rules(_read(folder / "market.toml"), groups)
    others["belonging"] = _tuples(sorts.pop("belonging"))
    intents = read_intents(_read(folder / "intents.toml"), words)
    lexicon = Lexicon(words, keys, norms, _scale(assessment), _sorts(sorts), danger=danger, intents=intents, **others)
    _refuse_ambiguity(lexicon, [*keywords["control"], *keywords["commands"]], list(keywords["words"]))
    return lexicon


def lexicon_of(settings: Settings) -> Lexicon:
    """Return the words with what the settings say of them: whether goods are shared fairly (GOODS_ROUND)."""
    lexicon = load_lexicon()
    if settings.shares_fairly:
        return lexicon
    return replace(lexicon, goods=replace(lexicon.goods, fair=False))


def _tuples(listed: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(words) for name, words in listed.items()}


def _assessed(assessment: dict[str, Any]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the questions of an officer's assessment as choices."""
    questions = {name: answers for name, answers in assessment.items() if name != "people"}
    return {
        f"assess_{name}": {key: (answer["label"],) for key, answer in answers.items()}
        for name, answers in questions.items()
    }


def _scale(assessment: dict[str, Any]) -> Scale:
    questions = {name: answers for name, answers in assessment.items() if name != "people"}
    points = {name: {key: answer["points"] for key, answer in answers.items()} for name, answers in questions.items()}
    scale = Scale(points, {int(least): points for least, points in assessment["people"].items()})
    if scale.most != MOST or any(value < 0 for answers in points.values() for value in answers.values()):
        raise ValueError(f"the points of assessment.toml add up to {scale.most} of {MOST}")
    return scale


def _sorts(sorts: dict[str, Any]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return category of goods -> sort -> words. Raises AmbiguousWords."""
    for category, named in sorts.items():
        words = [word for listed in named.values() for word in listed]
        if len(set(words)) < len(words) or any(plain(word) != word for word in words):
            raise AmbiguousWords(f"a word stands twice among the sorts of {category}, or is not as typing is folded")
    return {category: {sort: tuple(words) for sort, words in named.items()} for category, named in sorts.items()}


def _read(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)


def _refuse_ambiguity(lexicon: Lexicon, keywords: list[str], inside: list[str]) -> None:
    owners: dict[str, str] = {}
    for name in [*keywords, *inside]:
        for word in lexicon.words[name]:
            if word in owners:
                raise AmbiguousWords(f"{word!r} stands for both {owners[word]} and {name}")
            owners[word] = name
    for choice_set, options in lexicon.choices.items():
        for labels in options.values():
            for label in labels:
                if not choice_set.startswith("menu_") and plain(label) in owners:
                    raise AmbiguousWords(f"choice {label!r} of {choice_set} is the word for {owners[plain(label)]}")
