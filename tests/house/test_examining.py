"""What an Examiner tells of a page that has every fault; the product's own pages are examined in their rooms."""

from tests.harness.pages.examining import faults_of, in_a_browser
from tests.harness.simulator.browser import PHONE, SHOTS, chromium

BAD = """<!doctype html><html><head><title>x</title><style>
  body { background: #fff; color: #aaa; } a { color: #aaa; text-decoration: none; } :focus { outline: none; }
  .fixed { width: 500px; } .moves { animation: turn 9s infinite; } @keyframes turn { to { rotate: 1turn; } }
  .code svg { background: #eee; }
</style></head><body><main>
  <h3>低一级</h3><p class="fixed">宽得放不下</p><p class="moves">转</p>
  <a href="/">一个</a><button tabindex="2">先</button><img src="data:," width="9" height="9">
  <table><tr><th>列</th></tr><tr><td>格</td></tr></table><div class="code"><svg width="9" height="9"></svg></div>
</main></body></html>"""
TOLD = (
    "color-contrast",
    "image-alt",
    "html-has-lang",
    "its parts are main",
    "not one heading of the first order",
    "leaves out an order",
    "its title is x",
    "says no scope",
    "is not underlined",
    "moves though",
    "scrolls sideways: ",
    "cut: ",
    "Tab leads to",
    "no ring shows",
    "its ground is light",
    "does not stand on white",
    "its words are not black",
)


@in_a_browser
def test_each_fault_of_a_page_is_told() -> None:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": PHONE["width"], "height": PHONE["height"]}, reduced_motion="reduce")
        page.set_content(BAD)
        found = "\n".join(faults_of(page, "bad"))
    for shot in SHOTS.glob("page-bad-*.png"):
        shot.unlink()
    assert [fault for fault in TOLD if fault not in found] == []
