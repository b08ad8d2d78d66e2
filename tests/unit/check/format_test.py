import shutil
import unittest

from planted_tree import PlantedTree


@unittest.skipUnless(shutil.which("clang-format-14"), "needs clang-format-14")
class Format(PlantedTree):
    def setUp(self):
        super().setUp()
        self.write(".clang-format", "BasedOnStyle: LLVM\nIndentWidth: 4\n")

    def test_formatted_files_are_clean(self):
        self.write("lib/a.cpp", "int f() {\n    g();\n    return 1;\n}\n")
        self.write("lib/notes.md", "int   f( );\n")
        self.assert_clean("format")

    def test_each_unformatted_file_is_named_once(self):
        self.write("lib/a.cpp", "int f() {\n    g();\n    return 1;\n}\n")
        self.write("lib/b.hpp", "int  f( ) ;\nint  g( ) ;\n")
        self.write("tests/c.cpp", "int f() {\n  g();\n  return 1;\n}\n")
        self.assert_found("format", "lib/b.hpp:1: not formatted", "tests/c.cpp:1: not formatted")

    def test_a_style_that_cannot_be_read(self):
        self.write(".clang-format", "NoSuchOption: 1\n")
        self.write("lib/a.cpp", "int f();\n")
        self.assert_not_checked("format", "NoSuchOption")


if __name__ == "__main__":
    unittest.main()
