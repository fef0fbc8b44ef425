"""Tell which of several classes a short sentence belongs to, from example sentences of each: pure, and no model file.

Two measures are added. The first asks of each piece of a sentence (one to three characters) how much more often the
class's examples have it than all examples do (naive Bayes, as logarithms). The second is the likeness to the nearest
examples (cosine over single characters and pairs, each weighted by how rare it is).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

# How much a piece of one, two and three characters counts.
_WEIGHTS = {1: 1.0, 2: 0.7, 3: 0.5}
# How much of a class's rate for a piece is taken from the rate of all examples: what no example has is not impossible.
_PRIOR = 0.3
# One example that is the same sentence counts as much as this much evidence of the pieces.
_LIKENESS = 30.0
# What a sentence gains that is one of the examples.
_SAME = 20.0
# How many of the likeliest classes have their examples compared one by one, and how many of these examples count.
_CANDIDATES = 6
_NEAREST = 3
# A likeness that only rounding parts from 1.
_ALL_BUT_ONE = 0.999


@dataclass(frozen=True, slots=True)
class Guess:
    """``score`` orders the classes of one sentence; ``likeness`` (0 to 1) is that of the class's nearest example."""

    name: str
    score: float
    likeness: float


class Classifier:
    """``examples``: class -> its example sentences, folded already."""

    def __init__(self, examples: Mapping[str, Sequence[str]]) -> None:
        self._names = list(examples)
        pieces = {name: [_pieces(sentence) for sentence in sentences] for name, sentences in examples.items()}
        seen = {name: Counter(piece for each in sets for piece in each) for name, sets in pieces.items()}
        everywhere: Counter[str] = Counter()
        for counts in seen.values():
            everywhere.update(counts)
        total = sum(map(len, pieces.values()))
        # Piece -> (class, what it gains over a class that never has the piece), for the classes that have it.
        self._evidence: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, name in enumerate(self._names):
            rate = total / (_PRIOR * len(pieces[name]))
            for piece, count in seen[name].items():
                gain = _WEIGHTS[len(piece)] * math.log1p(rate * count / everywhere[piece])
                self._evidence[piece].append((number, gain))
        self._rarity = {
            piece: math.log((total + 1) / (count + 0.5)) for piece, count in everywhere.items() if len(piece) < 3
        }
        self._unseen = math.log((total + 1) / 0.5)
        self._examples = {name: [self._vector(each) for each in pieces[name]] for name in self._names}

    def rank(self, sentence: str) -> list[Guess]:
        """Rank the most likely classes of a folded sentence, the best first; empty when it shares nothing with any."""
        pieces = _pieces(sentence)
        known = [self._evidence[piece] for piece in pieces if piece in self._evidence]
        if not known:
            return []
        scores = [0.0] * len(self._names)
        for found in known:
            for number, gain in found:
                scores[number] += gain
        likely = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)[:_CANDIDATES]
        vector = self._vector(pieces)
        guesses = []
        for number in likely:
            name = self._names[number]
            nearest = sorted((_likeness(vector, each) for each in self._examples[name]), reverse=True)[:_NEAREST]
            mean = (nearest[0] + sum(nearest) / len(nearest)) / 2
            same = _SAME if nearest[0] > _ALL_BUT_ONE else 0.0
            guesses.append(Guess(name, scores[number] + _LIKENESS * mean + same, nearest[0]))
        return sorted(guesses, key=lambda guess: guess.score, reverse=True)

    def _vector(self, pieces: Iterable[str]) -> dict[str, float]:
        """Weigh the single characters and pairs by how rare they are; the vector has length 1."""
        weights = {piece: self._rarity.get(piece, self._unseen) for piece in pieces if len(piece) < 3}
        length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        return {piece: weight / length for piece, weight in weights.items()}


def _pieces(sentence: str) -> frozenset[str]:
    """Cut a sentence into its characters, pairs and triples; ^ and $ mark its ends."""
    marked = f"^{sentence}$"
    cut = (marked[start : start + size] for size in _WEIGHTS for start in range(len(marked) - size + 1))
    return frozenset(cut) - {"^", "$"}


def _likeness(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    return sum(one[piece] * other[piece] for piece in one.keys() & other.keys())
