"""The closure: chains of likely pairs do not join strangers."""

import numpy as np

from include.identity.linking import clusters
from include.identity.linking.blocking import Pairs

ROWS = 6


def made(*weighed: tuple[int, int, float]) -> tuple[Pairs, np.ndarray]:
    left, right, bits = zip(*weighed, strict=True)
    zeros = np.zeros(len(left), np.int64)
    return Pairs(np.array(left), np.array(right), zeros), np.array(bits, float)


def grouped(pairs: Pairs, bits: np.ndarray, at: float = 0.0, most: int | None = None) -> list[list[int]]:
    labels = clusters.neighbourhoods(ROWS, pairs, bits)
    found, _ = clusters.trees(labels, pairs, bits)
    cut = clusters.cut(ROWS, found, at, most=most)
    return [np.flatnonzero(cut == label).tolist() for label in np.unique(cut) if (cut == label).sum() > 1]


def test_a_pair_that_contradicts_keeps_a_chain_apart_where_plain_closure_joins_it() -> None:
    pairs, bits = made((0, 1, 8.0), (1, 2, 5.0), (0, 2, -14.0))
    assert grouped(pairs, bits) == [[0, 1]]


def test_a_weak_pair_is_carried_by_what_the_others_say() -> None:
    pairs, bits = made((0, 1, 8.0), (1, 2, 5.0), (0, 2, -2.0))
    assert grouped(pairs, bits) == [[0, 1, 2]]


def test_one_very_sure_pair_does_not_outvote_several_doubts() -> None:
    doubtful = [(one, two, -6.0) for one in (0, 1, 2) for two in (3, 4, 5) if (one, two) != (2, 3)]
    sides = [(0, 1, 9.0), (0, 2, 9.0), (1, 2, 9.0), (3, 4, 9.0), (3, 5, 9.0), (4, 5, 9.0)]
    pairs, bits = made(*sides, (2, 3, 7.0), *doubtful)
    assert grouped(pairs, bits) == [[0, 1, 2], [3, 4, 5]]


def test_two_rows_of_a_source_without_doubles_are_never_one_person() -> None:
    pairs, bits = made((0, 1, 9.0), (1, 2, 8.0))  # rows 0 and 2 are of one source: their pair is not weighed
    assert grouped(pairs, bits) == [[0, 1]]
    assert len(clusters.unweighed(np.zeros(3, int), pairs, np.array([0, 1, 0]))) == 0
    rest = clusters.unweighed(np.zeros(3, int), pairs, None)
    assert (rest.left.tolist(), rest.right.tolist()) == ([0], [2])


def test_a_group_beyond_the_limit_is_taken_apart_along_its_tree() -> None:
    every = [(one, two, 9.0 if (one < 3) == (two < 3) else 2.0) for one in range(ROWS) for two in range(one + 1, ROWS)]
    pairs, bits = made(*every)
    assert grouped(pairs, bits) == [[0, 1, 2, 3, 4, 5]]
    assert grouped(pairs, bits, most=4) == [[0, 1, 2], [3, 4, 5]]


def test_no_neighbourhood_is_larger_than_what_can_be_weighed_whole() -> None:
    rows = 3 * clusters.LARGEST
    chain = Pairs(np.arange(rows - 1), np.arange(1, rows), np.zeros(rows - 1, np.int64))
    bits = np.where(np.arange(rows - 1) % 50 == 49, 0.0, 6.0)
    labels = clusters.neighbourhoods(rows, chain, bits)
    assert np.bincount(labels).max() == 50


def test_the_order_of_the_pairs_does_not_matter() -> None:
    chance = np.random.default_rng(5)
    left, right = np.triu_indices(ROWS, 1)
    bits = chance.normal(0, 6, len(left))
    there = grouped(Pairs(left, right, np.zeros(len(left), np.int64)), bits)
    order = chance.permutation(len(left))
    assert grouped(Pairs(left[order], right[order], np.zeros(len(left), np.int64)), bits[order]) == there
    assert there
