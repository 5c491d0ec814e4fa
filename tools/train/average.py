"""The mean of several checkpoints' weights, such as a run's tuned one and the one that recall was tuned on from it.

Stages that go on from one another with small steps lie in one valley: halfway between them each keeps most of what it
learned (Wortsman et al., 2022), and where the weights were rounded their errors cancel in part.
"""
import argparse
import sys

import torch

from checkpoint import load_model, save_model
from corpus import CorpusError
from model import Samba


def mean(paths):
    """A model whose weights are the mean of those of model.pth files or model folders of one shape, in fp32."""
    config, total = load_model(paths[0])
    total = {name: weight.float() for name, weight in total.items()}
    for path in paths[1:]:
        other, weights = load_model(path)
        if other.reference() != config.reference():
            raise CorpusError(f"{path}: its shape is not that of {paths[0]}: only checkpoints of one shape have a mean")
        total = {name: weight + weights[name].float() for name, weight in total.items()}
    model = Samba(config)
    model.load_state_dict({name: weight / len(paths) for name, weight in total.items()})
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", nargs="+", help="model.pth files or model folders")
    parser.add_argument("--out", required=True, help="model.pth to write")
    args = parser.parse_args()
    save_model(mean(args.models), args.out, 0, torch.float32)


if __name__ == "__main__":
    try:
        main()
    except CorpusError as error:
        sys.exit(f"average.py: {error}")
