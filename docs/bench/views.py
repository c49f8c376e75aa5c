"""Pairs/s of viewgen beside other libraries, interleaved in one run.

  python docs/bench/views.py --peers ../shared/peers --data ../shared/data/photos --out docs/bench/DATE-views.jsonl

Each round measures every peer and viewgen once, one after the other; the best of the rounds is
compared. Run it with the Python that has the peers' packages (the README of --peers lists them), on
a machine that does nothing else. Prints a table in Markdown; raw lines go to --out.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

STAGES = {"decode": "decode", "crops": "crops", "all": "whole"}  # the peers' names, ours


def lines(command, **env):
    out = subprocess.run(command, env={**os.environ, **env}, check=True, capture_output=True, text=True)
    return [json.loads(l) for l in out.stdout.splitlines() if l.startswith("{")]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--peers", required=True, help="folder of views_bench.py")
    p.add_argument("--data", required=True, help="folder of photos-*.tar")
    p.add_argument("--out", required=True)
    p.add_argument("--peer", nargs="+", default=["pil", "v2", "albumentations", "dali"])
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--images", type=int, default=200)
    p.add_argument("--seconds", type=float, default=5)
    p.add_argument("--threads", type=int, default=1)
    a = p.parse_args()
    shards = sorted(os.path.join(a.data, f) for f in os.listdir(a.data) if f.startswith("photos-"))
    best, raw = {}, []
    with tempfile.TemporaryDirectory() as folder:
        viewgen = os.path.join(folder, "viewgen")
        subprocess.run(["go", "build", "-o", viewgen, "./cmd/viewgen"], check=True)
        pin = ["taskset", "-c", "0"] if a.threads == 1 else []
        ours = [*pin, viewgen, "bench", "--json", "--images", str(a.images), "--seconds", str(a.seconds),
                "--threads", str(a.threads)]
        for name in STAGES.values():
            ours += ["--stage", name]
        for shard in shards:
            ours += ["--data", shard]
        for _ in range(a.rounds):
            for peer in a.peer:
                got = lines([*pin, sys.executable, os.path.join(a.peers, "views_bench.py"), "--peer", peer, "--workers",
                             str(a.threads), "--data", a.data, "--images", str(a.images), "--seconds", str(a.seconds),
                             "--stage", *STAGES])
                raw += got
                for l in got:
                    key = peer, l["stage"]
                    best[key] = max(best.get(key, 0), l["pairs_per_s"])
            for l in lines(ours):
                raw.append({"peer": "viewgen", **l})
                stage = next(k for k, v in STAGES.items() if v == l["stage"])
                best["viewgen", stage] = max(best.get(("viewgen", stage), 0), l["pairs_per_s"])
    with open(a.out, "a") as f:
        for l in raw:
            f.write(json.dumps(l) + "\n")
    print("| pairs/s, best of", a.rounds, "|", " | ".join(STAGES), "|\n|---|" + "---|" * len(STAGES))
    for peer in [*a.peer, "viewgen"]:
        cells = (f"{best[peer, s]:.0f} ({best['viewgen', s] / best[peer, s]:.2f}x)" if peer != "viewgen"
                 else f"{best[peer, s]:.0f}" for s in STAGES)
        print("|", peer, "|", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
