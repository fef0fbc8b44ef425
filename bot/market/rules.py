"""Read the figures of config/market.toml, and refuse ones that make no sense."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from models.market.rules import Crop, MarketRules


class BadMarketRules(Exception):
    """A figure of config/market.toml is out of its range, or a group of crops has no crop of its own."""


def read_market_rules(read: dict[str, Any], groups: Collection[str]) -> MarketRules:
    """``groups``: those of config/choices.toml that need land. Raises BadMarketRules."""
    preorders = read["preorders"]
    crops = tuple(_crop(code, figures) for code, figures in read["crops"].items())
    rules = MarketRules(
        crops=crops,
        best_of_hundred=read["yields"]["best_of_hundred"],
        share_of_hundred=preorders["share_of_hundred"],
        window_days=preorders["window_days"],
        price_rise_of_hundred=read["prices"]["rise_of_hundred"],
        again_within=timedelta(days=read["after_sales"]["again_days"]),
        counties={
            (county, crop): _prices(f"counties.{county}.{crop}", figures)
            for county, own in read["counties"].items()
            for crop, figures in own.items()
        },
    )
    if rules.best_of_hundred < 100 or not 1 <= rules.share_of_hundred <= 100 or rules.window_days < 1:
        raise BadMarketRules("best_of_hundred is at least 100, share_of_hundred from 1 to 100, window_days at least 1")
    if rules.price_rise_of_hundred < 0:
        raise BadMarketRules("prices: rise_of_hundred is at least 0")
    if not timedelta(days=3) <= rules.again_within <= timedelta(days=30):
        raise BadMarketRules("after_sales: again_days is from 3 to 30")
    own = {crop.group for crop in crops if not crop.words}
    if set(groups) != own or any(crop.group not in own for crop in crops):
        raise BadMarketRules(f"each group of crops has one crop without words: {sorted(set(groups) ^ own)}")
    if unknown := {crop for _, crop in rules.counties if rules.crop(crop) is None}:
        raise BadMarketRules(f"counties name crops that are not there: {sorted(unknown)}")
    return rules


def _crop(code: str, figures: dict[str, Any]) -> Crop:
    low, high = _prices(f"crops.{code}", figures)
    if figures["average_jin"] < 1 or not 1 <= figures["season_from"] <= 12:
        raise BadMarketRules(f"crops.{code}: average_jin is at least 1, season_from a month")
    return Crop(
        code=code,
        group=figures["group"],
        words=tuple(figures["words"]),
        average_jin=figures["average_jin"],
        season_from=figures["season_from"],
        low_fen=low,
        high_fen=high,
        provinces=tuple(figures["provinces"]),
        not_words=tuple(figures.get("not_words", ())),
    )


def _prices(name: str, figures: dict[str, Any]) -> tuple[int, int]:
    low, high = figures["low_fen"], figures["high_fen"]
    if not 0 < low <= high:
        raise BadMarketRules(f"{name}: low_fen is above 0 and at most high_fen")
    return low, high
