# What the scripts share: find Python, install what the system lacks, keep `.venv` in step. Sourced, never run.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV="$ROOT/.venv"

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# install PACKAGE…: with apt as root; anybody else is told the exact line to run.
install() {
    [ "$(id -u)" -eq 0 ] || die "Missing on this machine. Run this line, then start again: sudo apt-get install -y $*"
    command -v apt-get >/dev/null || die "Missing on this machine, and there is no apt-get here. Install: $*"
    say "Installing $*"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "$@" >/dev/null
}

# need COMMAND PACKAGE…: installs the packages unless the command is there.
need() {
    local command=$1
    shift
    command -v "$command" >/dev/null || install "$@"
}

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# Prints the Python to build with. 3.14 has no wheels of every dependency yet, so older ones are asked first.
find_python() {
    local name
    for name in python3 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null && is_new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
    die "Grantline needs Python 3.11 or newer; $(python3 --version 2>&1) is what this machine has."
}

create_environment() {
    command -v python3 >/dev/null || install python3 python3-venv
    local python
    python=$(find_python)
    # Debian ships `venv` without the part that puts pip in, which shows only when it is used.
    "$python" -c 'import ensurepip, venv' 2>/dev/null || install "$(basename "$(readlink -f "$python")")-venv"
    say "Creating .venv with $("$python" --version)"
    "$python" -m venv --clear "$VENV"
}

fingerprint() { cat "$ROOT/requirements/$1.txt" "$ROOT/pyproject.toml" | sha256sum | cut -d' ' -f1; }

in_step() { [ "$(cat "$VENV/installed-$1" 2>/dev/null)" = "$(fingerprint "$1")" ]; }

# environment run|demo|test: `.venv` with exactly the pinned packages; does nothing when they are there already.
environment() {
    local tier=$1
    local stamp="$VENV/installed-$tier"
    exec 9<"$ROOT" && flock 9
    "$VENV/bin/python" -c '' 2>/dev/null || create_environment
    # test.txt holds what the smaller tiers hold, in the same versions.
    if ! in_step "$tier" && ! in_step test; then
        say "Installing the pinned packages (requirements/$tier.txt)"
        "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check \
            --require-hashes --only-binary :all: -r "$ROOT/requirements/$tier.txt"
        # The build backend is one of the pinned packages; its program is found by name.
        PATH="$VENV/bin:$PATH" "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check \
            --no-build-isolation --no-deps --editable "$ROOT"
        fingerprint "$tier" >"$stamp"
    fi
    exec 9<&-
}
