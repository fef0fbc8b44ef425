"""Open a page in Chromium and demand all that WCAG 2.2 AA asks of it and a machine can tell, and a little more.

::

    @in_a_browser
    def test_the_page_is_for_everybody(stage: Stage) -> None:
        with examining(stage, visitor="o-li") as examine:
            examine("/a/12", "public/appeal")

tests/house/test_pages.py fails for every page that no test examines. All that is wrong is told at once.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Response

from bot.simulator.serving import serving
from bot.web.pages import Pages
from tests.harness.simulator.browser import DESK, PHONE, chromium, shoot
from tests.harness.stage import Stage

# Left to `make test-slow`: each page takes two or three seconds.
in_a_browser = pytest.mark.browser

MOST_BYTES = 100_000
NARROW = {"width": 320, "height": 640}
# What is left of a desk's window at 200 %.
ZOOMED = {"width": DESK["width"] // 2, "height": DESK["height"] // 2}
LOOK = (Path(__file__).parent / "look.js").read_text(encoding="utf-8")
# Left out by axe unless they are asked for.
RULES = {"target-size": {"enabled": True}}
ONLY_CONTRAST = {"runOnly": ["color-contrast"]}
# Of which contrasts axe is never sure: a single sign, and what is pushed out of a wide table's window.
NEVER_SURE = {"shortTextContent", "elmPartiallyObscured"}

# Words in a chart, whose ground axe cannot tell: they take the colours that tests/house/test_pages.py compares.
DRAWN = "<text "


class Examiner:
    """Examines pages of one site as one visitor. ``shown``: the templates that the site has rendered."""

    def __init__(self, browser: Browser, root: str, cookies: list[Any], script: str, shown: list[str]) -> None:
        self._browser, self._root, self._cookies, self._script, self._shown = browser, root, cookies, script, shown

    def __call__(
        self,
        path: str,
        template: str,
        *,
        status: int = 200,
        name: str = "",
        act: Callable[[Page], object] | None = None,
        apart: tuple[str, ...] = (),
    ) -> None:
        """Fail with everything that is wrong with the page at ``path`` (or address), which ``template`` must render.

        ``name``: of its screenshots, where one template is examined in several states. ``act`` brings the opened page
        into its state. ``apart``: paths of deferred scripts that are not weighed."""
        self._shown.clear()
        page = self._browser.new_page(viewport=_size(PHONE), reduced_motion="reduce", color_scheme="light")
        page.context.add_cookies(self._cookies)
        page.add_init_script(self._script)
        answers: list[Response] = []
        page.on("response", lambda answered: _weigh_with(answers, answered))
        try:
            answer = page.goto(path if "://" in path else self._root + path)
            assert answer
            assert answer.status == status, path
            if act:
                act(page)
            assert self._shown[-1:] == [template], path
            faults = [*_too_heavy(answers, self._root, apart), *faults_of(page, name or template.replace("/", "-"))]
        finally:
            page.context.close()
        assert not faults, "\n".join([f"{path} ({template}):", *faults])


@contextmanager
def examining(
    stage: Stage,
    *,
    visitor: str = "",
    root: str = "",
    script: str = "",
    kept: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Examiner]:
    """Serve the stage's pages to an Examiner. ``visitor``: the openid by which WeChat knows whoever opens them.

    ``root``: where the stage's pages are served already, if they are. ``script``: run before a page's own, such as
    what WeChat puts into its browser. ``kept``: further cookies, by their names."""
    with ExitStack() as stack:
        shown = stack.enter_context(_noting())
        address = root or stack.enter_context(serving(stage.app))
        browser = stack.enter_context(chromium())
        named = {"bangfu_visitor": stage.visitor_cookie(visitor), **kept} if visitor else kept
        cookies = [{"name": name, "value": value, "url": address} for name, value in named.items()]
        yield Examiner(browser, address, cookies, script, shown)


@contextmanager
def _noting() -> Iterator[list[str]]:
    """Note the name of every template that is shown."""
    show, shown = Pages.show, []

    def noted(pages: Pages, name: str, status: int = 200, /, **values: Any) -> Any:
        shown.append(name)
        return show(pages, name, status, **values)

    Pages.show = noted  # type: ignore[method-assign]
    try:
        yield shown
    finally:
        Pages.show = show  # type: ignore[method-assign]


def faults_of(page: Page, name: str) -> Iterator[str]:
    """Everything that is wrong with an opened page; loaded once, it is seen in every size and by every light."""
    yield from _axe(page, "on a phone", {"rules": RULES})
    yield from _looks(page, "on a phone", "order", "cut", "motion", "codes")
    yield from _keyboard(page, "light")
    shoot(page, f"{name}-phone", whole=True)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    yield from _axe(page, "in the dark", ONLY_CONTRAST)
    yield from _looks(page, "in the dark", "scheme", "codes")
    yield from _keyboard(page, "dark")
    shoot(page, f"{name}-phone-dark", whole=True)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce", forced_colors="active")
    yield from _looks(page, "in the reader's own colours", "codes")
    page.emulate_media(color_scheme="dark", reduced_motion="reduce", forced_colors="none")
    page.set_viewport_size(_size(DESK))
    shoot(page, f"{name}-desk-dark", whole=True)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    yield from _axe(page, "on a desk", {"rules": RULES})
    shoot(page, f"{name}-desk", whole=True)
    for size, where in ((ZOOMED, "on a desk at 200 %"), (NARROW, "at 320 pixels")):
        page.set_viewport_size(_size(size))
        yield from _looks(page, where, "cut")
    page.set_viewport_size(_size(PHONE))
    page.evaluate("document.documentElement.style.fontSize = '225%'")  # twice style.css's own
    yield from _looks(page, "on a phone with letters twice as big", "cut")
    page.evaluate("document.documentElement.style.fontSize = ''")
    page.emulate_media(media="print", color_scheme="dark")
    yield from _axe(page, "on paper", ONLY_CONTRAST)
    yield from _looks(page, "on paper", "paper", "codes")


def _size(size: dict[str, int]) -> Any:
    return dict(size)


def _axe(page: Page, where: str, options: dict[str, Any]) -> Iterator[str]:
    """What axe-core finds wrong, and contrasts of which it is not sure."""
    found = Axe().run(page, options=options).response
    unsure = [each for each in found["incomplete"] if each["id"] == "color-contrast"]
    for each in [*found["violations"], *unsure]:
        for node in each["nodes"]:
            checks = (*node["any"], *node["all"], *node["none"])
            if NEVER_SURE & {(check["data"] or {}).get("messageKey") for check in checks if each in unsure}:
                continue
            if each in unsure and node["html"].startswith(DRAWN):
                continue
            said = "; ".join(check["message"] for check in checks)
            yield f"- {where}, {each['id']}: {each['help']}: {' '.join(node['html'].split())[:160]} ({said[:200]})"


def _looks(page: Page, where: str, *looks: str) -> Iterator[str]:
    for look in looks:
        for fault in page.evaluate(f"() => {{ {LOOK}; return looks.{look}(); }}"):
            yield f"- {where}, {fault}"


def _keyboard(page: Page, scheme: str) -> Iterator[str]:
    """Tab from the top of the page to its end: each stop once, in reading order, with a ring that can be seen."""
    stops = page.evaluate(f"() => {{ {LOOK}; return keyboard.begin(); }}")
    for place in range(stops):
        page.keyboard.press("Tab")
        for fault in page.evaluate(f"place => {{ {LOOK}; return keyboard.at(place); }}", place):
            yield f"- by keyboard ({scheme}), stop {place + 1} of {stops}: {fault}"
    page.evaluate("document.activeElement?.blur()")


def _weigh_with(answers: list[Response], answered: Response) -> None:
    """Of a page that another leads to (``act``), what came before it is not weighed, and no more to be had."""
    if answered.request.is_navigation_request():
        answers.clear()
    answers.append(answered)


def _too_heavy(answers: list[Response], root: str, apart: tuple[str, ...]) -> Iterator[str]:
    """Photos and other sites' files are not weighed."""
    weighed = 0
    for answer in answers:
        path = urlsplit(answer.url).path
        ours = answer.url.startswith(f"{root}/") and not path.startswith(apart or ("\0",))
        if ours and answer.status not in range(300, 400) and answer.request.resource_type != "image":
            weighed += len(answer.body())
    if weighed > MOST_BYTES:
        yield f"- it weighs {weighed:,} bytes without photos, and may weigh {MOST_BYTES:,}"
