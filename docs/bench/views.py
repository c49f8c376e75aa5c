"""Rates of `viewgen bench` beside other libraries, and its two modes, threads and memory beside each other.

  python docs/bench/views.py --data ../shared/data/photos --out docs/bench/DATE-views.jsonl \\
      [--peers ../shared/peers] [--rounds 5] [--only peers modes threads memory]

--data is a folder of photos-*.tar with JPEG photographs. Four parts, each interleaved round by round;
the best of the rounds is compared, and for threads the median too:

  peers    pairs/s of decode, crops and all, one thread (pinned): torchvision on Pillow and on tensors,
           albumentations and DALI by views_bench.py in --peers (left out without), OpenCV by
           opencv_views.py beside this file, viewgen in both modes
  modes    every stage of viewgen, one thread: exact and fast
  threads  stage whole, exact: two processes of one thread at once, then one process of two
  memory   viewgen's resident memory beyond the images it holds, one and two threads, both modes

Run it with the Python that has the peers' packages, from the repository's root, on a machine that does
nothing else. Prints tables in Markdown; raw lines are appended to --out.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

STAGES = {"decode": "decode", "crops": "crops", "all": "whole"}  # the peers' names, ours
PEERS = {"pil": "torchvision on Pillow", "pil-tuned": "the same, PILLOW_BLOCKS_MAX=64", "v2": "torchvision tensors",
         "albumentations": "albumentations (OpenCV)", "dali": "DALI (CPU)", "opencv": "OpenCV"}
HERE = os.path.dirname(os.path.abspath(__file__))


class Bench:
    def __init__(self, a, viewgen):
        self.a, self.viewgen, self.raw = a, viewgen, []
        self.shards = sorted(os.path.join(a.data, f) for f in os.listdir(a.data)
                             if f.startswith("photos-") and f.endswith(".tar"))
        if not self.shards:
            sys.exit(f"no photos-*.tar in {a.data}")

    def command(self, stages, mode="exact", threads=1):
        c = [self.viewgen, "bench", "--json", "--images", str(self.a.images), "--seconds", str(self.a.seconds),
             "--threads", str(threads), "--mode", mode]
        for name in stages:
            c += ["--stage", name]
        for shard in self.shards:
            c += ["--data", shard]
        return c

    def run(self, *commands, **labels):
        """Runs commands at once and returns each one's JSON lines."""
        running = [subprocess.Popen(c, stdout=subprocess.PIPE, text=True) for c in commands]
        texts = [p.communicate()[0] for p in running]
        if any(p.returncode for p in running):
            sys.exit(f"failed: {[p.args for p in running if p.returncode]}")
        out = [[json.loads(l) for l in t.splitlines() if l.startswith("{")] for t in texts]
        for k, lines in enumerate(out):
            self.raw += [{**labels, "process": k, **l} for l in lines]
        return out


def pin(core):
    return ["taskset", "-c", str(core)]


def peers(b):
    a, best = b.a, {}
    names = [p for p in a.peer if a.peers or p == "opencv"]
    for r in range(a.rounds):
        for peer in names:
            script = os.path.join(HERE, "opencv_views.py") if peer == "opencv" else os.path.join(a.peers, "views_bench.py")
            c = [*pin(0), sys.executable, script, "--data", a.data, "--images", str(a.images), "--seconds", str(a.seconds),
                 "--stage", *STAGES]
            if peer != "opencv":
                c += ["--peer", peer, "--workers", "1"]
            for l in b.run(c, part="peers", round=r)[0]:
                best[peer, l["stage"]] = max(best.get((peer, l["stage"]), 0), l["pairs_per_s"])
        for mode in ("exact", "fast"):
            stages = {k: v for k, v in STAGES.items() if mode == "exact" or k != "decode"}
            for l in b.run([*pin(0), *b.command(stages.values(), mode)], part="peers", peer="viewgen", mode=mode, round=r)[0]:
                stage = next(k for k, v in STAGES.items() if v == l["stage"])
                best[mode, stage] = max(best.get((mode, stage), 0), l["pairs_per_s"])
    print(f"One thread, pairs/s, best of {a.rounds}; in brackets viewgen's exact rate over it.\n")
    print("|", " | ".join(["pairs/s", *STAGES]), "|\n|---|" + "---|" * len(STAGES))
    for peer in names:
        print("|", PEERS.get(peer, peer), "|",
              " | ".join(f"{best[peer, s]:.0f} ({best['exact', s] / best[peer, s]:.2f}x)" for s in STAGES), "|")
    for mode in ("exact", "fast"):
        print(f"| viewgen, {mode} |", " | ".join(f"{best[mode, s]:.0f}" if (mode, s) in best else "-" for s in STAGES), "|")


