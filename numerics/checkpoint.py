"""Checkpoints of a training run: written atomically, and read back only into the run they came from."""

from __future__ import annotations

import hashlib
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from numerics import InputError
from numerics.instance import Instance
from numerics.model import Network

CHECKPOINT_SECONDS = 60.0


def run_identity(instance: Instance, recipe: Any, start: Network) -> str:
    """What a checkpoint belongs to: the data, the starting network and every field of the recipe.

    Sampled training prompts follow from the recipe's own seed and size, so they need no mention.
    """
    settings = " ".join(f"{field.name}={getattr(recipe, field.name)}" for field in fields(recipe))
    beginning = hashlib.sha256()  # of every number: a norm would miss signs, and its rounding depends on the machine
    for parameter in (start.queries, start.weights):
        beginning.update(parameter.detach().cpu().double().numpy().tobytes())
    return f"{instance.sha256} {tuple(start.queries.shape)} {beginning.hexdigest()} {settings}"


def write_checkpoint(path: Path, identity: str, state: dict[str, Any]) -> None:
    """Save `state` under a temporary name, then rename it."""
    temporary = path.with_name(path.name + ".part")
    torch.save({"identity": identity} | state, temporary)
    os.replace(temporary, path)


def read_checkpoint(path: Path, identity: str) -> dict[str, Any]:
    """The state saved by the run with this identity.

    Raises:
        InputError: the file is missing, is no checkpoint, or belongs to another instance or recipe.
    """
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        saved = state["identity"]
    except FileNotFoundError:
        raise InputError(f"checkpoint {path} does not exist; drop --resume to start afresh") from None
    except Exception as error:  # torch raises many kinds for files that are not checkpoints
        raise InputError(f"{path} is not a checkpoint of this program; drop --resume to start afresh") from error
    if saved != identity:
        raise InputError(f"checkpoint {path} belongs to another instance or recipe; rerun with the options it had")
    return state
