/// What one run of messages came to; those of several threads add up.
package struct MessageMeasurements: Sendable {
    /// From when a message was due, to the answer to its send.
    package var sendLatency = LatencyRecorder()
    /// From when a message was due, to its arrival in a poll of the recipient.
    package var deliveryLatency = LatencyRecorder()
    /// From when a message was due, to the arrival of its receipt in a poll of the sender.
    package var receiptLatency = LatencyRecorder()
    /// Within the measured seconds.
    package var storedInWindow = 0
    package var deliveredInWindow = 0
    package var acknowledgedInWindow = 0
    /// In the whole run.
    package var begun = 0
    package var stored = 0
    package var delivered = 0
    package var acknowledged = 0
    package var lost = 0
    package var withoutReceipt = 0
    package var duplicates = 0
    package var polls = 0
    package var sendFailures = FailureCount()
    package var pollFailures = FailureCount()

    package init() {}

    package mutating func add(_ other: MessageMeasurements) {
        sendLatency.add(other.sendLatency)
        deliveryLatency.add(other.deliveryLatency)
        receiptLatency.add(other.receiptLatency)
        storedInWindow += other.storedInWindow
        deliveredInWindow += other.deliveredInWindow
        acknowledgedInWindow += other.acknowledgedInWindow
        begun += other.begun
        stored += other.stored
        delivered += other.delivered
        acknowledged += other.acknowledged
        lost += other.lost
        withoutReceipt += other.withoutReceipt
        duplicates += other.duplicates
        polls += other.polls
        sendFailures.add(other.sendFailures)
        pollFailures.add(other.pollFailures)
    }

    /// Takes over the book's totals.
    mutating func close(_ ledger: DeliveryLedger) {
        begun = ledger.begun
        stored = ledger.stored
        delivered = ledger.delivered
        acknowledged = ledger.receipted
        lost = ledger.lost
        withoutReceipt = ledger.withoutReceipt
        duplicates = ledger.duplicates
    }
}
