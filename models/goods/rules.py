"""Hold the figures of config/goods.toml by which goods and listings are reviewed and shared; ``bot`` loads them."""

from dataclasses import dataclass

from models.goods.matches.carriers import NO_CARRIERS, Carriers


@dataclass(frozen=True, slots=True)
class GoodsRules:
    """A donor is a known giver after ``known_after`` offers that officers approved, none ever rejected or taken down.

    With 0 nobody is. Of a known giver's offers, officers review ``reviewed_of_hundred``, drawn by lot.

    What was approved or renewed ``days_fresh`` ago is asked about, and expires ``days_to_answer`` later.

    What lies on a shelf for ``days_on_shelf`` is written off. An offer whose donor let ``donor_lapses`` matches lapse
    since it was approved or renewed expires, and so does one of which they turned away ``donor_refusals``, and more
    households than they send to. A donor of whom one household collected ``one_taker_parts`` in twelve
    months, ``one_taker_of_hundred`` per cent of what was collected, is shown to the county.

    ``carriers``: tells whose waybill it is.

    ``shop_hosts``: the platforms whose shops need no reason; a host below one counts too.

    Of what is handed out by an officer's word or card, the households of ``called_of_hundred`` are asked, and of the
    first ``first_calls`` of each officer all. A household that collected ``many_collections`` times in a year is
    flagged.

    Candidates for an offer gather for ``hours_to_gather``, or for ``hours_where_it_spoils`` where it passes its day
    within ``days_it_spoils_in``. ``fair``: the rule of fair rounds decides (GOODS_ROUND), else who came first.
    """

    known_after: int = 0
    reviewed_of_hundred: int = 100
    shop_hosts: tuple[str, ...] = ()
    days_fresh: int = 60
    days_to_answer: int = 7
    carriers: Carriers = NO_CARRIERS
    days_on_shelf: int = 120
    donor_lapses: int = 2
    donor_refusals: int = 3
    one_taker_parts: int = 5
    one_taker_of_hundred: int = 80
    called_of_hundred: int = 100
    first_calls: int = 2
    many_collections: int = 12
    hours_to_gather: int = 24
    hours_where_it_spoils: int = 4
    days_it_spoils_in: int = 30
    fair: bool = True


# Without figures, officers review everything.
STRICT = GoodsRules()
