#!/usr/bin/env bash
# Builds `local` and `userctl` for a target of Rust, into dist/: .github/build-programs.sh x86_64-unknown-linux-musl
set -euo pipefail
cd "$(dirname "$0")/.."
target=$1

rustup show active-toolchain || rustup toolchain install
rustup target add "$target"
case $target in
    *-linux-musl)
        sudo apt-get update -qq
        sudo apt-get install -y -qq musl-tools
        # The C code (SQLite, ring) has to be built for musl, too.
        export "CC_${target//-/_}=musl-gcc"
        ;;
esac

cargo build --release --locked --package local --package userctl --target "$target"
mkdir -p dist
for program in local userctl; do
    built=target/$target/release/$program
    "$built" --help > /dev/null
    case $target in
        *-linux-musl)
            if readelf --program-headers --wide "$built" | grep -q INTERP; then
                printf '%s is not static\n' "$built" >&2
                exit 1
            fi
            ;;
    esac
    cp "$built" dist/
done
cp LICENSE dist/
tar -czf "dist/programs-$target.tar.gz" -C dist local userctl LICENSE
