# SPDX-License-Identifier: Apache-2.0
"""scripts/setup --dry-run on the os-release files of the systems that it knows, of some made of them, and of others."""
import os
import subprocess
import sys
import tempfile
import unittest

SETUP = os.path.join(sys.argv.pop(1), "scripts", "setup")

DEBIAN = 'ID=debian\nPRETTY_NAME="Debian GNU/Linux {0}"\nVERSION_ID="{0}"\nVERSION_CODENAME={1}\n'
UBUNTU = 'PRETTY_NAME="Ubuntu {0}"\nVERSION_ID="{0}"\nVERSION_CODENAME={1}\nID=ubuntu\nID_LIKE=debian\nUBUNTU_CODENAME={1}\n'
MINT = 'ID=linuxmint\nID_LIKE="ubuntu debian"\nPRETTY_NAME="Linux Mint 22"\nVERSION_ID="22"\nUBUNTU_CODENAME=noble\n'

# The system's file, its package manager, what must be in the plan and what must not.
SYSTEMS = {
    "Debian 12": (DEBIAN.format(12, "bookworm"), "apt-get", "gcc libjpeg62-turbo-dev libavformat-dev", "libjpeg-dev libcmocka-dev"),
    "Debian 13": (DEBIAN.format(13, "trixie"), "apt-get", "gcc libjpeg62-turbo-dev libavformat-dev", "libjpeg-dev clang-format-14"),
    "Ubuntu 22.04": (UBUNTU.format("22.04", "jammy"), "apt-get", "gcc libjpeg-dev", "libavformat-dev libjpeg62-turbo-dev"),
    "Ubuntu 24.04": (UBUNTU.format("24.04", "noble"), "apt-get", "gcc libjpeg-dev libavformat-dev", "libjpeg62-turbo-dev"),
    "Linux Mint 22": (MINT, "apt-get", "libjpeg-dev libavformat-dev", "libjpeg62-turbo-dev"),
    "Fedora Linux 41": ('NAME="Fedora Linux"\nVERSION_ID=41\nID=fedora\nPRETTY_NAME="Fedora Linux 41"\n', "dnf",
                        "gcc-c++ jansson-devel libavformat-free-devel", "libjansson-dev"),
    "Rocky Linux 9": ('ID="rocky"\nID_LIKE="rhel centos fedora"\nPRETTY_NAME="Rocky Linux 9"\n', "dnf", "jansson-devel", "ninja"),
    "Arch Linux": ('NAME="Arch Linux"\nPRETTY_NAME="Arch Linux"\nID=arch\n', "pacman", "gcc ninja ffmpeg", "g++ ninja-build"),
    "Alpine Linux v3.20": ('NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.0\nPRETTY_NAME="Alpine Linux v3.20"\n', "apk",
                           "musl-dev jansson-dev ffmpeg-dev", "libjansson-dev"),
}
TESTS = {"apt-get": "libcmocka-dev", "dnf": "libcmocka-devel", "pacman": "cmocka", "apk": "cmocka-dev"}


def setup(release, *args):
    with tempfile.NamedTemporaryFile("w", suffix=".os-release") as file:
        file.write(release)
        file.flush()
        return subprocess.run([SETUP, "--dry-run", "--os-release", file.name, *args], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30, check=False)


class Plans(unittest.TestCase):
    def test_systems(self):
        for name, (release, program, wanted, unwanted) in SYSTEMS.items():
            with self.subTest(name):
                run = setup(release)
                self.assertEqual((run.returncode, run.stdout), (0, ""), run.stderr)
                first = run.stderr.splitlines()[0]
                self.assertTrue(first.startswith(f"setup: {name.replace('Debian', 'Debian GNU/Linux')}: "), first)
                self.assertIn(f" with {program}: ", first)
                words = first.split()
                for package in wanted.split():
                    self.assertIn(package, words)
                for package in unwanted.split():
                    self.assertNotIn(package, words)

    def test_levels(self):
        for name, (release, program, _, _) in SYSTEMS.items():
            with self.subTest(name):
                demo, test, full = (setup(release, *level).stderr.split() for level in ([], ["test"], ["full"]))
                self.assertNotIn(TESTS[program], demo)
                self.assertIn(TESTS[program], test)
                self.assertNotIn("clang", test)
                self.assertIn("clang", full)
                self.assertLessEqual(set(demo), set(test))
                self.assertLessEqual(set(test), set(full))

    def test_what_is_lost_is_said(self):
        self.assertIn("FFmpeg 4", setup(SYSTEMS["Ubuntu 22.04"][0]).stderr)
        self.assertNotIn("FFmpeg 4", setup(SYSTEMS["Ubuntu 24.04"][0]).stderr)

    def test_unknown(self):
        for release, name in (('ID=slackware\nPRETTY_NAME="Slackware 15.0"\n', "Slackware 15.0"), ("", "/etc/os-release")):
            run = setup(release)
            self.assertEqual(run.returncode, 1)
            self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
            self.assertIn(name, run.stderr)
            self.assertIn("jansson", run.stderr)

    def test_usage(self):
        for args in (["more"], ["--os-release", "/etc/os-release"], ["--dry-run", "--os-release"]):
            run = subprocess.run([SETUP, *args], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                 timeout=30, check=False)
            self.assertEqual(run.returncode, 2, args)
            self.assertIn("usage:", run.stderr)

