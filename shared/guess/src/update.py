#!/usr/bin/env python3
"""Makes words.bin from the word lists of the crate zxcvbn: update.py FOLDER, the folder that holds its source.

The lists are those of Wheeler's zxcvbn: common passwords, words of Wikipedia, words of American television and films, and
names from the census of the United States. A word of several lists has the smallest of its ranks, because only the cheapest guess of a
word counts. A rank is stored as the nearest of sixteen steps for each factor of two: at most 2.2 % off, and exact up to 23.

All numbers are little-endian:

    count         u32
    shared        of the words, as `pack.py` says
    block starts  likewise
    steps         256 ranks: all low bytes, all high bytes
    ranks         of every word: the number of its step
    endings       as `pack.py` says
"""

import math
import pathlib
import re
import sys

from pack import packed, planes

HERE = pathlib.Path(__file__).parent
sys.dont_write_bytecode = True

# The largest step is 62,757: no list has so many words.
STEPS = [min(round(2 ** (step / 16)), 0xFFFF) for step in range(256)]


def ranked(source):
    """Every word of the lists with its smallest rank."""
    ranks = {}
    for words in re.findall(r'const [A-Z_]+: &str = "((?:[^"\\]|\\.)*)"', source):
        for rank, word in enumerate(re.sub(r"\\(.)", r"\1", words).split(","), 1):
            ranks[word] = min(rank, ranks.get(word, rank))
    return {word.encode("ascii"): rank for word, rank in sorted(ranks.items())}


def file(ranks):
    """The content of words.bin."""
    shared, starts, endings = packed(ranks)
    nearest = bytes(round(16 * math.log2(rank)) for rank in ranks.values())
    return len(ranks).to_bytes(4, "little") + shared + starts + planes(STEPS, 2) + nearest + endings


def main():
    source = pathlib.Path(sys.argv[1], "src", "frequency_lists.rs").read_text("utf-8")
    (HERE / "words.bin").write_bytes(file(ranked(source)))


if __name__ == "__main__":
    main()
