import Foundation
import Testing

@testable import Restante

@Suite final class MigrationListTests {
    private let folder = TemporaryFolder()

    @Test func theEmbeddedMigrationsAreThoseOfTheFolder() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../migrations").standardized.path()
        let names = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".sql") }.sorted()
        #expect(Assets.migrations.map(\.name) == names)
        for file in Assets.migrations {
            #expect(FileManager.default.contents(atPath: path + "/" + file.name).map(Array.init) == file.contents, "\(file.name)")
        }
    }

    @Test func theEmbeddedContractIsTheFile() {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../openapi.yaml").standardized.path()
        #expect(FileManager.default.contents(atPath: path).map(Array.init) == Assets.openAPI.contents)
    }

    @Test func theEmbeddedMigrationsAreInFormAndHaveAWayBack() throws {
        let migrations = try MigrationList.embedded().migrations
        #expect(!migrations.isEmpty)
        #expect(migrations.map(\.version) == (0..<migrations.count).map { $0 + 1 })
        #expect(migrations.allSatisfy { $0.down != nil })
    }

    @Test func aFolderIsReadInTheOrderOfVersions() throws {
        folder.write("0010_b.sql", "-- migrate:up\nSELECT 2;")
        folder.write("0002_a.sql", "-- migrate:up\nSELECT 1;")
        folder.write("README.md", "not a migration")
        #expect(try MigrationList.folder(folder.path).migrations.map(\.name) == ["0002_a", "0010_b"])
    }

    @Test func oneVersionTwiceIsRefused() {
        folder.write("0001_a.sql", "-- migrate:up\nSELECT 1;")
        folder.write("0001_b.sql", "-- migrate:up\nSELECT 2;")
        #expect(throws: MigrationFileError.self) { try MigrationList.folder(folder.path) }
    }

    @Test func anAbsentFolderIsNamed() {
        let error = #expect(throws: MigrationFileError.self) { try MigrationList.folder(folder.path + "/absent") }
        #expect(error?.description.contains(folder.path + "/absent") == true)
    }

    @Test func aNewMigrationHasTheNextVersionAndAwaitsItsStatements() throws {
        folder.write("0041_a.sql", "-- migrate:up\nSELECT 1;")
        #expect(try MigrationList.create("add_polls", in: folder.path) == folder.path + "/0042_add_polls.sql")
        let unfinished = #expect(throws: MigrationFileError.self) { try MigrationList.folder(folder.path) }
        #expect(unfinished?.file == "0042_add_polls.sql")
        #expect(throws: MigrationFileError.self) { try MigrationList.create("Add Polls", in: folder.path) }
    }
}
