"""The people of the county, each with a phone, facts of their own, and what they have come for."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from tests.year.habits import ONE_OF_THEM, PAGE, PICTURE, PLACE, Habit, answer_to
from tests.year.hands import SURE, Hands
from tests.year.phone import Phone
from tests.year.screen import Screen

# Nobody writes to a machine for ever, nor answers the same question again and again.
PATIENCE, _TRIES = 60, 3
_RING_UP = "请打电话问他钱收到没有"
_PLEDGED = re.compile(r"捐 ¥([\d,]+)")


# What a household does when it reads the word, and a pattern of what then stands there in the end.
_DEEDS = {"用钱": "交上去了|现在就可以申请用钱|能用的 ¥0|不能申请用钱", "收到": "记下了", "补照片": "收到了"}
# What it has come for, each with a pattern of what stands there in the end.
_WANTS = {"注册": "注册好了|您注册过了", "求助": "请记住这个号"}
# The budget has several lines, and the next is asked for another day.
_GOES_ON = "交上去了：用款|现在就可以申请用钱"


@dataclass(frozen=True)
class Told:
    """How a conversation went: whether it came to its end, or was left for another day, and what stood there last."""

    ended: bool
    last: Screen
    left: bool = False


@dataclass
class Person:
    """``facts``: what they know of themselves and want, by the names in habits.toml. ``hands``: how they type.

    ``astray``: of conversations that did not come to their end, what they wanted and what stood there last.
    """

    name: str
    phone: Phone
    habits: Sequence[Habit]
    lot: Random
    facts: dict[str, str] = field(default_factory=dict)
    hands: Hands = SURE
    astray: list[tuple[str, str]] = field(default_factory=list)

    def arrive(self) -> None:
        self.phone.follow(self.name)

    def pursue(self, words: str, until: str, facts: Mapping[str, str] | None = None) -> Told:
        """Say the words, and go on by what stands on the screen until it says ``until``, a pattern; or give up."""
        known, asked = self.facts | dict(facts or {}), Counter[str]()
        screen, count, looked_at = self.phone.say(words), 1, ""
        while count < PATIENCE and not re.search(until, screen.words):
            if self.hands.put_it_down(self.lot):
                return Told(ended=False, last=screen, left=True)
            answer = answer_to(screen, self.habits, known, has_looked=looked_at == screen.words)
            looked_at = screen.words if answer == PAGE else looked_at
            asked[screen.words] += 1
            if not answer or asked[screen.words] > _TRIES:
                break
            screen = self._do(answer, screen)
            count += 1
        ended = bool(re.search(until, screen.words))
        if not ended:
            self.astray.append((words, screen.words))
        return Told(ended, screen)

    def _do(self, answer: str, screen: Screen) -> Screen:
        if answer == ONE_OF_THEM:
            return self.phone.say(self.lot.choice(screen.things))
        if answer == PICTURE:
            return self.phone.send_picture()
        if answer == PLACE:
            return self.phone.send_place()
        if answer == PAGE:
            self.phone.open(screen.links[-1])
            return screen
        for words in self.hands.type(answer, self.lot):
            screen = self.phone.say(words)
        return screen


@dataclass
class Household(Person):
    """``news``: all that they have read. ``offered``: the words for what is to be done yet; ``known``: all of those.

    ``wanted``: what it has come for and has not been answered yet.
    """

    wanted: list[str] = field(default_factory=lambda: list(_WANTS))
    news: list[str] = field(default_factory=list)
    offered: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)

    def live_a_day(self) -> None:
        """Go on with what it has come for, do what was offered and is not done yet, and read the news."""
        while self.wanted and self.pursue(self.wanted[0], _WANTS[self.wanted[0]]).ended:
            self.wanted.pop(0)
        for words in list(self.offered):
            told = self.pursue(words, _DEEDS[words.split()[0]])
            if told.ended and not re.search(_GOES_ON, told.last.words):
                self.offered.remove(words)
        self.phone.say("消息")
        heard, self.phone.heard = self.phone.heard, []
        self.news += [screen.words for screen in heard]
        for words in [each for screen in heard for each in screen.offers]:
            if words.split()[0] in _DEEDS and words not in self.known:
                self.offered.append(words)
                self.known.append(words)


@dataclass
class Donor(Person):
    """``paid``: what they have given, in yuan. ``is_idle``: when they last looked, nobody asked for anything."""

    is_registered: bool = False
    paid: int = 0
    is_idle: bool = False

    def give(self, yuan: int) -> None:
        """Look who asks, choose one of them, and give; what is too much for it is made less."""
        self.is_registered = self.is_registered or self.pursue("注册", _WANTS["注册"]).ended
        if not self.is_registered:
            return
        told = self.pursue("看求助", "还没有付钱", {"yuan": str(yuan)})
        if told.ended and self.phone.pay(told.last.links[-1]):
            self.paid += int(_PLEDGED.findall(told.last.words)[-1].replace(",", ""))
        self.is_idle = "现在没有正在收捐款的求助" in told.last.words


@dataclass
class Officer(Person):
    """Works through the queue, the first thing first. ``references``: how many numbers the bank has given."""

    references: int = 0

    def live_a_day(self, most: int = 20) -> None:
        """Do one thing after the other; whoever is to be rung up about their money has a day more to say so."""
        left = 0
        for _ in range(most):
            self.references += 1
            facts = {"reference": f"{self.phone.openid[-6:]}{self.references:08}"}
            number = str(left + 1)
            if number not in self.phone.say("待办").things:
                return
            told = self.pursue(number, f"接着办下一件|等放款的|{_RING_UP}", facts)
            if not told.ended:
                return
            left += bool(re.search(_RING_UP, told.last.words))
