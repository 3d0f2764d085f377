#!/bin/sh
# Says in one line what is missing to install vbench, before anything is tried.
# hnswlib is published as source: it needs a C++ compiler and the headers of Python.
python=${1:-python3}
fail() { echo "vbench: $1" >&2; exit 1; }

command -v "$python" >/dev/null || fail "no $python here; install Python 3.11 or newer, or name one: make PYTHON=python3.12"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "needs Python 3.11 or newer, $python is $("$python" -V 2>&1 | cut -d' ' -f2); name another: make PYTHON=python3.12"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
  fail "$python has no venv; on Debian: apt install python3-venv"
command -v "${CXX:-c++}" >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null ||
  fail "no C++ compiler (hnswlib is built from source); on Debian: apt install g++"
header=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h
[ -f "$header" ] ||
  fail "no Python headers (hnswlib is built from source, $header is missing); on Debian: apt install python3-dev"
