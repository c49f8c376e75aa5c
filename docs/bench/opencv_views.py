"""Rate of JPEG bytes -> two augmented, normalised float32 CHW views by plain OpenCV, one thread.

  python docs/bench/opencv_views.py --data FOLDER [--pattern 'photos-*.tar'] [--stage decode crops all]

As somebody would write it: cv2.imdecode, one resize of each crop (INTER_AREA where it shrinks, else
INTER_CUBIC), look-up tables for brightness, contrast and solarize, HSV in 8 bits for hue. The recipe
is viewgen's default. Needs numpy and opencv-python-headless. Prints one JSON line per stage, as the
other peers do. Its pixels are not Pillow's.
"""
import argparse
import glob
import itertools
import json
import math
import os
import random
import tarfile
import time

import cv2
import numpy as np

cv2.setNumThreads(1)
MEAN, STD = np.float32((0.485, 0.456, 0.406)), np.float32((0.229, 0.224, 0.225))
SCALE, RATIO = (0.08, 1.0), (3 / 4, 4 / 3)
BLUR_P, SOLARIZE_P = (1.0, 0.1), (0.0, 0.2)
LEVELS = np.arange(256, dtype=np.float32)


def load(folder, pattern, count):
    out = []
    for path in sorted(glob.glob(os.path.join(folder, pattern))):
        with tarfile.open(path) as t:
            out += [t.extractfile(m).read() for m in t if m.name.endswith((".jpg", ".jpeg"))]
    return list(itertools.islice(itertools.cycle(out), count))


def crop(rng, height, width):
    for _ in range(10):
        area = height * width * rng.uniform(*SCALE)
        aspect = math.exp(rng.uniform(math.log(RATIO[0]), math.log(RATIO[1])))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            return rng.randint(0, height - h), rng.randint(0, width - w), h, w
    return 0, 0, height, width


def resized(rng, im, size):
    top, left, h, w = crop(rng, *im.shape[:2])
    part = im[top:top + h, left:left + w]
    if rng.random() < 0.5:
        part = cv2.flip(part, 1)
    return cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA if min(h, w) > size else cv2.INTER_CUBIC)


def table(values):
    return np.clip(values, 0, 255).astype(np.uint8)


def coloured(rng, im, view):
    if rng.random() < 0.8:
        operations = [0, 1, 2, 3]
        rng.shuffle(operations)
        for op in operations:
            f = rng.uniform(-0.1, 0.1) if op == 3 else rng.uniform(*((0.6, 1.4), (0.6, 1.4), (0.8, 1.2))[op])
            if op == 0:
                im = cv2.LUT(im, table(f * LEVELS))
            elif op == 1:
                mean = float(cv2.mean(cv2.cvtColor(im, cv2.COLOR_RGB2GRAY))[0])
                im = cv2.LUT(im, table(mean + f * (LEVELS - mean)))
            elif op == 2:
                grey = cv2.cvtColor(cv2.cvtColor(im, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
                im = cv2.addWeighted(im, f, grey, 1 - f, 0)
            else:
                hsv = cv2.cvtColor(im, cv2.COLOR_RGB2HSV_FULL)
                hsv[..., 0] += np.uint8(int(255 * f) % 256)
                im = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB_FULL)
    if rng.random() < 0.2:
        im = cv2.cvtColor(cv2.cvtColor(im, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if rng.random() < BLUR_P[view]:
        im = cv2.GaussianBlur(im, (0, 0), rng.uniform(0.1, 2))
    if rng.random() < SOLARIZE_P[view]:
        im = cv2.LUT(im, np.where(LEVELS < 128, LEVELS, 255 - LEVELS).astype(np.uint8))
    return im


def one(rng, data, stage, size):
    im = cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION), cv2.COLOR_BGR2RGB)
    if stage == "decode":
        return im
    views = [resized(rng, im, size) for _ in range(2)]
    if stage == "crops":
        return views
    return [np.ascontiguousarray(((coloured(rng, v, k).astype(np.float32) / 255 - MEAN) / STD).transpose(2, 0, 1))
            for k, v in enumerate(views)]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True, help="folder of .tar shards with .jpg members")
    p.add_argument("--pattern", default="photos-*.tar")
    p.add_argument("--images", type=int, default=200)
    p.add_argument("--size", type=int, default=224)
    p.add_argument("--seconds", type=float, default=10, help="at least; whole passes are timed")
    p.add_argument("--stage", nargs="+", default=["decode", "crops", "all"], choices=("decode", "crops", "all"))
    a = p.parse_args()
    images, rng = load(a.data, a.pattern, a.images), random.Random(1)
    for stage in a.stage:
        for data in images[:50]:
            one(rng, data, stage, a.size)
        pairs, begin = 0, time.perf_counter()
        while (spent := time.perf_counter() - begin) < a.seconds:
            for data in images:
                one(rng, data, stage, a.size)
            pairs += len(images)
        print(json.dumps({"peer": "opencv", "stage": stage, "workers": 1, "images": len(images), "size": a.size,
                          "pairs": pairs, "seconds": round(spent, 3), "pairs_per_s": round(pairs / spent, 2),
                          "versions": {"opencv": cv2.__version__}}), flush=True)


if __name__ == "__main__":
    main()
