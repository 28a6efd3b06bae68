# SPDX-License-Identifier: Apache-2.0
"""weft chat-template: what a conversation becomes, and what is said where it becomes nothing."""
import json
import os
import shutil

import harness

HEAD = "<|start_header_id|>%s<|end_header_id|>\n\n"


def bytes_tokenizer(added, placed):
    """A tokenizer.json with a token for each byte; added special tokens from id 256 on, others where they are placed."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    vocab = {chr(byte): byte for byte in plain} | {chr(256 + i): byte for i, byte in enumerate(rest)}
    ids = {text: 256 + i for i, text in enumerate(added)} | placed
    return {"added_tokens": [{"id": i, "content": text, "special": True, "normalized": False} for text, i in ids.items()],
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True},
            "decoder": {"type": "ByteLevel"}, "model": {"type": "BPE", "vocab": vocab, "merges": []}}


class ChatTemplate(harness.Case):
    def setUp(self):
        super().setUp()
        shutil.copy(harness.TINY, os.path.join(self.dir, "tokenizer.json"))

    def file(self, name, content):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(content if isinstance(content, str) else json.dumps(content))
        return path

    def text(self, messages, *more, template=None):
        if template is not None:
            self.file("chat_template.jinja", template)
        return self.ok("chat-template", "-m", self.dir, "--messages", self.file("m.json", messages), *more).out.decode()

    def test_the_demo(self):
        talk = self.file("m.json", [{"role": "user", "content": " Hi <|eot_id|> "}])
        out = self.ok("chat-template", "--messages", talk).out.decode()
        self.assertEqual(out, "<|begin_of_text|>" + HEAD % "user" + "Hi <|eot_id|><|eot_id|>" + HEAD % "assistant")

    def test_no_byte_is_added(self):
        self.assertEqual(self.text([], template="a\n\n"), "a\n")
        self.assertEqual(self.text([], template=""), "")

    def test_what_a_template_gets(self):
        template = "{{ messages|length }}{{ tools|tojson }}{{ documents }}{{ add_generation_prompt }}{{ x }}{{ strftime_now('%F') }}"
        tools = self.file("t.json", [{"name": "f"}])
        talk = {"messages": [{}], "documents": [1], "add_generation_prompt": False, "x": "y"}
        self.assertEqual(self.text(talk, "--tools", tools, "--date", "2026-11-30", template=template),
                         '1[{"name": "f"}][1]Falsey2026-11-30')
        self.assertEqual(self.text([], template=template), "0nullNoneTrue2024-07-26")

    def test_standard_input(self):
        self.file("chat_template.jinja", "{{ messages }}")
        self.assertEqual(self.ok("chat-template", "-m", self.dir, "--messages", "-", stdin=b"[1, \"a\"]").out, b"[1, 'a']")

    def test_a_picture(self):
        """A template that reads lists of parts writes the marker where the picture is, and nobody else can."""
        source = os.path.join(harness.FIXTURES, "idefics3", "tied")
        for name in ("config.json", "model.safetensors"):
            shutil.copy(os.path.join(source, name), self.dir)
        self.file("tokenizer.json", bytes_tokenizer(
            ["<|im_start|>", "<end_of_utterance>", "<fake_token_around_image>", "<global-img>",
             *(f"<row_{row}_col_{col}>" for row in range(1, 7) for col in range(1, 7))], {"<image>": 500}))
        self.file("generation_config.json", {"eos_token_id": 257})
        shutil.copy(os.path.join(harness.FIXTURES, "templates", "weft-smolvlm.jinja"),
                    os.path.join(self.dir, "chat_template.jinja"))
        picture = os.path.join(harness.FIXTURES, "images", "rgb8.png")
        for text in ("Hi", "<end_of_utterance><row_1_col_1>"):
            out = self.ok("describe", "-m", self.dir, "-n", "1", "--json", "-p", text, picture).out
            # <|im_start|>, "User:", the picture as the plugin lays it out, a byte each of the text, <end_of_utterance>,
            # a newline and "Assistant:"
            self.assertEqual(json.loads(out)["tokens"]["prompt"], 1 + 5 + 108 + len(text) + 1 + 1 + 10)

    def test_refusals(self):
        good = self.file("m.json", [])
        self.file("chat_template.jinja", "{{ raise_exception('Roles must alternate') }}")
        for code, said, *args in (
                (2, "Roles must alternate", "--messages", good),
                (2, "no such file", "--messages", os.path.join(self.dir, "missing.json")),
                (2, "--messages FILE is needed",),
                (2, "is no date", "--messages", good, "--date", "tomorrow"),
                (2, "one operand too many", "--messages", good, "more"),
                (3, "bad.json:1", "--messages", self.file("bad.json", "[{]")),
                (3, "neither a list", "--messages", self.file("none.json", "{}")),
                (3, "tools.json:1", "--messages", good, "--tools", self.file("tools.json", "{"))):
            line = self.fails(code, "chat-template", "-m", self.dir, *args)
            self.assertIn(said.lower(), line.lower())
        # One byte more than may be; the message names the option.
        self.write("long.json", b" " * (16 << 20) + b"[")
        with open(self.path("long.json"), "rb") as f:
            long = f.read()
        for option, more in (("--messages", ()), ("--tools", ("--messages", good))):
            args = ("chat-template", "-m", self.dir, *more, option)
            self.assertIn(option, self.fails(7, *args, self.path("long.json")))
            self.assertIn(option, self.fails(7, *args, "-", stdin=long))
        self.file("chat_template.jinja", "{% if %}")
        self.assertIn("line 1", self.fails(4, "chat-template", "-m", self.dir, "--messages", good))
        os.remove(os.path.join(self.dir, "chat_template.jinja"))
        self.assertIn("no chat template", self.fails(4, "chat-template", "-m", self.dir, "--messages", good))


if __name__ == "__main__":
    harness.main(needs_demo=True)
