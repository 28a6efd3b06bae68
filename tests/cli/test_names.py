# SPDX-License-Identifier: Apache-2.0
"""Directories whose tensors have the names that they have in transformers' memory since 4.52 (5 for speech), as programs write them
that save by themselves: the numbers are those of the directory with the names that transformers writes."""
import os
import shutil
import unittest

import harness

PLUGINS = os.path.join(os.path.dirname(harness.WEFT), "plugins")


def in_memory(name):
    text, head = "language_model.model.", "language_model.lm_head."
    if name.startswith(text):
        return "model.language_model." + name[len(text):]
    return "lm_head." + name[len(head):] if name.startswith(head) else "model." + name


class Names(harness.Case):
    def check(self, plugin, *fixtures):
        if not os.path.exists(os.path.join(PLUGINS, plugin + ".so")):
            self.skipTest(f"needs {plugin}")
        for fixture in fixtures:
            with self.subTest(fixture):
                directory = self.path(os.path.basename(fixture))
                shutil.copytree(os.path.join(harness.FIXTURES, fixture), directory)
                path = os.path.join(directory, "model.safetensors")
                tensors = harness.read_safetensors(path)
                os.remove(path)
                harness.write_safetensors(path, {in_memory(name): t for name, t in tensors.items()})
                self.rename_lora(os.path.join(directory, "adapter_model.safetensors"))
                self.ok("model", "verify", directory)

    def rename_lora(self, path):
        if os.path.exists(path):
            tensors, peft = harness.read_safetensors(path), "base_model.model."
            os.remove(path)
            harness.write_safetensors(path, {peft + in_memory(name[len(peft):]): t for name, t in tensors.items()})

    def test_llava(self):
        self.check("weft-llava", "llava/clip", "llava/next")

    def test_voxtral(self):
        self.check("weft-voxtral", "voxtral/mini", "voxtral/small")

    def test_granite_speech(self):
        self.check("weft-granite-speech", "granite-speech/plain", "granite-speech/odd", "granite-speech/plus", "granite-speech/lora")


if __name__ == "__main__":
    unittest.main(verbosity=2)
