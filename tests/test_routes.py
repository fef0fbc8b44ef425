"""Who may come in by which door: every route is proven by a signature, signed for one person, or open to everybody."""

from collections.abc import Callable

from tests.stage import Stage

# WeChat proves each delivery by its signature (test_webhook).
BY_WECHAT = {"/wechat"}
# Signed for one member of staff, for a quarter of an hour; or for whoever talked.
SIGNED = {"/pictures/<token>", "/picture/<token>", "/cards/<token>", "/subscribe/<token>"}
# Hold nobody's data, or only what everybody may read.
PUBLIC = {"/healthz", "/readyz", "/metrics", "/notices", "/notices/<code>", "/subscribe.js"}


def routes(stage: Stage) -> dict[str, set[str]]:
    return {rule.rule: set(rule.methods or ()) - {"HEAD", "OPTIONS"} for rule in stage.app.url_map.iter_rules()}


def test_every_route_is_listed_with_who_may_use_it(new_database: Callable[[str], str]) -> None:
    stage = Stage(new_database("sqlite"))
    unlisted = set(routes(stage)) - BY_WECHAT - SIGNED - PUBLIC
    stage.close()
    assert not unlisted, f"say in tests/test_routes.py who may open {sorted(unlisted)}, and test that nobody else can"


def test_nothing_is_changed_but_by_wechat(new_database: Callable[[str], str]) -> None:
    stage = Stage(new_database("sqlite"))
    writing = {rule for rule, methods in routes(stage).items() if methods - {"GET"}}
    stage.close()
    assert writing <= BY_WECHAT


def test_a_signed_door_opens_for_no_made_up_token(new_database: Callable[[str], str]) -> None:
    stage = Stage(new_database("sqlite"))
    ours = [rule for rule in routes(stage) if rule in SIGNED]
    answers = {rule: stage.client.get(rule.replace("<token>", "WzEsImFwcGVhbDoxIl0.aaaa.bbbb")) for rule in ours}
    stage.close()
    assert ours
    for rule, answer in answers.items():
        assert answer.status_code == 403, rule
        assert answer.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
