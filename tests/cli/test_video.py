# SPDX-License-Identifier: Apache-2.0
"""weft describe and preprocess on clips, with the demo's core and a random video adapter."""
import array
import json
import os
import struct
import subprocess
import sys
import zlib

import harness
import video
from harness import png
from video import clip, duration, frame_times, shown_at

MAX_FRAMES = video.CONFIG["max_frames"]
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


def read_png(path):
    """(width, height, rows of RGB bytes) of what --preview writes: 8 bits, RGB, filters 0 and 1."""
    with open(path, "rb") as f:
        data = f.read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, idat, ended = 8, b"", False
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + n]
        assert struct.unpack(">I", data[at + 8 + n:at + 12 + n])[0] == zlib.crc32(kind + body)
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert (depth, colour) == (8, 2)
        idat += body if kind == b"IDAT" else b""
        ended = kind == b"IEND"
        at += 12 + n
    assert ended
    raw, rows, line = zlib.decompress(idat), [], 3 * width + 1
    assert len(raw) == height * line
    for y in range(height):
        row = bytearray(raw[y * line + 1:(y + 1) * line])
        if raw[y * line] == 1:
            for i in range(3, len(row)):
                row[i] = (row[i] + row[i - 3]) & 255
        rows.append(bytes(row))
    return width, height, rows


