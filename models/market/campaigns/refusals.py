"""What can keep somebody from opening a campaign, from pledging or from joining."""

from models.core.refusal import Refusal


class NoSuchCampaign(Refusal):
    """There is no public campaign ``number``."""

    code = "no_such_campaign"
    final = True


class NobodySells(Refusal):
    """No endorsed seller of the county sells this crop by weight now."""

    code = "nobody_sells_crop"
    step = "crop"


class CampaignOver(Refusal):
    """The campaign ``number`` takes nothing more, and nothing can be taken back (``state``)."""

    code = "campaign_over"
    final = True


class SuppliesIt(Refusal):
    """The buyer's household supplies the campaign ``number``, or the supplier's has pledged to buy in it."""

    code = "supplies_it"
    final = True


class TooMuchForOne(Refusal):
    """Whoever buys for no firm may pledge ``most`` grams."""

    code = "too_much_for_one"
    step = "amount"


class CannotJoin(Refusal):
    """The person has nothing on sale by weight of the crop (``crop``) of the campaign ``number``, in its county and
    season, as an endorsed seller."""

    code = "cannot_join_campaign"
    final = True


class NotPartOf(Refusal):
    """The person has pledged nothing in the campaign ``number``, or does not supply it."""

    code = "not_part_of_campaign"
    final = True


class FirmPledged(Refusal):
    """Another person has pledged in the campaign ``number`` for the firm with this credit code."""

    code = "firm_pledged"
    step = "credit_code"


class FirmGone(Refusal):
    """The firm does not stand in the campaign (``campaign``, if there is one) any more, or it is divided already."""

    code = "firm_gone"
    final = True
