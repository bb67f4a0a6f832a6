/// How a poll that asked to wait ended.
enum PollEnding: Int, EnumLabel {
    static let labelName = "ending"
    /// With items of the inbox; with nothing but fleeting ones; with nothing, when its time was over.
    case items, ephemeral, empty
    /// A newer poll of the same device took its place.
    case superseded
    /// The device is no more.
    case revoked
    case failed
    /// The client hung up, or the server stopped.
    case abandoned

    init(_ page: InboxPage) {
        if page.isSuperseded {
            self = .superseded
        } else if !page.items.isEmpty {
            self = .items
        } else {
            self = page.ephemeral.isEmpty ? .empty : .ephemeral
        }
    }
}

/// What the mailroom counts: polls that wait, how they end, and how long it takes to wake one. Two additions for each poll, two more for each wake-up.
struct PollMetrics: Sendable {
    let opened = Counter<NoLabel>("restante_polls_opened_total", "Polls that asked to wait.")
    let ended = Counter<PollEnding>("restante_polls_ended_total", "Polls that had asked to wait and are over, by how they ended.")
    let wakeToAnswer = Histogram<NoLabel>(
        "restante_wake_to_answer_seconds",
        "From the commit, or another node's hint, until the answer of the poll that it woke was handed to the HTTP thread.")

    var families: [any MetricFamily] { [opened, ended, wakeToAnswer] }

    /// Polls that are held now; read in this order, what ends meanwhile does not make it negative.
    var held: UInt64 {
        let endings = PollEnding.allCases.reduce(0) { $0 + ended.value($1) }
        let begun = opened.value
        return begun > endings ? begun - endings : 0
    }

    /// `wokenAt` in nanoseconds of uptime; 0 where nothing woke it.
    func answered(_ ending: PollEnding, wokenAt: UInt64) {
        ended.add(ending)
        guard wokenAt > 0, ending == .items || ending == .ephemeral else { return }
        let now = Uptime.nanoseconds()
        wakeToAnswer.observe(now > wokenAt ? now - wokenAt : 0)
    }
}
