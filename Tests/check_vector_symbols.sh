#!/bin/sh
# No machine may meet an instruction it does not have. Wide registers (ymm, zmm) and instructions that need FMA may
# appear only inside the kernels compiled for them. Looks at linked files, where the linker has chosen among duplicate
# symbols.
#
#     Tests/check_vector_symbols.sh FILE...      default: the test binary and libflip.so of .build/release
#
# Exit: 0 clean, 1 wide code elsewhere, 2 nothing to look at.
set -u
cd "$(dirname "$0")/.." || exit 2
if [ $# -eq 0 ]; then
    for f in .build/release/*PackageTests.xctest .build/release/libflip.so; do [ -f "$f" ] && set -- "$@" "$f"; done
fi
[ $# -gt 0 ] || { echo "no built file: swift build -c release --build-tests" >&2; exit 2; }
case "$(uname -m)" in x86_64) ;; *) echo "not x86-64: one set of kernels only"; exit 0 ;; esac

status=0
for f in "$@"; do
    report=$(objdump -d --no-show-raw-insn "$f" | awk '
        /^[0-9a-f]+ <.*>:$/ { name = $2; next }
        /%[yz]mm[0-9]/ { wide[name]++; all++ }
        /[ \t]vfn?m(add|sub)/ { wide[name]++ }
        END {
            for (n in wide) if (n !~ /KernelsAVX(512|2)/) print "  " wide[n] " in " n
            if (!all) print "  no wide code at all: kernels are missing"
        }')
    if [ -n "$report" ]; then
        printf '%s: wide instructions outside the kernels\n%s\n' "$f" "$report"
        status=1
    else
        echo "$f: clean"
    fi
done
exit $status
