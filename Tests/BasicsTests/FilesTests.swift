import Glibc
import XCTest
@testable import Basics

final class FilesTests: XCTestCase {
    private var folder = ""
    override func setUp() {
        var name = Array("/tmp/flip-basics-XXXXXX".utf8CString)
        folder = mkdtemp(&name).map { String(cString: $0) } ?? ""
    }
    override func tearDown() {
        for name in names { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }
    private var names: [String] {
        guard let d = opendir(folder) else { return [] }
        defer { closedir(d) }
        var out: [String] = []
        while let e = readdir(d) {
            let n = withUnsafePointer(to: &e.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if n != "." && n != ".." { out.append(n) }
        }
        return out.sorted()
    }
    private func message(_ body: () throws -> Void) -> String {
        do { try body(); return "" } catch { return "\(error)" }
    }

    func testWriteReplaceAndRead() throws {
        let path = folder + "/a"
        try AtomicFile.write("one", to: path)
        try AtomicFile.write("two", to: path)
        XCTAssertEqual(try readText(path), "two")
        XCTAssertEqual(names, ["a"])
        var info = stat()
        stat(path, &info)
        XCTAssertEqual(info.st_mode & 0o777, 0o600)
    }

    func testDroppedFileLeavesTheOldOne() throws {
        let path = folder + "/a"
        try AtomicFile.write("old", to: path)
        do {
            let file = try AtomicFile(path)
            try Array("new".utf8).withUnsafeBytes { try file.write($0) }
            XCTAssertEqual(names.count, 2)
        }
        XCTAssertEqual(try readText(path), "old")
        XCTAssertEqual(names, ["a"])
    }

    func testALinkStaysALink() throws {
        try AtomicFile.write("old", to: folder + "/a")
        symlink("a", folder + "/l")
        try AtomicFile.write("new", to: folder + "/l")
        XCTAssertEqual(try readText(folder + "/a"), "new")
        var info = stat()
        lstat(folder + "/l", &info)
        XCTAssertEqual(info.st_mode & S_IFMT, S_IFLNK)
    }

    func testErrorsNamePathAndReason() {
        XCTAssertEqual(message { _ = try readFile(folder + "/none") },
            "\(folder)/none: cannot open: No such file or directory")
        XCTAssertEqual(message { _ = try readFile(folder) }, "\(folder): cannot read: Is a directory")
        XCTAssertEqual(message { _ = try AtomicFile(folder) }, "\(folder): cannot write: Is a directory")
        XCTAssertEqual(message { _ = try AtomicFile(folder + "/no/file") },
            "\(folder)/no/file: cannot write: No such file or directory")
        XCTAssertEqual(message { _ = try AtomicFile("/dev/null") }, "/dev/null: cannot write: not a regular file")
        XCTAssertEqual(message { _ = try AtomicFile("a\0b") }, "the path contains a NUL character")
        XCTAssertEqual(message { _ = try AtomicFile("") }, "the path is empty")
    }

    func testFullDisk() throws {
        let fd = open("/dev/full", O_WRONLY)
        defer { close(fd) }
        let bytes = [UInt8](repeating: 1, count: 10)
        XCTAssertEqual(message { try bytes.withUnsafeBytes { try writeAll(fd, $0, "x") } },
            "x: cannot write: No space left on device")
    }

    func testAFileThatCannotGrowLeavesTheOldOne() throws {
        let path = folder + "/a"
        try AtomicFile.write("old", to: path)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(1), &limit)         // RLIMIT_FSIZE
        let handler = signal(SIGXFSZ, SIG_IGN)
        var small = rlimit(rlim_cur: 4096, rlim_max: limit.rlim_max)
        setrlimit(__rlimit_resource_t(1), &small)
        let said = message { try AtomicFile.write(String(repeating: "x", count: 100_000), to: path) }
        setrlimit(__rlimit_resource_t(1), &limit)
        signal(SIGXFSZ, handler)
        XCTAssertEqual(said, "\(path): cannot write: File too large")
        XCTAssertEqual(try readText(path), "old")
        XCTAssertEqual(names, ["a"])
    }

    func testLimitsAndPipes() throws {
        let path = folder + "/a"
        try AtomicFile.write(String(repeating: "x", count: 10_000), to: path)
        XCTAssertEqual(try readFile(path, limit: 10_000).count, 10_000)
        XCTAssertThrowsError(try readFile(path, limit: 9_999))
        XCTAssertGreaterThan(try readFile("/proc/self/status").count, 100)   // its size is said to be 0
        XCTAssertThrowsError(try readFile("/dev/zero", limit: 100_000))
        try Array<UInt8>([0xFF]).withUnsafeBytes { try AtomicFile.write($0, to: path) }
        XCTAssertThrowsError(try readText(path))
    }
}
