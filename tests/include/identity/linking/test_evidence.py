"""How sure a weight is, found without a label: each field is a witness for the others."""

import numpy as np

from include.identity.linking.evidence import Calibration, calibrate

PAIRS = 40_000
EVERY = np.full(PAIRS, 0b1111, np.int64)


def spoken(chance: np.random.Generator, match: np.ndarray, m: float = 0.9, u: float = 0.05) -> np.ndarray:
    """Bits of a field that agrees for so many of one person's pairs and so many of strangers'."""
    agrees = chance.random(PAIRS) < np.where(match, m, u)
    return np.where(agrees, np.log2(m / u), np.log2((1 - m) / (1 - u)))


def surprise(likely: np.ndarray, match: np.ndarray) -> float:
    """How badly probabilities did: the mean of -log of what was given to what came true."""
    likely = np.clip(likely, 1e-12, 1 - 1e-12)
    return -float(np.where(match, np.log(likely), np.log(1 - likely)).mean())


def test_fields_that_repeat_each_other_make_the_model_too_sure_and_it_is_told() -> None:
    chance = np.random.default_rng(3)
    match = chance.random(PAIRS) < 0.3
    doubled = sum(spoken(chance, match, m=0.8, u=0.3) for _ in range(6))
    second, third = spoken(chance, match), spoken(chance, match)
    weights = 2 * doubled + second + third + np.log2(0.3 / 0.7)  # said twice: no more evidence than once
    found = calibrate(weights, EVERY, [None, None, second, third])
    assert 0.4 < found.slope < 0.7
    assert surprise(found.probabilities(weights), match) < surprise(1 / (1 + np.exp2(-weights)), match)


def test_the_share_of_matches_comes_out_of_what_the_fields_say() -> None:
    chance = np.random.default_rng(4)
    match = chance.random(PAIRS) < 0.2
    said = [spoken(chance, match) for _ in range(4)]
    weights = sum(said) - 8.0  # a prior that is far off
    found = calibrate(weights, EVERY, said)
    assert abs(found.probabilities(weights).mean() - 0.2) < 0.02


def test_a_field_that_brought_the_pairs_together_is_no_witness() -> None:
    chance = np.random.default_rng(5)
    match = chance.random(PAIRS) < 0.2
    said = [spoken(chance, match) for _ in range(3)]
    agreed = np.full(PAIRS, 4.0)  # all pairs agree on it: that is how they were found
    weights = sum(said) + agreed
    partly = EVERY & ~np.int64(0b1000)
    assert abs(calibrate(weights, partly, [*said, agreed]).probabilities(weights).mean() - 0.2) < 0.02
    assert calibrate(weights, EVERY, [*said, agreed]).probabilities(weights).mean() > 0.25


def test_too_few_pairs_leave_the_model_as_it_is() -> None:
    few = np.array([3.0, -2.0])
    assert calibrate(few, np.array([1, 1]), [few]) == Calibration(0.0, 1.0)
