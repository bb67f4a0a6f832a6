/// The page that a problem's `type` leads to: what happened, and what to do.
struct ProblemPage {
    let code: ProblemCode

    var html: [UInt8] {
        let row = code.description
        let page = """
            <!doctype html>
            <html lang="en">
            <head><meta charset="utf-8"><title>\(Self.escaped(row.title))</title></head>
            <body>
            <h1>\(Self.escaped(row.title))</h1>
            <p><code>\(code.rawValue)</code>, status \(row.status), \(row.retryable ? "may succeed when sent again later" : "will fail again unchanged")</p>
            <h2>What happened</h2>
            <p>\(Self.escaped(row.explanation))</p>
            <h2>What to do</h2>
            <p>\(Self.escaped(row.remedy))</p>
            </body>
            </html>

            """
        return Array(page.utf8)
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { escaped, character in
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            default: escaped.append(character)
            }
        }
    }
}
