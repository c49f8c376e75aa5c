"""evaluate beside scikit-learn and NumPy.

    pip install numpy scikit-learn safetensors
    python evaluate.py same  --checkpoint RUN --train URL --test URL     # the same figures from the same features
    python evaluate.py speed [--threads N] [--rounds N]                  # kNN: 10,000 queries against 50,000 x 192
    python evaluate.py timm  --weights FILE --test SHARD...              # a fine-tuned classifier's accuracy in timm

same: features are written by `evaluate embed`; kNN's and logistic regression's accuracies are compared in percentage
points, and the softmax regression that `linear` is with scikit-learn's without a penalty.
speed: both sides get unit rows in memory and return predictions; `go test -bench` for ours. Rounds are interleaved and
the best of each side is compared.
timm: loads last.safetensors or best.safetensors of `evaluate finetune --out` strictly (pip install torch timm pillow) and
classifies shards of PNG files of the network's size; compare with what `evaluate finetune` says. One JSON object a line."""
import argparse
import json
import os
import re
import subprocess
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def program():
    path = os.path.join(tempfile.mkdtemp(), "evaluate")
    subprocess.run(["go", "build", "-o", path, "./cmd/evaluate"], cwd=ROOT, check=True)
    return path


def unit(x):
    import numpy
    return x / numpy.maximum(numpy.linalg.norm(x, axis=1, keepdims=True), 1e-12)


def knn(train, labels, test, k=20, temperature=0.07, block=1000):
    """The weighted vote of the k nearest by cosine, in blocks of queries."""
    import numpy
    classes = int(labels.max()) + 1
    out = []
    for start in range(0, len(test), block):
        cosine = test[start:start + block] @ train.T
        near = numpy.argpartition(-cosine, k - 1, axis=1)[:, :k]
        weight = numpy.exp(numpy.take_along_axis(cosine, near, 1) / temperature)
        votes = numpy.zeros((len(cosine), classes), weight.dtype)
        rows = numpy.arange(len(cosine))[:, None]
        numpy.add.at(votes, (rows, labels[near]), weight)
        out.append(votes.argmax(1))
    return numpy.concatenate(out)


def same(args):
    import numpy
    from safetensors.numpy import load_file
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    tool, folder = program(), tempfile.mkdtemp()
    sets = {}
    for name, url in (("train", args.train), ("test", args.test)):
        path = os.path.join(folder, name + ".safetensors")
        subprocess.run([tool, "embed", "--checkpoint", args.checkpoint, "--data", url, "--out", path, "--quiet"], check=True, stdout=subprocess.DEVNULL)
        f = load_file(path)
        sets[name] = path, f["features"].astype(numpy.float64), f["labels"]

    def ours(*flags):
        out = subprocess.run([tool, *flags, "--checkpoint", "features", "--train", sets["train"][0], "--test", sets["test"][0],
                              "--json", "--quiet"], check=True, capture_output=True, text=True).stdout
        return json.loads(out)["accuracy"]

    (_, x, y), (_, u, v) = sets["train"], sets["test"]

    def tell(what, mine, theirs):
        print(json.dumps({"protocol": what, "train": len(x), "test": len(u), "evaluate": mine, "scikit_learn": theirs,
                          "points": round(100 * (mine - theirs), 3)}), flush=True)

    neighbours = KNeighborsClassifier(20, metric="cosine", algorithm="brute", weights=lambda d: numpy.exp((1 - d) / 0.07))
    tell("knn", ours("knn"), float((neighbours.fit(x, y).predict(u) == v).mean()))
    mean, deviation = x.mean(0), numpy.sqrt(x.var(0) + 1e-6)
    for c in (0.001, 0.1, 10):
        fit = LogisticRegression(C=c, tol=1e-6, max_iter=5000).fit((x - mean) / deviation, y)
        tell("fewshot, all labels, C = %g" % c, ours("fewshot", "--share", "1", "--strengths", str(c)),
             float((fit.predict((u - mean) / deviation) == v).mean()))
    fit = LogisticRegression(C=1e6, tol=1e-4, max_iter=2000).fit((x - mean) / deviation, y)
    longer = ("--optimiser", "sgd", "--rates", "1", "--batch", "1024", "--epochs", "1000")  # to where both converge
    tell("linear, no penalty", ours("linear", *longer), float((fit.predict((u - mean) / deviation) == v).mean()))


