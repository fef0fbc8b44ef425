"""Hold the figures of config/market.toml by which households sell what they grow; ``bot`` loads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from models.core.measures import JIN, MU

# What households keep or raise, or make by hand, has no land by which it could be counted.
WITHOUT_LAND = ("animal",)


@dataclass(frozen=True, slots=True)
class Crop:
    """A crop: its national average on one 亩 a year (``average_jin``), the month in which its season begins, and the
    usual prices of a 斤 in fen. ``words``: what names of it contain; ``not_words``: which of other crops contain that,
    too. ``provinces``: where it is grown; empty: all.
    """

    code: str
    group: str
    words: tuple[str, ...]
    average_jin: int
    season_from: int
    low_fen: int
    high_fen: int
    provinces: tuple[str, ...] = ()
    not_words: tuple[str, ...] = ()

    def is_said_by(self, name: str) -> bool:
        for word in self.not_words:
            name = name.replace(word, "")
        return any(word in name for word in self.words)

    def season_of(self, day: date) -> int:
        """Return the year in which the season of that day began."""
        return day.year if day.month >= self.season_from else day.year - 1

    def grows_in(self, region_code: str) -> bool:
        return not self.provinces or region_code[:2] in self.provinces


@dataclass(frozen=True, slots=True)
class MarketRules:
    """``best_of_hundred``: how much of the average a household may list for its land, in hundredths.

    ``share_of_hundred``: how much of that it may sell before the harvest. ``window_days``: how long picking lasts.
    ``price_rise_of_hundred``: a price that rises by more is approved again. ``again_within``: how long a seller has
    who is to send goods again. ``counties``: a county's own usual prices
    (low, high), by its six digits and the crop's code.
    """

    crops: tuple[Crop, ...] = ()
    best_of_hundred: int = 200
    share_of_hundred: int = 80
    window_days: int = 45
    price_rise_of_hundred: int = 10
    again_within: timedelta = timedelta(days=7)
    counties: Mapping[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def crop_of(self, group: str | None, name: str) -> Crop | None:
        """Return the crop of the group that the name says, else the group's own; None for what needs no land."""
        own = [crop for crop in self.crops if crop.group == group]
        said = [crop for crop in own if crop.is_said_by(name)]
        return next(iter(said), next((crop for crop in own if not crop.words), None))

    def crop(self, code: str | None) -> Crop | None:
        return next((crop for crop in self.crops if crop.code == code), None)

    def most_grams(self, crop: Crop, plot: int) -> int:
        """Return what so many hundredths of a 亩 can give in a good year, in grams."""
        return plot * crop.average_jin * JIN * self.best_of_hundred // (MU * 100)

    def usual_prices(self, crop: Crop, region_code: str) -> tuple[int, int]:
        """Return the lowest and highest usual price of a 斤 there, in fen."""
        return self.counties.get((region_code[:6], crop.code), (crop.low_fen, crop.high_fen))


NO_CROPS = MarketRules()
