#!/bin/sh
# Fails when docs/MAP.md and the tree disagree: a file without a line, or a line without a file. A folder's line ("Tests/C/") stands for
# all in it. Run from anywhere: sh Tests/check_map.sh
set -eu
cd "$(dirname -- "$0")/.."
status=0
lines=$(grep -o '^| `[^`]*`' docs/MAP.md | tr -d '|` ')
for line in $lines; do
    [ -e "$line" ] || { echo "docs/MAP.md: $line is not there"; status=1; }
done
for file in $(git ls-files -c -o --exclude-standard); do
    case $file in
        .gitignore | */module.modulemap | Sources/CFlip/include/*) continue ;;      # clang modules: shims of a line or two
    esac
    [ -e "$file" ] || continue                                                       # deleted, not committed yet
    covered=no place=$file
    while :; do
        case "
$lines
" in *"
$place
"*) covered=yes; break ;; esac
        parent=${place%/}
        case $parent in */*) place=${parent%/*}/ ;; *) break ;; esac
    done
    [ $covered = yes ] || { echo "docs/MAP.md: no line for $file"; status=1; }
done
[ $status -ne 0 ] || echo "docs/MAP.md: every file has its line"
exit $status
