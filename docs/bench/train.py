"""Seconds of an optimiser step of pretrain beside PyTorch's, interleaved in one run.

  python docs/bench/train.py --peers ../shared/peers --out docs/bench/DATE-train.jsonl --case cifar:64 tiny:32

Each round measures PyTorch and pretrain once on each case, one after the other; the least step of the
rounds is compared. Run it with the Python that has torch, on a machine that does nothing else. Prints
a table in Markdown; raw lines go to --out.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile


def last(command):
    out = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads([l for l in out.stdout.splitlines() if l.startswith("{")][-1])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--peers", required=True, help="folder of train_bench.py")
    p.add_argument("--out", required=True)
    p.add_argument("--case", nargs="+", default=["cifar:64", "tiny:32"], help="PRESET:BATCH")
    p.add_argument("--precision", nargs="+", default=["fp32"])
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--steps", type=int, default=5)
    p.add_argument("--compile", action="store_true", help="measure compiled PyTorch too, and take the better")
    a = p.parse_args()
    raw, least, flop = [], {}, {}
    with tempfile.TemporaryDirectory() as folder:
        pretrain = os.path.join(folder, "pretrain")
        subprocess.run(["go", "build", "-o", pretrain, "./cmd/pretrain"], check=True)
        pin = ["taskset", "-c", "0"] if a.threads == 1 else []
        common = ["--threads", str(a.threads), "--steps", str(a.steps)]
        for _ in range(a.rounds):
            for case in a.case:
                for precision in a.precision:
                    preset, batch = case.split(":")
                    what = ["--preset", preset, "--batch", batch, "--precision", precision, *common]
                    peer = [*pin, sys.executable, os.path.join(a.peers, "train_bench.py"), *what]
                    runs = [("pytorch", peer), ("pretrain", [*pin, pretrain, "bench", "--json", *what])]
                    if a.compile:
                        runs.append(("pytorch", [*peer, "--compile"]))
                    for name, command in runs:
                        l = last(command)
                        raw.append({"program": name, "case": case, "precision": precision, **l})
                        key = name, case, precision
                        least[key] = min(least.get(key, 1e9), l["step_seconds_min"])
                        if name == "pretrain":
                            flop[case] = l["gflop_per_step"]
    with open(a.out, "a") as f:
        for l in raw:
            f.write(json.dumps(l) + "\n")
    print(f"{a.threads} threads, least step of {a.rounds} rounds of {a.steps}\n")
    print("| preset:batch | precision | PyTorch ms | GFLOP/s | pretrain ms | GFLOP/s | times PyTorch |\n|---|---|---|---|---|---|---|")
    for case in a.case:
        for precision in a.precision:
            t, o = least["pytorch", case, precision], least["pretrain", case, precision]
            print(f"| {case} | {precision} | {1e3 * t:.1f} | {flop[case] / t:.1f} | {1e3 * o:.1f} | {flop[case] / o:.1f} | {t / o:.2f} |")


if __name__ == "__main__":
    main()
