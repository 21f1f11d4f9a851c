// swift-tools-version: 6.0
import PackageDescription

// Floors, from the ground up; a module imports only modules below it (docs/MAP.md). The three kernel modules compile
// the same sources (Sources/Kernels) for three instruction sets; Compute picks one when first used. They hold
// raw-pointer loops only: a specialised standard-library generic is a weak symbol, and the linker may keep the copy
// that was compiled for the widest instruction set for everybody.
#if arch(x86_64)
let kernelFlags: [String: [String]] = [
    "KernelsBaseline": [],
    "KernelsAVX2": ["-Xcc", "-mavx2", "-Xcc", "-mfma"],
    "KernelsAVX512": ["-Xcc", "-mavx512f", "-Xcc", "-mavx512vl", "-Xcc", "-mavx512dq", "-Xcc", "-mavx512bw",
                      "-Xcc", "-mavx2", "-Xcc", "-mfma",
                      "-Xcc", "-mprefer-vector-width=512"],
]
#else
let kernelFlags: [String: [String]] = ["KernelsBaseline": []]
#endif

let kernels: [Target] = kernelFlags.sorted { $0.key < $1.key }.map { name, flags in
    .target(name: name, dependencies: ["CProcessor"], swiftSettings: flags.isEmpty ? [] : [.unsafeFlags(flags)])
}

let package = Package(
    name: "libflip",
    products: [
        .library(name: "flip", type: .dynamic, targets: ["FLIP"]),
        .executable(name: "flip-cli", targets: ["flip-cli"]),
    ],
    targets: kernels + [
        .systemLibrary(name: "CHDF5", pkgConfig: "hdf5-serial", providers: [.apt(["libhdf5-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CFlip"),
        .systemLibrary(name: "CProcessor"),
        .systemLibrary(name: "CArrow"),
        .target(name: "Basics"),
        .target(name: "Pages", dependencies: ["Basics"]),
        .target(name: "Compute", dependencies: ["Basics", "CProcessor"] + kernels.map { .byName(name: $0.name) }),
        .target(name: "Privacy", dependencies: ["Basics", "Compute"]),
        .target(name: "Tables", dependencies: ["Basics", "CArrow"]),
        .target(name: "Networks", dependencies: ["Basics", "Compute"]),
        .target(name: "Projection", dependencies: ["Basics", "Compute"]),
        .target(name: "Alignment", dependencies: ["Basics", "Compute"]),
        .target(name: "FileFormat", dependencies: ["Basics", "CZlib"]),
        .target(name: "Storage", dependencies: ["Basics", "Tables", "CHDF5", "FileFormat"]),
        .target(name: "Budgets", dependencies: ["Basics", "Privacy", "Tables", "Storage"]),
        .target(name: "Synthesis", dependencies: ["Basics", "Budgets", "Compute", "Privacy", "Tables", "Networks",
                                                  "Projection", "Alignment", "Storage"]),
        .target(name: "Evaluation", dependencies: ["Basics", "Compute", "Tables"]),
        .target(name: "FLIP", dependencies: ["CFlip", "Basics", "Budgets", "Evaluation", "Synthesis", "Privacy",
                                             "Tables", "Storage", "Compute", "Pages"], exclude: ["flip.map"]),
        .executableTarget(name: "flip-bench", dependencies: ["Basics", "Compute", "FileFormat", "Networks", "Privacy"]),
        .executableTarget(name: "flip-cli", dependencies: ["Basics", "Budgets", "Compute", "Evaluation", "Pages",
                                                           "Synthesis", "Privacy", "Tables", "Storage"]),
        .testTarget(name: "BasicsTests", dependencies: ["Basics"]),
        .testTarget(name: "PagesTests", dependencies: ["Pages", "Basics"]),
        .testTarget(name: "ComputeTests", dependencies: ["Compute", "Basics"]),
        .testTarget(name: "PrivacyTests", dependencies: ["Privacy"]),
        .testTarget(name: "TablesTests", dependencies: ["Tables", "CArrow"]),
        .testTarget(name: "NetworksTests", dependencies: ["Networks", "Compute"]),
        .testTarget(name: "ProjectionTests", dependencies: ["Projection", "Compute"]),
        .testTarget(name: "AlignmentTests", dependencies: ["Alignment", "Compute"]),
        .testTarget(name: "StorageTests", dependencies: ["Storage", "FileFormat"]),
        .testTarget(name: "EvaluationTests", dependencies: ["Evaluation", "Tables"]),
        .testTarget(name: "SynthesisTests", dependencies: ["Synthesis", "Budgets", "Compute", "Alignment"]),
        .testTarget(name: "FLIPTests", dependencies: ["FLIP", "CFlip", "Synthesis", "Basics", "Tables", "Privacy",
                                                      "Storage"]),
    ],
    swiftLanguageModes: [.v5]
)
