"""Packs sorted words by front coding; `packed.rs` reads the result. The `update.py` of each list uses this module.

    shared        a nibble per word, the even ones low: how many letters it has in common with the word before
    block starts  where the endings of every 128th word begin: all low bytes, all middle bytes, all high bytes
    endings       the letters that are not shared, the last with its high bit set

The words are sorted by their bytes, which are ASCII. The first word of a block shares nothing, and no word shares more than fits in a
nibble. Similar data is stored together, so that the file compresses well.
"""

BLOCK = 128
SHARED_MOST = 15
LAST = 0x80


def alike(one, other):
    """The length of the common prefix."""
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return length


def planes(numbers, width):
    """The low bytes of all numbers, then their next higher bytes, and so on."""
    return b"".join(bytes(number >> 8 * plane & 0xFF for number in numbers) for plane in range(width))


def packed(words):
    """The three sections for sorted words."""
    shared, starts, endings, before = [], [], bytearray(), b""
    for number, word in enumerate(words):
        if number % BLOCK == 0:
            before = b""
            starts.append(len(endings))
        # At least one letter remains: its high bit marks the end.
        length = min(alike(before, word), SHARED_MOST, len(word) - 1)
        shared.append(length)
        endings += word[length:-1] + bytes([word[-1] | LAST])
        before = word
    shared += [0] * (len(shared) % 2)
    nibbles = bytes(low | high << 4 for low, high in zip(shared[::2], shared[1::2], strict=True))
    return nibbles, planes(starts, 3), bytes(endings)


def unpacked(count, nibbles, endings):
    """The words, read from two of the sections."""
    words, at, word = [], 0, b""
    for number in range(count):
        end = at
        while not endings[end] & LAST:
            end += 1
        word = word[: nibbles[number // 2] >> 4 * (number % 2) & 0xF] + endings[at:end] + bytes([endings[end] ^ LAST])
        words.append(word)
        at = end + 1
    return words
