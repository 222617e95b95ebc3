"""What the checks look at: an instance, a trained network, the claimed limit and test prompts.

A `Study` is everything that training depends on, and trains once. An `Experiment` adds what the
theory says about it; a planted defect is an Experiment with one part replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from numerics.instance import Instance
from numerics.measure import rounding
from theorems.setting.ground import grounds
from theorems.setting.limit import Limit, LimitValues, limit_values
from theorems.setting.parameters import Parameters
from theorems.setting.study import Prompts, Study
from verify.ground import SelfTest


@dataclass(frozen=True, kw_only=True, eq=False)
class Experiment:
    """A study and what the theory says about it.

    `parameters` describe the run that was asked for, with the sizes that its data turned out to have. `shown` is what
    the network gets to see of the prompt labels; the identity unless a defect is planted. With `presented` the network
    is presented as trained: it is judged though nobody saw training keep its promise.
    """

    study: Study
    parameters: Parameters
    limit: Limit = field(default_factory=Limit)
    shown: Callable[[Float[ndarray, "P N"]], Float[ndarray, "P N"]] = lambda labels: labels
    presented: bool = False

    @property
    def instance(self) -> Instance:
        """The dictionary, features, prompt length and noise level."""
        return self.study.instance

    @cached_property
    def theory(self) -> LimitValues:
        """The claimed limit, evaluated on the instance."""
        return limit_values(self.limit, self.instance)

    def gaps(self, mixtures: Float[ndarray, "R N K"]) -> Float[ndarray, " R"]:
        """Delta: the population loss of R given mixture matrices minus the claimed L*."""
        result: ndarray = self.study.losses(mixtures).mean(axis=-1) - self.theory.loss_star
        return result

    def gap_rounding(self, mixtures: Float[ndarray, "R N K"]) -> Float[ndarray, " R"]:
        """A bound on the rounding error of `gaps`: that of the losses, of their mean, and of L*."""
        mean = np.abs(self.study.losses(mixtures)).mean(axis=-1)
        terms = rounding(self.instance.dictionary_size + 2) * (mean + abs(self.theory.loss_star))
        result: ndarray = self.study.loss_rounding(mixtures).mean(axis=-1) + terms
        return result

    def network_predictions(self, prompts: Prompts) -> Float[ndarray, "P K"]:
        """What the trained network answers."""
        result: ndarray = self.shown(self.prompt_labels(prompts)) @ self.study.trained.final
        return result

    def limit_predictions(self, prompts: Prompts) -> Float[ndarray, "P K"]:
        """What the theory says it answers in the limit."""
        return self.theory.predict(self.prompt_labels(prompts), self.instance.features)

    def prompt_labels(self, prompts: Prompts) -> Float[ndarray, "P N"]:
        """The labels of the prompt tokens."""
        result: ndarray = prompts.labels[:, : self.instance.prompt_length]
        return result

    def describe(self) -> dict[str, Any]:
        """The instance, for the record."""
        data = self.instance
        return {
            "N": data.prompt_length,
            "K": data.dictionary_size,
            "d": data.token_dimension,
            "m": data.feature_count,
            "H": len(self.study.start.queries),
            "tau": data.noise,
            "beta": self.parameters.beta,
            "seed": self.study.seed,
            "source": data.source,
            "sha256": data.sha256,
        }

    def quantities(self) -> dict[str, float]:
        """The numbers of the run, by name; those of training only if a check trained, none where they are not known."""
        try:
            with np.errstate(all="ignore"):
                theory = self.theory
        except (ArithmeticError, np.linalg.LinAlgError):
            return {}
        numbers: dict[str, float] = {
            "penalty": theory.penalty,
            "L_star": theory.loss_star,
            "z_bar_norm": theory.z_norm,
            "f_max": theory.f_max,
            "limit_frobenius": float(np.linalg.norm(theory.a_hat)),
        }
        if "trained" in vars(self.study):
            trained, final = self.study.trained, self.study.trained.final
            ends = trained.mixtures[[0, -1]]
            numbers |= {
                "loss_final": float(self.study.losses(ends)[-1].mean()),
                "gap_initial": float(self.gaps(ends)[0]),
                "gap_final": float(self.gaps(ends)[-1]),
                "gap_rounding": float(self.gap_rounding(ends)[-1]),
                "distance_to_limit_frobenius": float(np.linalg.norm(final - theory.a_hat)),
                "distance_to_limit_max": float(np.abs(final - theory.a_hat).max()),
                "steps": int(trained.iterations[-1]),
            }
        return numbers

    def grounds(self) -> Iterator[SelfTest]:
        """The self-tests of the network, at its first weights and its last, and of what was drawn."""
        return grounds(self.study)

    def provenance(self) -> dict[str, Any]:
        """Where and how training ran, for the record."""
        cuda = self.study.device == "cuda"
        facts: dict[str, Any] = {
            "device": torch.cuda.get_device_name() if cuda else "cpu",
            "dtype": self.study.recipe.precision,
            "tf32": self.study.tf32,
            "parameters": {k: str(v) if isinstance(v, Path) else v for k, v in vars(self.parameters).items()},
        }
        if "trained" in vars(self.study):
            resume = self.study.resume
            if resume is not None:
                facts["resumed"] = {"iteration": resume.step, "sha256": resume.sha256}
            facts |= {"training_seconds": self.study.trained.seconds, "training_stopped": self.study.trained.stopped}
        return facts

    def keep(self) -> Path | None:
        """Save what training has reached, so that another run can go on from it; the file, None if there is nothing.

        Raises:
            OSError: it cannot be written.
        """
        return None if self.study.keeper is None else self.study.keeper.save()

    def forget(self) -> None:
        """The results are written: what was saved of a complete training is of no more use."""
        if self.study.keeper is not None:
            self.study.keeper.discard()
