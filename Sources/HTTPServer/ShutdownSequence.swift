/// The order in which a worker ends. libmicrohttpd aborts the process if a daemon stops with a connection suspended, so the
/// last step is not taken while one is.
///
///     serving ─▶ draining ─▶ stopping, until the last connection ends ─────────────────────────────▶ over
///                                │ deadline                                                            ▲
///                                ▼                                                                     │
///                            held exchanges answered ──a second──▶ all connections cut ──a second──────┘
///                                                                      │      ▲
///                                                                      └──────┘ a second, while an exchange is held
struct ShutdownSequence {
    enum Step: Equatable { case none, stopAccepting, answerHeld, cutAll, end }

    private enum Stage { case serving, draining, answered, cut }

    /// What answers and closings get to leave the machine.
    static let grace: Int64 = 1000

    private var stage = Stage.serving
    private var stageEnd: Int64 = 0

    /// The next step, to be taken at once; `none` for now. Times are monotonic milliseconds.
    mutating func next(mode: RunMode, now: Int64, deadline: Int64, open: Int, held: Int) -> Step {
        switch (stage, mode) {
        case (_, .serving): return .none
        case (.serving, _):
            stage = .draining
            return .stopAccepting
        case (_, .stopping) where open == 0: return .end
        case (.draining, .stopping) where now >= deadline: return enter(.answered, until: now + Self.grace, .answerHeld)
        case (.answered, _) where now >= stageEnd: return enter(.cut, until: now + Self.grace, .cutAll)
        case (.cut, _) where now >= stageEnd: return held == 0 ? .end : enter(.cut, until: now + Self.grace, .cutAll)
        default: return .none
        }
    }

    private mutating func enter(_ stage: Stage, until end: Int64, _ step: Step) -> Step {
        self.stage = stage
        stageEnd = end
        return step
    }
}
