"""One input, and how the next one is made of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
import json
from random import Random
from typing import Final, Self

from .grammar import FRAMED, MADE_UP
from .mutations import mutated
from .seeds import Seed, cut, seeds

_MADE: Final = 0.1  # of the inputs of a link: grammar alone
_FRAMED: Final = 0.35  # payloads that are damaged and framed anew


@dataclass(frozen=True, slots=True)
class Case:
    """Bytes, and the seed that they come from.

    damaged: they are the seed's with damage, so that all they say must be the seed's.
    """

    seed: Seed
    data: bytes
    damaged: bool = True

    def token(self, target: str) -> str:
        """Return a line by which the case can be run again."""
        return json.dumps(
            {
                "target": target,
                "seed": self.seed.name,
                "damaged": self.damaged,
                "hex": self.data.hex(),
            }
        )

    @classmethod
    def parse(cls, token: str, known: Sequence[Seed]) -> tuple[str, Self]:
        """Return the name of the target and the case; ValueError where the seed is not here."""
        said = json.loads(token)
        for seed in known:
            if seed.name == said["seed"]:
                return said["target"], cls(seed, bytes.fromhex(said["hex"]), said["damaged"])
        raise ValueError(f"no seed is called {said['seed']}: are the captures there?")


type Next = Callable[[Case, Random, Sequence[Case]], Case]
"""Makes the next case of one, with others at hand."""


def damage(case: Case, random: Random, corpus: Sequence[Case]) -> Case:
    """Damage the bytes as they are."""
    others = [random.choice(corpus).data or b"\0" for _ in range(2)]
    return replace(case, data=mutated(case.data, random, others))


def damage_one(case: Case, random: Random, _: Sequence[Case]) -> Case:
    """Damage bytes without those of another meter: what they say stays the seed's."""
    return replace(case, data=mutated(case.data, random, (case.seed.data,)))


def on_link(case: Case, random: Random, corpus: Sequence[Case]) -> Case:
    """Damage a stream, or have intact frames carry what is hostile."""
    chance = random.random()
    if chance < _MADE:
        made = MADE_UP[case.seed.link](random)
        return Case(case.seed, made * random.choice((1, 1, 2)), damaged=False)
    if chance < _FRAMED and (payloads := cut(replace(case.seed, data=case.data))):
        others = [random.choice(corpus).data or b"\0"]
        payload = mutated(random.choice(payloads), random, others)
        return Case(case.seed, FRAMED[case.seed.link](payload), damaged=False)
    if case.damaged:
        return damage_one(case, random, corpus)
    return damage(case, random, corpus)


def of_links(*links: str) -> Callable[[], list[Case]]:
    """Return what collects the seeds of links."""
    return lambda: [Case(seed, seed.data) for seed in seeds() if not links or seed.link in links]


def of_payloads(*links: str) -> Callable[[], list[Case]]:
    """Return what collects the payloads of links."""

    def collect() -> list[Case]:
        found = [seed for seed in seeds() if seed.link in links]
        return [Case(seed, payload) for seed in found for payload in cut(seed)]

    return collect
