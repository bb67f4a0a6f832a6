/// Whether a long transfer gets on: in each window of time it has to move so many bytes.
///
/// A deadline for the whole would cut off a film on a slow link, or let a trickle hold a connection for hours. So a stream has a deadline
/// that moves with its bytes, and a client that is slower than the least rate is slow on purpose, or gone.
struct ProgressWindow {
    private var begun = 0

    /// A window begins after so many bytes.
    mutating func begin(at count: Int) {
        begun = count
    }

    /// The window is over after so many bytes. True: enough, and the next one begins.
    mutating func renew(at count: Int, quota: Int) -> Bool {
        guard count - begun >= quota else { return false }
        begun = count
        return true
    }
}
