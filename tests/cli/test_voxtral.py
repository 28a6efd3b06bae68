# SPDX-License-Identifier: Apache-2.0
"""Voxtral from the command line, with the tiny random model of the fixtures: what is written down is nonsense, and the same
nonsense every time. A chunk of it is 0.48 s."""
import json
import os
import sys

import harness
from speech import silence, voice, wav

MODEL = os.path.join(harness.FIXTURES, "voxtral", "mini")


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.talk = self.write("talk.wav", wav(silence(1), voice(1.5), silence(2.5), voice(2)))


class Transcribe(Case):
    def transcript(self, *args):
        return json.loads(self.ok("transcribe", "-m", MODEL, "-n", "8", "--format", "json", *args, self.talk).out)

    def test_language_is_in_the_prompt(self):
        ids = [[s["tokens"] for s in self.transcript(*args)["segments"]]
               for args in ((), ("--language", "German"), ("--language", "de"), ("--language", "fr"))]
        self.assertEqual([len(x) for x in ids], [2] * 4)
        self.assertEqual(ids[1], ids[2])
        self.assertEqual(len({json.dumps(x) for x in ids}), 3)

    def test_language_of_the_transcript(self):
        """Null where nobody names one: the model then writes in the language that it hears."""
        for args, said in (((), None), (("--language", "de"), "german"), (("-p", "Write it down."), None),
                           (("--task", "translate"), "english"),
                           (("--task", "translate", "--language", "fr"), "french")):
            self.assertEqual(self.transcript(*args)["language"], said, args)

    def test_words_of_the_user_go_into_the_chat_format(self):
        self.assertNotEqual(self.transcript()["segments"], self.transcript("-p", "Write it down.")["segments"])

    def test_translation_is_a_question(self):
        self.ok("transcribe", "-m", MODEL, "-n", "8", "--task", "translate", "--language", "French", self.talk)


class Ask(Case):
    def test_about_a_recording(self):
        answers = [self.ok("describe", "-m", MODEL, "-n", "8", *args, "--audio", self.talk).out
                   for args in ((), ("-p", "Who speaks?"), ("-p", "Who speaks?"))]
        self.assertEqual(answers[1], answers[2])
        self.assertNotEqual(answers[0], answers[1])

    def test_in_a_conversation(self):
        talk = lambda words: self.ok("chat", "-q", "-m", MODEL, "-n", "6", stdin=words.encode()).out
        heard = talk("/audio %s\nWho speaks?\nAnd now?\n" % self.talk)
        self.assertEqual(talk("/audio %s\nWho speaks?\nAnd now?\n" % self.talk), heard)
        self.assertNotEqual(talk("Who speaks?\nAnd now?\n"), heard)

    def test_plan_counts_the_chunks(self):
        """7 s are 15 chunks of 0.48 s, of 6 tokens each."""
        got = self.ok("describe", "-m", MODEL, "--plan", "--audio", self.talk)
        self.assertIn(b"90 in the text", got.out)


if __name__ == "__main__":
    if not os.path.exists(os.path.join(os.path.dirname(harness.WEFT), "plugins", "weft-voxtral.so")):
        print("skipped: weft-voxtral is not here")
        sys.exit(77)
    harness.main(needs_demo=False)
