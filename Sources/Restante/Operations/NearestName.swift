/// The known name that a misspelt one most likely stands for; nil if none is near.
///
/// Near is at most a third of the name's length in changed, missing, added or swapped neighbouring characters, and at most 3.
package func nearestName(to name: String, among names: [String]) -> String? {
    let written = Array(name.lowercased().utf8)
    let tolerance = min(3, max(1, written.count / 3))
    return names.sorted()
        .map { (name: $0, distance: editDistance(written, Array($0.lowercased().utf8))) }
        .filter { $0.distance <= tolerance }
        .min { $0.distance < $1.distance }?
        .name
}

/// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for row in 0..<left.count {
        var current = [row + 1]
        for column in 0..<right.count {
            let substitution = last[column] + (left[row] == right[column] ? 0 : 1)
            var best = min(substitution, last[column + 1] + 1, current[column] + 1)
            if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                best = min(best, beforeLast[column - 1] + 1)
            }
            current.append(best)
        }
        beforeLast = last
        last = current
    }
    return last[right.count]
}
