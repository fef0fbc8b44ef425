"""What a person sees of their own: each number on the screen leads to what stands beside it."""

from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from tests.harness.stage import Stage


def test_the_number_beside_a_gift_leads_to_the_appeal_it_was_for(stage: Stage) -> None:
    """The first gift was for the second appeal, so that no number is right by chance."""
    titles = {stage.open_appeal(): "修桥", stage.open_appeal(): "打井"}
    with Database(stage.database) as db, db.begin():
        for number, title in titles.items():
            db.get_one(Appeal, number).title = title
    stage.register("o-li", "donor")
    first, second = titles
    for number in (second, first):
        stage.say("o-li", f"捐 {number} 50元")
        stage.say("o-li", "1")
        stage.say("o-li", "确认")
    listed = stage.say("o-li", "我的捐赠")
    assert f"1 ¥50 给 {first} 号“修桥”" in listed
    assert f"2 ¥50 给 {second} 号“打井”" in listed
    assert "打井" in stage.say("o-li", "2")
    stage.say("o-li", "我的捐赠")
    assert "修桥" in stage.say("o-li", "1")
