#!/bin/sh
# Installs what a bare Debian or Ubuntu lacks of what `make setup` asks for: make, a C++
# compiler, Python with venv, git, and Rust through rustup. As root:
#
#   sh environment/bare_debian.sh              all of that
#   sh environment/bare_debian.sh --chromium   a browser as well, for `make pdf` and the checks of pages
#   sh environment/bare_debian.sh --no-rust    without Rust
#
# What is there already is left as it is. environment/Dockerfile and .devcontainer call this.
set -eu

RUSTUP_VERSION=1.28.2
RUSTUP_SHA256_x86_64=20a06e644b0d9bd2fbdbfd52d42540bdde820ea7df86e92e533c073da0cdd43c
RUSTUP_SHA256_aarch64=e3853c5a252fca15252d07cb23a1bdd9377a8c6f3efa01531109281ae47f841c
# rustup's own address; rustup itself reads this variable, too.
RUSTUP_FROM="${RUSTUP_UPDATE_ROOT:-https://static.rust-lang.org/rustup}"
PACKAGES="make g++ python3 python3-venv git curl ca-certificates"

fail() {
    echo "error: $1" >&2
    exit 1
}

rust=yes
for option in "$@"; do
    case "$option" in
        --no-rust) rust=no ;;
        --chromium) PACKAGES="$PACKAGES chromium fonts-dejavu-core" ;;
        *) fail "unknown option '$option'; known: --chromium, --no-rust" ;;
    esac
done
command -v apt-get >/dev/null || fail "no apt-get here: this script is for Debian and Ubuntu"
[ "$(id -u)" = 0 ] || fail "packages are installed by root: sudo sh $0"

export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
apt-get update -qq || fail "apt-get update failed: its own message stands above"
# shellcheck disable=SC2086  # a list of words
apt-get install -y -qq --no-install-recommends $PACKAGES ||
    fail "apt-get install failed: its own message stands above"

cargo_home="${CARGO_HOME:-$HOME/.cargo}"
if [ "$rust" = yes ] && ! command -v cargo >/dev/null && [ ! -x "$cargo_home/bin/cargo" ]; then
    machine="$(uname -m)"
    case "$machine" in
        x86_64) wanted="$RUSTUP_SHA256_x86_64" ;;
        aarch64) wanted="$RUSTUP_SHA256_aarch64" ;;
        *) fail "no rustup is pinned for $machine: install Rust yourself, then --no-rust" ;;
    esac
    folder="$(mktemp -d)"
    trap 'rm -rf "$folder"' EXIT
    from="$RUSTUP_FROM/archive/$RUSTUP_VERSION/$machine-unknown-linux-gnu/rustup-init"
    curl --fail --silent --show-error --location --retry 3 --output "$folder/rustup-init" "$from" ||
        fail "$from cannot be fetched"
    echo "$wanted  $folder/rustup-init" | sha256sum --check --quiet - ||
        fail "$from: wrong sha256; it was not used"
    chmod 755 "$folder/rustup-init"
    "$folder/rustup-init" -y --quiet --no-modify-path --profile minimal \
        --default-toolchain stable --component rustfmt --component clippy --component rust-src ||
        fail "rustup failed: its own message stands above"
fi
echo "installed; with $cargo_home/bin on PATH: make reproduce"
