"""Somebody reports a thing (举报), from the first word to the last."""

from tests.harness.stage import Stage


def reports(stage: Stage, openid: str, what: str = "1", kind: str = "1") -> str:
    """Report it with no more than its kind; returns what is said at last. Of an officer the kind is known."""
    said = stage.say(openid, f"举报 {what}")
    if "哪里不对" in said:
        stage.say(openid, kind)
    for words in ("跳过", "跳过"):
        stage.say(openid, words)
    return stage.say(openid, "确认")
