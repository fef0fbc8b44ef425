"""Under which numbers sellers are paid, and what WeChat Pay would not do: the operator's commands."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from click.testing import Result
from flask import Flask

from bot.app import create_app
from models.market.money.sending import begin_submission, mark_refused
from models.treasury.discrepancy import Discrepancy
from tests.harness.money.merchant import MCHID
from tests.harness.stage import Stage, settings_for
from tests.scenes.money.stall import COOP, OTHER, TOTAL, Stall


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    app = create_app(settings_for(database_url).model_copy(update={"pay_partner_mch_id": MCHID}))
    yield app
    app.extensions["bangfu"]["turns"].database.dispose()


@pytest.fixture
def stall(database_url: str) -> Iterator[Stall]:
    stage = Stage(database_url)
    yield Stall(stage)
    stage.close()


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["seller", *arguments])


def test_a_seller_gets_a_number_and_loses_it(app: Flask, stall: Stall) -> None:
    said = run(app, "merchant", str(stall.seller), COOP).output
    assert said == f"user {stall.seller} is paid under {COOP} from now on; orders placed before stay reservations.\n"
    waiting = stall.order()
    assert stall.state(waiting) == "awaiting_payment"
    assert run(app, "list").output == f"{COOP}  user {stall.seller}  now\n"
    said = run(app, "withdraw", COOP).output
    assert said == f"Nothing new is paid under {COOP}. 1 unpaid orders are reservations now.\n"
    assert stall.state(waiting) == "placed"
    assert f"{COOP}  user {stall.seller}  until 20" in run(app, "list").output


def test_what_does_not_fit_is_said_in_one_line(app: Flask, stall: Stall, database_url: str) -> None:
    run(app, "merchant", str(stall.seller), COOP)
    for words, why in [
        (("merchant", str(stall.seller), OTHER), f"is paid under {COOP}: withdraw that first"),
        (("merchant", str(stall.buyer), COOP), "already"),
        (("merchant", "999", OTHER), "there is no user 999"),
        (("withdraw", OTHER), f"nobody is paid under {OTHER}"),
        (("retry", "7"), "7 is not stuck"),
        (("settled", "7"), "7 is not stuck"),
    ]:
        refused = run(app, *words)
        assert (refused.exit_code, why in refused.output, refused.output.count("\n")) == (1, True, 1), refused.output
    other = create_app(settings_for(database_url))
    assert "PAY_PARTNER_MCH_ID is empty" in run(other, "merchant", str(stall.buyer), OTHER).output
    other.extensions["bangfu"]["turns"].database.dispose()


def test_where_the_bills_differ_is_listed(app: Flask, stall: Stall) -> None:
    stall.take_payment()
    now = stall.stage.clock()
    what = {"kind": "missing_here", "subject": "payment", "number": "4200", "out_trade_no": "T9", "theirs_fen": 999}
    with stall.session() as db:
        for account in (COOP, MCHID):  # that of a charity is its fund holder's
            own = Discrepancy(merchant=account, day=date(2026, 11, 25), state="open", found_at=now, seen_at=now, **what)
            db.add(own)
    said = "missing_here, payment of 999 fen, account 1900000110, order T9, number 4200"
    assert run(app, "differences").output == f"1  2026-11-25  {said}\n"


def test_what_is_stuck_is_listed_asked_for_again_and_settled(app: Flask, stall: Stall) -> None:
    stall.take_payment()
    order = stall.paid()
    stall.act("decline", order)
    (back,) = stall.transfers(order)
    for word in ("retry", "settled"):
        with stall.session() as db:
            submission = begin_submission(db, back.id, stall.stage.clock())
            assert submission is not None
            mark_refused(db, submission, "NOT_ENOUGH", stall.stage.clock())
        listed = run(app, "stuck").output
        assert listed.startswith(f"{back.id}  refund of {TOTAL} fen, order {order}, number {back.base_number}")
        assert listed.endswith(": NOT_ENOUGH\n")
        assert run(app, word, str(back.id)).exit_code == 0
        assert run(app, "stuck").output == ""
        stall.stage.clock.move(timedelta(minutes=1))
    assert stall.account(order) == (TOTAL, TOTAL, 0, TOTAL)
