"""Makes the files beside it: pip install torch; python make.py"""
import argparse
import collections
import os

import numpy
import torch


def tensor(dtype, *shape):
    n = 1
    for s in shape:
        n *= s
    return (torch.arange(n, dtype=torch.float64) / 4 - 1).reshape(shape).to(dtype)


def state():
    base = tensor(torch.float32, 6, 5)
    shared = tensor(torch.float32, 4)
    model = collections.OrderedDict(
        {
            "plain": tensor(torch.float32, 2, 3),
            "half": tensor(torch.float16, 4),
            "bfloat": tensor(torch.bfloat16, 2, 2),
            "double": tensor(torch.float64, 3),
            "long": torch.arange(3),
            "scalar": torch.tensor(2.5),
            "empty": torch.zeros(0, 3),
            "transposed": base.t(),
            "inside": base[2:5, 1:4],
            "shared.a": shared,
            "shared.b": shared,
        }
    )
    model._metadata = {"": {"version": 1}}
    module = torch.nn.Linear(3, 2)
    with torch.no_grad():
        module.weight.copy_(tensor(torch.float32, 2, 3))
    return {
        "model": model,
        "parameter": module.weight,
        "epoch": 7,
        "negative": -300,
        "large": 1 << 70,
        "args": argparse.Namespace(lr=1.5e-4, device=torch.device("cpu"), size=torch.Size([3, 4])),
        "best": numpy.float64(0.5),
        "optimizer": {"state": {0: {"exp_avg": tensor(torch.float32, 2), "step": 3}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
        "text": "ViT é",
        "none": None,
        "yes": True,
    }


class Evil:
    def __reduce__(self):
        return os.system, ("echo executed > executed",)


torch.save(state(), "zip.pth")
torch.save(state(), "legacy.pth", _use_new_zipfile_serialization=False)
torch.save({"model": {"w": torch.ones(2)}, "x": Evil()}, "evil.pth")
torch.save({"model": {"w": torch.ones(2)}, "x": Evil()}, "evil-legacy.pth", _use_new_zipfile_serialization=False)
torch.save({"w": torch.ones(2).to_sparse()}, "sparse.pth")
torch.save({"w": torch.ones(1).expand(1000)}, "expanded.pth")
torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), "script.pt")
