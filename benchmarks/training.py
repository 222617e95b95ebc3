"""Time one training step at the paper's scale, as ratios to the plain loop a reader would write first.

Usage: python -m benchmarks.training [--steps 200]; prints a table and writes benchmarks/training.json.
Every variant is timed in turn, five rounds, so that a drifting machine drifts for all of them; the
ratio is the median over rounds of (variant / plain loop in the same round).
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from numerics.training import train
from theorems.setting.experiment import Experiment
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from theorems.setting.study import Study

ROUNDS = 5


def plain_loop(study: Study, steps: int) -> None:
    """Adam on the population loss, one head at a time, nothing fused: the yardstick."""
    tokens = torch.tensor(study.instance.tokens, dtype=torch.float32)
    moments = torch.tensor(study.moments, dtype=torch.float32)
    N = study.instance.prompt_length
    queries = [Q.float().clone().requires_grad_() for Q in study.start.queries]
    weights = study.start.weights.float().clone().requires_grad_()
    optimizer = torch.optim.Adam([*queries, weights], lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        heads = [torch.softmax(tokens[:N] @ Q @ tokens.T, dim=0) for Q in queries]
        mixed = sum(weight * head for weight, head in zip(weights, heads, strict=True))
        error = torch.cat([mixed, torch.zeros(len(tokens) - N, len(tokens))]) - torch.eye(len(tokens))
        loss = torch.trace(error.T @ moments @ error) / (2 * len(tokens))
        loss.backward()
        optimizer.step()


def ours(device: str, precision: str) -> Callable[[int], None]:
    """The project's training on a device, in a precision."""

    def run(steps: int) -> None:
        study = experiment(device=device, precision=precision, steps=steps).study
        train(study.instance, study.start, study.recipe, moments=study.moments, device=study.device)
        if study.device == "cuda":
            torch.cuda.synchronize()

    return run


def experiment(**given: object) -> Experiment:
    """The paper's instance with the given settings."""
    return prepare(resolve("paper", dict(given)))


def seconds(function: Callable[[int], None], steps: int) -> float:
    """Seconds per step, start-up excluded by subtracting a run of one step."""
    began = time.perf_counter()
    function(1)
    short = time.perf_counter() - began
    began = time.perf_counter()
    function(steps + 1)
    return (time.perf_counter() - began - short) / steps


def main() -> None:
    """Time every variant and write the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    steps = parser.parse_args().steps
    study = experiment(device="cpu").study
    variants: dict[str, Callable[[int], None]] = {
        "plain loop, cpu float32": lambda count: plain_loop(study, count),
        "train, cpu float32": ours("cpu", "float32"),
        "train, cpu float64": ours("cpu", "float64"),
    }
    if torch.cuda.is_available():
        variants |= {
            "train, cuda float32": ours("cuda", "float32"),
            "train, cuda float64": ours("cuda", "float64"),
        }
    rounds = [{name: seconds(run, steps) for name, run in variants.items()} for _ in range(ROUNDS)]
    first = next(iter(variants))
    results = {
        name: {
            "ratio_to_plain_loop": round(statistics.median(row[name] / row[first] for row in rounds), 3),
            "median_ms_per_step": round(1000 * statistics.median(row[name] for row in rounds), 3),
        }
        for name in variants
    }
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    if torch.cuda.is_available():
        machine += f", {torch.cuda.get_device_name()}"
    report = {"machine": machine, "steps": steps, "rounds": ROUNDS, "variants": results}
    Path(__file__).with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for name, row in results.items():
        print(f"{name:<24}{row['median_ms_per_step']:>10.3f} ms per step{row['ratio_to_plain_loop']:>8.3f} of plain")


if __name__ == "__main__":
    main()
