"""How sure a weight really is, found without knowing who is who: every field is a witness for the others.

A model takes its fields for independent; they are not (a father and a son share name and town), so it is too sure of
itself. But a field that neither brought a pair together nor counts in its weight still tells: among pairs that the
OTHER fields give a certain weight, the share in which this one agrees like strangers do is the share of strangers.
Two numbers, the same for all fields, are fitted so that every field's testimony is as probable as can be: log odds =
shift + slope * weight.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

MOST_SLOPE = 1.0  # witnesses may make the model less sure, never surer
LEAST_SLOPE = 0.25
LEAST_WITNESSED = 200  # pairs a field has to speak about; below, the model is taken at its word
SPREAD = 40.0  # bits: beyond, a weight is as good as certain


@dataclass(frozen=True)
class Calibration:
    """From a model's weight to odds that held against the witnesses.

    :param shift: bits added, what two rows have in common by being in this table (the prior) counted in.
    :param slope: bits that one bit of the model is worth.
    """

    shift: float
    slope: float

    def weights(self, found: np.ndarray) -> np.ndarray:
        """Weights, log2 of odds, as they held."""
        return self.shift + self.slope * found

    def probabilities(self, found: np.ndarray) -> np.ndarray:
        """Probability of each weight of the model."""
        return expit(np.log(2) * self.weights(found))


def calibrate(weights: np.ndarray, free: np.ndarray, said: list[np.ndarray]) -> Calibration:
    """Fit a calibration to pairs found by rules.

    :param weights: match weight of each pair, by the model.
    :param free: bit n: the pair was found without field n.
    :param said: for each field what it added to each weight, in bits; None where it counts in another's comparison.
    """
    others, witness = [], []
    for place, bits in enumerate(said):
        if bits is None:
            continue
        speaks = (free >> place & 1).astype(bool) & (bits != 0)
        if speaks.sum() >= LEAST_WITNESSED:
            others.append(np.clip(weights[speaks] - bits[speaks], -SPREAD, SPREAD))
            witness.append(bits[speaks])
    if not others:
        return Calibration(0.0, MOST_SLOPE)
    return _fit(np.concatenate(others), np.concatenate(witness))


def _fit(others: np.ndarray, witness: np.ndarray) -> Calibration:
    ratio = np.exp2(np.clip(witness, -SPREAD, SPREAD))

    def surprise(numbers: np.ndarray) -> float:
        one = expit(np.log(2) * (numbers[0] + numbers[1] * others))
        return -float(np.mean(np.log(one * ratio + (1 - one))))

    bounds = [(-15.0, 15.0), (LEAST_SLOPE, MOST_SLOPE)]
    found = minimize(surprise, np.array([0.0, 0.8]), method="L-BFGS-B", bounds=bounds)
    return Calibration(round(float(found.x[0]), 3), round(float(found.x[1]), 3))
