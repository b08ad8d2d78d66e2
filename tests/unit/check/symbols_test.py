import os
import shutil
import subprocess
import unittest

from planted_tree import PlantedTree

COMPILER = os.environ.get("CXX", "c++").split()

# What a planted function does → a word of the finding.
FORBIDDEN = {
    "int* f() { return new int; }": "allocates: operator new(unsigned long)",
    "void f(int* p) { delete p; }": "allocates: operator delete(void*",
    '#include <cstdlib>\nvoid* f() { return malloc(7); }': "allocates: malloc",
    "void f() { throw 1; }": "throws: __cxa_throw",
    "struct A { virtual ~A(); }; struct B : A {}; B* f(A* a) { return dynamic_cast<B*>(a); }": "uses RTTI: __dynamic_cast",
    '#include <cstdio>\nvoid f(int x) { printf("%d", x); }': "prints: ",
    "namespace spdlog { void info(int); } void f() { spdlog::info(1); }": "logs: spdlog::info(int)",
    "namespace fmt { inline namespace v9 { void print(int); } } void f() { fmt::print(1); }": "logs: fmt::v9::print(int)",
    "namespace std { void __throw_bad_function_call(); } void f() { std::__throw_bad_function_call(); }":
        "throws: std::__throw_bad_function_call()",
    "#include <pthread.h>\nvoid f(pthread_mutex_t* m) { pthread_mutex_lock(m); }": "locks: pthread_mutex_lock",
    "int g(); int f() { static int once = g(); return once; }": "has a static object",
    "#include <unistd.h>\nvoid f() { usleep(1); }": "makes a system call: usleep",
    '#include <iostream>\nvoid f() { std::cout << 1; }': "prints: std::",
    "#include <cstdlib>\nvoid f() { abort(); }": "ends the process: abort",
}

ALLOWED = """\
    #include <cassert>
    #include <cstring>
    namespace sluice { int elsewhere(int); }
    int f(char* to, const char* from, unsigned long n) {
        assert(n > 0);
        std::memcpy(to, from, n);
        return sluice::elsewhere(1);
    }
    """


@unittest.skipUnless(shutil.which(COMPILER[0]) and shutil.which("ar") and shutil.which("nm"), "needs a compiler and nm")
class Symbols(PlantedTree):
    def setUp(self):
        super().setUp()
        self.build = self.root / "build"
        self.write("tools/check/hot_libraries", "# the fast ones\npacket\n")
        self.write("lib/packet/meson.build", "static_library('packet', cpp_args: hot_args)\n")
        self.write("lib/net/meson.build", "static_library('net', cpp_args: arch_args)\n")

    def library(self, name, source):
        folder = self.build / "lib" / name
        shutil.rmtree(folder, ignore_errors=True)
        file = self.write(f"build/lib/{name}/x.cpp", source)
        subprocess.run([*COMPILER, "-O2", "-c", str(file), "-o", str(folder / "x.o")], check=True)
        subprocess.run(["ar", "rcs", str(folder / f"lib{name}.a"), str(folder / "x.o")], check=True)

    def test_calls_that_are_allowed(self):
        self.library("packet", ALLOWED)
        self.assert_clean("symbols", self.build)

    def test_calls_that_are_forbidden(self):
        for source, expected in FORBIDDEN.items():
            with self.subTest(source=source):
                self.library("packet", source)
                status, said = self.check("symbols", self.build)
                self.assertEqual(status, 1, said)
                self.assertIn(f"lib/packet: x.o {expected}", said)

    def test_other_libraries_are_not_looked_at(self):
        self.library("packet", ALLOWED)
        self.library("net", "void f() { throw 1; }")
        self.assert_clean("symbols", self.build)

    def test_an_exception_that_the_list_names(self):
        self.library("packet", "#include <unistd.h>\nvoid f() { usleep(1); }")
        self.write("tools/check/hot_libraries", "packet usleep # between polls\n")
        self.assert_clean("symbols", self.build)

    def test_an_exception_that_nobody_needs(self):
        self.library("packet", ALLOWED)
        self.write("tools/check/hot_libraries", "packet usleep\n")
        self.assert_found("symbols", "packet does not call usleep; take it off", arguments=[self.build])

    def test_a_hot_library_that_the_list_forgot(self):
        self.library("packet", ALLOWED)
        self.write("lib/net/meson.build", "static_library('net', cpp_args: hot_args)\n")
        self.assert_found("symbols", "lib/net/meson.build: compiled with hot_args, but not in", arguments=[self.build])

    def test_a_listed_library_that_is_compiled_like_any_other(self):
        self.library("packet", ALLOWED)
        self.write("lib/packet/meson.build", "static_library('packet')\n")
        self.assert_found("symbols", "but not compiled with hot_args", arguments=[self.build])

    def test_nothing_built(self):
        self.assert_not_checked("symbols", "build first", self.build)


if __name__ == "__main__":
    unittest.main()
