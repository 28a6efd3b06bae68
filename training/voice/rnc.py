# SPDX-License-Identifier: Apache-2.0
"""Rob Northen's compression, method 1: literals and copies in chunks, each with three canonical Huffman codes.

Bits come from 16-bit words, lowest bit first; literals lie between the words, and the word after them goes on where the last one
stopped. Source: the format as ScummVM's engines read it (common/compression/rnc_deco.cpp), here written anew.
"""
import struct

HEAD = 18


class Bits:
    def __init__(self, data, at):
        self.data, self.at, self.held, self.n = data, at, 0, 0

    def fill(self, n):
        while self.n < n:
            self.held |= int.from_bytes(self.data[self.at:self.at + 2], "little") << self.n
            self.at += 2
            self.n += 16

    def take(self, n):
        self.fill(n)
        value = self.held & ((1 << n) - 1)
        self.held >>= n
        self.n -= n
        return value

    def literals(self, n):
        """Bytes that lie behind the word that is being read."""
        out = self.data[self.at:self.at + n]
        self.at += n
        return out


class Code:
    """Symbols by their bits, read lowest bit first; the symbol s > 1 is followed by s - 1 bits of a number with a 1 above."""

    def __init__(self, bits):
        lengths = [bits.take(4) for _ in range(bits.take(5))]
        self.symbols, code = {}, 0
        for length in range(1, 17):
            for symbol, own in enumerate(lengths):
                if own == length:
                    self.symbols[length, int(f"{code:0{length}b}"[::-1], 2)] = symbol
                    code += 1
            code <<= 1

    def read(self, bits):
        value = 0
        for length in range(1, 17):
            value |= bits.take(1) << (length - 1)
            symbol = self.symbols.get((length, value))
            if symbol is not None:
                return symbol if symbol < 2 else bits.take(symbol - 1) | 1 << (symbol - 1)
        raise ValueError("no such code")


def unpack(data):
    """The contents of a file that begins with "RNC\\1"."""
    if data[:4] != b"RNC\1":
        raise ValueError("not of method 1")
    size, out, bits = struct.unpack_from(">I", data, 4)[0], bytearray(), Bits(data, HEAD)
    bits.take(2)
    for _ in range(data[17]):
        literal, distance, length = Code(bits), Code(bits), Code(bits)
        count = bits.take(16)
        for i in range(count):
            n = literal.read(bits)
            if n:
                out += bits.literals(n)
            if i + 1 < count:
                back = distance.read(bits) + 1
                for _ in range(length.read(bits) + 2):
                    out.append(out[-back])
    if len(out) != size:
        raise ValueError("another size than it says")
    return bytes(out)
