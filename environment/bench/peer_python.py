"""The Python that races against ttp-lib: PyTorch, transformers, sentence-transformers and
mlscorecheck, made once, kept in the cache beside the project's own Python.

On Linux x86-64 the package index has PyTorch 2.4.0 for CUDA only, and that asks for 2.5 GB
of CUDA libraries before it can be imported. Its CPU half, which is all that is raced
here, is the project's own libtorch byte for byte. So its CUDA half is taken out, and small
libraries that are never called stand for what its Python half was linked with.
"""

from __future__ import annotations

import sys
from pathlib import Path

import fetch
import project
import setup
from project import Problem

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
PYTHONS = ((3, 10), (3, 12))
# The wheels, and what pip unpacks of them before PyTorch's CUDA half is taken out.
ROOM_BYTES = 3_400_000_000
CUDA_ONLY = ("libtorch_cuda.so", "libtorch_cuda_linalg.so", "libcusparseLt*", "libcaffe2_nvrtc.so")
KEPT = ("libtorch_cpu.so", "libc10.so", "libc10_cuda.so")
CUDNN = "libcudnn.so.9"
CLASS = "_ZTVN10__cxxabiv117__class_type_infoE"


def python() -> Path:
    """The peer's Python; made first, where it is not there yet."""
    low, high = PYTHONS
    if not low <= sys.version_info[:2] <= high:
        raise Problem(f"PyTorch 2.4.0 and numpy 2.2.6 are there for Python 3.{low[1]} to "
                      f"3.{high[1]}, this is {sys.version.split()[0]}: "
                      f"give make PYTHON=python3.{high[1]}")
    folder = setup.python_folder(REQUIREMENTS, "peer-python")
    with fetch.one_at_a_time(project.cache()):
        if not setup.is_complete(folder):
            make(folder)
    return setup.python_in(folder)


def make(folder: Path) -> None:
    setup.say("the peer's Python (PyTorch, transformers, sentence-transformers, mlscorecheck)")
    fetch.need_space(project.cache(), ROOM_BYTES, "the peer's Python")
    with setup.python_environment(folder):
        setup.install_requirements(folder, REQUIREMENTS)
        if project.platform_name() == "linux-x86_64":
            take_cuda_out(next(folder.glob("lib/python3.*/site-packages/torch/lib")))


def take_cuda_out(lib: Path) -> None:
    """Leaves in PyTorch's `lib` what runs on a CPU, and what lets it be loaded there."""
    wanted = symbols(lib / "libtorch_python.so", "--undefined-only")
    cuda = wanted & symbols(lib / "libtorch_cuda.so", "--defined-only")
    for library in KEPT:
        cuda -= symbols(lib / library, "--defined-only")
    for pattern in CUDA_ONLY:
        for library in lib.glob(pattern):
            library.unlink()
    link_stub(lib, "libtorch_cuda.so", cuda)
    link_stub(lib, CUDNN, {name.split("@")[0] for name in wanted if name.endswith(f"@{CUDNN}")})


def symbols(library: Path, which: str) -> set[str]:
    """The names that a library defines or leaves open, from its dynamic symbol table."""
    text = project.run_for_text(["nm", "--dynamic", which, str(library)])
    if not text:
        raise Problem(f"{library}: nm cannot read it: apt-get install binutils")
    return {line.split()[-1] for line in text.splitlines()}


def link_stub(lib: Path, library: str, names: set[str]) -> None:
    """A library whose functions all do the same: give the address of some zeros. PyTorch's
    Python half calls one of them when it is loaded, and looks into the types of classes."""
    source, versions = lib / "stub.s", lib / "stub.map"
    data = sorted(name for name in names if name.startswith(("_ZTI", "_ZTV")))
    lines = [".text", *labels(sorted(names - set(data))), "lea zeros(%rip), %rax", "ret",
             ".data", ".balign 16"]
    for name in data:
        lines += labels([name])
        if name.startswith("_ZTI"):
            lines += [f".quad {CLASS}+16, 1f", f'1: .asciz "{name[4:]}"', ".balign 16"]
        else:
            lines += [".zero 256"]
    lines += ["zeros: .zero 256", '.section .note.GNU-stack,"",@progbits', ""]
    source.write_text("\n".join(lines), encoding="utf-8")
    # NVIDIA's libraries name themselves as their names' version, and the loader asks for it.
    versions.write_text(f"{library} {{ *; }};\n", encoding="utf-8")
    setup.run([setup.compiler() or "c++", "-shared", "-nostdlib", "-o", str(lib / library),
               str(source), f"-Wl,-soname,{library},--version-script,{versions}"],
              f"linking {library}")
    source.unlink()
    versions.unlink()


def labels(names: list[str]) -> list[str]:
    return [line for name in names for line in (f".globl {name}", f"{name}:")]
