"""A resident makes as many consent codes in a day as honest use takes: each is recorded for good."""

from datetime import timedelta

from models.proxy.consent_code import MOST_CODES, ConsentCode
from tests.scenes.proxy_village import Village
from tests.scenes.proxy_village import village as village


def test_abuse_a_resident_does_not_grow_the_trail_with_codes(village: Village) -> None:
    for _ in range(MOST_CODES):
        code = village.code()
    assert "先不能再要了" in village.say("wang", "授权代办")
    assert village.actions("consent_code") == ["code_made"] * MOST_CODES
    assert village.count(ConsentCode) == MOST_CODES
    # The last one is still good.
    assert "请看一遍" in village.say("zhou", "代办", "2", "431124190101010038", "2", code)
    village.stage.clock.move(timedelta(days=1))
    assert village.code()
