"""Where the officers of these tests sit."""

from tests.harness.stage import DAOXIAN_MEIHUA

DAOXIAN, HUNAN, QINGTANG = "431124000000", "430000000000", "431124104000"


SEAT = {
    "village": DAOXIAN_MEIHUA,
    "township": DAOXIAN_MEIHUA,
    "county": DAOXIAN,
    "fund_holder": HUNAN,
    "keeper": DAOXIAN_MEIHUA,
}