def speed(args):
    threads = str(args.threads)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = threads
    import numpy
    rng = numpy.random.default_rng(0)
    train = unit(rng.standard_normal((50000, 192), numpy.float32))
    test = unit(rng.standard_normal((10000, 192), numpy.float32))
    labels = rng.integers(0, 10, len(train))
    binary = os.path.join(tempfile.mkdtemp(), "test")
    subprocess.run(["go", "test", "-c", "-o", binary, "./evaluate"], cwd=ROOT, check=True)
    mine, theirs, products = [], [], []
    for _ in range(args.rounds):
        out = subprocess.run([binary, "-test.run", "^$", "-test.bench", "^BenchmarkSearch$", "-test.benchtime", "1x"],
                             env={**os.environ, "GOMAXPROCS": threads}, check=True, capture_output=True, text=True).stdout
        mine.append(float(re.search(r"([\d.]+) ns/op", out).group(1)) * 1e-9)
        start = time.perf_counter()
        knn(train, labels, test)
        theirs.append(time.perf_counter() - start)
        start = time.perf_counter()
        for at in range(0, len(test), 1000):
            test[at:at + 1000] @ train.T
        products.append(time.perf_counter() - start)
    print(json.dumps({"threads": args.threads, "evaluate_s": min(mine), "numpy_s": min(theirs), "numpy_product_alone_s": min(products),
                      "ratio": min(mine) / min(theirs), "rounds": {"evaluate": mine, "numpy": theirs, "numpy_product": products}}))


def in_timm(args):
    import ast
    import io
    import tarfile
    import numpy
    import timm
    import torch
    from PIL import Image
    from safetensors import safe_open
    with safe_open(args.weights, "pt") as f:
        about, tensors = f.metadata(), {name: f.get_tensor(name) for name in f.keys()}
    call = ast.parse(about["timm"], mode="eval").body
    assert ast.unparse(call.func) == "timm.create_model", about["timm"]
    net = timm.create_model(*[ast.literal_eval(a) for a in call.args], **{k.arg: ast.literal_eval(k.value) for k in call.keywords})
    net.load_state_dict(tensors, strict=True)
    labels = numpy.array([int(n) for n in about["labels"].split(",")])
    mean, std = (numpy.array([float(v) for v in about[k].split(",")], numpy.float32) for k in ("mean", "std"))
    torch.set_num_threads(args.threads)
    images, classes = {}, {}
    for shard in args.test:
        with tarfile.open(shard) as tar:
            for member in tar:
                key, kind = os.path.splitext(member.name)
                data = tar.extractfile(member).read() if member.isfile() else b""
                if kind == ".cls":
                    classes[shard, key] = int(data)
                elif kind == ".png":
                    images[shard, key] = (numpy.asarray(Image.open(io.BytesIO(data)).convert("RGB"), numpy.float32) / numpy.float32(255) - mean) / std
    right, keys = 0, list(images)
    with torch.no_grad():
        for at in range(0, len(keys), 256):
            part = keys[at:at + 256]
            x = torch.from_numpy(numpy.stack([images[k] for k in part]).transpose(0, 3, 1, 2).copy())
            right += int((labels[net.eval()(x).argmax(1).numpy()] == [classes[k] for k in part]).sum())
    print(json.dumps({"weights": os.path.basename(args.weights), "timm": timm.__version__, "test": len(keys), "accuracy": right / len(keys)}))


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
commands = parser.add_subparsers(required=True)
p = commands.add_parser("same")
p.set_defaults(run=same)
p.add_argument("--checkpoint", required=True)
p.add_argument("--train", required=True)
p.add_argument("--test", required=True)
p = commands.add_parser("speed")
p.set_defaults(run=speed)
p.add_argument("--threads", type=int, default=os.cpu_count())
p.add_argument("--rounds", type=int, default=3)
p = commands.add_parser("timm")
p.set_defaults(run=in_timm)
p.add_argument("--weights", required=True)
p.add_argument("--test", required=True, nargs="+")
p.add_argument("--threads", type=int, default=os.cpu_count())
args = parser.parse_args()
args.run(args)
