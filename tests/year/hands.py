"""How people type: most of what they send is what they meant."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Hands:
    """``slips``: the share of messages that go wrong; ``leaves``: of moments at which the phone is put down until
    another day.
    """

    slips: float = 0.0
    leaves: float = 0.0

    def put_it_down(self, lot: Random) -> bool:
        return lot.random() < self.leaves

    def type(self, words: str, lot: Random) -> list[str]:
        """Return what is sent: the words, or the words twice, or with a character too few, too many or misplaced."""
        if lot.random() >= self.slips:
            return [words]
        at = lot.randrange(len(words))
        before, here, after = words[:at], words[at], words[at + 1 :]
        return lot.choice(
            (
                [words, words],
                [before + after or here],
                [before + here * 2 + after],
                [before + after[:1] + here + after[1:]],
            )
        )


SURE = Hands()
