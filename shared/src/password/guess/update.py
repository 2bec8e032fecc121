#!/usr/bin/env python3
"""Makes words.bin from the word lists of the crate zxcvbn: update.py FOLDER, the folder that holds its source.

The lists are those of Wheeler's zxcvbn: common passwords, words of Wikipedia, words of American television and films, and
names from the census of the United States. A word of several lists has the smallest of its ranks, because the cheapest guess of a
word is all that counts. A rank is kept as the nearest of sixteen steps to an octave: at most 2.2 % beside it, and exact up to 23.

All numbers are little-endian. What is alike stands together, so that the file packs well:

    count         u32
    shared        a nibble per word, the even ones low: how many letters it has in common with the word before
    block starts  where the endings of every 128th word begin: all low bytes, all middle bytes, all high bytes
    steps         256 ranks: all low bytes, all high bytes
    ranks         of every word: the number of its step
    endings       the letters that are not shared, the last with its high bit set

The words are sorted by their bytes. The first of a block shares nothing, and none shares more than a nibble can say.
"""

import math
import pathlib
import re
import sys

BLOCK = 128
SHARED_MOST = 15
# The largest is 62,757: no list has so many words.
STEPS = [min(round(2 ** (step / 16)), 0xFFFF) for step in range(256)]


def ranked(source):
    """Every word of the lists with its smallest rank."""
    ranks = {}
    for words in re.findall(r'const [A-Z_]+: &str = "((?:[^"\\]|\\.)*)"', source):
        for rank, word in enumerate(re.sub(r"\\(.)", r"\1", words).split(","), 1):
            ranks[word] = min(rank, ranks.get(word, rank))
    return {word.encode("ascii"): rank for word, rank in sorted(ranks.items())}


def common(one, other):
    """The length of what both begin with."""
    length = 0
    for left, right in zip(one, other):
        if left != right:
            break
        length += 1
    return length


def planes(numbers, width):
    """The numbers with their low bytes first, then the next higher ones."""
    return b"".join(bytes(number >> 8 * plane & 0xFF for number in numbers) for plane in range(width))


def packed(ranks):
    """The whole file."""
    shared, starts, endings, before = [], [], bytearray(), b""
    for number, word in enumerate(ranks):
        if number % BLOCK == 0:
            before = b""
            starts.append(len(endings))
        # One letter is always left: it carries the mark of the end.
        length = min(common(before, word), SHARED_MOST, len(word) - 1)
        shared.append(length)
        endings += word[length:-1] + bytes([word[-1] | 0x80])
        before = word
    shared += [0] * (len(shared) % 2)
    nibbles = bytes(low | high << 4 for low, high in zip(shared[::2], shared[1::2]))
    count = len(ranks).to_bytes(4, "little")
    nearest = bytes(round(16 * math.log2(rank)) for rank in ranks.values())
    return count + nibbles + planes(starts, 3) + planes(STEPS, 2) + nearest + bytes(endings)


def main():
    source = pathlib.Path(sys.argv[1], "src", "frequency_lists.rs").read_text("utf-8")
    pathlib.Path(__file__).with_name("words.bin").write_bytes(packed(ranked(source)))


if __name__ == "__main__":
    main()
