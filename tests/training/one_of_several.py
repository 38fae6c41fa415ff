"""Trains as one of several processes, and writes the loss of each update of all of them together.

It computes in double precision: in single precision, the last digits, which differ with the order of sums, now and then
decide which of two neighbouring pixels is the larger one, and learning goes another way from there.

torchrun --standalone --nproc-per-node 2 tests/training/one_of_several.py FOLDER SETTING=VALUE ...
"""

import json
import sys
from pathlib import Path

import torch

from rcnnzoo.data.transforms import to_input
from rcnnzoo.devices import computing
from rcnnzoo.processes import rank
from rcnnzoo.training import loop, metrics
from rcnnzoo.training.settling import settle
from tests.training.runs import TINY


def main():
    folder, *pairs = sys.argv[1:]
    changes = {name: json.loads(value) for name, _, value in (pair.partition("=") for pair in pairs)}
    settings, data = settle({**TINY, **changes})
    update, losses = loop.update, []

    def kept(state, settings, batch, total):
        loss = update(state, settings, batch, total)
        losses.append(float(state.world.total(loss)) / state.world.processes)
        return loss

    loop.update = kept
    torch.set_default_dtype(torch.float64)
    loop.to_input = metrics.to_input = lambda images: to_input(images).double()
    with computing(threads=1):
        loop.train(settings, data, Path(folder), resume=True)
    if rank() == 0:
        sys.stdout.write(json.dumps(losses) + "\n")


if __name__ == "__main__":
    main()
