"""Shards with every image in grey: what a network knows beside colours.

    python docs/bench/grey.py --out grey 'cifar10/train-*.tar.gz' 'cifar10/test-*.tar.gz'
    go run ./cmd/evaluate knn --checkpoint RUN --train 'grey/train-*.tar' --test 'grey/test-*.tar'

Each image becomes a PNG of three equal channels, Pillow's convert("L"); all other fields stay as they are. Needs Pillow.
"""

import argparse
import glob
import io
import os
import tarfile

from PIL import Image


def grey(data):
    out = io.BytesIO()
    Image.open(io.BytesIO(data)).convert("L").convert("RGB").save(out, "PNG", compress_level=1)
    return out.getvalue()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="folder for the grey shards")
    parser.add_argument("shards", nargs="+", help="shards, or globs of them")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    for shard in sorted(path for pattern in args.shards for path in glob.glob(pattern)):
        name = os.path.basename(shard).split(".")[0] + ".tar"
        with tarfile.open(shard) as source, tarfile.open(os.path.join(args.out, name), "w") as target:
            for member in source:
                data = source.extractfile(member).read()
                key, extension = member.name.rsplit(".", 1)
                if extension in ("png", "jpg", "jpeg", "webp"):
                    member, data = tarfile.TarInfo(key + ".png"), grey(data)
                member.size = len(data)
                target.addfile(member, io.BytesIO(data))


if __name__ == "__main__":
    main()