class Video(video.Case):
    def setUp(self):
        super().setUp()
        self.clip = clip(self.path("clip.mp4"), *X264)

    def prepared(self, path, *args):
        out = self.path("out.safetensors")
        self.ok(*self.args("preprocess", path, "-o", out, *args))
        return harness.read_safetensors(out)

    def times(self, path, *args):
        kind, shape, data = self.prepared(path, *args)["video_times_us"]
        self.assertEqual((kind, shape[0]), ("I64", 1))
        return list(array.array("q", data))

    def test_describe(self):
        text = self.ok(*self.args("describe", self.clip)).out.decode()
        self.assertTrue(text.endswith("\n"))
        again = self.ok(*self.args("describe", self.clip)).out.decode()
        self.assertEqual(text, again)
        other = clip(self.path("other.mp4"), *X264, source="mandelbrot=s=96x64:r=10,trim=duration=2")
        pair = self.ok(*self.args("describe", self.clip, other)).out.decode().splitlines()
        self.assertEqual(pair[0], self.clip + "\t" + text.replace("\n", " ").rstrip(" "))
        self.assertNotEqual(pair[1].split("\t")[1], pair[0].split("\t")[1])

    def test_json_has_the_times(self):
        picture = self.write("a.png", png(64, 64))
        records = self.ok(*self.args("describe", "--json", "--frames", "4", self.clip,
                                     picture)).json_lines()
        reference = [shown_at(frame_times(self.clip), 2e6 * (2 * i + 1) / 8) / 1e6 for i in range(4)]
        self.assertEqual(records[0]["times"], reference)
        self.assertIn("weft.video", records[0]["plugins"])
        self.assertNotIn("times", records[1])
        both = self.ok(*self.args("describe", "--json", "--together", "--frames", "4", picture,
                                  self.clip)).json_lines()
        self.assertEqual(both[0]["times"], [None, reference])

    def test_pictures_are_as_without_the_adapter(self):
        picture = self.write("a.png", png(64, 64, (10, 120, 60)))
        alone = self.ok("describe", picture).out
        self.assertEqual(self.ok("describe", "--config", self.ini, picture).out, alone)
        text = self.ok("generate", "-p", "a large red").out
        self.assertEqual(self.ok("generate", "--config", self.ini, "-p", "a large red").out, text)

    def check_times(self, path):
        times, length = frame_times(path), duration(path)
        for n in (1, 3, 8, MAX_FRAMES):
            wanted = [length * (2 * i + 1) // (2 * n) for i in range(n)]
            self.assertEqual(self.times(path, "--frames", str(n)), [shown_at(times, t) for t in wanted])
        wanted = [500000 + 1000000 * (2 * i + 1) // 8 for i in range(4)]
        self.assertEqual(self.times(path, "--frames", "4", "--start", "0.5", "--end", "0:01.5"),
                         [shown_at(times, t) for t in wanted])

    def test_sampled_times(self):
        self.check_times(self.clip)
        self.check_times(clip(self.path("ntsc.mkv"), *X264, source="testsrc=s=96x64:r=30000/1001:d=2"))

    def test_sampled_times_of_a_variable_rate(self):
        drop = "select='not(between(n,6,20))*not(mod(n,3))',settb=1/1000"
        path = clip(self.path("vfr.mkv"), "-vf", drop, "-vsync", "vfr", *X264,
                    source="testsrc=s=96x64:r=20:d=3")
        self.assertGreater(len({b - a for a, b in zip(frame_times(path), frame_times(path)[1:])}), 1)
        self.check_times(path)

    def test_rotated_and_anamorphic(self):
        """The size as shown decides the shape of what the encoder gets; times do not change."""
        turned = self.path("turned.mp4")
        told = subprocess.run(["ffmpeg", "-v", "quiet", "-h", "long"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              check=True).stdout
        before, after = ((["-display_rotation", "90"], []) if b"display_rotation" in told  # from 6.0 on
                         else ([], ["-metadata:s:v:0", "rotate=90"]))
        subprocess.run(["ffmpeg", "-v", "error", "-y", *before, "-i", self.clip, "-c", "copy", *after, turned],
                       stdin=subprocess.DEVNULL, check=True)
        wide = clip(self.path("wide.mp4"), "-vf", "setsar=2", *X264)
        for path, size in ((wide, (192, 64)), (turned, (64, 96))):
            self.check_times(path)
            plan = self.ok(*self.args("describe", "--plan", "--json", path)).json_lines()[1]
            self.assertEqual((plan["width"], plan["height"]), size)

    def test_preprocess_is_what_verify_reads(self):
        tensors = self.prepared(self.clip, "--frames", "3")
        self.assertEqual(tensors["pixel_values_videos"][:2], ("F32", [1, 3, 1, 3, 128, 128]))
        self.assertEqual(tensors["video_times_us"][1], [1, 3])
        for name in ("video_aspect_ratio_ids", "video_num_tiles"):
            self.assertEqual((tensors[name][1], array.array("q", tensors[name][2])[0]), ([1], 1))
        ids = array.array("q", [1744, 1757, 20, 30]).tobytes()
        tensors["input_ids"] = ("I64", [4], ids)
        parity = self.path("parity.safetensors")
        harness.write_safetensors(parity, tensors)
        dump = self.path("dump.safetensors")
        text = os.path.join(harness.DEMO, "text")
        r = self.weft("model", "verify", text, "--config", self.ini, "--parity", parity, "--dump", dump)
        self.assertEqual(r.code, 4, r.err)  # it expects nothing
        tensors["logits"] = ("F32", [4, 2000], bytes(4 * 2000 * 4))
        harness.write_safetensors(parity, tensors)
        r = self.weft("model", "verify", text, "--config", self.ini, "--parity", parity, "--dump", dump)
        self.assertEqual(r.code, 9, r.err)
        self.assertEqual(harness.read_safetensors(dump)["resampler.output"][1], [1, 1, 4, 24])

    def test_plan(self):
        r = self.ok(*self.args("describe", "--plan", self.clip)).out.decode()
        self.assertIn("frames  8, merged into 1 of 4 rows each", r)
        self.assertIn("1 in the text, 4 rows", r)
        item = self.ok(*self.args("describe", "--plan", "--json", "--frames", "20",
                                  self.clip)).json_lines()[1]
        self.assertEqual((item["kind"], item["frames"], item["rows"], item["tokens"]),
                         ("video", 20, 12, 1))
        self.assertEqual(item["input_bytes"], 20 * 3 * 128 * 128 * 4 + 2 * 8 + 20 * 8)
        little = ("--set", "weft.video.batch_mib=1")  # two frames at once instead of eight
        less = self.ok(*self.args("describe", "--plan", "--json", "--frames", "20", *little,
                                  self.clip)).json_lines()[1]
        self.assertLess(less["scratch_bytes"], item["scratch_bytes"])
        self.assertEqual(self.ok(*self.args("describe", *little, self.clip)).out,
                         self.ok(*self.args("describe", self.clip)).out)
        os.remove(os.path.join(self.model, "model.safetensors"))  # needs no weights
        self.addCleanup(video.write_model, self.model)
        self.ok(*self.args("describe", "--plan", self.clip))

    def test_preview_of_a_clip(self):
        path = self.path("sheet.png")
        self.ok(*self.args("describe", "--frames", "4", "--preview", path, self.clip))
        width, height, rows = read_png(path)
        self.assertEqual((width, height), (4 + 2 * 132, 4 + 2 * 132))
        self.assertEqual(len(os.listdir(self.dir)), 2)  # nothing is left beside it
        frames = self.prepared(self.clip, "--frames", "4")["pixel_values_videos"][2]
        pixels = array.array("f", frames)
        with open(os.path.join(harness.DEMO, "vision", "preprocessor_config.json")) as f:
            config = json.load(f)
        mean, std = config["image_mean"], config["image_std"]
        for frame, (x0, y0) in enumerate(((4, 4), (136, 4), (4, 136), (136, 136))):
            for x, y in ((0, 0), (64, 31), (127, 84), (127, 127)):
                want = [round((pixels[((frame * 3 + c) * 128 + y) * 128 + x] * std[c] + mean[c]) * 255)
                        for c in range(3)]
                self.assertEqual(list(rows[y0 + y][3 * (x0 + x):3 * (x0 + x) + 3]), want)

    def test_preview_of_a_picture(self):
        path, picture = self.path("sheet.png"), self.write("a.png", png(128, 128, (200, 30, 40)))
        self.ok("describe", "--preview", path, picture)
        width, height, rows = read_png(path)
        self.assertEqual((width, height), (136, 136))
        self.assertEqual(rows[60][3 * 60:3 * 61], bytes((200, 30, 40)))

    def test_preview_is_of_one_file(self):
        for more in ((self.clip, self.clip), (self.dir,), ("--plan", self.clip)):
            self.assertIn("--preview", self.weft(*self.args("describe", "--preview", "x.png", *more)).err)
        self.assertFalse(os.path.exists(self.path("x.png")))
        line = self.fails(2, *self.args("describe", "--preview", self.clip, self.clip))
        self.assertIn("is FILE itself", line)
        line = self.fails(2, *self.args("describe", "--preview", "/nonexistent/x.png", self.clip))
        self.assertIn("/nonexistent", line)

    def test_spans_and_counts_that_cannot_be(self):
        say = lambda code, *args: self.fails(code, *self.args("describe", self.clip, *args))
        self.assertIn("--start", say(3, "--start", "5"))
        self.assertIn("--frames", say(7, "--frames", "65"))
        self.assertIn("--max-frames", say(7, "--frames", "9", "--max-frames", "8"))
        self.assertIn("--max-decoded-bytes", say(7, "--max-decoded-bytes", "1M"))
        self.assertIn("--max-tokens", say(7, "--max-tokens", "3"))
        self.assertEqual(self.times(self.clip, "--frames", "2", "--start", "1", "--end", "9"),
                         [1200000, 1700000])

    def test_bad_clips(self):
        with open(self.clip, "rb") as f:
            whole = f.read()
        for name, data in (("cut.mp4", whole[:len(whole) // 3]), ("head.mp4", whole[:64]),
                           ("empty.mp4", b"")):
            self.assertIn(name, self.fails(3, *self.args("describe", self.write(name, data))))

    def test_a_pipe(self):
        with open(clip(self.path("pipe.mkv"), *X264), "rb") as f:
            data = f.read()
        text = self.ok(*self.args("describe", self.path("pipe.mkv"))).out
        self.assertEqual(self.ok(*self.args("describe", "-"), stdin=data).out, text)

    def test_adapters_that_do_not_fit(self):
        def says(code, part, **changes):
            ini = video.write_model(self.path("bad"), **changes)
            self.assertIn(part, self.fails(code, "describe", "--config", ini, self.clip))
        says(4, "orders at one layer must differ", hook_order=0)  # where the image adapter's is
        says(4, "encoder_output_dim", encoder_output_dim=575)
        says(4, "width 255", text_hidden_size=255)
        says(4, "video_layers.2.cross_attn.q_proj.weight", cross_attention_layers=[1, 3, 5])

    def test_without_an_encoder(self):
        with open(self.path("no.ini"), "w") as f:
            f.write("[core]\nmodel = %s\n[plugin weft.video]\nweights = %s\n"
                    % (os.path.join(harness.DEMO, "text"), self.model))
        self.assertIn("encoder", self.fails(4, "describe", "--config", self.path("no.ini"), self.clip))
        with_one = ("--set", "weft.video.encoder=" + os.path.join(harness.DEMO, "vision"))
        text = self.ok("describe", "--config", self.path("no.ini"), *with_one, "-n", "8", self.clip).out
        self.assertEqual(text, self.ok(*self.args("describe", self.clip)).out)


if __name__ == "__main__":
    if not video.can_see():
        print("skipped: the demo model, the modules for clips, ffmpeg or ffprobe are not there")
        sys.exit(77)
    harness.main(needs_demo=True)
