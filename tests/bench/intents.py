"""``make bench ARGS=intents``: how much of what people type is understood, and what a sentence costs.

The 300 sentences (tests/language/evaluation.toml) were written by an author who had not seen config/intents.toml.
"""

import argparse
import statistics
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

from bot.words.lexicon import load_lexicon
from flows.language.intents import Intents

EVALUATION = Path(__file__).parents[1] / "language" / "evaluation.toml"


@dataclass(frozen=True)
class Score:
    """Counts of sentences. ``understood``: right at once, or the right one first among the choices."""

    meant: int
    right_at_once: int
    right_first: int
    right_offered: int
    nothing: int
    nothing_started: int
    wrong_at_once: int
    known: int
    """Sentences that, folded, stand in the table too, by chance; and how many of these are understood."""
    known_understood: int

    @property
    def understood(self) -> int:
        return self.right_at_once + self.right_first

    def lines(self) -> list[str]:
        new, right = self.meant - self.known, self.understood - self.known_understood
        return [
            f"understood {self.understood} of {self.meant} ({self.understood / self.meant:.1%})",
            f"  right at once {self.right_at_once}, right one first among the choices {self.right_first}",
            f"  beside them, right one among the choices {self.right_offered}",
            f"  without the {self.known} that the table has too: {right} of {new} ({right / new:.1%})",
            f"wrong thing without asking {self.wrong_at_once} of {self.meant + self.nothing}",
            f"nonsense that starts something {self.nothing_started} of {self.nothing}",
        ]


def score(intents: Intents) -> Score:
    """Try every sentence of the evaluation set."""
    counts = dict.fromkeys(Score.__dataclass_fields__, 0)
    table = {intents.folding.fold(sentence) for intent in intents.table.values() for sentence in intent.says}
    for text, means in sentences():
        meaning = intents.meaning_of(text)
        first = meaning.likely[0] if meaning.likely else ""
        at_once = meaning.clear and intents.table[first].at_once
        right = first in means
        counts["wrong_at_once"] += at_once and not right
        if not means:
            counts["nothing"] += 1
            counts["nothing_started"] += at_once
            continue
        counts["meant"] += 1
        counts["right_at_once"] += right and at_once
        counts["right_first"] += right and not at_once
        counts["right_offered"] += not right and not at_once and bool(set(meaning.likely) & means)
        known = intents.folding.fold(text) in table
        counts["known"] += known
        counts["known_understood"] += known and right
    return Score(**counts)


def sentences() -> list[tuple[str, set[str]]]:
    """Read the evaluation set: each sentence with the intents that it may mean, none for nonsense."""
    with EVALUATION.open("rb") as file:
        return [(each["text"], set(each["means"])) for each in tomllib.load(file)["sentence"]]


def main(arguments: list[str]) -> None:
    options = argparse.ArgumentParser(prog="bench intents")
    options.add_argument("--rounds", type=int, default=5)
    rounds = options.parse_args(arguments).rounds
    intents = load_lexicon().intents
    started = time.process_time()
    intents.prepare()
    learned = time.process_time() - started
    print("\n".join(score(intents).lines()))
    spent = []
    for _ in range(rounds):
        for text, _ in sentences():
            started = time.process_time()
            intents.meaning_of(text)
            spent.append((time.process_time() - started) * 1000)
    spent.sort()
    print(f"a sentence: median {statistics.median(spent):.2f} ms, 99 of 100 below {spent[-len(spent) // 100]:.2f}")
    print(f"learned once, at the start: {learned:.2f} s")
