"""The picture of what a claim rests on."""

import re

from tests.verify.render.samples import record
from verify.render.graph import foundation_graph, without_shortcuts


def words_of(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]+)</text>", svg)


def test_every_statement_is_named_with_its_verdict() -> None:
    words = words_of(foundation_graph(record()))
    assert sorted(words) == sorted(["lemma7", "pass", "ridge", "pass", "limit", "undecided"])


def test_an_edge_that_a_longer_way_implies_is_not_drawn() -> None:
    graph = {"top": ("a", "b", "c"), "a": ("b",), "b": ("c",), "c": ()}
    assert without_shortcuts(graph) == {"top": ("a",), "a": ("b",), "b": ("c",), "c": ()}


def test_the_same_record_gives_the_same_picture() -> None:
    assert foundation_graph(record()) == foundation_graph(record())
