"""Hold the figures of config/goods.toml by which goods and listings are reviewed; ``bot`` loads them."""

from dataclasses import dataclass

from models.goods.matches.carriers import NO_CARRIERS, Carriers


@dataclass(frozen=True, slots=True)
class GoodsRules:
    """A donor is a known giver after ``known_after`` offers that officers approved, none ever rejected or taken down.

    With 0 nobody is. Of a known giver's offers, officers review ``reviewed_of_hundred``, drawn by lot.

    What was approved or renewed ``days_fresh`` ago is asked about, and expires ``days_to_answer`` later.

    ``carriers``: tells whose waybill it is.

    ``shop_hosts``: the platforms whose shops need no reason; a host below one counts too.
    """

    known_after: int = 0
    reviewed_of_hundred: int = 100
    shop_hosts: tuple[str, ...] = ()
    days_fresh: int = 60
    days_to_answer: int = 7
    carriers: Carriers = NO_CARRIERS


# Without figures, officers review everything.
STRICT = GoodsRules()
