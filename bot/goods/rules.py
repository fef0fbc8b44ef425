"""Read the figures of config/goods.toml, and refuse ones that make no sense."""

import re
from typing import Any

from models.goods.matches.carriers import CarriersByNumber
from models.goods.rules import GoodsRules


class BadGoodsRules(Exception):
    """A figure of config/goods.toml is out of its range."""


def read_goods_rules(read: dict[str, Any]) -> GoodsRules:
    """Raises BadGoodsRules."""
    giver, fresh = read["known_giver"], read["fresh"]
    hosts = tuple(read["shops"]["hosts"])
    carriers = CarriersByNumber(tuple((code, re.compile(pattern)) for code, pattern in read["carriers"].items()))
    rules = GoodsRules(
        giver["after"], giver["reviewed_of_hundred"], hosts, fresh["days"], fresh["days_to_answer"], carriers
    )
    if rules.known_after < 0 or not 0 <= rules.reviewed_of_hundred <= 100:
        raise BadGoodsRules("known_giver: after is a count, reviewed_of_hundred from 0 to 100")
    if rules.days_fresh < 1 or rules.days_to_answer < 1:
        raise BadGoodsRules("fresh: days and days_to_answer are at least 1")
    return rules
