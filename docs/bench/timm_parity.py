"""The exported encoder in timm, its features beside ours.

    evaluate export --checkpoint RUN --out weights.safetensors
    evaluate embed  --checkpoint RUN --data IMAGES --tokens all --out features.safetensors
    python3 timm_parity.py weights.safetensors features.safetensors IMAGES

IMAGES is a folder of PNG files of the encoder's size: nothing is resized, so
that both sides see the same pixels. Loads the weights strictly, by the call in
the file's metadata, and fails if a token's value differs by more than 1e-4.
"""

import argparse
import ast
import json
import pathlib
import struct

import numpy
import safetensors.torch
import timm
import torch
from PIL import Image


def metadata(path):
    with open(path, "rb") as f:
        (length,) = struct.unpack("<Q", f.read(8))
        return json.loads(f.read(length))["__metadata__"]


def model(path):
    """Calls what the metadata says, which may be timm.create_model with plain values only."""
    call = ast.parse(metadata(path)["timm"], mode="eval").body
    assert ast.unparse(call.func) == "timm.create_model", ast.unparse(call)
    args = [ast.literal_eval(a) for a in call.args]
    net = timm.create_model(*args, **{k.arg: ast.literal_eval(k.value) for k in call.keywords})
    net.load_state_dict(safetensors.torch.load_file(path), strict=True)
    return net.eval()


def compare(weights, features, images, bound):
    net = model(weights)
    about = metadata(weights)
    mean, std = (numpy.array([float(v) for v in about[name].split(",")], numpy.float32) for name in ("mean", "std"))
    ours = safetensors.torch.load_file(features)
    keys = bytes(ours["keys"].numpy()).decode().split("\n")[:-1]
    features = ours["features"]
    assert features.dim() == 3 and len(keys) == len(features) == len(ours["labels"]), features.shape

    worst = largest = 0.0
    for i, key in enumerate(keys):
        pixels = numpy.asarray(Image.open(pathlib.Path(images) / (key + ".png")).convert("RGB"), numpy.float32)
        pixels = (pixels / numpy.float32(255) - mean) / std
        with torch.no_grad():
            theirs = net.forward_features(torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None])[0]
        worst = max(worst, (theirs - features[i]).abs().max().item())
        largest = max(largest, theirs.abs().max().item())
    print(json.dumps({"images": len(keys), "tokens": list(features.shape[1:]), "timm": timm.__version__,
                      "largest_value": largest, "largest_difference": worst}))
    if not worst <= bound:
        raise SystemExit(f"{weights}: features differ by {worst:.2e}, more than {bound:.0e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", metavar="WEIGHTS FEATURES IMAGES")
    parser.add_argument("--bound", type=float, default=1e-4)
    opt = parser.parse_args()
    if len(opt.paths) % 3:
        parser.error("three paths a comparison")
    torch.set_num_threads(2)
    for i in range(0, len(opt.paths), 3):
        compare(*opt.paths[i:i + 3], opt.bound)


if __name__ == "__main__":
    main()
