"""Ridge regression by independent solvers: oracles that share no code with the symbolic limit."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy import linalg
from sklearn.linear_model import Ridge


def ridge_sklearn(
    features: Float[ndarray, "N m"], labels: Float[ndarray, "N P"], penalty: float
) -> Float[ndarray, "m P"]:
    """argmin |features b - labels|^2 + penalty |b|^2, column by column, by scikit-learn's SVD solver."""
    model = Ridge(alpha=penalty, fit_intercept=False, solver="svd").fit(features, labels)
    coefficients: ndarray = model.coef_.reshape(labels.shape[1], features.shape[1]).T
    return coefficients


def ridge_least_squares(
    features: Float[ndarray, "N m"], labels: Float[ndarray, "N P"], penalty: float
) -> Float[ndarray, "m P"]:
    """The same minimiser as ordinary least squares on data augmented by sqrt(penalty) I, by scipy and LAPACK."""
    m = features.shape[1]
    design = np.vstack([features, np.sqrt(penalty) * np.eye(m)])
    targets = np.vstack([labels, np.zeros((m, labels.shape[1]))])
    solution: ndarray = linalg.lstsq(design, targets, lapack_driver="gelsd")[0]
    return solution
