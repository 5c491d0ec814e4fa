"""Packs files into compressed parts that are small enough to travel one by one, and joins them again."""
import argparse
import glob
import io
import lzma
import multiprocessing
import os
import sys
import tarfile

# bf16 weights: two-byte alignment, so that exponents are predicted from exponents.
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 1, "lc": 3, "lp": 1, "pb": 1}]


def compress(piece):
    return lzma.compress(piece, format=lzma.FORMAT_XZ, filters=FILTERS)


def pack(paths, out, count=0, limit=16 << 20):
    """Packs the files into count parts, or into as many as keep each at or below limit bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in paths:
            tar.add(path)
    data = buffer.getbuffer()
    # What xz cannot compress grows by less than a thousandth.
    size = -(-len(data) // count // 2) * 2 + 2 if count else limit - (limit >> 9)
    pieces = [bytes(data[i:i + size]) for i in range(0, len(data), size)]
    os.makedirs(out, exist_ok=True)
    with multiprocessing.Pool(min(len(pieces), multiprocessing.cpu_count())) as pool:
        for i, piece in enumerate(pool.imap(compress, pieces)):
            with open(os.path.join(out, f"part-{i:02d}.xz"), "wb") as file:
                file.write(piece)
    print(f"{len(data)} bytes in {len(pieces)} parts")


def unpack(folder, out):
    names = sorted(glob.glob(os.path.join(folder, "part-*.xz")))
    if not names:
        sys.exit(f"parts.py: {folder}: no part-*.xz there")
    data = b"".join(lzma.open(name).read() for name in names)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        tar.extractall(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("pack", help="tar the files and split them")
    one.add_argument("paths", nargs="+")
    one.add_argument("--out", required=True)
    one.add_argument("--count", type=int, default=0, help="parts (default: as many as keep each at or below 16 MiB)")
    two = commands.add_parser("unpack", help="join the parts and extract them")
    two.add_argument("folder")
    two.add_argument("--out", default=".")
    args = parser.parse_args()
    if args.command == "pack":
        pack(args.paths, args.out, args.count)
    else:
        unpack(args.folder, args.out)


if __name__ == "__main__":
    main()