def modes(b):
    best = {}
    stages = {"exact": ["decode", "crop", "colour", "normalise", "crops", "whole"], "fast": ["crops", "whole"]}
    for r in range(b.a.rounds):
        for mode, names in stages.items():
            for l in b.run([*pin(0), *b.command(names, mode)], part="modes", mode=mode, round=r)[0]:
                best[mode, l["stage"]] = max(best.get((mode, l["stage"]), 0), l["pairs_per_s"])
    print(f"One thread, pairs/s and ms a pair, best of {b.a.rounds}.\n")
    print("| stage | exact | ms | fast | ms | fast / exact |\n|---|---|---|---|---|---|")
    for s in stages["exact"]:
        exact, fast = best["exact", s], best.get(("fast", s))
        print(f"| {s} | {exact:.0f} | {1000 / exact:.3f} |",
              f"{fast:.0f} | {1000 / fast:.3f} | {fast / exact:.2f} |" if fast else "- | - | - |")


def threads(b):
    apart, together = [], []
    for r in range(b.a.rounds):
        c = b.command(["whole"])
        apart.append(sum(l[0]["pairs_per_s"] for l in b.run([*pin(0), *c], [*pin(1), *c], part="threads", processes=2, round=r)))
        together.append(b.run([*pin("0,1"), *b.command(["whole"], threads=2)], part="threads", processes=1, round=r)[0][0]["pairs_per_s"])
    print(f"Stage whole, exact, pairs/s of two threads, {b.a.rounds} rounds.\n")
    print("| | best | median |\n|---|---|---|")
    rows = {"two processes of one thread, together": apart, "one process of two threads": together}
    for name, rates in rows.items():
        print(f"| {name} | {max(rates):.0f} | {statistics.median(rates):.0f} |")
    print(f"| ratio | {max(together) / max(apart):.3f} | {statistics.median(together) / statistics.median(apart):.3f} |")


def memory(b):
    print("Peak resident memory beyond the images held, stage whole; the bound is 64 MiB and 8 a worker.\n")
    print("| mode | threads | MiB | bound |\n|---|---|---|---|")
    for mode in ("exact", "fast"):
        for n in (1, 2):
            l = b.run(b.command(["whole"], mode, n), part="memory", mode=mode)[0][0]
            print(f"| {mode} | {n} | {(l['peak_rss_bytes'] - l['images_bytes']) / 2**20:.1f} | {64 + 8 * n} |")


PARTS = {"peers": peers, "modes": modes, "threads": threads, "memory": memory}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True, help="folder of photos-*.tar")
    p.add_argument("--out", required=True, help="file that the raw lines are appended to")
    p.add_argument("--peers", help="folder of views_bench.py")
    p.add_argument("--peer", nargs="+", default=["pil", "v2", "albumentations", "dali", "opencv"])
    p.add_argument("--only", nargs="+", default=list(PARTS), choices=list(PARTS))
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--images", type=int, default=200)
    p.add_argument("--seconds", type=float, default=5, help="of a stage, at least")
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        viewgen = os.path.join(folder, "viewgen")
        subprocess.run(["go", "build", "-o", viewgen, "./cmd/viewgen"], check=True)
        b = Bench(a, viewgen)
        try:
            for name in a.only:
                PARTS[name](b)
                print(flush=True)
        finally:
            with open(a.out, "a") as f:
                for l in b.raw:
                    f.write(json.dumps(l) + "\n")


if __name__ == "__main__":
    main()
