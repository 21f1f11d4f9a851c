"""Puts the library, and the licences of what is in it, into a wheel for every Python 3 on Linux.

`pip wheel bindings/python` in a checkout builds the library first (`make wheel-library`); FLIP_WHEEL_LIBRARY names one
that is built already.
"""
import os
import platform
import re
import shutil
import subprocess

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def library():
    """The folder with libflip.so and licenses/."""
    named = os.environ.get("FLIP_WHEEL_LIBRARY")
    if named:
        return named
    if not os.path.exists(os.path.join(ROOT, "Package.swift")):
        raise SystemExit("libflip is built from its whole source tree: build the wheel there, or install a wheel")
    subprocess.run(["make", "--no-print-directory", "-C", ROOT, "wheel-library"], check=True)
    return os.path.join(ROOT, "build", "wheel")


def glibc_needed(path):
    """The newest version of glibc's symbols that the library asks for, (2, 34): older systems cannot load it."""
    said = subprocess.run(["readelf", "-W", "--version-info", path], capture_output=True, text=True, check=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout
    return max(tuple(map(int, version.split("."))) for version in re.findall(r"GLIBC_(\d+\.\d+)", said))[:2]


class with_library(build_py):
    """Adds flip/lib/libflip.so and flip/licenses/. Not for an editable install: that uses the checkout's build."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        source = library()
        for name, folder in (("libflip.so", "lib"), ("licenses", "licenses")):
            target = os.path.join(self.build_lib, "flip", folder)
            shutil.rmtree(target, ignore_errors=True)
            if name == "licenses":
                shutil.copytree(os.path.join(source, name), target)
            else:
                os.makedirs(target)
                shutil.copy(os.path.join(source, name), target)


class for_every_python(bdist_wheel):
    """ctypes binds at run time: one wheel a platform, whatever the Python."""

    def get_tag(self):
        path = os.path.join(self.get_finalized_command("build").build_lib, "flip", "lib", "libflip.so")
        return "py3", "none", "manylinux_{}_{}_{}".format(*glibc_needed(path), platform.machine())


class Native(Distribution):
    """Not for every platform, although nothing is compiled here."""

    def has_ext_modules(self):
        return True


setup(distclass=Native, cmdclass={"build_py": with_library, "bdist_wheel": for_every_python})
