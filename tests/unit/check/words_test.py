import shutil
import subprocess
import unittest

from planted_tree import PlantedTree

# In pieces: the check reads this file too.
LATER = "TO" + "DO"


class Words(PlantedTree):
    def test_ordinary_text_is_clean(self):
        self.write("README.md", "Installs to /usr/bin, reads /etc/sluice.yaml; mktemp -d /dev/shm/x.XXXXXX; how to do it.\n")
        self.write("lib/net/address.cpp", "// a/tmp/b, $HOME/work/x, https://host/root/page, lib/work/queue.hpp, /tmp\n")
        self.assert_clean("words")

    def test_paths_of_one_machine(self):
        for folder in ("work", "root", "home", "tmp"):
            with self.subTest(folder=folder):
                self.write("README.md", f"first line\ncd /{folder}/sluice\n")
                self.assert_found("words", f"README.md:2: '/{folder}/s' is a path of one machine")

    def test_notes_for_later(self):
        for note in (LATER, "FIX" + "ME", "XX" + "X"):
            with self.subTest(note=note):
                self.write("tools/x.py", f"# {note}: later\n")
                self.assert_found("words", f"tools/x.py:1: '{note}' is a note for later")

    def test_long_files_in_the_folders_that_are_bounded(self):
        self.write("lib/net/address.cpp", "x\n" * 500)
        self.write("tests/unit/net/address_test.cpp", "x\n" * 501)
        self.assert_clean("words")
        for name in ("lib/net/address.cpp", "app/sluiced/main.cpp", "tools/lab"):
            with self.subTest(name=name):
                path = self.write(name, "x\n" * 501)
                self.assert_found("words", f"{name}: 501 lines, more than 500")
                path.unlink()

    def test_names_that_say_nothing(self):
        for name in ("lib/utils/x.hpp", "lib/net/helpers.cpp", "tools/common.py", "docs/misc/a.md"):
            with self.subTest(name=name):
                path = self.write(name, "")
                self.assert_found("words", f"{name}: the name")
                path.unlink()

    def test_binary_files_are_passed_over(self):
        (self.root / "frame").write_bytes(b"\xff\xfe /wo" b"rk/x \x00")
        self.assert_clean("words")

    @unittest.skipUnless(shutil.which("git"), "needs git")
    def test_what_git_ignores_is_not_read(self):
        subprocess.run(["git", "init", "-q", str(self.root)], check=True)
        self.write(".gitignore", "/build*/\n*.log\n")
        self.write("build/x.cpp", f"// {LATER}\n")
        self.write("x.log", f"{LATER}\n")
        self.assert_clean("words")
        self.write("new.md", f"{LATER}\n")  # not added yet, but it would be
        self.assert_found("words", "new.md:1")


if __name__ == "__main__":
    unittest.main()
