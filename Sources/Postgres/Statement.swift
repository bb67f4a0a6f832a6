/// SQL that is prepared once for each session, under its name, when it is first used there.
///
/// Only literals are taken, so no value can find its way into the text. The parameters' types are those of the
/// `Parameter` cases of the first call; one name always stands for one text and one list of types.
package struct Statement: Sendable {
    package let name: String
    package let sql: String

    package init(_ name: StaticString, _ sql: StaticString) {
        self.name = name.description
        self.sql = sql.description
    }
}

/// A statement with the values for its parameters.
package struct Call: Sendable {
    package let statement: Statement
    package let parameters: [Parameter]

    package init(_ statement: Statement, _ parameters: [Parameter] = []) {
        self.statement = statement
        self.parameters = parameters
    }
}
