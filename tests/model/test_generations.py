"""The protocol of generations keeps its promises in every interleaving, and each of its rules is needed for that."""

import os

import generations
import pytest

RULES = [(name, rule) for name, model in generations.MODELS.items() for rule in sorted(model.RULES)]


LONG = [{"flips": 2, "scrapes": 1}, {"flips": 2, "counts": 2, "deaths": 0}]
BOUNDS = [{}, *(LONG if "PROMSHM_SOAK" in os.environ else [])]


@pytest.mark.parametrize("bounds", BOUNDS, ids=str)
def test_no_interleaving_of_carrying_breaks_a_promise(bounds):
    states, broken, steps = generations.search(generations.Carry(generations.Carry.RULES, **bounds))
    assert broken is None, "\n".join([broken, *steps])
    assert states > 100_000


@pytest.mark.parametrize("name", ["slotless", "register", "remove", "remember"])
def test_no_interleaving_of_the_rest_breaks_a_promise(name):
    model = generations.MODELS[name]
    states, broken, steps = generations.search(model(model.RULES))
    assert broken is None, "\n".join([broken, *steps])
    assert states > 300


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_protocol_without_one_of_its_rules_breaks_a_promise(name, rule):
    model = generations.MODELS[name]
    _, broken, _ = generations.search(model(model.RULES - {rule}))
    assert broken is not None

