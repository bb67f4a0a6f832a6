import CLibpq

/// What a statement gave back: its rows, and how many rows it touched.
package struct Rows: RandomAccessCollection, Sendable {
    let result: QueryResult

    package let startIndex = 0
    package let endIndex: Int

    init(_ result: QueryResult) {
        self.result = result
        endIndex = result.rowCount
    }

    package subscript(position: Int) -> Row {
        Row(result: result, index: position)
    }

    /// Rows inserted, updated, deleted or selected; zero for a command that counts nothing.
    package var affected: Int { result.affected }
}

/// Owns one PGresult and frees it.
///
/// Source: libpq manual, "Behavior in Threaded Programs": "PGresult objects are normally read-only after creation, and so
/// can be passed around freely between threads." Nothing here writes to it, hence `@unchecked Sendable`.
final class QueryResult: @unchecked Sendable {
    private let handle: OpaquePointer
    let rowCount: Int
    let columnCount: Int

    init(owning handle: OpaquePointer) {
        self.handle = handle
        rowCount = Int(PQntuples(handle))
        columnCount = Int(PQnfields(handle))
    }

    deinit {
        PQclear(handle)
    }

    var status: ExecStatusType { PQresultStatus(handle) }

    var affected: Int {
        guard let text = PQcmdTuples(handle) else { return 0 }
        return Int(String(cString: text)) ?? 0
    }

    /// `INSERT 0 1`, `COMMIT`, `ROLLBACK`, …
    var commandTag: String {
        PQcmdStatus(handle).map { String(cString: $0) } ?? ""
    }

    /// One field of the server's error report.
    func diagnostic(_ field: DiagnosticField) -> String? {
        PQresultErrorField(handle, field.rawValue).map { String(cString: $0) }
    }

    var errorMessage: String {
        PQresultErrorMessage(handle).map { String(cString: $0) } ?? ""
    }

    func type(ofColumn column: Int) -> TypeIdentifier {
        TypeIdentifier(PQftype(handle, Int32(column)))
    }

    /// The binary value; nil for NULL. The bytes live as long as this object. Row and column must exist.
    func value(row: Int, column: Int) -> UnsafeRawBufferPointer? {
        guard PQgetisnull(handle, Int32(row), Int32(column)) == 0 else { return nil }
        return UnsafeRawBufferPointer(
            start: PQgetvalue(handle, Int32(row), Int32(column)), count: Int(PQgetlength(handle, Int32(row), Int32(column))))
    }
}
