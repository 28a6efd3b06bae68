# SPDX-License-Identifier: Apache-2.0
"""add_one.py FILE NAME OUT: a safetensors file with 1 added to the first number of a tensor. Standard library only."""
import json
import pathlib
import struct
import sys

data = bytearray(pathlib.Path(sys.argv[1]).read_bytes())
header = struct.unpack_from("<Q", data)[0]
at = 8 + header + json.loads(data[8:8 + header])[sys.argv[2]]["data_offsets"][0]
struct.pack_into("<f", data, at, struct.unpack_from("<f", data, at)[0] + 1)
pathlib.Path(sys.argv[3]).write_bytes(data)
