#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include what, and which sources a plugin may be built of.

    check_rooms.py SOURCE-DIR BUILD-DIR

The core knows no plugin and no device module, the program knows the public headers alone, and a plugin knows the public headers, its own folder,
the shared and ops folders beside it and plugins/common. So a plugin can be taken out of the tree, and nobody depends on a
file that is another plugin's own. Within the core each room uses the rooms that CORE names for it, and none of those comes
back to it: only the engine, which composes them, knows all.
"""
import json
import os
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<(weft/[^>]+)>)', re.M)
TOP = ("core", "cli", "cuda", "include", "plugins", "examples")
# Families that are one plugin: their folders below the first are its own.
ONE_PLUGIN = ("plugins/text",)
# Rooms of the core from the ground up, and the rooms that each may use beside core/base. A room stands below all that use it.
CORE = {
    "base": (),
    "io": (),
    "ops": (),
    "settings": ("io",),
    "device": ("ops",),
    "bench": ("device", "ops"),
    "kv": ("device", "ops"),
    "model": ("device", "io", "kv", "ops"),
    "plugin": ("io", "settings"),
    "host": ("device", "model", "ops", "plugin", "settings"),
    "media": ("device", "host", "io", "kv", "model", "plugin", "settings"),
    "sequence": ("device", "kv", "media", "model"),
    "text": ("media", "model", "plugin", "sequence"),
    "verify": ("io", "media", "model", "sequence"),
}

MODULE = ("core/base/status.h", "core/base/mem.h", "core/base/threads.h", "core/base/exponential.h", "core/device/device.h",
          "core/device/module.h", "core/device/cpu/math.h", "core/device/cpu/fp8.h", "core/base/half.h")


def allowed(folder):
    """The folders whose files a file in this folder may use, each with what is below it or not."""
    parts = folder.split("/")
    if parts[0] == "core" and len(parts) > 1 and parts[1] != "engine":
        rooms = ("base", parts[1], *CORE.get(parts[1], ()))
        return {"include", *("core/" + room for room in rooms)}
    if parts[0] == "cuda":  # a device module: core/device/module.h says what it may see; its kernels share the CPU's formulas
        return {"cuda", "include", "core/ops", *MODULE}
    if parts[0] != "plugins":
        own = {parts[0]} if parts[0] != "examples" else {folder}
        return own | {"include"}
    if len(parts) == 2:  # a family that is one plugin, or plugins/common
        return {folder, "include", "plugins/common"} if parts[1] != "common" else {folder, "include"}
    family = "/".join(parts[:2])
    if family in ONE_PLUGIN:
        return {family, "include", "plugins/common"}
    if parts[2] == "ops":
        return {folder, "include"}
    beside = {family + "/ops"} if parts[2] == "shared" else {family + "/ops", family + "/shared"}
    return beside | {"/".join(parts[:3]), "include", "plugins/common"}


def is_allowed(path, folder):
    return any(path == home or path.startswith(home + "/") for home in allowed(folder))


def resolved(root, folder, name):
    """The file that a name in an #include stands for, relative to the root; None: a system's."""
    for base in (folder, "include", ""):
        path = os.path.normpath(os.path.join(base, name))
        if os.path.isfile(os.path.join(root, path)):
            return path
    return None


def sources(root):
    for top in TOP:
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h", ".cu", ".cuh", ".inc")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def check_includes(root):
    for path in sources(root):
        folder = os.path.dirname(path)
        with open(os.path.join(root, path), encoding="utf-8") as file:
            text = file.read()
        for quoted, public in INCLUDE.findall(text):
            target = resolved(root, folder, quoted or public)
            if target is not None and not is_allowed(target, folder):
                yield f"{path} includes {target}, which is not its to use"


def check_sources(root, build):
    """A plugin's target stands in the folder of its CMakeLists.txt; its objects tell what it is built of."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        commands = json.load(file)
    seen = 0
    for command in commands:
        output = re.search(r" -o (\S+)", command["command"]).group(1)
        target = re.match(r"(plugins/\S+?)/CMakeFiles/(\S+?)\.dir/", output)
        if target is None:
            continue
        seen += 1
        path = os.path.relpath(command["file"], root)
        if not is_allowed(path, target.group(1)):
            yield f"{target.group(2)} is built of {path}, which is not its to use"
    if seen == 0:
        yield f"{build}/compile_commands.json has no source of a plugin"


def check_names(root):
    """Who reads `decoder.h` should not have to ask which one: the core's headers have names of their own."""
    public = set(os.listdir(os.path.join(root, "include/weft")))
    for path in sources(root):
        if path.startswith("core/") and path.endswith(".h") and os.path.basename(path) in public:
            yield f"{path} bears the name of a public header"


def check_order():
    """The table itself: nobody uses a room that stands above."""
    below = []
    for room, uses in CORE.items():
        below.append(room)
        yield from (f"CORE lets {room} use {other}, which does not stand below it"
                    for other in uses if other not in below[:-1])


def main():
    root, build = sys.argv[1:]
    faults = [*check_order(), *check_includes(root), *check_names(root), *check_sources(root, build)]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
