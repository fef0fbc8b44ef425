"""Read the figures of config/goods.toml, and refuse ones that make no sense."""

import re
from typing import Any

from models.goods.matches.carriers import CarriersByNumber
from models.goods.rules import GoodsRules


class BadGoodsRules(Exception):
    """A figure of config/goods.toml is out of its range."""


def read_goods_rules(read: dict[str, Any]) -> GoodsRules:
    """Raises BadGoodsRules."""
    giver, fresh, rounds, after = read["known_giver"], read["fresh"], read["rounds"], read["after"]
    carriers = CarriersByNumber(tuple((code, re.compile(pattern)) for code, pattern in read["carriers"].items()))
    rules = GoodsRules(
        known_after=giver["after"],
        reviewed_of_hundred=giver["reviewed_of_hundred"],
        shop_hosts=tuple(read["shops"]["hosts"]),
        days_fresh=fresh["days"],
        days_to_answer=fresh["days_to_answer"],
        days_on_shelf=after["days_on_shelf"],
        donor_lapses=after["donor_lapses"],
        donor_refusals=after["donor_refusals"],
        one_taker_parts=after["one_taker_parts"],
        one_taker_of_hundred=after["one_taker_of_hundred"],
        carriers=carriers,
        **read["points"],
        hours_to_gather=rounds["hours"],
        hours_where_it_spoils=rounds["hours_where_it_spoils"],
        days_it_spoils_in=rounds["spoils_within_days"],
    )
    if rules.known_after < 0 or not 0 <= rules.reviewed_of_hundred <= 100:
        raise BadGoodsRules("known_giver: after is a count, reviewed_of_hundred from 0 to 100")
    if rules.days_fresh < 1 or rules.days_to_answer < 1:
        raise BadGoodsRules("fresh: days and days_to_answer are at least 1")
    if min(rules.days_on_shelf, rules.donor_lapses, rules.donor_refusals, rules.one_taker_parts) < 1:
        raise BadGoodsRules("after: days_on_shelf, donor_lapses, donor_refusals, one_taker_parts are at least 1")
    if not 1 <= rules.one_taker_of_hundred <= 100:
        raise BadGoodsRules("after: one_taker_of_hundred is from 1 to 100")
    if not 0 <= rules.called_of_hundred <= 100 or rules.first_calls < 0 or rules.many_collections < 1:
        raise BadGoodsRules("points: called_of_hundred from 0 to 100, first_calls and many_collections are counts")
    if not 1 <= rules.hours_where_it_spoils <= rules.hours_to_gather or rules.days_it_spoils_in < 0:
        raise BadGoodsRules("rounds: hours_where_it_spoils is at least 1 and at most hours; the days are a count")
    return rules
