"""An optimiser step of pretrain beside PyTorch's, interleaved in one run.

  python docs/bench/train.py --peers ../shared/peers --out docs/bench/DATE-train.jsonl \\
      --case cifar:64 tiny:32 small:16 base:8 --precision fp32 bf16 --compile
  python docs/bench/train.py --peers ../shared/peers --out docs/bench/DATE-train.jsonl \\
      --case cifar:64 tiny:32 small:16 base:8 --precision fp32 bf16 --compile --threads 2 --pair
  python docs/bench/train.py --out docs/bench/DATE-memory.jsonl --memory

Each round measures each program once on each case, one after the other; the least step of all rounds is
compared, PyTorch's being the better of eager and, with --compile, compiled. --pair also runs two processes of
one thread beside each other in each round, each on a processor of its own, and compares what one process of two
threads does with what they do together. --memory prints what pretrain plans and takes for base and large at
batch 64. Run it with the Python that has torch, on a machine that does nothing else. Tables are Markdown; raw
lines go to --out.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile


def parse(text):
    return json.loads([l for l in text.splitlines() if l.startswith("{")][-1])


def last(command):
    out = subprocess.run(command, capture_output=True, text=True)
    if out.returncode:
        sys.exit(f"{' '.join(command)}\n{out.stderr}")
    return parse(out.stdout)


def together(commands):
    """Runs commands beside each other."""
    running = [subprocess.Popen(c, stdout=subprocess.PIPE, text=True) for c in commands]
    return [parse(p.communicate()[0]) for p in running]


class Results:
    """Raw lines, and the least step of each (program, case, precision)."""

    def __init__(self):
        self.raw, self.least, self.flop, self.peak, self.kernel = [], {}, {}, {}, {}

    def add(self, program, case, precision, line):
        self.raw.append({"program": program, "case": case, "precision": precision, **line})
        key = program, case, precision
        self.least[key] = min(self.least.get(key, 1e9), line["step_seconds_min"])
        if "gflop_per_step" in line:
            self.flop[case] = line["gflop_per_step"]
            self.peak[case, precision] = max(self.peak.get((case, precision), 0), line["peak_gflops"])
            self.kernel[precision] = line["kernel"]


def measure(a, pretrain, results):
    pin = ["taskset", "-c", "0"] if a.threads == 1 else []
    for _ in range(a.rounds):
        for case in a.case:
            for precision in a.precision:
                preset, batch = case.split(":")
                what = ["--preset", preset, "--batch", batch, "--precision", precision, "--steps", str(a.steps), "--threads"]
                ours = [pretrain, "bench", "--json", *what]
                runs = [("pretrain", [*pin, *ours, str(a.threads)])]
                if a.peers:
                    peer = [*pin, sys.executable, os.path.join(a.peers, "train_bench.py"), *what, str(a.threads)]
                    runs.insert(0, ("eager", peer))
                    if a.compile:
                        runs.append(("compiled", [*peer, "--compile"]))
                lines = {}
                for name, command in runs:
                    lines[name] = last(command)
                    results.add(name, case, precision, lines[name])
                if a.pair:
                    pair = together([["taskset", "-c", str(cpu), *ours, "1"] for cpu in (0, 1)])
                    for line in pair:
                        results.raw.append({"program": "one of a pair", "case": case, "precision": precision, **line})
                    # Both ran all the time: their medians, at the same time, are what they did together.
                    rate = sum(int(batch) / line["step_seconds_median"] for line in pair)
                    key = "pair", case, precision
                    results.least[key] = min(results.least.get(key, 1e9), int(batch) / rate)
                    results.raw.append({"program": "pair", "case": case, "precision": precision,
                                        "ratio_of_medians": int(batch) / lines["pretrain"]["step_seconds_median"] / rate})


def table(a, r):
    print(f"{a.threads} thread{'s' if a.threads > 1 else ''}, least step of {a.rounds} rounds of {a.steps}; kernels "
          + ", ".join(f"{k} {v}" for k, v in r.kernel.items()) + "\n")
    head = ["preset:batch", "precision"]
    peers = [name for name in ("eager", "compiled") if any(k[0] == name for k in r.least)]
    for name in peers:
        head += [f"PyTorch {name} ms", "GFLOP/s"]
    head += ["pretrain ms", "GFLOP/s", "images/s", "share of peak"]
    if peers:
        head.append("times PyTorch's best")
    if a.pair:
        head += ["two processes of one thread, images/s", "of them"]
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    for case in a.case:
        for precision in a.precision:
            batch, flop, row = int(case.split(":")[1]), r.flop[case], [case, precision]
            for name in peers:
                t = r.least[name, case, precision]
                row += [f"{1e3 * t:.1f}", f"{flop / t:.1f}"]
            own = r.least["pretrain", case, precision]
            row += [f"{1e3 * own:.1f}", f"{flop / own:.1f}", f"{batch / own:.1f}", f"{100 * flop / own / r.peak[case, precision]:.0f} %"]
            if peers:
                row.append(f"{min(r.least[n, case, precision] for n in peers) / own:.2f}")
            if a.pair:
                pair = r.least["pair", case, precision]
                ratios = sorted(l["ratio_of_medians"] for l in r.raw
                                if l["program"] == "pair" and (l["case"], l["precision"]) == (case, precision))
                row += [f"{batch / pair:.1f}", f"{ratios[len(ratios) // 2]:.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})"]
            print("| " + " | ".join(row) + " |")


def memory(pretrain, results):
    print("| preset | precision | recomputed | planned GiB | of it weights, gradients, moments | most resident GiB |\n" + "|---" * 6 + "|")
    for preset, recompute in (("base", False), ("base", True), ("large", True)):
        for precision in ("fp32", "bf16"):
            command = [pretrain, "bench", "--json", "--preset", preset, "--batch", "64", "--accumulation", "1",
                       "--precision", precision, "--steps", "1"] + ["--recompute"] * recompute
            line = last(command)
            results.add("pretrain", f"{preset}:64", precision, line)
            gibi = [line[k] / 2**30 for k in ("plan_bytes", "weights_bytes", "peak_rss_bytes")]
            print(f"| {preset} | {precision} | {'yes' if recompute else 'no'} | " + " | ".join(f"{v:.2f}" for v in gibi) + " |")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--peers", help="folder of train_bench.py; without it pretrain is measured alone")
    p.add_argument("--out", required=True)
    p.add_argument("--case", nargs="+", default=["cifar:64", "tiny:32"], help="PRESET:BATCH")
    p.add_argument("--precision", nargs="+", default=["fp32"])
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--steps", type=int, default=5)
    p.add_argument("--compile", action="store_true", help="measure compiled PyTorch too (needs gcc)")
    p.add_argument("--pair", action="store_true", help="with --threads 2: two processes of one thread too")
    p.add_argument("--memory", action="store_true", help="memory of base and large instead of times")
    a = p.parse_args()
    if a.pair and a.threads != 2:
        p.error("--pair goes with --threads 2")
    results = Results()
    with tempfile.TemporaryDirectory() as folder:
        pretrain = os.path.join(folder, "pretrain")
        subprocess.run(["go", "build", "-o", pretrain, "./cmd/pretrain"], check=True)
        try:
            if a.memory:
                memory(pretrain, results)
            else:
                measure(a, pretrain, results)
        finally:
            with open(a.out, "a") as f:
                for line in results.raw:
                    f.write(json.dumps(line) + "\n")
    if not a.memory:
        table(a, results)


if __name__ == "__main__":
    main()
