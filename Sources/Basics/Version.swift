// The library's version, for Swift code that cannot see the C header; HeaderTests compares the two.

/// "major.minor.patch", as `FLIP_VERSION_*` in `flip.h`.
package let libraryVersion = "1.0.0"