# A package manager that knows nothing before its lists are fetched, and whose lock another program holds at first.
APT = r"""#!/bin/sh
cd "$(dirname "$0")"
case " $* " in
*" update "*)
    echo update >>calls
    [ "$(grep -c update calls)" -gt HELD ] || { echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1" >&2; exit 100; }
    touch lists ;;
*" --print-uris "*)
    [ -e lists ] || { echo "E: Unable to locate package gcc" >&2; exit 100; }
    printf "'http://a/b.deb' b.deb 1500000 SHA256:0\n'http://a/c.deb' c.deb 600000 SHA256:0\n" ;;
*" install "*)
    echo install >>calls
    echo "Setting up gcc"
    echo "W: a warning" >&2 ;;
*) exit 3 ;;
esac
"""
OTHERS = {"dpkg-query": "exit 1", "sudo": 'exec "$@"', "sleep": "exit 0", "id": "echo 0"}


def is_apt():
    with open("/etc/os-release", encoding="utf-8") as file:
        return any(line.startswith(("ID=debian", "ID=ubuntu")) for line in file)


@unittest.skipUnless(os.path.exists("/etc/os-release") and is_apt(), "this is no Debian or Ubuntu")
class Installing(unittest.TestCase):
    """With a package manager that is none."""

    def run_setup(self, *args, held=0):
        with tempfile.TemporaryDirectory() as folder:
            programs = {name: f"#!/bin/sh\n{body}\n" for name, body in OTHERS.items()}
            programs["apt-get"] = APT.replace("HELD", str(held))
            for name, text in programs.items():
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(text)
                os.chmod(file.name, 0o755)
            run = subprocess.run([SETUP, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True, timeout=60, check=False, env={**os.environ, "PATH": folder + ":" + os.environ["PATH"]})
            calls = os.path.join(folder, "calls")
            if not os.path.exists(calls):
                return run, []
            with open(calls, encoding="utf-8") as file:
                return run, file.read().split()

    def test_counts_with_the_lists(self):
        run, calls = self.run_setup()
        self.assertEqual((run.returncode, calls), (0, ["update", "install"]), run.stderr)
        self.assertIn("setup: 2 packages, 2.1 MB to download\n", run.stderr)
        self.assertNotIn("not known", run.stderr)
        self.assertEqual(run.stdout, "")
        for said in ("Setting up gcc\n", "W: a warning\n"):
            self.assertIn(said, run.stderr)

    def test_dry_run_fetches_nothing(self):
        run, calls = self.run_setup("--dry-run")
        self.assertEqual((run.returncode, calls), (0, []), run.stderr)
        self.assertIn("the size is not known before the lists of packages are fetched", run.stderr)

    def test_waits_for_the_lock(self):
        run, calls = self.run_setup(held=3)
        self.assertEqual((run.returncode, calls), (0, ["update"] * 4 + ["install"]), run.stderr)
        self.assertEqual(run.stderr.count("waiting for another program that installs packages, up to 120 s"), 1, run.stderr)
        self.assertNotIn("E:", run.stderr)

    def test_waits_no_longer(self):
        run, calls = self.run_setup(held=1000)
        self.assertEqual((run.returncode, len(calls)), (1, 41), run.stderr)
        self.assertEqual(run.stderr.count("E: Could not get lock"), 1, run.stderr)


if __name__ == "__main__":
    unittest.main()
