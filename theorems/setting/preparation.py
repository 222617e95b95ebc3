"""How parameters become an experiment: its data, its first network, how it is trained, and what is kept of that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from numerics import InputError
from numerics import instance as instances
from numerics.checkpoint import Keeper, read_checkpoint, require_replaceable
from numerics.instance import Instance
from numerics.loss import LabelNoise, feature_noise, label_moments
from numerics.model import initial_network
from numerics.recipe import Recipe
from numerics.state import Origin
from numerics.training import ProgressCallback, resolve_device
from theorems.setting.experiment import Experiment
from theorems.setting.parameters import Parameters
from theorems.setting.sizes import require_memory
from theorems.setting.study import Study, stream
from verify import UsageError

ADAM_RATE = 0.01


@contextmanager
def _told_to_users() -> Iterator[None]:
    """What the laboratory finds wrong with an input is for the user to mend."""
    try:
        yield
    except InputError as error:
        raise UsageError(str(error)) from error


@_told_to_users()
def prepare(
    parameters: Parameters,
    *,
    progress: ProgressCallback | None = None,
    checkpoint: Path | None = None,
    resume: Path | None = None,
    say: Callable[[str], None] | None = None,
) -> Experiment:
    """The experiment that `parameters` describe, untrained; training happens when a check first asks for it.

    Raises:
        UsageError: a setting or a file cannot be used, or the sizes need more memory than there is.
    """
    device = resolve_device(parameters.device)
    data = _load(parameters)
    start = initial_network(
        stream(parameters.seed, "initial network"),
        heads=parameters.H,
        d=data.token_dimension,
        K=data.dictionary_size,
        scale=parameters.beta,
        weight_scale=parameters.start_weights,
    )
    noise = feature_noise(data.noise)
    recipe = _recipe(parameters, data, noise)
    keeper, state = None, None
    if checkpoint is not None:
        require_replaceable(checkpoint)
        keeper = Keeper(checkpoint, say)
    if resume is not None:  # read once and now: another run may replace or remove the file before a check trains
        state = read_checkpoint(resume, Origin(instance=data, start=start, recipe=recipe))
        if keeper is not None:
            keeper.adopt(state, resume)
    study = Study(
        instance=data,
        noise=noise,
        start=start,
        recipe=recipe,
        seed=parameters.seed,
        device=device,
        progress=progress,
    ).keep(keeper, state)
    known = replace(parameters, K=data.dictionary_size, d=data.token_dimension, m=data.feature_count)
    return Experiment(study=study, parameters=known)


def _load(parameters: Parameters) -> Instance:
    N, tau, rng = parameters.N, parameters.tau, stream(parameters.seed, "instance")
    if parameters.tokens is not None:
        data = instances.from_file(
            parameters.tokens,
            N=N,
            tau=tau,
            normalize=parameters.normalize,
            raw=parameters.raw_tokens,
            accept=partial(_require_room, parameters),
        )
    elif parameters.data == "digits":
        data = instances.digits(rng, N=N, K=cast(int, parameters.K), m=cast(int, parameters.m), tau=tau)
    else:
        return instances.synthetic(
            rng,
            N=N,
            K=cast(int, parameters.K),
            d=cast(int, parameters.d),
            m=cast(int, parameters.m),
            tau=tau,
            unit_norm=not parameters.raw_tokens,
        )
    for name, size in (("K", data.dictionary_size), ("d", data.token_dimension), ("m", data.feature_count)):
        asked = getattr(parameters, name)
        if asked is not None and asked != size:
            raise InputError(f"{name} = {asked} but the data has {name} = {size}; drop --{name}")
    return data


def _require_room(parameters: Parameters, K: int, d: int, m: int) -> None:
    """Sizes that a file brings fit into memory; what is asked for beside them can be made smaller."""
    prompts = parameters.prompts if parameters.objective == "sampled" else 0
    sizes = {"N": parameters.N, "H": parameters.H, "prompts": prompts, "K": K, "d": d, "m": m}
    require_memory(sizes, (), fixed=("K", "d", "m"))


def _recipe(parameters: Parameters, data: Instance, noise: LabelNoise) -> Recipe:
    rate = ADAM_RATE
    if parameters.optimizer == "gd":
        # In w the loss is quadratic with curvature at most H lambda_max(M_PP) / K; the inverse is a safe step.
        N, moments = data.prompt_length, label_moments(data.features, noise, np.eye(data.feature_count))
        rate = data.dictionary_size / (parameters.H * float(np.linalg.eigvalsh(moments[:N, :N])[-1]))
    return Recipe(
        steps=parameters.steps,
        optimizer=cast(Any, parameters.optimizer),
        rate_queries=rate if parameters.rate_queries is None else parameters.rate_queries,
        rate_weights=rate if parameters.rate_weights is None else parameters.rate_weights,
        precision=cast(Any, parameters.precision),
        objective=cast(Any, parameters.objective),
        seed=parameters.seed,
        prompts=parameters.prompts,
    )
