"""Writes members.tar.gz, members.tar.zst and members.json beside itself.

The archive holds every kind of member and name that the grouping rules treat apart; members.json
is what the Python package webdataset (1.0.2) makes of it: [[key, [[field, text], ...]], ...].
  python make.py   (needs webdataset and the zstd program)
"""
import io
import json
import os
import subprocess
import tarfile

import webdataset

HERE = os.path.dirname(os.path.abspath(__file__))
TAR = os.path.join(HERE, "members.tar")
FILES = [
    "a.jpg", "a.cls",                      # plain
    "b.cls", "b.JPG", "b.Seg.PNG",         # image second, capitals, field with a dot
    "./c.jpg", "./c.json",                 # ./ is part of the key
    "x/a.jpg", "x/a.cls",                  # so are folders
    "x.y/z.w/d.jpg",                       # dots in folders are not the key's end
    "a.png",                               # a key that came before: a new sample
    "__meta__", "__meta__/e.jpg", "__f__.x/e.jpg",  # metadata; the last is not
    "x/__meta__/e.jpg",                    # only the first component counts
    "noext", "x/noext",                    # no dot
    ".hidden.jpg",                         # no key
    "x/.hidden.jpg",                       # the folder is the key
    "e.", "e..jpg",                        # empty field name; field name with a dot
    "f.jpg",
    "long/" + "n" * 120 + "/" + "k" * 90 + ".jpg",   # a long name
    "ü/grün ß.jpg", "ü/grün ß.cls",        # not ASCII
    "g.jpg", "g.txt",
]


def add(tar, name, data=b"", kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, len(data), link
    tar.addfile(info, io.BytesIO(data))


def main():
    os.chdir(HERE)
    with open(TAR, "wb") as f:
        for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            out = io.BytesIO()
            prefix = "" if form == tarfile.GNU_FORMAT else "pax"
            with tarfile.open(fileobj=out, mode="w", format=form) as tar:
                add(tar, "x", kind=tarfile.DIRTYPE)
                for i, name in enumerate(FILES):
                    if prefix and not name.startswith(("_", ".")):
                        name = prefix + name
                    add(tar, name, f"{prefix}{i}".encode())
                    if name.endswith("f.jpg"):  # links, in the middle of the archive
                        add(tar, prefix + "f.png", kind=tarfile.SYMTYPE, link="f.jpg")
                        add(tar, prefix + "f.gif", kind=tarfile.LNKTYPE, link="f.jpg")
                        add(tar, prefix + "f.bmp", kind=tarfile.FIFOTYPE)
                    if name.endswith("g.jpg"):  # not between g.jpg and g.txt's keys
                        add(tar, "__meta__/between", b"x")
                end = tar.offset
            f.write(out.getvalue()[:end])
        f.write(bytes(10240))
    data = open(TAR, "rb").read()
    with open(TAR + ".gz", "wb") as f:
        f.write(subprocess.run(["gzip", "-n9"], input=data, stdout=subprocess.PIPE, check=True).stdout)
    with open(TAR + ".zst", "wb") as f:
        f.write(subprocess.run(["zstd", "-q19"], input=data, stdout=subprocess.PIPE, check=True).stdout)
    samples = webdataset.WebDataset("members.tar", shardshuffle=False, empty_check=False,
                                    handler=webdataset.reraise_exception)
    rows = [[s["__key__"], [[k, v.decode()] for k, v in s.items() if isinstance(v, bytes)]] for s in samples]
    with open("members.json", "w") as f:
        json.dump(rows, f, separators=(",", ":"), ensure_ascii=False)
        f.write("\n")
    os.remove(TAR)
    print(len(rows), "samples")


main()
