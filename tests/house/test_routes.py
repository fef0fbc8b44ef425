"""Who may come in by which door: every route is proven by a signature, signed for one person, or open to everybody."""

from collections.abc import Callable, Iterator

import pytest

from bot.log import strike_out
from tests.harness.money.merchant import MCHID
from tests.harness.money.paid_stage import Collecting
from tests.harness.stage import Stage

# WeChat proves each delivery by its signature (test_webhook).
BY_WECHAT = {"/wechat"}
# And WeChat Pay each of its callbacks (test_pay_callback_route, tests/market/money/test_order_pay_page.py).
BY_PAY = {"/pay/notify", "/pay/notify/orders"}
# Signed for whoever talked.
SIGNED = {"/subscribe/<token>"}
# Signed, and for one person besides, whom WeChat names (test_officer_links, test_pay_page,
# test_export_page, test_parcel_page, test_thanks).
PROVED = {"/pictures/<token>", "/picture/<token>", "/cards/<token>", "/parcels/<token>"}
PROVED |= {"/points/<token>", "/collect/<token>", "/thanks/<token>", "/thanks-photo/<token>"}
PROVED |= {"/mydata/<token>", "/mydata/<token>/json", "/preview/<token>", "/preview-photo/<token>"}
PROVED |= {"/reading/<token>"}
# The seller's alone (tests/market/after_sales/test_after_sale_photos.py).
PROVED |= {"/order-photos/<token>", "/order-photo/<token>"}
PROVED |= {"/pay/<token>", "/pay/<token>/order", "/pay/<token>/state"}
# The buyer's alone (tests/market/money/test_order_pay_page.py).
PROVED |= {"/pay/orders/<token>", "/pay/orders/<token>/order", "/pay/orders/<token>/state"}
PAYING = {"/pay/<token>/order", "/pay/orders/<token>/order"}
# Of whoever follows, whom WeChat names; what they send carries a token of ours (tests/payments/test_give_page.py).
FOLLOWERS = {"/give/<said>"}
# Of who is signed in at the desk; the others are the way in (tests/desk).
DESK = {"/desk", "/desk/phone", "/desk/code", "/desk/state", "/desk/enter", "/desk/out", "/desk/figures"}
# A file that only who is signed in at the desk, and may see it, opens (tests/desk/test_files.py).
DESK |= {"/desk/files/<subject>/<number>", "/desk/picture/<token>", "/desk/list.xlsx"}
# Hold nobody's data, or only what everybody may read.
PUBLIC = {"/healthz", "/readyz", "/metrics", "/notices", "/notices/<code>", "/subscribe.js", "/pay.js", "/desk.js"}
# What this is; the public ledger; and one gift's way, for whoever has its code, which nobody guesses (test_trace_page).
# An appeal's page, once its owner agreed to it (test_appeal_page).
PUBLIC |= {"/a/<said>", "/a/<said>/poster"}
# How a round shared goods out, without a household (test_round_page).
PUBLIC |= {"/goods/rounds/<number>", "/goods/rounds/<number>/json"}
# A copy of a photo that an officer approved, while it may be shown (tests/public/test_public_photos.py).
PUBLIC |= {"/a/<number>/photos/<name>", "/l/<number>/photos/<name>"}
# A signature over an address of that page (tests/public/test_share_card.py).
PUBLIC |= {"/a/<said>/card", "/l/<said>/card"}
# What a listing is that everybody may order (tests/market/test_listing_page.py).
PUBLIC |= {"/l/<said>"}
# Counts, of which the small ones are hidden (tests/figures).
PUBLIC |= {"/numbers", "/numbers/<name>"}
# Scripts, the same for everybody (tests/figures/test_charts.py).
PUBLIC |= {"/scripts/<name>"}
PUBLIC |= {"/", "/ledger", "/ledger/entries", "/ledger/<name>", "/trace", "/trace/<said>"}


def routes(stage: Stage) -> dict[str, set[str]]:
    return {rule.rule: set(rule.methods or ()) - {"HEAD", "OPTIONS"} for rule in stage.app.url_map.iter_rules()}


@pytest.fixture
def stage(new_database: Callable[[], str]) -> Iterator[Stage]:
    """One that takes money: it has all the doors."""
    stage = Collecting(new_database(), "redis://127.0.0.1:1/0", pay_partner_mch_id=MCHID)
    yield stage
    stage.close()


def test_every_route_is_listed_with_who_may_use_it(stage: Stage) -> None:
    unlisted = set(routes(stage)) - BY_WECHAT - BY_PAY - SIGNED - PROVED - FOLLOWERS - DESK - PUBLIC
    assert not unlisted, (
        f"say in tests/house/test_routes.py who may open {sorted(unlisted)}, and test that nobody else can"
    )


def test_an_address_that_opens_something_is_struck_out_of_errors(stage: Stage) -> None:
    """Flask names the path of a request that failed."""
    for rule in (*SIGNED, *PROVED, "/trace/<said>"):
        path = rule.replace("<token>", "WzEsMl0.aa.bb-cc").replace("<said>", "WzEsMl0.aa.bb-cc")
        assert "WzE" not in strike_out(f"Exception on {path} [GET]"), rule


def test_where_nothing_is_collected_there_is_no_door_for_money(new_database: Callable[[], str]) -> None:
    stage = Stage(new_database())
    found = {rule for rule in routes(stage) if "pay" in rule}
    stage.close()
    assert found == set()


def test_nothing_is_changed_but_by_wechat_a_donor_or_who_signs_in(stage: Stage) -> None:
    writing = {rule for rule, methods in routes(stage).items() if methods - {"GET"}}
    assert writing <= BY_WECHAT | BY_PAY | FOLLOWERS | PAYING | {"/desk/code", "/desk/enter", "/desk/out"}


def test_a_signed_door_opens_for_no_made_up_token(stage: Stage) -> None:
    ours = [(rule, methods) for rule, methods in routes(stage).items() if rule in SIGNED | PROVED]
    made_up = "WzEsImFwcGVhbDoxIl0.aaaa.bbbb"
    answers = {
        rule: stage.client.open(rule.replace("<token>", made_up), method=next(iter(methods))) for rule, methods in ours
    }
    assert ours
    for rule, answer in answers.items():
        assert answer.status_code == 403, rule
        assert answer.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
