"""What is drawn and trained: the prompts of an instance, and a study, which trains its network once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from numerics.checkpoint import Keeper
from numerics.instance import Instance
from numerics.loss import LabelNoise, label_moments, sample_labels, sample_tasks
from numerics.measure import token_loss_rounding, token_losses
from numerics.model import Network
from numerics.recipe import Recipe
from numerics.state import State
from numerics.training import ProgressCallback, Trained, train

TEST_PROMPTS = 200  # as in the paper's Section 5
OUT_OF_DOMAIN_MEAN, OUT_OF_DOMAIN_DEVIATION = 1.0, 2.0  # lambda ~ N(1, 4 I)


def stream(seed: int, name: str) -> np.random.Generator:
    """An independent random stream for each purpose, the same on every device."""
    return np.random.default_rng([seed, *name.encode()])


@dataclass(frozen=True, kw_only=True)
class Prompts:
    """P tasks lambda (P x m) with the noisy labels of all tokens (P x K), and the law they came from."""

    name: str
    tasks: Float[ndarray, "P m"]
    labels: Float[ndarray, "P K"]
    mean: float
    deviation: float


@dataclass(frozen=True, kw_only=True)
class Study:
    """Everything that training depends on; the network is trained when first asked for."""

    instance: Instance
    noise: LabelNoise
    start: Network
    recipe: Recipe
    seed: int
    device: str
    progress: ProgressCallback | None = field(default=None, repr=False)
    # Not handed on to copies: with a defect planted it is another run.
    keeper: Keeper | None = field(default=None, init=False, repr=False)
    resume: State | None = field(default=None, init=False, repr=False)

    def keep(self, keeper: Keeper | None, resume: State | None) -> Study:
        """The study itself, whose training is kept by `keeper` and goes on from `resume`."""
        vars(self).update(keeper=keeper, resume=resume)
        return self

    @cached_property
    def moments(self) -> Float[ndarray, "K K"]:
        """E[y y^T] under Assumption 1, where E[lambda lambda^T] = I."""
        return label_moments(self.instance.features, self.noise, np.eye(self.instance.feature_count))

    @cached_property
    def moment_sizes(self) -> Float[ndarray, "K K"]:
        """The moments with absolute values in their sums, for bounds on rounding errors."""
        return label_moments(np.abs(self.instance.features), self.noise, np.eye(self.instance.feature_count))

    def training_prompts(self) -> tuple[Float[ndarray, "P m"], Float[ndarray, "P K"]]:
        """Tasks and labels of the prompts that training on samples uses."""
        rng = stream(self.seed, "training prompts")
        tasks = sample_tasks(rng, self.recipe.prompts, self.instance.feature_count)
        return tasks, sample_labels(rng, tasks, self.instance.features, self.noise)

    def prompts(self, *, out_of_domain: bool) -> Prompts:
        """200 test prompts: lambda ~ N(0, I), or lambda ~ N(1, 4 I) out of domain."""
        name = "out-of-domain" if out_of_domain else "in-domain"
        mean, deviation = (OUT_OF_DOMAIN_MEAN, OUT_OF_DOMAIN_DEVIATION) if out_of_domain else (0.0, 1.0)
        rng = stream(self.seed, name)
        tasks = sample_tasks(rng, TEST_PROMPTS, self.instance.feature_count, mean=mean, deviation=deviation)
        labels = sample_labels(rng, tasks, self.instance.features, self.noise)
        return Prompts(name=name, tasks=tasks, labels=labels, mean=mean, deviation=deviation)

    @property
    def test_sets(self) -> tuple[Prompts, Prompts]:
        """The in-domain and the out-of-domain test prompts."""
        return self.prompts(out_of_domain=False), self.prompts(out_of_domain=True)

    @property
    def tf32(self) -> bool:
        """Whether the device may round the factors of float32 products to 10 bits."""
        return self.device == "cuda" and bool(torch.backends.cuda.matmul.allow_tf32)

    @cached_property
    def trained(self) -> Trained:
        """The result of training."""
        labels = self.training_prompts()[1] if self.recipe.objective == "sampled" else None
        return train(
            self.instance,
            self.start,
            self.recipe,
            moments=self.moments,
            labels=labels,
            device=self.device,
            progress=self.progress,
            keeper=self.keeper,
            resume=self.resume,
        )

    def losses(self, mixtures: Float[ndarray, "R N K"]) -> Float[ndarray, "R K"]:
        """Population loss of each token for R given mixture matrices, in float64."""
        return token_losses(mixtures, self.moments)

    def loss_rounding(self, mixtures: Float[ndarray, "R N K"]) -> Float[ndarray, "R K"]:
        """A bound on the rounding error of `losses`, that of the moments included."""
        return token_loss_rounding(mixtures, self.moment_sizes, self.instance.feature_count + 2)
