"""The first minute of somebody who knows no keyword: from a greeting to a paid yuan and to where it is.

Slow: it starts a demo with all its processes and walks through it in Chromium, on a phone.
"""

import re
import tomllib

import pytest
from playwright.sync_api import Page, expect

from bot.words.lexicon import load_lexicon
from flows.language.wording import plain
from handlers.routing.command_table import COMMANDS
from handlers.routing.typed_commands import TypedCommands
from tests.harness.processes.demo import (  # noqa: F401
    REPLIES,
    ROOT,
    Demo,
    demonstrated,
    expect_reply,
    leave,
    opened,
    pay,
    replies,
    say,
    wait_for,
)

# Never typed of one's own accord: a review ends with the request to answer with this word.
ASKED_FOR = "确认"
# The bubbles that reach over the edge of the screen, or whose words or links reach over their own.
OVER_THE_EDGE = """() => [...document.querySelectorAll('.bubble')].filter(bubble => {
    const words = document.createRange()
    words.selectNodeContents(bubble)
    const edge = bubble.getBoundingClientRect()
    return edge.left < 0 || edge.right > innerWidth || words.getBoundingClientRect().right > edge.right
}).map(bubble => bubble.innerText)"""

pytestmark = pytest.mark.slow


class Newcomer:
    """Types sentences, and numbers that stand before words of the newest answer. Keeps what was typed."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.typed: list[str] = []

    def says(self, sentence: str, answered: str) -> None:
        self.typed.append(sentence)
        say(self.page, sentence, answered)
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert self.page.evaluate(OVER_THE_EDGE) == []

    def picks(self, line: str, answered: str) -> None:
        """Type the number of the first line that has these words."""
        shown = re.search(rf"^(\d+) .*{line}", replies(self.page)[-1], re.MULTILINE)
        assert shown, f"no number for {line} in {replies(self.page)[-1]}"
        self.says(shown[1], answered)

    def confirms(self, answered: str) -> None:
        assert f"回复“{ASKED_FOR}”" in replies(self.page)[-1]
        self.says(ASKED_FOR, answered)

    def pays(self, price: str) -> None:
        self.page.locator(".from.account .bubble a").last.click()
        self.page.frame_locator("iframe").get_by_role("button", name=f"付 {price}").click(timeout=60_000)
        expect(self.page.get_by_role("dialog", name="WeChat Pay")).to_be_visible(timeout=60_000)
        pay(self.page)
        leave(self.page)


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_a_newcomer_pays_a_yuan_and_traces_it_without_a_keyword(demo: Demo, page: Page) -> None:
    page.get_by_role("button", name="A new follower").click()
    expect_reply(page, 0, "帮扶通")
    newcomer = Newcomer(page)
    newcomer.says("你好", "您想做什么")
    newcomer.says("我想帮忙", "正在求助的")
    newcomer.picks("号）", "捐一点")
    newcomer.picks("捐一点", "现在注册")
    newcomer.picks("现在注册", "同意吗")
    newcomer.picks("同意", "您来这里是想")
    newcomer.picks("我想帮助别人", "怎么称呼您")
    newcomer.says("小雨", "请看一遍")
    newcomer.confirms("注册好了")
    newcomer.picks("接着办", "多少钱")
    newcomer.says("一块钱", "¥1（一元）")
    newcomer.picks("留名", "先别急")
    newcomer.confirms("还没有付钱")
    before = len(replies(page))
    newcomer.pays("¥1")
    expect_reply(page, before, "捐的 ¥1 到账了，谢谢您")

    code = demo.ask("SELECT code FROM pledges WHERE state = 'committed' AND amount_fen = 100 ORDER BY id DESC LIMIT 1")
    wait_for(demo, page, "SELECT NOT EXISTS (SELECT FROM ledger_unsealed)")  # from then on it has a number
    newcomer.says("我捐的钱去哪了", f"编号 {code}")
    assert re.search("付了 ¥1，到账（公开账本第 \\d+ 笔）", replies(page)[-1])
    page.locator(".from.account .bubble a").last.click()
    expect(page.frame_locator("iframe").locator(".steps")).to_contain_text("付了 ¥1", timeout=60_000)
    leave(page)
    expect(page.locator(REPLIES).last).to_be_in_viewport()
    assert [typed for typed in newcomer.typed if is_keyword(typed)] == [ASKED_FOR, ASKED_FOR]


def is_keyword(typed: str) -> bool:
    """Tell whether the bot would take the text, or its beginning, for a word of config/keywords.toml."""
    file = tomllib.loads((ROOT / "config" / "keywords.toml").read_text("utf-8"))
    words = {word for name in ("control", "commands", "words") for listed in file[name].values() for word in listed}
    return plain(typed) in words or TypedCommands(COMMANDS, load_lexicon()).match(typed) is not None
