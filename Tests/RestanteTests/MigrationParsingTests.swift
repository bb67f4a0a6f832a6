import Testing

@testable import Restante

@Suite struct MigrationParsingTests {
    private static let file = """
        -- What it is for.

        -- migrate:up
        CREATE TABLE a (b int);

        -- migrate:down
        DROP TABLE a;
        """

    @Test func aFileHasItsTwoSectionsAndTheirLines() throws {
        let migration = try parse(Self.file)
        #expect(migration.version == 7)
        #expect(migration.name == "0007_add_a")
        #expect(migration.up.sql == "CREATE TABLE a (b int);\n")
        #expect(migration.up.firstLine == 4)
        #expect(migration.down?.sql == "DROP TABLE a;")
        #expect(migration.down?.firstLine == 7)
    }

    @Test func theChecksumCoversTheUpSectionAlone() throws {
        let checksum = try parse(Self.file).checksum
        #expect(checksum.count == 64)
        #expect(try parse("-- migrate:up\nSELECT 1;").checksum == "17db4fd369edb9244b9f91d9aeed145c3d04ad8ba6e95d06247f07a63527d11a")
        #expect(try parse(Self.file + "\nDROP TABLE c;").checksum == checksum)
        #expect(try parse(Self.file.replacing("int", with: "text")).checksum != checksum)
    }

    @Test func aMigrationWithoutAWayBackIsRead() throws {
        #expect(try parse("-- migrate:up\nSELECT 1;").down == nil)
        #expect(try parse("-- migrate:up\nSELECT 1;\n-- migrate:down\n-- nothing\n").down == nil)
    }

    @Test(
        arguments: [
            ("-- nothing", nil), ("-- migrate:up\n\n-- nothing\n", 1), ("SELECT 1;\n-- migrate:up\nSELECT 1;", 1),
            ("-- migrate:up\nSELECT 1;\n-- migrate:up", 3), ("-- migrate:down\nSELECT 1;", 1),
            ("-- migrate:up\nSELECT 1;\n-- migrate:down\n-- migrate:down", 4), ("-- migrate:up transaction:false\nSELECT 1;", 1),
            ("-- migrate:up\nSELECT 1;\nCOMMIT;", 3), ("-- migrate:up\n  begin ;\n", 2),
        ] as [(String, Int?)])
    func aFileOutOfFormIsRefusedAtItsLine(contents: String, line: Int?) {
        let error = #expect(throws: MigrationFileError.self) { try parse(contents) }
        #expect(error?.line == line)
        #expect(error?.description.hasPrefix("0007_add_a.sql") == true)
    }

    @Test(arguments: ["1_a.sql", "0001a.sql", "0001_.sql", "0001_A.sql", "0001_a.txt", "_a.sql", "0000_a.sql", "0001_a b.sql"])
    func aFileOutOfNameIsRefused(name: String) {
        #expect(throws: MigrationFileError.self) { try Migration.parse(file: name, contents: Array(Self.file.utf8)) }
    }

    @Test func bytesThatAreNoTextAreRefused() {
        #expect(throws: MigrationFileError.self) { try Migration.parse(file: "0001_a.sql", contents: [0x2d, 0xff]) }
    }

    @Test func aFunctionBodyMayBeginAndEnd() throws {
        let sql = "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$\nBEGIN\n  NULL;\nEND\n$$;"
        #expect(try parse("-- migrate:up\n" + sql).up.sql == sql)
    }

    private func parse(_ contents: String) throws -> Migration {
        try Migration.parse(file: "0007_add_a.sql", contents: Array(contents.utf8))
    }
}
