"""Ask for the category of a thing again where its name belongs to another one (大米 among the cooking oils)."""

from collections.abc import Mapping
from typing import Any

from flows.language.sorts import belonging_of
from flows.readers.base import Asking
from flows.readers.words.choice import Choice, SaidChoice


class GoodsCategory(SaidChoice):
    """Value: a key of ``goods_category``, also by the name of a thing that belongs to one category alone (大米)."""

    def __init__(self) -> None:
        super().__init__("goods_category")

    def said(self, text: str, asking: Asking) -> set[str]:
        return super().said(text, asking) or set(belonging_of(text, asking.world.lexicon))


class BetterCategory(Choice):
    """Value: a key of ``goods_category``: one to which the thing's name belongs, or the one that was chosen before.

    Facts besides those of Choice: ``item``, the thing's name, and ``chosen``, the label of the category.
    """

    def __init__(self) -> None:
        super().__init__("goods_category")

    def facts(self, asking: Asking) -> dict[str, Any]:
        chosen, item = asking.answers.get("category"), asking.answers.get("item")
        label = asking.world.lexicon.label(self.choice_set, chosen) if chosen else ""
        return {**super().facts(asking), "item": item["name"] if isinstance(item, dict) else "", "chosen": label}

    def _keys(self, asking: Asking) -> tuple[str, ...]:
        return (*_likely(asking.answers), *filter(None, [asking.answers.get("category")]))


def misfits(answers: Mapping[str, Any]) -> bool:
    """Tell whether the thing's name belongs to categories, and the chosen one is none of them."""
    likely = _likely(answers)
    return bool(likely) and answers.get("category") not in likely


def category_in(answers: Mapping[str, Any]) -> Any:
    """Return the category of the thing: as it was chosen, or corrected afterwards (step ``fits``)."""
    return answers["fits"] if "fits" in answers and misfits(answers) else answers.get("category")


def _likely(answers: Mapping[str, Any]) -> tuple[str, ...]:
    item = answers.get("item")
    return tuple(item.get("belongs", ())) if isinstance(item, dict) else ()
