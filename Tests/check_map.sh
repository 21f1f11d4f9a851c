#!/bin/sh
# Fails when docs/MAP.md and the tree disagree: a file without a line, or a line without a file.
# Run from anywhere: sh Tests/check_map.sh
set -eu
cd "$(dirname -- "$0")/.."
files=$(git ls-files -c -o --exclude-standard | sort)
status=0
for file in $files; do
    case $file in
        docs/MAP.md | .gitignore | */module.modulemap) continue ;;
        Sources/CFlip/include/* ) continue ;;      # the header as a clang module: shims
    esac
    [ -e "$file" ] || continue                      # deleted, not committed yet
    grep -qF "\`$file\`" docs/MAP.md || { echo "docs/MAP.md: no line for $file"; status=1; }
done
for file in $(grep -o '^| `[^`]*`' docs/MAP.md | tr -d '|` '); do
    [ -e "$file" ] || { echo "docs/MAP.md: $file is not there"; status=1; }
done
[ $status -eq 0 ] && echo "docs/MAP.md: every file has its line"
exit $status
