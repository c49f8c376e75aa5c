"""Loss curves of pretrain in float32 and bfloat16 beside the PyTorch reference's, from the same weights and batches.

  python docs/bench/curves.py --peers ../shared/peers --out docs/bench/DATE-curves.jsonl

docs/bench/curves (Go) draws weights and batches, trains in both precisions and writes all of it; the reference
then trains on that in float32 and, with --bf16, in bfloat16 autocast. Curves are compared as means over windows
of --window steps, relative to the reference's. Exit status 1 if one leaves its band. Needs torch and numpy.
"""
import argparse
import dataclasses
import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np


def read_safetensors(path):
    """Metadata and a dict of arrays, memory-mapped."""
    with open(path, "rb") as f:
        size = struct.unpack("<Q", f.read(8))[0]
        header = json.loads(f.read(size))
    types = {"F32": np.float32, "U8": np.uint8, "I32": np.int32}
    arrays = {}
    for name, t in header.items():
        if name == "__metadata__":
            continue
        begin, end = t["data_offsets"]
        kind = np.dtype(types[t["dtype"]])
        data = np.memmap(path, kind, "r", 8 + size + begin, ((end - begin) // kind.itemsize,))
        arrays[name] = data.reshape(t["shape"])
    return header["__metadata__"], arrays


def reference(ref, torch, metadata, arrays, precision, steps):
    """The reference's losses."""
    known = {f.name for f in dataclasses.fields(ref.Config)}
    config = ref.Config(**{k: v for k, v in json.loads(metadata["config"]).items() if k in known})
    trainer = ref.Trainer(config, precision, fused=True)
    for prefix, network in (("param/", trainer.online), ("target/", trainer.target)):
        state = dict(network.named_parameters())
        given = {k[len(prefix):]: v for k, v in arrays.items() if k.startswith(prefix)}
        assert state.keys() == given.keys(), state.keys() ^ given.keys()
        with torch.no_grad():
            for name, value in given.items():
                state[name].copy_(torch.from_numpy(np.array(value)))
    mean = np.array([.485, .456, .406], np.float32)
    std = np.array([.229, .224, .225], np.float32)
    losses = []
    for i in range(steps):
        part = {k[len("batches/"):]: v[i] for k, v in arrays.items() if k.startswith("batches/")}
        batch = {}
        for name, value in part.items():
            if name.startswith("view"):
                value = ((value.astype(np.float32) / np.float32(255) - mean) / std).transpose(0, 3, 1, 2)
            batch[name] = torch.from_numpy(np.array(value, order="C"))
        losses.append(trainer.step(batch)[0])
        if (i + 1) % 20 == 0:
            print(f"reference {precision}: step {i + 1}, loss {losses[-1]:.5f}", file=sys.stderr)
    return losses


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--peers", required=True, help="folder of siameseim_reference.py")
    p.add_argument("--out", required=True, help="a line of JSON is added")
    p.add_argument("--preset", default="cifar")
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--steps", type=int, default=200)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--window", type=int, default=20)
    p.add_argument("--bf16", action="store_true", help="the reference in bfloat16 autocast too")
    p.add_argument("--band-fp32", type=float, default=.001)
    p.add_argument("--band-bf16", type=float, default=.005)
    a = p.parse_args()
    sys.path.insert(0, a.peers)
    import torch
    import siameseim_reference as ref
    torch.set_num_threads(a.threads)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["go", "run", "./docs/bench/curves", "-preset", a.preset, "-batch", str(a.batch), "-steps", str(a.steps),
                        "-seed", str(a.seed), "-threads", str(a.threads), "-out", folder], check=True)
        with open(os.path.join(folder, "losses.json")) as f:
            curves = {"pretrain " + k: v for k, v in json.load(f).items()}
        metadata, arrays = read_safetensors(os.path.join(folder, "case.safetensors"))
        curves["reference fp32"] = reference(ref, torch, metadata, arrays, "float32", a.steps)
        if a.bf16:
            curves["reference bf16"] = reference(ref, torch, metadata, arrays, "bfloat16", a.steps)
    with open(a.out, "a") as f:
        f.write(json.dumps({"preset": a.preset, "batch": a.batch, "steps": a.steps, "seed": a.seed,
                            "torch": torch.__version__, **curves}) + "\n")

    def windows(curve):
        return np.array(curve).reshape(-1, a.window).mean(1)

    base, failed = windows(curves["reference fp32"]), False
    print(f"| steps | {' | '.join(curves)} |\n|{'---|' * (len(curves) + 1)}")
    for i in range(len(base)):
        print(f"| {i * a.window + 1} to {(i + 1) * a.window} | {' | '.join(f'{windows(c)[i]:.5f}' for c in curves.values())} |")
    print()
    for name, curve in curves.items():
        if name == "reference fp32":
            continue
        apart = np.abs(windows(curve) / base - 1)
        band = a.band_fp32 if name.endswith("fp32") else a.band_bf16
        print(f"{name}: at most {100 * apart.max():.3f} % from the reference in float32, {100 * apart.mean():.3f} % in the mean; band {100 * band:g} %")
        failed |= bool(apart.max() > band)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
